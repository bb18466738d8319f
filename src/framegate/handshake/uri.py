"""The URL of an upstream, and where a client's path and query go in it.

Owns the reading of ``ws://`` and ``wss://`` (RFC 6455, section 3). Written out instead of taken from the standard
library's ``urlsplit``, which removes tabs and line ends silently and lets most other characters through.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_DEFAULT_PORT = {"ws": 80, "wss": 443}
_INSTEAD_OF = {"http": "ws", "https": "wss"}

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\#]")
_MENDS = {
    " ": "no space is allowed: write %20",
    "\\": "no backslash is allowed: write a slash, or %5C",
    "#": "no fragment is allowed (RFC 6455, section 3): write %23 for a '#' in the path or query",
}

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?]*)([^?]*)(?:\?(.*))?")
# A label of up to 63 characters (RFC 1035, section 2.3.4); the underscore is no host name's, but many a container's.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
_MAX_NAME = 253


@dataclass(frozen=True, slots=True)
class UpstreamURL:
    """A checked URL of an upstream.

    Attributes:
        secure: whether TLS is spoken.
        host: the name or address to connect to, in lower case, without brackets.
        port: the port, 80 or 443 where the URL has none.
        target: path and query as written; at least ``/``.
        host_header: what ``Host`` says: the port left out where it is the default, IPv6 in brackets.
    """

    secure: bool
    host: str
    port: int
    target: str
    host_header: str

    @classmethod
    def of(cls, scheme: str, host: str, port: int, target: str) -> UpstreamURL:
        """The URL of what has been checked.

        Args:
            scheme: ``"ws"`` or ``"wss"``.
            host: without brackets.
            port: 1 to 65535.
            target: path and query.
        """
        bracketed = f"[{host}]" if ":" in host else host
        header = bracketed if port == _DEFAULT_PORT[scheme] else f"{bracketed}:{port}"
        return cls(secure=scheme == "wss", host=host, port=port, target=target, host_header=header)

    def at(self, target: str) -> UpstreamURL:
        """The same with another path and query."""
        return UpstreamURL(self.secure, self.host, self.port, target, self.host_header)


def parse_upstream_url(url: str) -> UpstreamURL:
    """Read ``url``.

    Raises:
        TypeError: it is not a str.
        ValueError: it breaks a rule, which the message names.
    """
    if not isinstance(url, str):
        raise TypeError(f"a URL is a str, not {type(url).__name__}")
    _check_characters(url)
    match = _URL.fullmatch(url)
    if match is None:
        raise _wrong(url, "a URL begins with ws:// or wss://")
    scheme, authority, path, query = match.groups()
    scheme = _checked_scheme(url, scheme)
    host, port = _checked_authority(url, authority, _DEFAULT_PORT[scheme])
    return UpstreamURL.of(scheme, host, port, (path or "/") + ("" if query is None else f"?{query}"))


def join_target(base_target: str, path: str, query: str) -> str:
    """The target of a client's request on an upstream whose URL has a path and a query of its own.

    Args:
        base_target: the URL's path and query, such as ``/api?v=1``.
        path: the client's path; it is appended with one slash between, percent-encoding left as it came.
        query: the client's query, without the question mark; it follows the URL's behind ``&``.

    >>> join_target("/api/?v=1", "/chat", "room=2")
    '/api/chat?v=1&room=2'
    """
    base_path, _, base_query = base_target.partition("?")
    joined = f"{base_path.removesuffix('/')}/{path.removeprefix('/')}" if path else base_path
    queries = "&".join(part for part in (base_query, query) if part)
    return f"{joined}?{queries}" if queries else joined


def _wrong(url: str, rule: str) -> ValueError:
    return ValueError(f"URL {url!r}: {rule}")


def _check_characters(url: str) -> None:
    if match := _FORBIDDEN.search(url):
        char = match[0]
        raise _wrong(url, _MENDS.get(char, f"the control character {char!r} is not allowed"))
    if not url.isascii():
        raise _wrong(url, _mend_for_non_ascii(url))


def _mend_for_non_ascii(url: str) -> str:
    match = _URL.fullmatch(url)
    authority = match[2] if match else ""
    if authority.isascii():
        return "a URL is ASCII: percent-encode the rest, as UTF-8"
    try:
        return f"a host is ASCII: write {authority.encode('idna').decode()}"
    except UnicodeError:
        return "a host is ASCII: write an internationalised name in its xn-- form"


def _checked_scheme(url: str, scheme: str) -> str:
    lowered = scheme.lower()
    if lowered in _INSTEAD_OF:
        raise _wrong(url, f"a URL begins with ws:// or wss://: write {_INSTEAD_OF[lowered]}:// for {lowered}://")
    if lowered not in _DEFAULT_PORT:
        raise _wrong(url, f"a URL begins with ws:// or wss://, not {scheme}://")
    return lowered


def _checked_authority(url: str, authority: str, default_port: int) -> tuple[str, int]:
    """The host without brackets, and the port."""
    if "@" in authority:
        raise _wrong(url, "no user information is allowed: pass an Authorization header instead")
    if authority.startswith("["):
        inner, bracket, behind = authority[1:].partition("]")
        if not bracket or (behind and not behind.startswith(":")):
            raise _wrong(url, "an IPv6 address stands in brackets, with ':' and a port behind or nothing")
        return _checked_ipv6(url, inner), _checked_port(url, behind, default_port)
    host, colon, port = authority.partition(":")
    if ":" in port:
        raise _wrong(url, "there is more than one ':' in the host: write an IPv6 address in brackets")
    if not host:
        raise _wrong(url, "there is no host")
    if len(host) > _MAX_NAME or not _NAME.fullmatch(host):
        raise _wrong(url, f"{host!r} is not a host name: letters, digits, '-', '_' and single dots")
    return host.lower(), _checked_port(url, colon + port, default_port)


def _checked_ipv6(url: str, address: str) -> str:
    try:
        if "%" in address:
            raise ValueError
        ipaddress.IPv6Address(address)
    except ValueError:
        raise _wrong(url, f"{address!r} is not an IPv6 address (a zone is not allowed)") from None
    return address.lower()


def _checked_port(url: str, suffix: str, default: int) -> int:
    if not suffix:
        return default
    digits = suffix[1:]
    if not digits.isdigit() or len(digits) > 5 or not 1 <= int(digits) <= 65535:
        raise _wrong(url, f"{digits!r} is not a port: a number from 1 to 65535")
    return int(digits)
