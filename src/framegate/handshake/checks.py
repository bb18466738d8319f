"""Checks what users of the library pass for the handshake: headers, subprotocols, an origin, a host.

Owns the messages: each names the option, the offending name or value, and the rule. A wrong type is a TypeError, a
wrong value a ValueError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from framegate.handshake.end_to_end import is_our_own
from framegate.handshake.grammar import check_field, is_host, is_token, pairs


def checked_headers(
    headers: Mapping[str, str] | Iterable[tuple[str, str]] | None, *, where: str
) -> list[tuple[str, str]]:
    """The pairs of ``headers``, in order, duplicates kept; none for None.

    Args:
        headers: a mapping, a multi-mapping or ``(name, value)`` pairs of strings.
        where: what to call it in a message, such as ``"headers"``.

    Raises:
        TypeError: something is not a string, or not a pair.
        ValueError: a name is not a token or is framegate's own; a value holds a control character or is not latin-1.
    """
    if headers is None:
        return []
    if isinstance(headers, (str, bytes)) or not isinstance(headers, Iterable):
        raise TypeError(f"{where} is a mapping or a sequence of (name, value) pairs, not {type(headers).__name__}")
    return [_checked_pair(pair, where) for pair in pairs(headers)]


def _checked_pair(pair: object, where: str) -> tuple[str, str]:
    if isinstance(pair, (str, bytes)) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise TypeError(f"{where}: {pair!r} is not a (name, value) pair")
    name, value = pair
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"{where}: the name and the value of {pair!r} are both str")
    try:
        check_field(name, value)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if is_our_own(name):
        raise ValueError(f"{where}: {name} is framegate's own and cannot be set")
    return name, value


def checked_subprotocol(subprotocol: str) -> str:
    """``subprotocol``, if it is a token (RFC 6455, section 4.1).

    Raises:
        TypeError: it is not a str.
        ValueError: it is not a token.
    """
    if not isinstance(subprotocol, str):
        raise TypeError(f"a subprotocol is a str, not {type(subprotocol).__name__}")
    if not is_token(subprotocol):
        raise ValueError(f"subprotocol {subprotocol!r} is not a token (letters, digits and !#$%&'*+-.^_`|~)")
    return subprotocol


def checked_subprotocols(subprotocols: Iterable[str] | None) -> tuple[str, ...]:
    """The subprotocols of an offer, in order; none for None.

    Raises:
        TypeError: it is one str, or a member is not a str.
        ValueError: a member is not a token, or stands there twice (RFC 6455, section 4.1: "MUST all be unique").
    """
    if subprotocols is None:
        return ()
    if isinstance(subprotocols, (str, bytes)) or not isinstance(subprotocols, Iterable):
        raise TypeError(f"subprotocols are a sequence of str, not {type(subprotocols).__name__}")
    checked = tuple(checked_subprotocol(subprotocol) for subprotocol in subprotocols)
    # A set, for the offer may be a client's: a head has room for many thousands.
    seen: set[str] = set()
    for subprotocol in checked:
        if subprotocol in seen:
            raise ValueError(f"subprotocol {subprotocol!r} is offered twice")
        seen.add(subprotocol)
    return checked


def checked_origin(origin: str) -> str:
    """``origin``, if it can stand in an ``Origin`` field (RFC 6454, section 7).

    Raises:
        TypeError: it is not a str.
        ValueError: it is empty, or holds a space, a control character or what is not ASCII.
    """
    if not isinstance(origin, str):
        raise TypeError(f"an origin is a str, not {type(origin).__name__}")
    if not origin or not all("\x20" < char < "\x7f" for char in origin):
        raise ValueError(f"origin {origin!r} is not like https://example.com: visible ASCII without spaces")
    return origin


def checked_host(host: str) -> str:
    """``host``, if it can stand in a ``Host`` field: a name or address, and maybe a port.

    Raises:
        TypeError: it is not a str.
        ValueError: it is another thing, such as a URL.
    """
    if not isinstance(host, str):
        raise TypeError(f"a host is a str, not {type(host).__name__}")
    if not is_host(host):
        raise ValueError(f"host {host!r} is not like example.com, example.com:8080 or [::1]:8080")
    return host
