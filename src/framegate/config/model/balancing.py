"""The entities ``upstreams`` and ``targets``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from framegate.config.model.entity import CertificateReference, Entity, Nested, UpstreamReference
from framegate.config.model.fields import (
    KONG,
    MAX_TIME,
    BasePath,
    Between,
    HeaderName,
    HostName,
    TargetAddress,
    Text,
    field,
)
from framegate.config.model.healthchecks import Healthchecks

HashOn = Literal["none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture"]


class Target(Entity):
    """One address of an upstream."""

    upstream: UpstreamReference = field(None, origin="the upstream that it stands in")
    """Whose address it is."""
    target: TargetAddress = field()
    """``HOST:PORT``; the port is 8000 where it is left out."""
    weight: Annotated[int, Between(0, 65535)] = field(100, origin=KONG)
    """Its share of the connections; 0 gets none."""
    max_connections: Annotated[int, Between(1, 2**31 - 1)] | None = field(None, origin="no limit")
    """Most sessions at a time, to each address that the name has, and of each worker."""
    srv: bool = field(False, origin="as `order` of `gateway.dns` says")
    """Whether the name has SRV records (RFC 2782), whose ports and weights count instead of those here."""


class Upstream(Entity):
    """Several addresses behind one name, which a service has as its host."""

    named_by: ClassVar = "name"
    unique: ClassVar = ("name",)

    name: HostName = field()
    """Its name, as a service's ``host`` has it."""
    algorithm: Literal["round-robin", "least-connections", "consistent-hashing"] | None = field(
        None, origin="`round-robin`; `consistent-hashing` where `hash_on` says what to hash"
    )
    """How a target is chosen."""
    hash_on: HashOn = field("none", origin=KONG)
    """What consistent hashing hashes."""
    hash_fallback: HashOn = field("none", origin=KONG)
    """The same where the first has no value."""
    hash_on_header: HeaderName | None = field(None)
    """The header field to hash."""
    hash_fallback_header: HeaderName | None = field(None)
    """The same for the fallback."""
    hash_on_cookie: HeaderName | None = field(None)
    """The cookie to hash; it is set where the client has none."""
    hash_on_cookie_path: BasePath = field("/", origin=KONG)
    """The path of that cookie."""
    hash_on_query_arg: Text | None = field(None)
    """The query argument to hash."""
    hash_fallback_query_arg: Text | None = field(None)
    """The same for the fallback."""
    hash_on_uri_capture: Text | None = field(None)
    """The group of the route's regular expression to hash."""
    hash_fallback_uri_capture: Text | None = field(None)
    """The same for the fallback."""
    slots: Annotated[int, Between(10, 65536)] = field(10000, origin=KONG)
    """How finely consistent hashing divides."""
    host_header: Text | None = field(None, origin="the target's name")
    """The ``Host`` that targets are sent."""
    client_certificate: CertificateReference = field(None)
    """The id of the certificate that targets are shown."""
    use_srv_name: bool = field(False, origin=KONG)
    """Whether targets are sent the name in their SRV record as ``Host``, and verified by it."""
    healthchecks: Healthchecks | None = field(None)
    """What makes targets healthy and unhealthy."""
    slow_start: Annotated[int, Between(0, MAX_TIME)] = field(0, origin="off", unit="ms")
    """The time in which the share of a target that is new, or healthy again, rises to its weight."""
    retry_on_statuses: list[Annotated[int, Between(300, 599)]] = field([], origin="a refusal is relayed")
    """Statuses of a refused handshake for which another target is asked."""
    targets: Annotated[list[Target], Nested("upstream")] = field([])
    """Its addresses."""
