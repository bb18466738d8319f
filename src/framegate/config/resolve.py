"""Makes the configuration out of drafts with which nothing is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from framegate.config.configuration import (
    CaCertificate,
    Certificate,
    Configuration,
    Consumer,
    Gateway,
    PluginConfig,
    Route,
    Service,
    Sni,
    Target,
    Upstream,
)
from framegate.config.draft import Draft, Drafts
from framegate.config.entity_view import entities
from framegate.config.health import healthchecks
from framegate.config.model.fields import split_target
from framegate.config.model.options import as_table_options
from framegate.config.rules import algorithm_of, url_of
from framegate.pdk.plugin import PluginInstance

_PROXY_PROTOCOL: Final[Mapping[str, Literal[1, 2]]] = {"v1": 1, "v2": 2}


def resolve(path: Path, gateway: Gateway, drafts: Drafts, instances: Mapping[Draft, PluginInstance]) -> Configuration:
    """The configuration.

    Args:
        path: the file.
        gateway: its section of that name.
        drafts: its entities, linked and with their ids.
        instances: the plugins' objects.
    """
    resolver = _Resolver(drafts)
    return Configuration(
        path=path,
        gateway=gateway,
        services=tuple(resolver.service(draft) for draft in drafts.of("services")),
        routes=tuple(resolver.route(draft) for draft in drafts.of("routes")),
        upstreams=tuple(resolver.upstream(draft) for draft in drafts.of("upstreams")),
        consumers=tuple(resolver.consumer(draft) for draft in drafts.of("consumers")),
        certificates=tuple(resolver.certificate(draft) for draft in drafts.of("certificates")),
        snis=tuple(resolver.sni(draft) for draft in drafts.of("snis")),
        ca_certificates=tuple(resolver.authority(draft) for draft in drafts.of("ca_certificates")),
        plugins=tuple(resolver.plugin(draft, instances[draft]) for draft in drafts.of("plugins")),
        entities=entities(drafts, instances),
    )


class _Resolver:
    def __init__(self, drafts: Drafts) -> None:
        self._made: dict[Draft, Any] = {}
        self._targets: dict[Draft, list[Target]] = {}
        for draft in drafts.of("targets"):
            upstream = draft.one("upstream")
            assert upstream is not None
            self._targets.setdefault(upstream, []).append(_target(draft))

    def service(self, draft: Draft) -> Service:
        if draft not in self._made:
            self._made[draft] = self._service(draft)
        made: Service = self._made[draft]
        return made

    def _service(self, draft: Draft) -> Service:
        fields, url = draft.fields, url_of(draft)
        assert url is not None
        return Service(
            name=fields.name,
            protocol=url.protocol,
            host=url.host,
            port=url.port,
            path=url.path,
            retries=fields.retries,
            connect_timeout=fields.connect_timeout,
            write_timeout=fields.write_timeout,
            read_timeout=fields.read_timeout,
            tls_verify=fields.tls_verify,
            tls_server_name=fields.tls_server_name,
            tls_min_version=fields.tls_min_version,
            proxy_protocol=None if fields.proxy_protocol is None else _PROXY_PROTOCOL[fields.proxy_protocol],
            client_certificate=self._client_certificate(draft),
            ca_certificates=tuple(self.authority(found) for found in draft.references.get("ca_certificates", ())),
            enabled=fields.enabled,
            options=as_table_options(fields.options),
            **_common(draft),
        )

    def route(self, draft: Draft) -> Route:
        if draft not in self._made:
            self._made[draft] = self._route(draft)
        made: Route = self._made[draft]
        return made

    def _route(self, draft: Draft) -> Route:
        fields, service = draft.fields, draft.one("service")
        assert service is not None
        return Route(
            name=fields.name,
            service=self.service(service),
            protocols=tuple(dict.fromkeys(fields.protocols)),
            paths=tuple(fields.paths),
            hosts=tuple(fields.hosts),
            headers={name.lower(): tuple(values) for name, values in fields.headers.items()},
            snis=tuple(fields.snis),
            methods=tuple(dict.fromkeys(fields.methods)),
            strip_path=fields.strip_path,
            preserve_host=fields.preserve_host,
            regex_priority=fields.regex_priority,
            path_handling=fields.path_handling,
            https_redirect_status_code=fields.https_redirect_status_code,
            created_at=None if fields.created_at is None else int(fields.created_at),
            options=as_table_options(fields.options),
            **_common(draft),
        )

    def upstream(self, draft: Draft) -> Upstream:
        fields = draft.fields
        return Upstream(
            name=fields.name,
            targets=tuple(self._targets.get(draft, ())),
            algorithm=algorithm_of(fields),
            hash_on=fields.hash_on,
            hash_fallback=fields.hash_fallback,
            hash_on_header=fields.hash_on_header,
            hash_fallback_header=fields.hash_fallback_header,
            hash_on_cookie=fields.hash_on_cookie,
            hash_on_cookie_path=fields.hash_on_cookie_path,
            hash_on_query_arg=fields.hash_on_query_arg,
            hash_fallback_query_arg=fields.hash_fallback_query_arg,
            hash_on_uri_capture=fields.hash_on_uri_capture,
            hash_fallback_uri_capture=fields.hash_fallback_uri_capture,
            slots=fields.slots,
            host_header=fields.host_header,
            client_certificate=self._client_certificate(draft),
            healthchecks=healthchecks(fields.healthchecks),
            slow_start=fields.slow_start,
            retry_on_statuses=frozenset(fields.retry_on_statuses),
            use_srv_name=fields.use_srv_name,
            **_common(draft),
        )

    def consumer(self, draft: Draft) -> Consumer:
        fields = draft.fields
        return Consumer(username=fields.username, custom_id=fields.custom_id, **_common(draft))

    def certificate(self, draft: Draft) -> Certificate:
        fields = draft.fields
        return Certificate(
            cert=fields.cert, key=fields.key, cert_alt=fields.cert_alt, key_alt=fields.key_alt, **_common(draft)
        )

    def sni(self, draft: Draft) -> Sni:
        certificate = draft.one("certificate")
        assert certificate is not None
        return Sni(name=draft.fields.name, certificate=self.certificate(certificate), **_common(draft))

    def authority(self, draft: Draft) -> CaCertificate:
        return CaCertificate(cert=draft.fields.cert, **_common(draft))

    def plugin(self, draft: Draft, instance: PluginInstance) -> PluginConfig:
        fields = draft.fields
        route, service, consumer = (draft.one(name) for name in ("route", "service", "consumer"))
        return PluginConfig(
            instance=instance,
            name=instance.name,
            enabled=fields.enabled,
            route=None if route is None else self.route(route),
            service=None if service is None else self.service(service),
            consumer=None if consumer is None else self.consumer(consumer),
            protocols=tuple(dict.fromkeys(fields.protocols)),
            line=draft.line,
        )

    def _client_certificate(self, draft: Draft) -> Certificate | None:
        found = draft.one("client_certificate")
        return None if found is None else self.certificate(found)


def _target(draft: Draft) -> Target:
    fields = draft.fields
    host, port = split_target(fields.target)
    return Target(
        target=fields.target,
        host=host,
        port=port,
        weight=fields.weight,
        max_connections=fields.max_connections,
        srv=fields.srv,
        **_common(draft),
    )


def _common(draft: Draft) -> dict[str, Any]:
    return {"id": draft.id, "tags": tuple(draft.fields.tags), "line": draft.line}
