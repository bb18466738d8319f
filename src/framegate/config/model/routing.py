"""The entities ``services`` and ``routes``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from framegate.config.model.entity import (
    AuthorityReferences,
    CertificateReference,
    Entity,
    Nested,
    ServiceReference,
)
from framegate.config.model.fields import (
    HEADER_NAME,
    KONG,
    BasePath,
    Between,
    Form,
    Host,
    HostName,
    Milliseconds,
    Name,
    NotEmpty,
    Port,
    Protocol,
    RouteHost,
    ServerName,
    Text,
    TlsVersion,
    field,
)
from framegate.config.model.options import Options
from framegate.config.model.plugin import Plugin
from framegate.config.model.syntax import check_header_name, check_route_path, check_url

Url = Annotated[
    str,
    Form(
        r"^[A-Za-z][A-Za-z0-9+.-]*://[^\s/]+",
        "a URL",
        "as in ws://chat.internal:9001/base",
        check_url,
        schema_pattern=r"^wss?://[^\s/?#@]+(/[^\s?#]*)?$",
    ),
]
RoutePath = Annotated[
    str,
    Form(
        r"^(~|/)",
        "a path that begins with /, or a regular expression that begins with ~",
        "as in /chat or ~/rooms/[0-9]+",
        check_route_path,
    ),
]
Header = Annotated[str, Form(HEADER_NAME, "the name of a header field", check=check_header_name)]
HeaderValues = Annotated[list[Text], NotEmpty()]


class Route(Entity):
    """Which requests go to a service. It needs at least one of hosts, paths, headers and snis."""

    named_by: ClassVar = "name"
    unique: ClassVar = ("name",)

    name: Name | None = field(None)
    """Its name, of which there is one."""
    service: ServiceReference = field(None, origin="the service that it stands in")
    """Where the requests go."""
    protocols: Annotated[list[Protocol], NotEmpty()] = field(["ws", "wss"], origin="all that is served")
    """How clients may come: ``ws``, ``wss`` (TLS) or both; without ``ws``, TLS is enforced."""
    hosts: list[RouteHost] = field([], origin=KONG)
    """The ``Host`` is one of these; ``*`` may stand for the first or the last part, a port may follow."""
    paths: list[RoutePath] = field([], origin=KONG)
    """The path begins with one of these, byte for byte; with ``~`` in front, a regular expression matches there."""
    headers: dict[Header, HeaderValues] = field({}, origin=KONG)
    """Header fields by name, with the values of which one must be there; a lone ``~*...`` is a regular expression."""
    snis: list[ServerName] = field([], origin=KONG)
    """The server name of the client's TLS is one of these."""
    methods: list[Literal["GET"]] = field([], origin=KONG)
    """Opening handshakes are GET (RFC 6455, section 4.1)."""
    strip_path: bool = field(True, origin=KONG)
    """Whether what ``paths`` matched is left out of the path upstream."""
    preserve_host: bool = field(False, origin=KONG)
    """Whether the client's ``Host`` goes upstream, instead of the service's."""
    regex_priority: int = field(0, origin=KONG)
    """Of several regular expressions that match, the one with the highest number wins."""
    path_handling: Literal["v0", "v1"] = field("v0", origin=KONG)
    """How the paths of service and request are joined: ``v0`` with one slash between, ``v1`` as they are."""
    https_redirect_status_code: Literal[426, 301, 302, 307, 308] = field(426, origin=KONG)
    """The answer to a ``ws`` request where only ``wss`` is allowed."""
    request_buffering: bool = field(True, origin=KONG)
    """No effect: opening handshakes have no body."""
    response_buffering: bool = field(True, origin=KONG)
    """No effect: opening handshakes have no body."""
    options: Options | None = field(None, origin="those of the service")  # type: ignore[valid-type]
    """Options of this route's sessions, in place of the service's; times in milliseconds."""
    plugins: Annotated[list[Plugin], Nested("route")] = field([])
    """Plugins for this route alone."""


class Service(Entity):
    """An upstream application: a ``url``, or its parts."""

    named_by: ClassVar = "name"
    unique: ClassVar = ("name",)

    name: Name | None = field(None)
    """Its name, of which there is one."""
    url: Url | None = field(None)
    """protocol, host, port and path in one: ``ws://HOST:PORT/PATH``."""
    protocol: Protocol | None = field(None)
    """How to speak to it: ``ws``, or ``wss`` for TLS."""
    host: Host | None = field(None)
    """A host name, an address, or the name of an upstream."""
    port: Port | None = field(None, origin="80 for ws, 443 for wss (RFC 6455, section 3)")
    """Its port."""
    path: BasePath | None = field(None)
    """What is put before the path of each request."""
    retries: Annotated[int, Between(0, 32767)] = field(5, origin=KONG)
    """How often another attempt is made where one fails."""
    connect_timeout: Milliseconds | None = field(None, origin="`connect_timeout` of `gateway.options`", unit="ms")
    """Longest wait for the connection and its opening handshake."""
    write_timeout: Milliseconds | None = field(None, origin="`write_timeout` of `gateway.options`", unit="ms")
    """A side that takes nothing of what is sent to it for this long is aborted."""
    read_timeout: Milliseconds | None = field(None, origin="`idle_timeout` of `gateway.options`", unit="ms")
    """No frame in either direction for this long: both sides are closed."""
    tls_verify: bool | None = field(None, origin="it is verified")
    """Whether the upstream's certificate is verified."""
    ca_certificates: AuthorityReferences = field([], origin="the system's authorities")
    """Ids of the authorities that are trusted, instead of the system's."""
    client_certificate: CertificateReference = field(None)
    """The id of the certificate that the upstream is shown."""
    tls_server_name: HostName | None = field(None, origin="the host")
    """The name that the upstream is asked for (SNI) and verified by."""
    tls_min_version: TlsVersion = field("TLSv1.2", origin="RFC 8996: older ones must not be used")
    """The oldest TLS that is spoken with the upstream."""
    proxy_protocol: Literal["v1", "v2"] | None = field(None, origin="it is told by X-Forwarded-For")
    """The upstream is told of the client by a header of the PROXY protocol, before TLS and everything else."""
    enabled: bool = field(True, origin=KONG)
    """Whether its routes are served."""
    options: Options | None = field(None, origin="those of `gateway.options`")  # type: ignore[valid-type]
    """Options of its sessions, in place of the gateway's and of the three times above; times in milliseconds."""
    routes: Annotated[list[Route], Nested("service")] = field([])
    """Its routes."""
    plugins: Annotated[list[Plugin], Nested("service")] = field([])
    """Plugins for all of its routes."""
