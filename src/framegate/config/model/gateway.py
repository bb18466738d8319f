"""The section ``gateway``: what framegate adds to the format."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from framegate.config.addresses import FORMS, parse_address
from framegate.config.model.dns import Dns
from framegate.config.model.fields import HEADER_NAME, Between, Form, Model, NotEmpty, Text, field, refusal
from framegate.config.model.options import Limits, Options
from framegate.config.model.telemetry import AccessLog, Tracing
from framegate.config.model.tls import ListenTls

DEFAULT_LISTEN = "127.0.0.1:8000"
"""Kong's port, on this machine alone."""


def _check_address(text: str) -> None:
    try:
        parse_address(text)
    except ValueError as error:
        raise refusal(f"{text!r}: {error}") from None


def _check_network(text: str) -> None:
    if text == "unix:":
        return
    try:
        ipaddress.ip_network(text)
    except ValueError:
        try:
            mend = f"write {ipaddress.ip_network(text, strict=False)}"
        except ValueError:
            mend = "as in 10.0.0.0/8 or 2001:db8::1"
        raise refusal(f"must be an address or a network, not {text!r}", mend) from None


def _check_real_ip_header(name: str) -> None:
    if name == "proxy_protocol":
        raise refusal("'proxy_protocol' is not served", "write proxy_protocol: true beside the address in listen")


Address = Annotated[str, Form(r"^(unix:.+|.+:[0-9]+)$", "HOST:PORT or unix:PATH", FORMS, _check_address)]
Network = Annotated[
    str, Form(r"^(unix:|[0-9A-Fa-f.:]+(/[0-9]+)?)$", "an address or a network", None, _check_network)
]
RealIpHeader = Annotated[
    str, Form(HEADER_NAME, "the name of a header field", "as in X-Forwarded-For or X-Real-IP", _check_real_ip_header)
]


@dataclass(frozen=True, slots=True)
class _Or:
    """Lets a field be written in a short form too.

    Attributes:
        short: the type of the short form.
        name: the field of the long form that it stands for; empty for what ``True`` stands for.
    """

    short: type
    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.long, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        short = {"type": "boolean"} if self.short is bool else {"type": "string", "pattern": r"^(unix:.+|.+:[0-9]+)$"}
        return {"anyOf": [short, handler(schema)]}

    def long(self, value: Any) -> Any:
        if self.short is bool:
            return {} if value is True else None if value is False else value
        return {self.name: value} if isinstance(value, str) else value


class Listen(Model):
    """A place to listen at. A text is short for its ``address`` alone."""

    address: Address = field()
    """``HOST:PORT``, ``[IPV6]:PORT`` or ``unix:PATH``; port 0 takes a free one, PATH is relative to this file."""
    tls: Annotated[ListenTls | None, _Or(bool, "")] = field(None, origin="no TLS")
    """``true``, or a mapping, for TLS."""
    proxy_protocol: bool = field(False, origin="it is for listeners that only proxies reach")
    """Whether each connection begins with a header of the PROXY protocol, 1 or 2, of a peer in `trusted_ips`."""


class Metrics(Model):
    """How metrics are told."""

    names: Literal["framegate", "kong"] = field("framegate", origin="Prometheus: a name begins with its program's")
    """What their names begin with: `framegate_`, or `kong_websocket_`."""


class Gateway(Model):
    """How the gateway itself runs."""

    listen: Annotated[list[Annotated[Listen, _Or(str, "address")]], NotEmpty()] = field(
        [DEFAULT_LISTEN], origin="Kong's port, on this machine alone"
    )
    """Where to listen."""
    plugin_paths: list[Text] = field([], origin="the bundled plugins alone")
    """Folders with plugins, relative to this file."""
    workers: Annotated[int, Between(1, 1024)] = field(1, origin="one process is easiest to watch")
    """How many processes serve; a change takes effect at the next start."""
    worker_timeout: Annotated[int, Between(100, 3_600_000)] | None = field(
        30_000, origin="gunicorn's for its workers", unit="ms"
    )
    """Of several processes, one whose event loop does not answer for this long is killed and replaced; null: never."""
    watch: bool = field(False, origin="a file that is being written must not be served")
    """Whether a change of this file, of a plugin in `plugin_paths` or of a listener's certificates is a reload."""
    on_policy_change: Literal["rebind", "drain"] = field("rebind", origin="nobody has to connect anew")
    """What a reload does with a live session whose plugins change: new ones from its next message on, or 1012."""
    pre_drain_delay: Annotated[int, Between(0, 3_600_000)] = field(
        0, origin="nothing in front that has to notice", unit="ms"
    )
    """How long a process that was told to end still accepts clients while it says that it is not ready."""
    trusted_ips: list[Network] = field([], origin="Kong; nobody is believed")
    """Peers whose forwarding headers are believed: addresses, networks, and `unix:` for those on Unix sockets."""
    real_ip_header: RealIpHeader = field("X-Forwarded-For", origin="what most proxies send; Kong's is X-Real-IP")
    """The field in which a trusted peer tells the client's address; of `Forwarded` its `for=` counts."""
    real_ip_recursive: bool = field(True, origin="several trusted proxies in a row; Kong's is false")
    """Whether trusted addresses at the end of that field are passed over; if not, its last address is the client's."""
    plugin_time_limit: Annotated[int, Between(1, 3_600_000)] = field(
        100, origin="asyncio's debug mode takes as long for slow", unit="ms"
    )
    """A plugin that holds the event loop for longer is logged."""
    log_level: Literal["debug", "info", "warning", "error"] = field("info", origin="one line a session")
    """What is logged to standard error."""
    log_format: Literal["text", "json"] = field("text", origin="people read it")
    """How that is written: as lines for people, or a JSON object a line."""
    access_log: AccessLog | None = field(None, origin="the sessions in the log are enough")
    """A line for each handshake that was refused and each session that has ended."""
    tracing: Tracing | None = field(None, origin="no traces")
    """Traces of connections for OpenTelemetry."""
    options: Options | None = field(None)  # type: ignore[valid-type]
    """Options of all sessions."""
    limits: Limits | None = field(None)  # type: ignore[valid-type]
    """Limits of each listener."""
    dns: Dns | None = field(None)
    """How the names of upstreams become addresses."""
    status_listen: Address | None = field(None, origin="nothing is told that nobody asked for")
    """Where metrics, probes and the level of the log are, in the clear; a change takes effect at the next start."""
    metrics: Metrics | None = field(None)
    """How metrics are told."""
