"""The entities ``upstreams`` and ``targets``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from framegate.config.model.entity import CertificateReference, Entity, Nested, UpstreamReference
from framegate.config.model.fields import (
    KONG,
    BasePath,
    Between,
    HeaderName,
    HostName,
    Model,
    TargetAddress,
    Text,
    field,
    refusal,
)

HashOn = Literal["none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture"]


@dataclass(frozen=True, slots=True)
class _Off:
    """A number that is zero, for what would switch health checks on."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "const": 0}

    def checked(self, number: float) -> float:
        if number:
            raise refusal("health checks are not served by this version", "leave it out, or write 0")
        return number


Off = Annotated[float, _Off()]


class ActiveCheck(Model):
    """One outcome of active checks."""

    interval: Off = field(0, origin=KONG)
    """Must be 0: no checks."""
    http_statuses: list[int] = field([])
    """No effect without checks."""
    successes: int = field(0)
    """No effect without checks."""
    tcp_failures: int = field(0)
    """No effect without checks."""
    timeouts: int = field(0)
    """No effect without checks."""
    http_failures: int = field(0)
    """No effect without checks."""


class ActiveChecks(Model):
    """Active checks, which must be off."""

    type: Text | None = field(None)
    """No effect without checks."""
    timeout: float | None = field(None)
    """No effect without checks."""
    concurrency: int | None = field(None)
    """No effect without checks."""
    http_path: Text | None = field(None)
    """No effect without checks."""
    headers: dict[str, Any] | None = field(None)
    """No effect without checks."""
    https_sni: Text | None = field(None)
    """No effect without checks."""
    https_verify_certificate: bool | None = field(None)
    """No effect without checks."""
    healthy: ActiveCheck | None = field(None)
    """Checks of healthy targets."""
    unhealthy: ActiveCheck | None = field(None)
    """Checks of unhealthy targets."""


class PassiveCheck(Model):
    """One outcome of passive checks."""

    http_statuses: list[int] = field([])
    """No effect without checks."""
    successes: Off = field(0, origin=KONG)
    """Must be 0: no checks."""
    tcp_failures: Off = field(0, origin=KONG)
    """Must be 0: no checks."""
    timeouts: Off = field(0, origin=KONG)
    """Must be 0: no checks."""
    http_failures: Off = field(0, origin=KONG)
    """Must be 0: no checks."""


class PassiveChecks(Model):
    """Passive checks, which must be off."""

    type: Text | None = field(None)
    """No effect without checks."""
    healthy: PassiveCheck | None = field(None)
    """What makes a target healthy."""
    unhealthy: PassiveCheck | None = field(None)
    """What makes a target unhealthy."""


class Healthchecks(Model):
    """Health checks, which this version does not serve: accepted as far as they are off."""

    active: ActiveChecks | None = field(None)
    """Active checks."""
    passive: PassiveChecks | None = field(None)
    """Passive checks."""
    threshold: float = field(0, origin=KONG)
    """No effect without checks."""


class Target(Entity):
    """One address of an upstream."""

    upstream: UpstreamReference = field(None, origin="the upstream that it stands in")
    """Whose address it is."""
    target: TargetAddress = field()
    """``HOST:PORT``; the port is 8000 where it is left out."""
    weight: Annotated[int, Between(0, 65535)] = field(100, origin=KONG)
    """Its share of the connections; 0 gets none."""


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
    use_srv_name: Literal[False] = field(False, origin=KONG)
    """Must be false: SRV records are not looked up."""
    healthchecks: Healthchecks | None = field(None)
    """Must be off: not served by this version."""
    targets: Annotated[list[Target], Nested("upstream")] = field([])
    """Its addresses."""
