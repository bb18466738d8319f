"""Close codes and close payloads (RFC 6455, sections 5.5.1 and 7.4).

Codes that exist and codes that may appear on the wire are different sets: 1005, 1006 and 1015 exist, and must never
be sent. Knows nothing of connections.
"""

from __future__ import annotations

from framegate.codec.constants import GOING_AWAY, MAX_CLOSE_REASON, NO_CODE, NORMAL

SENDABLE_CODES = "1000-1003, 1007-1014, 3000-4999"
"""The codes that may be sent, as messages name them."""


def may_be_received(code: int) -> bool:
    """Whether a peer may send this code: 1000-1003 and 1007-1014 (registered), 3000-4999 (libraries, applications).

    RFC 6455, section 7.4.2: 0-999 are not used, 1000-2999 are reserved for the protocol, so what is not registered
    there is an error; 1004 is reserved, 1005, 1006 and 1015 must not be set by an endpoint (section 7.4.1).
    """
    return 3000 <= code <= 4999 or 1000 <= code <= 1003 or 1007 <= code <= 1014


def may_be_sent(code: int) -> bool:
    """Whether framegate may put this code into a frame of its own. Today the same set as :func:`may_be_received`."""
    return may_be_received(code)


def check_sendable(code: object, reason: object, *, what: str = "close") -> bytes:
    """Check a code and a reason for a close frame of our own.

    Returns:
        The reason as UTF-8.

    Raises:
        TypeError: the code is not an int, or the reason not a str.
        ValueError: the code may not be sent, or the reason is over 123 bytes of UTF-8.
    """
    if not isinstance(code, int) or isinstance(code, bool):
        raise TypeError(f"{what}: the code must be an int, not {type(code).__name__}")
    if not isinstance(reason, str):
        raise TypeError(f"{what}: the reason must be a str, not {type(reason).__name__}")
    if not may_be_sent(code):
        raise ValueError(f"{what}: code {code} may not be sent; one of {SENDABLE_CODES} may (RFC 6455, section 7.4)")
    encoded = reason.encode()
    if len(encoded) > MAX_CLOSE_REASON:
        size = len(encoded)
        raise ValueError(f"{what}: a reason takes at most {MAX_CLOSE_REASON} bytes of UTF-8, this one has {size}")
    return encoded


def other_close(code: int, reason: str, other_code: int | None, other_reason: str | None) -> tuple[int, str]:
    """What the other side is told where one side is sent ``code`` and ``reason``.

    Args:
        code: the one side's code.
        reason: its reason.
        other_code: the other side's code; None: ``code`` if that is 1000 or 1001, else 1001.
        other_reason: its reason; None: ``reason`` where the code was taken over, else empty.
    """
    if other_code is not None:
        return other_code, other_reason or ""
    if code in (NORMAL, GOING_AWAY):
        return code, reason if other_reason is None else other_reason
    return GOING_AWAY, other_reason or ""


def close_payload(code: int, reason: bytes) -> bytes:
    """The payload of a close frame; ``NO_CODE`` gives an empty one, for a reason cannot stand without a code."""
    return b"" if code == NO_CODE else code.to_bytes(2, "big") + reason
