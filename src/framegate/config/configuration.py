"""What the gateway serves: the file's entities, resolved and complete.

References are the objects themselves, defaults are filled in, every entity has an id, and secrets have been read.
Nothing here checks anything: whoever makes these has done so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from framegate.pdk.entities import Entities
from framegate.pdk.plugin import PluginInstance
from framegate.pdk.trusted import REAL_IP_HEADER, Trusted


@dataclass(frozen=True, slots=True)
class TlsRules:
    """What TLS demands of clients.

    Attributes:
        min_version: ``"TLSv1.2"`` or ``"TLSv1.3"``.
        ciphers: OpenSSL's list of cipher suites up to TLS 1.2, or None.
        client_ca: the file of the authorities (PEM) that clients' certificates are verified with, absolute; None asks
            for no certificate.
        client_crl: the file of those authorities' lists of revoked certificates (PEM), absolute, or None.
        optional: whether a client without a certificate is served.
    """

    min_version: str = "TLSv1.2"
    ciphers: str | None = None
    client_ca: str | None = None
    client_crl: str | None = None
    optional: bool = False


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
        proxy_protocol: whether trusted proxies put a header of the PROXY protocol before everything else.
        rules: what TLS demands of clients here.
    """

    host: str | None = None
    port: int | None = None
    path: str | None = None
    tls: bool = False
    cert: str | None = None
    key: str | None = None
    line: int | None = None
    proxy_protocol: bool = False
    rules: TlsRules = field(default_factory=TlsRules)

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if self.host is not None and ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Dns:
    """How the names of upstreams become addresses. Times in seconds.

    Attributes:
        resolver: name servers to ask, as address and port; none leaves it to the system's resolver.
        hosts_file: a file of names and addresses that comes before the name servers.
        order: which records are asked for, ``"SRV"``, ``"A"``, ``"AAAA"``; the first kind that there is counts.
        valid_ttl: how long an answer counts, whatever it says itself; None leaves it to the answer.
        stale_ttl: how much longer it counts while it cannot be renewed.
        error_ttl: after how long a lookup that failed is repeated.
    """

    resolver: tuple[tuple[str, int], ...] = ()
    hosts_file: Path = Path("/etc/hosts")
    order: tuple[str, ...] = ("SRV", "A", "AAAA")
    valid_ttl: float | None = None
    stale_ttl: float = 3600.0
    error_ttl: float = 1.0


