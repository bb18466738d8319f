"""The section ``gateway``: from what is written there to what the gateway runs with."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framegate.config.addresses import Address, parse_address
from framegate.config.configuration import AccessLog, Dns, Gateway, Listen, Tracing
from framegate.config.gather import Sections
from framegate.config.listener_tls import ListenerTls
from framegate.config.model.dns import Dns as DnsModel
from framegate.config.model.dns import split_server
from framegate.config.model.options import as_table_options
from framegate.config.problems import Problems
from framegate.config.session_options import faults
from framegate.options import ServerLimits
from framegate.pdk.trusted import Trusted

_TRACING_NEEDS = {
    "opentelemetry-sdk": "opentelemetry.sdk.trace",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
}


class GatewaySection:
    """Resolves the section.

    Args:
        sections: what the file says.
        folder: what paths in the file are relative to.
        problems: to add to.
    """

    def __init__(self, sections: Sections, folder: Path, problems: Problems) -> None:
        self.model: Any = sections.gateway
        self.wrong = set(sections.wrong)
        self.folder = folder
        self.problems = problems

    def plugin_paths(self) -> tuple[Path, ...]:
        """The folders that are there; each that is not is a problem."""
        found = []
        for index, text in enumerate(self.model.plugin_paths):
            path = self._absolute(text)
            if path.is_dir():
                found.append(path)
            else:
                self.wrong.add("plugin_paths")
                what = "is not a folder" if path.exists() else "does not exist"
                self.problems.at(("gateway", "plugin_paths", index), f"the folder {str(path)!r} {what}")
        return tuple(found)

    def resolve(self, plugin_paths: tuple[Path, ...], *, has_server_names: bool) -> Gateway:
        """The section, with everything checked."""
        model = self.model
        return Gateway(
            listen=tuple(self._listens(has_server_names)),
            plugin_paths=plugin_paths,
            workers=model.workers,
            worker_timeout=model.worker_timeout,
            watch=model.watch,
            on_policy_change=model.on_policy_change,
            pre_drain_delay=model.pre_drain_delay,
            trusted_ips=self._trusted(),
            trusted_unix="unix:" in model.trusted_ips,
            real_ip_header=model.real_ip_header,
            real_ip_recursive=model.real_ip_recursive,
            plugin_time_limit=model.plugin_time_limit,
            log_level=model.log_level,
            log_format=model.log_format,
            access_log=self._access_log(),
            tracing=self._tracing(),
            options=self._options(),
            limits=self._limits(),
            dns=self._dns(),
            status_listen=self._status_listen(),
            metric_names="framegate" if model.metrics is None else model.metrics.names,
        )

    def _status_listen(self) -> Listen | None:
        text = self.model.status_listen
        if text is None:
            return None
        at = ("gateway", "status_listen")
        listen = self._listen(parse_address(text), at)
        for entry in self.model.listen:
            other = self._listen(parse_address(entry if isinstance(entry, str) else entry.address), at)
            if listen.port != 0 and (listen.host, listen.port, listen.path) == (other.host, other.port, other.path):
                self.problems.at(at, f"{listen} is listened at for clients already", "take another port")
        return listen

    def _listen(self, address: Address, at: tuple[str, ...]) -> Listen:
        path = None if address.path is None else str(self._absolute(address.path))
        return Listen(address.host, address.port, path, line=self.problems.document.line(at))

    def _options(self) -> dict[str, Any]:
        options = as_table_options(self.model.options)
        for name, what in faults(options, options):
            self.problems.at(("gateway", "options", name), what)
        return options

    def _trusted(self) -> Trusted:
        model = self.model
        return Trusted.of(
            (ipaddress.ip_network(text) for text in model.trusted_ips if text != "unix:"),
            unix="unix:" in model.trusted_ips,
            header=model.real_ip_header,
            recursive=model.real_ip_recursive,
        )

    def _limits(self) -> dict[str, Any]:
        limits = as_table_options(self.model.limits)
        ServerLimits.of(**limits)
        return limits

    def _dns(self) -> Dns:
        model = self.model.dns or DnsModel()
        return Dns(
            resolver=tuple(map(split_server, model.resolver)),
            hosts_file=self._absolute(model.hostsfile),
            order=tuple(dict.fromkeys(model.order)),
            valid_ttl=model.valid_ttl,
            stale_ttl=model.stale_ttl,
            error_ttl=model.error_ttl,
        )

    def _access_log(self) -> AccessLog | None:
        model = self.model.access_log
        if model is None or model.path == "-":
            return None if model is None else AccessLog(None, model.format, model.queue_size)
        path = self._absolute(model.path)
        if path.is_dir():
            self.problems.at(("gateway", "access_log", "path"), f"{str(path)!r} is a folder", "name a file in it")
        elif not path.parent.is_dir():
            what = f"the folder {str(path.parent)!r} does not exist"
            self.problems.at(("gateway", "access_log", "path"), what, "make it first")
        return AccessLog(str(path), model.format, model.queue_size)

    def _tracing(self) -> Tracing | None:
        model = self.model.tracing
        if model is None:
            return None
        missing = [package for package, module in _TRACING_NEEDS.items() if not _is_installed(module)]
        if missing:
            what = f"needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed"
            self.problems.at(("gateway", "tracing"), what, "pip install 'framegate[otel]'")
        return Tracing(
            endpoint=model.endpoint,
            service_name=model.service_name,
            sample_ratio=model.sample_ratio,
            accept_context=model.accept_context,
            headers=tuple(model.headers.items()),
            compression=model.compression,
            timeout=model.timeout / 1000,
            export_interval=model.export_interval / 1000,
            queue_size=model.queue_size,
        )

    def _listens(self, has_server_names: bool) -> Iterator[Listen]:
        seen: dict[tuple[Any, ...], tuple[int, int | None]] = {}
        for index, entry in enumerate(self.model.listen):
            at = ("gateway", "listen", index)
            if isinstance(entry, str):  # the default is a text
                address, tls, proxied = parse_address(entry), None, False
            else:
                address, tls, proxied = parse_address(entry.address), entry.tls, entry.proxy_protocol
            path = None if address.path is None else str(self._absolute(address.path))
            here = self.problems.document.line(at)
            listen = Listen(address.host, address.port, path, line=here, proxy_protocol=proxied)
            key = (address.host, address.port, path)
            first, line = seen.setdefault(key, (index, listen.line))
            if first != index and address.port != 0:
                self.problems.at(at, f"{listen} is listened at already, in line {line}", "remove one")
            if proxied:
                self._check_proxies(path, index)
            if tls is not None:
                checked = ListenerTls(tls, (*at, "tls"), self.folder, self.problems)
                listen = checked.apply(listen, has_server_names=has_server_names)
            yield listen

    def _check_proxies(self, path: str | None, index: int) -> None:
        trusted = self.model.trusted_ips
        if "trusted_ips" not in self.wrong and not any((text == "unix:") == (path is not None) for text in trusted):
            who = "peers on Unix sockets" if path is not None else "any address"
            mend = "add unix: to it" if path is not None else "add those of the proxies to it"
            at = ("gateway", "listen", index, "proxy_protocol")
            self.problems.at(at, f"trusted_ips does not have {who}, so that every connection would be closed", mend)

    def _absolute(self, text: str) -> Path:
        return Path(os.path.abspath(self.folder / Path(text).expanduser()))


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # of a package that it is in
        return False
