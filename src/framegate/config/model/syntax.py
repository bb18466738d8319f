"""Checks of texts with a syntax of their own, where a pattern does not tell enough."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from framegate.config.model.fields import BasePath, Host, refusal
from framegate.config.patterns import header_pattern, path_pattern

DEFAULT_PORTS = {"ws": 80, "wss": 443}
"""RFC 6455, section 3."""

OTHER_PROTOCOLS = frozenset({"http", "https", "grpc", "grpcs", "tcp", "tls", "udp", "tls_passthrough"})
"""What the format has beside ``ws`` and ``wss``."""


@dataclass(frozen=True, slots=True)
class Url:
    """A service's URL in its parts; ``path`` is None where it has none."""

    protocol: str
    host: str
    port: int
    path: str | None


def parse_url(text: str) -> Url:
    """Take a URL apart.

    Raises:
        PydanticCustomError: it is no URL of a service.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise refusal(f"{text!r} is no URL: {error}") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise unserved_protocol(parts.scheme)
    if parts.username is not None or parts.password is not None:
        raise refusal("must have no user information", "credentials go into a header, with request-transformer")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise refusal("must have no query and no fragment")
    if not parts.hostname or port == 0:
        raise refusal(f"{text!r} has no host" if port != 0 else "the port must be from 1 to 65535, not 0")
    return Url(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], parts.path or None)


def unserved_protocol(protocol: str) -> Exception:
    """The error of a protocol that is not served."""
    mend = {"http": "write ws, for WebSocket without TLS", "https": "write wss, for WebSocket over TLS"}
    hint = mend.get(protocol, "ws and wss are")
    return refusal(f"{protocol!r} is not served", hint)


def check_url(text: str) -> None:
    """A service's ``url``."""
    url = parse_url(text)
    _checked_as(Host, url.host)
    if url.path is not None:
        _checked_as(BasePath, url.path)


def check_route_path(text: str) -> None:
    """A route's path: a prefix or a regular expression."""
    if text.startswith("~"):
        if not text[1:].startswith(("/", "^/", "(", "[", ".", "\\")):
            raise refusal(f"the regular expression {text[1:]!r} matches no path, for paths begin with /", "write ~/...")
        _compiles(path_pattern, text[1:])
        return
    odd = re.search(r"[\s\x00-\x1f\x7f\\^{}|<>\"`\[\]]", text)
    if odd is not None:
        raise refusal(
            f"{odd[0]!r} may not stand in a path: {text!r}", "a regular expression begins with ~, as in ~/rooms/[0-9]+"
        )
    if "?" in text or "#" in text:
        raise refusal(f"must have no query and no fragment, not {text!r}", "routes do not look at the query")
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise refusal(f"has a % that begins no percent-encoding: {text!r}", "write %25")


def check_header_name(name: str) -> None:
    """The name of a header that a route matches."""
    if name.lower() == "host":
        raise refusal("Host is matched by the field hosts", "write it there")


def check_header_pattern(text: str) -> None:
    """The value ``~*...`` of a header that a route matches."""
    _compiles(header_pattern, text.removeprefix("~*"))


def _compiles(compiler: Callable[[str], object], pattern: str) -> None:
    try:
        compiler(pattern)
    except ValueError as error:
        raise refusal(str(error)) from None


def _checked_as(kind: object, text: str) -> None:
    for rule in getattr(kind, "__metadata__", ()):
        rule.checked(text)
