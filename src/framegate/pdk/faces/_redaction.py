"""Keeps secrets out of what is logged of a request."""

from __future__ import annotations

from urllib.parse import unquote_plus

from framegate.pdk.entities import Entity

REDACTED = "REDACTED"

_SECRET_FIELDS = frozenset({"authorization", "proxy-authorization", "cookie", "apikey"})
_SECRET_ARGUMENTS = frozenset({"apikey", "jwt", "access_token"})
_PROTOCOLS = "sec-websocket-protocol"


class Redaction:
    """Replaces what is secret by its name, and whatever repeats the key that the client was authenticated by.

    Args:
        credential: the credential that the client was authenticated by, or None.
    """

    __slots__ = ("_key",)

    def __init__(self, credential: Entity | None) -> None:
        key = (credential or {}).get("key")
        self._key = key if isinstance(key, str) and key else None

    def field(self, name: str, value: str) -> str:
        """The value of a header field; ``name`` is in lower case."""
        if name in _SECRET_FIELDS or value == self._key:
            return REDACTED
        if name == _PROTOCOLS:
            return ", ".join(self._protocol(member.strip()) for member in value.split(","))
        return value

    def query(self, query: str) -> str:
        """A query, as it came but for the values that are secret."""
        return "&".join(self._piece(piece) for piece in query.split("&"))

    def _piece(self, piece: str) -> str:
        name, equals, value = piece.partition("=")
        if not equals:
            return piece
        secret = unquote_plus(name).lower() in _SECRET_ARGUMENTS or unquote_plus(value) == self._key
        return f"{name}={REDACTED}" if secret else piece

    def _protocol(self, member: str) -> str:
        # A browser, which cannot set header fields, passes a key as one of its subprotocols: NAME.KEY.
        name, dot, value = member.partition(".")
        secret = name.lower() in _SECRET_FIELDS or (self._key is not None and member.endswith(f".{self._key}"))
        return f"{name}.{REDACTED}" if dot and secret else member
