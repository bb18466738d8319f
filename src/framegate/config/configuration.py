"""What the gateway serves: the file's entities, resolved and complete.

References are the objects themselves, defaults are filled in, every entity has an id, and secrets have been read.
Nothing here checks anything: whoever makes these has done so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from framegate.pdk.entities import Entities
from framegate.pdk.plugin import PluginInstance

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Listen:
    """A place to listen at: a host and a port, or the path of a Unix socket.

    Attributes:
        host: a name or an address without brackets; None for a Unix socket.
        port: 0 takes a free one; None for a Unix socket.
        path: the path of the Unix socket, or None.
        tls: whether clients speak TLS here.
        cert: the file of a certificate chain (PEM), absolute; None leaves TLS to the configuration's certificates.
        key: the file of its key (PEM), absolute; None where ``cert`` holds the key too.
        line: where the file says so.
    """

    host: str | None = None
    port: int | None = None
    path: str | None = None
    tls: bool = False
    cert: str | None = None
    key: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if self.host is not None and ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Gateway:
    """What the file says under ``gateway:``.

    Attributes:
        listen: where to listen.
        plugin_paths: the folders in which plugins are looked for, absolute.
        workers: how many processes serve.
        trusted_ips: peers whose word in forwarding headers counts.
        plugin_time_limit: milliseconds that a phase of a plugin may hold the event loop before it is logged.
        log_level: ``"debug"``, ``"info"``, ``"warning"`` or ``"error"``.
        options: :class:`framegate.options.ProxyOptions` by name, only those that the file names; times in seconds.
        limits: :class:`framegate.options.ServerLimits` by name, likewise.
    """

    listen: tuple[Listen, ...] = ()
    plugin_paths: tuple[Path, ...] = ()
    workers: int = 1
    trusted_ips: tuple[Network, ...] = ()
    plugin_time_limit: int = 100
    log_level: str = "info"
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sni:
    """A server name for which a certificate is shown; ``name`` may begin or end with ``*.``/``.*``."""

    id: str
    name: str
    certificate: Certificate
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate chain and its key, both PEM text; the alternative pair is of another kind of key."""

    id: str
    cert: str
    key: str
    cert_alt: str | None = None
    key_alt: str | None = None
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class CaCertificate:
    """A certificate authority (PEM text) that upstreams are verified with."""

    id: str
    cert: str
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """An upstream application. Times in milliseconds, None where the file has none.

    Attributes:
        host: a host name, an address, or the name of an upstream entity.
        path: put before the path of a request, or None.
        retries: how often another attempt is made where one fails.
        tls_verify: whether the upstream's certificate is verified; None leaves it to the default, which is to verify.
        client_certificate: what is shown to the upstream.
        ca_certificates: whom to trust instead of the system's authorities; none trusts those.
    """

    id: str
    name: str | None
    protocol: str
    host: str
    port: int
    path: str | None = None
    retries: int = 5
    connect_timeout: int | None = None
    write_timeout: int | None = None
    read_timeout: int | None = None
    tls_verify: bool | None = None
    client_certificate: Certificate | None = None
    ca_certificates: tuple[CaCertificate, ...] = ()
    enabled: bool = True
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Which requests go to a service.

    Attributes:
        service: where they go.
        protocols: ``"ws"``, ``"wss"`` or both.
        paths: prefixes, and regular expressions where they begin with ``~``.
        hosts: names, perhaps with one ``*`` at an end, perhaps with a port.
        headers: by name in lower case, the values of which one must be there; a value that begins with ``~*`` is a
            regular expression, the only one of its name.
        snis: server names of the client's TLS.
        methods: ``("GET",)`` or nothing.
        https_redirect_status_code: what a ``ws`` request to a ``wss`` route is answered with.
        created_at: seconds since the epoch, or None; the older of two equal routes wins.
    """

    id: str
    name: str | None
    service: Service
    protocols: tuple[str, ...] = ("ws", "wss")
    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    snis: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    strip_path: bool = True
    preserve_host: bool = False
    regex_priority: int = 0
    path_handling: str = "v0"
    https_redirect_status_code: int = 426
    created_at: int | None = None
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One address of an upstream: ``target`` as the file writes it, and its parts."""

    id: str
    target: str
    host: str
    port: int = 8000
    weight: int = 100
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """Several addresses behind one name, and how one is chosen."""

    id: str
    name: str
    targets: tuple[Target, ...] = ()
    algorithm: str = "round-robin"
    hash_on: str = "none"
    hash_fallback: str = "none"
    hash_on_header: str | None = None
    hash_fallback_header: str | None = None
    hash_on_cookie: str | None = None
    hash_on_cookie_path: str = "/"
    hash_on_query_arg: str | None = None
    hash_fallback_query_arg: str | None = None
    hash_on_uri_capture: str | None = None
    hash_fallback_uri_capture: str | None = None
    slots: int = 10000
    host_header: str | None = None
    client_certificate: Certificate | None = None
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who a client may turn out to be; the credentials are among the :class:`Entities`."""

    id: str
    username: str | None = None
    custom_id: str | None = None
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class PluginConfig:
    """One configuration of a plugin, and what it applies to; None in all three is everything."""

    instance: PluginInstance
    name: str
    enabled: bool = True
    route: Route | None = None
    service: Service | None = None
    consumer: Consumer | None = None
    protocols: tuple[str, ...] = ("ws", "wss")
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """One file, resolved."""

    path: Path
    gateway: Gateway
    services: tuple[Service, ...] = ()
    routes: tuple[Route, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    snis: tuple[Sni, ...] = ()
    ca_certificates: tuple[CaCertificate, ...] = ()
    plugins: tuple[PluginConfig, ...] = ()
    entities: Entities = field(default_factory=Entities)