@dataclass(frozen=True, slots=True)
class Tracing:
    """Where traces of connections go. Times in seconds.

    Attributes:
        endpoint: the URL that takes them, OTLP over HTTP.
        service_name: ``service.name`` of all of them.
        sample_ratio: the share of those that begin here that is kept.
        accept_context: ``"trusted"`` or ``"always"``: whose traces are continued.
        headers: further header fields of what is sent.
        compression: ``"none"`` or ``"gzip"``.
        timeout: how long a batch may take.
        export_interval: the longest that a span waits.
        queue_size: most spans that wait.
    """

    endpoint: str = "http://127.0.0.1:4318/v1/traces"
    service_name: str = "framegate"
    sample_ratio: float = 1.0
    accept_context: str = "trusted"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    compression: str = "none"
    timeout: float = 10.0
    export_interval: float = 5.0
    queue_size: int = 2048


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Where a line about each refused handshake and each ended session goes.

    Attributes:
        path: a file, absolute; None for standard output.
        format: ``"json"`` or ``"text"``.
        queue_size: most lines that wait.
    """

    path: str | None = None
    format: str = "json"
    queue_size: int = 10_000


@dataclass(frozen=True, slots=True)
class Gateway:
    """What the file says under ``gateway:``.

    Attributes:
        listen: where to listen.
        plugin_paths: the folders in which plugins are looked for, absolute.
        workers: how many processes serve.
        worker_timeout: milliseconds after which a worker that does not answer is replaced, or None.
        watch: whether a change of the file, its plugins or its listeners' certificates is a reload.
        on_policy_change: ``"rebind"`` or ``"drain"``: what a reload does with live sessions whose plugins change.
        pre_drain_delay: milliseconds between not being ready any more and the end of accepting.
        trusted_ips: peers whose word in forwarding headers and headers of the PROXY protocol counts, with what the next
            three say.
        trusted_unix: whether those on Unix sockets are among them.
        real_ip_header: the field that tells the client's address.
        real_ip_recursive: whether trusted addresses at the end of that field are passed over.
        plugin_time_limit: milliseconds that a phase of a plugin may hold the event loop before it is logged.
        log_level: ``"debug"``, ``"info"``, ``"warning"`` or ``"error"``.
        log_format: ``"text"`` or ``"json"``: how the log of the process is written.
        access_log: a line about each connection; None for none.
        tracing: traces of connections; None for none.
        options: :class:`framegate.options.ProxyOptions` by name, only those that the file names; times in seconds.
        limits: :class:`framegate.options.ServerLimits` by name, likewise.
        dns: how the names of upstreams become addresses.
        status_listen: where metrics, probes and the level of the log are; None is nowhere.
        metric_names: ``"framegate"`` or ``"kong"``: what the names of metrics begin with.
    """

    listen: tuple[Listen, ...] = ()
    plugin_paths: tuple[Path, ...] = ()
    workers: int = 1
    worker_timeout: int | None = 30_000
    watch: bool = False
    on_policy_change: str = "rebind"
    pre_drain_delay: int = 0
    trusted_ips: Trusted = field(default_factory=Trusted)
    trusted_unix: bool = False
    real_ip_header: str = REAL_IP_HEADER
    real_ip_recursive: bool = True
    plugin_time_limit: int = 100
    log_level: str = "info"
    log_format: str = "text"
    access_log: AccessLog | None = None
    tracing: Tracing | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    dns: Dns = field(default_factory=Dns)
    status_listen: Listen | None = None
    metric_names: str = "framegate"


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
        tls_server_name: the name that the upstream is asked for and verified by, or None for the host's.
        tls_min_version: ``"TLSv1.2"`` or ``"TLSv1.3"``.
        proxy_protocol: the version by which the upstream is told of the client before everything else, or None.
        client_certificate: what is shown to the upstream.
        ca_certificates: whom to trust instead of the system's authorities; none trusts those.
        options: :class:`framegate.options.ProxyOptions` by name, only those that the file names; times in seconds.
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
    tls_server_name: str | None = None
    tls_min_version: str = "TLSv1.2"
    proxy_protocol: Literal[1, 2] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
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
        options: like those of :class:`Service`.
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
    options: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One address of an upstream: ``target`` as the file writes it, and its parts.

    Attributes:
        max_connections: most sessions at a time, to each address that the name has; None for no limit.
        srv: whether the name is one of SRV records, whose ports and weights count.
    """

    id: str
    target: str
    host: str
    port: int = 8000
    weight: int = 100
    max_connections: int | None = None
    srv: bool = False
    tags: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How often something must happen in a row until it tells a target's health; 0 for never.

    Attributes:
        successes: good answers, until a target is healthy.
        tcp_failures: connections that failed, until it is not.
        timeouts: time-outs, likewise.
        http_failures: statuses that are none of a healthy target, likewise.
        session_failures: sessions that the upstream broke off soon, likewise.
    """

    successes: int = 0
    tcp_failures: int = 0
    timeouts: int = 0
    http_failures: int = 0
    session_failures: int = 0


@dataclass(frozen=True, slots=True)
class ActiveChecks:
    """Checks that the gateway makes by itself. Times in seconds.

    Attributes:
        type: ``"tcp"``, ``"http"``, ``"https"``, ``"websocket"`` or ``"websockets"``.
        timeout: the longest that a check may take.
        concurrency: most checks of the upstream at a time.
        http_path: what is asked for.
        headers: further header fields.
        https_sni: the name that TLS asks for and verifies; None takes the target's.
        https_verify_certificate: whether TLS verifies.
        healthy_interval: between checks of a healthy target; 0 for none.
        unhealthy_interval: between checks of an unhealthy target; 0 for none.
        healthy_statuses, unhealthy_statuses: HTTP statuses that tell the one or the other; others tell nothing.
        limits: how often until it counts.
    """

    type: str = "http"
    timeout: float = 1.0
    concurrency: int = 10
    http_path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    https_sni: str | None = None
    https_verify_certificate: bool = True
    healthy_interval: float = 0.0
    unhealthy_interval: float = 0.0
    healthy_statuses: frozenset[int] = frozenset()
    unhealthy_statuses: frozenset[int] = frozenset()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class PassiveChecks:
    """What the sessions tell of their targets.

    Attributes:
        type: ``"tcp"`` leaves the HTTP statuses out.
        healthy_statuses, unhealthy_statuses: statuses of refused handshakes that tell the one or the other.
        session_time: how soon, in seconds, a session must break off to be a failure.
        limits: how often until it counts.
    """

    type: str = "http"
    healthy_statuses: frozenset[int] = frozenset()
    unhealthy_statuses: frozenset[int] = frozenset()
    session_time: float = 1.0
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Healthchecks:
    """What makes targets healthy and unhealthy.

    Attributes:
        active: checks of our own.
        passive: what the sessions tell.
        threshold: the percentage of the weights that must be healthy for the upstream to be used at all.
        ejection_time: seconds after which an unhealthy target that is not checked is tried again; 0 for never.
    """

    active: ActiveChecks = ActiveChecks()
    passive: PassiveChecks = PassiveChecks()
    threshold: float = 0.0
    ejection_time: float = 30.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """Several addresses behind one name, and how one is chosen.

    Attributes:
        slow_start: milliseconds in which the share of a target that is new, or healthy again, rises to its weight.
        retry_on_statuses: statuses of a refused handshake for which another target is asked.
        use_srv_name: whether the name in the SRV record is the ``Host``, rather than the target's.
    """

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
    healthchecks: Healthchecks = Healthchecks()
    slow_start: int = 0
    retry_on_statuses: frozenset[int] = frozenset()
    use_srv_name: bool = False
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
