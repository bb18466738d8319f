"""The whole file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from framegate.config.model.balancing import Target, Upstream
from framegate.config.model.entity import Entity
from framegate.config.model.fields import Model, field, refusal
from framegate.config.model.gateway import Gateway
from framegate.config.model.identity import Acl, BasicAuthCredential, Consumer, JwtSecret, KeyAuthCredential
from framegate.config.model.plugin import Plugin
from framegate.config.model.routing import Route, Service
from framegate.config.model.tls import CaCertificate, Certificate, Sni

FORMAT_VERSION = "3.0"

KINDS: dict[str, type[Entity]] = {
    "services": Service,
    "routes": Route,
    "upstreams": Upstream,
    "targets": Target,
    "consumers": Consumer,
    "keyauth_credentials": KeyAuthCredential,
    "basicauth_credentials": BasicAuthCredential,
    "jwt_secrets": JwtSecret,
    "acls": Acl,
    "certificates": Certificate,
    "snis": Sni,
    "ca_certificates": CaCertificate,
    "plugins": Plugin,
}
"""The entities by kind, which is also the field that holds them."""


@dataclass(frozen=True, slots=True)
class _Empty:
    """A mapping with nothing in it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "maxProperties": 0}

    def checked(self, value: dict[str, Any]) -> dict[str, Any]:
        if value:
            raise refusal("are not applied", "write them where they are wanted, or take them out")
        return value


class Info(Model):
    """Notes of tools that write such files."""

    model_config = {"extra": "allow"}

    defaults: Annotated[dict[str, Any], _Empty()] | None = field(None)
    """Must be empty: defaults of other tools are not applied."""


class File(Model):
    """The gateway's file: Kong's declarative format for WebSocket services, and the section ``gateway``."""

    format_version: Literal["3.0"] = field(alias="_format_version")
    """The version of the format, in quotes."""
    transform: bool = field(True, alias="_transform", origin="Kong")
    """Must not be false where there are ``basicauth_credentials``: hashed passwords are not served."""
    info: Info | None = field(None, alias="_info")
    """Notes of tools; no effect."""
    comment: str | None = field(None, alias="_comment")
    """For people; no effect."""
    ignore: list[Any] = field([], alias="_ignore")
    """For tools; no effect."""
    gateway: Gateway | None = field(None)
    """How the gateway itself runs; framegate's own."""
    services: list[Service] = field([])
    """Upstream applications."""
    routes: list[Route] = field([])
    """Which requests go to which service."""
    upstreams: list[Upstream] = field([])
    """Several addresses behind one name."""
    targets: list[Target] = field([])
    """Addresses of upstreams."""
    consumers: list[Consumer] = field([])
    """Who clients may turn out to be."""
    keyauth_credentials: list[KeyAuthCredential] = field([])
    """Keys of consumers."""
    basicauth_credentials: list[BasicAuthCredential] = field([])
    """Users and passwords of consumers."""
    jwt_secrets: list[JwtSecret] = field([])
    """Keys for the tokens of consumers."""
    acls: list[Acl] = field([])
    """Groups of consumers."""
    certificates: list[Certificate] = field([])
    """Certificates with their keys."""
    snis: list[Sni] = field([])
    """Server names of certificates."""
    ca_certificates: list[CaCertificate] = field([])
    """Authorities that upstreams are verified with."""
    plugins: list[Plugin] = field([])
    """Plugins for everything, or for what they refer to."""
