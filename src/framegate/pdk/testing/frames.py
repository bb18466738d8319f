"""Frames as values that tests write and compare, and their bytes."""

from __future__ import annotations

from dataclasses import dataclass

from framegate._build import pick
from framegate.codec.constants import CLOSE, FIN, OPCODES, TYPE_NAMES

append_frame = pick("framegate.codec._octets").append_frame


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """One frame.

    Attributes:
        typ: ``"text"``, ``"binary"``, ``"continuation"``, ``"ping"``, ``"pong"`` or ``"close"``.
        payload: the payload; for a close frame its reason, as UTF-8.
        code: the code of a close frame that has one, else None.
        final: whether it is the last frame of its message (FIN).
    """

    typ: str
    payload: bytes = b""
    code: int | None = None
    final: bool = True

    @property
    def text(self) -> str:
        """The payload as text."""
        return self.payload.decode()

    @property
    def reason(self) -> str:
        """The reason of a close frame."""
        return self.payload.decode()

    def __repr__(self) -> str:
        code = [] if self.code is None else [str(self.code)]
        shown = [] if not self.payload else [_shown(self)]
        return f"{self.typ}({', '.join([*code, *shown, *([] if self.final else ['final=False'])])})"


def text(payload: str | bytes = "", *, final: bool = True) -> Frame:
    """A text, or its first fragment."""
    return Frame("text", _bytes(payload), final=final)


def binary(payload: bytes = b"", *, final: bool = True) -> Frame:
    """A binary message, or its first fragment."""
    return Frame("binary", payload, final=final)


def continuation(payload: str | bytes = b"", *, final: bool = True) -> Frame:
    """A further fragment of a message, the last one unless ``final=False``."""
    return Frame("continuation", _bytes(payload), final=final)


def ping(payload: str | bytes = b"") -> Frame:
    """A ping."""
    return Frame("ping", _bytes(payload))


def pong(payload: str | bytes = b"") -> Frame:
    """A pong."""
    return Frame("pong", _bytes(payload))


def close(code: int | None = None, reason: str | bytes = "") -> Frame:
    """A close frame; without a code it is empty."""
    return Frame("close", _bytes(reason), code)


def as_frame(what: Frame | str | bytes) -> Frame:
    """A frame; a ``str`` is a text, ``bytes`` are a binary message."""
    if isinstance(what, Frame):
        return what
    return text(what) if isinstance(what, str) else binary(what)


def encoded(frame: Frame, *, masked: bool) -> bytes:
    """The bytes of a frame; what a client sends is masked (RFC 6455, section 5.3)."""
    payload = frame.payload
    if frame.code is not None:
        payload = frame.code.to_bytes(2, "big") + payload
    out = bytearray()
    append_frame(out, OPCODES[frame.typ] | (FIN if frame.final else 0), payload, masked)
    return bytes(out)


def decoded(data: bytearray) -> list[Frame]:
    """Take the whole frames from the beginning of ``data`` (RFC 6455, section 5.2)."""
    frames = []
    while len(data) >= 2:
        at, length = 2, data[1] & 0x7F
        if length >= 126:
            width = 2 if length == 126 else 8
            length = int.from_bytes(data[2 : 2 + width], "big")
            at += width
        key = bytes(data[at : at + 4]) if data[1] & 0x80 else b""
        at += len(key)
        if len(data) < at + length:
            break
        payload = bytes(data[at : at + length])
        frames.append(_frame(data[0], _unmasked(payload, key) if key else payload))
        del data[: at + length]
    return frames


def _frame(first: int, payload: bytes) -> Frame:
    opcode, final = first & 0x0F, bool(first & FIN)
    if opcode == CLOSE:
        return Frame("close", payload[2:], int.from_bytes(payload[:2], "big") if payload else None)
    return Frame(TYPE_NAMES[opcode], payload, final=final)


def _unmasked(payload: bytes, key: bytes) -> bytes:
    whole = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(payload), "big")


def _bytes(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload


def _shown(frame: Frame) -> str:
    value: str | bytes = frame.payload
    if frame.typ in ("text", "close"):
        value = frame.payload.decode(errors="replace")
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:50]}... {len(frame.payload)} bytes"
