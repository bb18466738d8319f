"""WebSocket frames as values, and their bytes built by hand (RFC 6455, section 5.2).

Owns the wire format, wrong forms of it included; knows no sockets.
"""

from __future__ import annotations

import os
import struct
from typing import Literal, NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

NAMES = {CONTINUATION: "cont", TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}

LengthForm = Literal[7, 16, 64]


class Frame(NamedTuple):
    """One frame as a peer means it; masking is a matter of the wire."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0

    def __repr__(self) -> str:
        name = NAMES.get(self.opcode, f"opcode {self.opcode:#x}")
        shown = repr(self.payload) if len(self.payload) <= 48 else f"{self.payload[:40]!r}... {len(self.payload)} bytes"
        return f"<{name} {shown}{'' if self.fin else ' fin=0'}{f' rsv={self.rsv:#x}' if self.rsv else ''}>"

    @property
    def code(self) -> int | None:
        """The code of a close frame, or None where its body is empty."""
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None

    @property
    def reason(self) -> str:
        """The reason of a close frame."""
        return self.payload[2:].decode()


def _octets(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload


def text(payload: str | bytes = b"", *, fin: bool = True) -> Frame:
    return Frame(TEXT, _octets(payload), fin)


def binary(payload: bytes = b"", *, fin: bool = True) -> Frame:
    return Frame(BINARY, payload, fin)


def cont(payload: str | bytes = b"", *, fin: bool) -> Frame:
    return Frame(CONTINUATION, _octets(payload), fin)


def ping(payload: str | bytes = b"") -> Frame:
    return Frame(PING, _octets(payload))


def pong(payload: str | bytes = b"") -> Frame:
    return Frame(PONG, _octets(payload))


def close(code: int | None = None, reason: str | bytes = b"") -> Frame:
    return Frame(CLOSE, b"" if code is None else struct.pack("!H", code) + _octets(reason))


def frame(
    opcode: int,
    payload: bytes = b"",
    fin: bool = True,
    mask: bytes | bool = False,
    rsv: int = 0,
    length_form: LengthForm | None = None,
    announced: int | None = None,
) -> bytes:
    """The bytes of one frame, right or wrong.

    Args:
        mask: four bytes, or True for a random key, or False for an unmasked frame.
        rsv: the three reserved bits, RSV1 being 4.
        length_form: the width of the length in bits; None takes the shortest.
        announced: the length in the header; None takes the payload's own.
    """
    key = os.urandom(4) if mask is True else mask or b""
    body = masked(payload, key) if key else payload
    length = len(payload) if announced is None else announced
    return bytes([(fin << 7) | (rsv << 4) | opcode]) + _length(length, bool(key), length_form) + key + body


def _length(length: int, has_mask: bool, form: LengthForm | None) -> bytes:
    bit = 0x80 if has_mask else 0
    if form is None:
        form = 7 if length <= 125 else 16 if length <= 0xFFFF else 64
    if form == 7:
        return bytes([bit | length])
    return struct.pack("!BH", bit | 126, length) if form == 16 else struct.pack("!BQ", bit | 127, length)


def masked(payload: bytes, key: bytes) -> bytes:
    """The payload combined with the masking key (RFC 6455, section 5.3)."""
    size = len(payload)
    whole = int.from_bytes((key * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ whole).to_bytes(size, "big")


class Wire(NamedTuple):
    """One frame as it stood on the wire: its value, whether it was masked, and all of its bytes."""

    frame: Frame
    masked: bool
    octets: bytes


def split(data: bytes | bytearray) -> Wire | None:
    """The first whole frame of ``data``, or None where it is not all there."""
    if len(data) < 2:
        return None
    at, length = 2, data[1] & 0x7F
    if length >= 126:
        width = 2 if length == 126 else 8
        at += width
        length = int.from_bytes(data[2:at], "big") if len(data) >= at else 1 << 64
    key_at, has_mask = at, bool(data[1] & 0x80)
    at += 4 * has_mask
    if len(data) < at + length:
        return None
    payload = bytes(data[at : at + length])
    value = Frame(
        data[0] & 0x0F,
        masked(payload, bytes(data[key_at:at])) if has_mask else payload,
        bool(data[0] & 0x80),
        data[0] >> 4 & 7,
    )
    return Wire(value, has_mask, bytes(data[: at + length]))
