"""The answers to the client: a refusal, or the 101.

Owns their bytes. It knows no clock, so there is no ``Date`` (RFC 9110, section 6.6.1 asks one of servers with a clock;
a proxy's refusal may do without).
"""

from __future__ import annotations

import base64
import hashlib
from http import HTTPStatus

from framegate.handshake.end_to_end import forwardable, without_our_own
from framegate.handshake.grammar import HeaderPairs, check_fields, field_line, field_lines, is_field_text, is_token

# RFC 6455, section 1.3.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_WITHOUT_BODY = (204, 304)


def accept_for(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` that answers ``key`` (RFC 6455, section 4.2.2)."""
    digest = hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def switching_protocols(
    key: str, *, subprotocol: str | None = None, extension: str | None = None, headers: HeaderPairs = ()
) -> bytes:
    """The 101 that completes the client's handshake.

    Args:
        key: the client's ``Sec-WebSocket-Key``.
        subprotocol: the selected one, or None.
        extension: the selected one with its parameters, or None.
        headers: further fields; those of the handshake and hop-by-hop ones among them are left out.

    Raises:
        ValueError: the subprotocol is not a token, or a header's name or value cannot stand in a head.
    """
    lines = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        field_line("Sec-WebSocket-Accept", accept_for(key)),
    ]
    if subprotocol is not None:
        if not is_token(subprotocol):
            raise ValueError(f"subprotocol {subprotocol!r} is not a token")
        lines.append(field_line("Sec-WebSocket-Protocol", subprotocol))
    if extension is not None:
        lines.append(field_line("Sec-WebSocket-Extensions", extension))
    fields = _checked(headers)
    return b"".join([*lines, field_lines(without_our_own(fields)), b"\r\n"])


def refusal(status: int, *, reason: str | None = None, headers: HeaderPairs = (), body: bytes | None = b"") -> bytes:
    """A whole HTTP/1.1 response that is not a 101, after which the connection is closed.

    Args:
        status: 200 to 599.
        reason: the reason phrase; None takes the usual one.
        headers: further fields; hop-by-hop ones and those that frame the body are left out.
        body: the body as it is. Where it is ``b""`` and no header describes a body, the status and reason become the
            body, as plain text; None has an empty one stay empty.

    Raises:
        ValueError: the status is out of range or has no body, the reason or a header cannot stand in a head.
    """
    if not 200 <= status <= 599:
        raise ValueError(f"a refusal's status is 200 to 599, not {status}")
    if body and status in _WITHOUT_BODY:
        raise ValueError(f"a response with status {status} has no body (RFC 9110, section 15)")
    phrase = _phrase(status) if reason is None else reason
    if not is_field_text(phrase):
        raise ValueError(f"the reason {phrase!r} holds a control character or what is not latin-1")
    fields = forwardable(_checked(headers))
    if body == b"" and status not in _WITHOUT_BODY and not _describe_a_body(fields):
        body = f"{status} {phrase}".rstrip().encode() + b"\n"
        fields.append(("Content-Type", "text/plain; charset=utf-8"))
    if status not in _WITHOUT_BODY:
        fields.append(("Content-Length", str(len(body or b""))))
    line = f"HTTP/1.1 {status} {phrase}\r\n".encode("latin-1")
    return b"".join([line, field_lines(fields), *_connection(status), b"\r\n", body or b""])


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _checked(headers: HeaderPairs) -> list[tuple[str, str]]:
    fields = list(headers)
    check_fields(fields)  # those that are left out too: whoever passes CR or LF must hear of it
    return fields


def _describe_a_body(fields: list[tuple[str, str]]) -> bool:
    return any(name.lower() in ("content-type", "content-encoding") for name, _ in fields)


def _connection(status: int) -> list[bytes]:
    if status != 426:
        return [b"Connection: close\r\n"]
    return [b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"]
