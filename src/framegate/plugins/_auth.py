"""What the plugins that authenticate clients have in common: whom they let in, whom they refuse, and how they say so.

How a client proves who it is, is each plugin's own.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from framegate.pdk import FieldError
from framegate.pdk.entities import Entity
from framegate.pdk.identity import ANONYMOUS_CONSUMER
from framegate.pdk.kong import Kong

ANONYMOUS_FIELD: Final[Mapping[str, Any]] = {
    "type": "string",
    "description": "Id or username of the consumer that a client becomes where it does not authenticate. "
    "Without one, such a client is refused.",
}
PREFLIGHT_FIELD: Final[Mapping[str, Any]] = {
    "type": "boolean",
    "required": True,
    "default": True,
    "description": "Without effect: an opening handshake is a GET, never a preflight.",
}
UNAUTHORIZED: Final = "Unauthorized"

_SALT = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a client has proved to be.

    Attributes:
        consumer: the consumer, or None where there is only a credential.
        credential: what it was proved by.
    """

    consumer: Entity | None
    credential: Entity


class Refusal(Exception):
    """A client has not proved who it is.

    Args:
        said: what it is told: a message, or a whole body.
        challenge: the ``WWW-Authenticate`` of its answer, where it is not the plugin's usual one.
    """

    def __init__(self, said: str | Mapping[str, str], challenge: str | None = None) -> None:
        super().__init__(said)
        self.body: Mapping[str, str] = {"message": said} if isinstance(said, str) else said
        self.challenge = challenge


def challenge(scheme: str, realm: str | None, *more: str) -> str:
    """A challenge (RFC 9110, section 11.6.1).

    Raises:
        FieldError: the realm cannot stand in one.
    """
    parameters = list(more)
    if realm is not None:
        if not re.fullmatch(r"[ -~]+", realm):
            raise FieldError("realm", "must be printable ASCII: it goes out in a header")
        escaped = re.sub(r'(["\\])', r"\\\1", realm)
        parameters.insert(0, f'realm="{escaped}"')
    return f"{scheme} {', '.join(parameters)}".strip()


def admit(kong: Kong, anonymous: str | None, usual_challenge: str, identify: Callable[[Kong], Identity]) -> None:
    """Let the client in as who it proves to be, else as the anonymous consumer; else refuse it with 401.

    With an anonymous consumer, a client that an earlier plugin has authenticated already is let in as it is: several
    such plugins are alternatives.

    Args:
        kong: the connection.
        anonymous: id or username of the anonymous consumer, or None.
        usual_challenge: the ``WWW-Authenticate`` of the refusal.
        identify: finds out who the client is, or raises :class:`Refusal`.
    """
    if anonymous is not None and kong.client.get_credential() is not None:
        return
    try:
        found = identify(kong)
    except Refusal as refusal:
        if anonymous is None:
            kong.response.exit(401, refusal.body, {"WWW-Authenticate": refusal.challenge or usual_challenge})
        _admit_anonymous(kong, anonymous)
    else:
        kong.client.authenticate(found.consumer, found.credential)


def _admit_anonymous(kong: Kong, name: str) -> None:
    consumer = kong.client.load_consumer(name)
    if consumer is None:
        raise LookupError(f"there is no consumer with the id or username {name!r}, which `anonymous` names")
    kong.client.authenticate(consumer, None)
    kong.service.request.set_header(ANONYMOUS_CONSUMER, True)


def owner(kong: Kong, credential: Entity) -> Entity:
    """The consumer that a credential belongs to.

    Raises:
        Refusal: there is none.
    """
    reference = credential.get("consumer") or {}
    consumer = kong.client.load_consumer(str(reference.get("id")), search_by_username=False)
    if consumer is None:
        kong.log.err(f"credential {credential.get('id')} belongs to no consumer")
        raise Refusal(UNAUTHORIZED)
    return consumer


def same_secret(one: str, other: str) -> bool:
    """Whether two secrets are the same; how long it takes tells neither where they differ nor how long they are."""
    return hmac.compare_digest(_digest(one), _digest(other))


def as_text(value: str) -> str:
    """A header's value, which was read as latin-1, as the UTF-8 that the configuration is written in; else as it is."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def all_values(value: str | list[str] | None) -> list[str]:
    """The values of a header field as ``kong.request.get_headers`` tells them."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _digest(secret: str) -> bytes:
    return hmac.digest(_SALT, secret.encode("utf-8", "surrogatepass"), "sha256")
