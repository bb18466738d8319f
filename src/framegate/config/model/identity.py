"""The entity ``consumers`` and its credentials."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from framegate.config.model.entity import ConsumerReference, Entity, Nested
from framegate.config.model.fields import KONG, Text, field
from framegate.config.model.plugin import Plugin


class Credential(Entity):
    """Base of what belongs to a consumer."""

    consumer: ConsumerReference = field(None, origin="the consumer that it stands in")
    """Whose it is."""


class KeyAuthCredential(Credential):
    """A key of the plugin key-auth."""

    unique: ClassVar = ("key",)

    key: Text = field()
    """The key, of which there is one."""


class BasicAuthCredential(Credential):
    """User and password of the plugin basic-auth."""

    unique: ClassVar = ("username",)

    username: Text = field()
    """The user's name, of which there is one."""
    password: Text = field()
    """The password as it is."""


class JwtSecret(Credential):
    """Whom the plugin jwt believes."""

    unique: ClassVar = ("key",)

    key: Text = field()
    """What the token's claim says, ``iss`` unless the plugin is told otherwise."""
    algorithm: Literal[
        "HS256", "HS384", "HS512",
        "RS256", "RS384", "RS512",
        "ES256", "ES384", "ES512",
        "PS256", "PS384", "PS512",
        "EdDSA",
    ] = field("HS256", origin=KONG)
    """How its tokens are signed."""
    secret: Text | None = field(None)
    """The secret of HS256, HS384 and HS512."""
    rsa_public_key: Text | None = field(None)
    """The public key (PEM) of the other algorithms."""


class Acl(Credential):
    """A group of the plugin acl."""

    group: Text = field()
    """The group that the consumer is in."""


class Consumer(Entity):
    """Who a client may turn out to be. It needs a ``username`` or a ``custom_id``."""

    named_by: ClassVar = "username"
    unique: ClassVar = ("username", "custom_id")

    username: Text | None = field(None)
    """Its name, of which there is one."""
    custom_id: Text | None = field(None)
    """Its id elsewhere, of which there is one."""
    keyauth_credentials: Annotated[list[KeyAuthCredential], Nested("consumer")] = field([])
    """Its keys."""
    basicauth_credentials: Annotated[list[BasicAuthCredential], Nested("consumer")] = field([])
    """Its users and passwords."""
    jwt_secrets: Annotated[list[JwtSecret], Nested("consumer")] = field([])
    """Its keys for tokens."""
    acls: Annotated[list[Acl], Nested("consumer")] = field([])
    """Its groups."""
    plugins: Annotated[list[Plugin], Nested("consumer")] = field([])
    """Plugins for this consumer alone."""
