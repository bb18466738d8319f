"""What a client is recognised by, so that an upstream's consistent hashing sends it to the same target again.

Owns ``hash_on`` and ``hash_fallback``. It knows no targets, and sees the request only through :class:`HashSource`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from framegate.config.configuration import Upstream


class HashSource(Protocol):
    """What a request offers to be hashed; None, or an empty string, where it has no such thing."""

    def consumer(self) -> str | None:
        """The id of the consumer, or of the credential where there is no consumer."""

    def ip(self) -> str | None:
        """The client's address, as trusted peers forward it."""

    def header(self, name: str) -> str | None:
        """The header's value; several joined."""

    def cookie(self, name: str) -> str | None:
        """The cookie's value."""

    def path(self) -> str:
        """The normalised path."""

    def query_arg(self, name: str) -> str | None:
        """The value of the query argument; several joined."""

    def uri_capture(self, name: str) -> str | None:
        """What the route's regular expression captured, by the name or number of the group."""


@dataclass(frozen=True, slots=True)
class StickyCookie:
    """A cookie for the answer, by which the client is recognised next time."""

    name: str
    value: str
    path: str

    @property
    def header_value(self) -> str:
        """The value of ``Set-Cookie`` (RFC 6265, section 4.1)."""
        return f"{self.name}={self.value}; Path={self.path}"


@dataclass(frozen=True, slots=True)
class HashInput:
    """What to hash, None where there is nothing; and the cookie to set where the client had none."""

    key: str | None = None
    cookie: StickyCookie | None = None


def hash_key(
    upstream: Upstream, source: HashSource, *, new_value: Callable[[], str] = lambda: str(uuid.uuid4())
) -> HashInput:
    """What the request of ``source`` is hashed by: ``hash_on``, and ``hash_fallback`` where that has no value.

    Nothing for an upstream that does not hash. A missing cookie gets a value, so no fallback stands behind a cookie.

    Args:
        new_value: makes the value of a new cookie; a random UUID.
    """
    if upstream.algorithm != "consistent-hashing":
        return HashInput()
    for hash_on, field in _wanted(upstream):
        value = _value(hash_on, field, source)
        if value:
            return HashInput(value)
        if hash_on == "cookie" and field:
            cookie = StickyCookie(field, new_value(), upstream.hash_on_cookie_path)
            return HashInput(cookie.value, cookie)
    return HashInput()


def _wanted(upstream: Upstream) -> list[tuple[str, str | None]]:
    # The cookie has one name, whether it comes first or as the fallback.
    fields = {
        "header": (upstream.hash_on_header, upstream.hash_fallback_header),
        "cookie": (upstream.hash_on_cookie, upstream.hash_on_cookie),
        "query_arg": (upstream.hash_on_query_arg, upstream.hash_fallback_query_arg),
        "uri_capture": (upstream.hash_on_uri_capture, upstream.hash_fallback_uri_capture),
    }
    first, second = upstream.hash_on, upstream.hash_fallback
    if first == "none":
        return []
    nothing = (None, None)
    return [(first, fields.get(first, nothing)[0]), (second, fields.get(second, nothing)[1])]


def _value(hash_on: str, field: str | None, source: HashSource) -> str | None:
    match hash_on:
        case "consumer":
            return source.consumer()
        case "ip":
            return source.ip()
        case "path":
            return source.path()
        case "header" if field:
            return source.header(field)
        case "cookie" if field:
            return source.cookie(field)
        case "query_arg" if field:
            return source.query_arg(field)
        case "uri_capture" if field:
            return source.uri_capture(field)
    return None
