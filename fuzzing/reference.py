"""A second reading of RFC 6455, section 5, as plain as can be: what the bytes of one side say, all at once.

Slow, without windows and without state between calls, so that it shares no mistake with the parser.
"""

from __future__ import annotations

import codecs
import zlib
from typing import NamedTuple

from tests.kit import frames
from tests.kit.frames import CLOSE, CONTINUATION, TEXT, Frame

PROTOCOL, INVALID, BIG = 1002, 1007, 1009


class Spoken(NamedTuple):
    """What a side has said.

    Attributes:
        frames: the whole frames before the first fault.
        wires: the bytes of each.
        kinds: the opcode of the message that each belongs to.
        code: the close code that the fault brings, or None.
        rest: the bytes behind the last whole frame.
    """

    frames: list[Frame]
    wires: list[bytes]
    kinds: list[int]
    code: int | None
    rest: bytes


class _Fault(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Utf8:
    """Whether pieces of a text are UTF-8, told as soon as it shows."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def holds(self, piece: bytes, last: bool) -> bool:
        try:
            self._decoder.decode(piece, last)
        except UnicodeDecodeError:
            return False
        # Python waits for the third byte of a surrogate, of which the second has told it.
        held = self._decoder.getstate()[0]
        return not (held[:1] == b"\xed" and held[1:2] >= b"\xa0")


def read(
    data: bytes,
    masked: bool,
    validate_utf8: bool = True,
    max_size: int = -1,
    max_fragments: int = -1,
    joined: bool = False,
    deflate: bool = False,
    inflates: Inflates | None = None,
) -> Spoken:
    """Read everything that stands in ``data``; the arguments are those of the parser.

    ``inflates`` is what inflates compressed messages; the frames are then those of the plain ones.
    """
    found = Spoken([], [], [], None, data)
    message, size, count = CONTINUATION, 0, 0
    compressed = False
    text = Utf8()
    while True:
        rest = found.rest
        try:
            head = _head(rest, masked, message, deflate)
            if head is None:
                return found
            opcode, fin, length, begin = head
            if opcode < CLOSE:
                if opcode != CONTINUATION:
                    message, size, count = opcode, 0, 0
                    text = Utf8()
                    compressed = bool(rest[0] & 0x40)
                if compressed:
                    # What is held of a compressed frame is bounded too, with room for what does not become smaller.
                    if max_size >= 0 and length > max_size + max_size // 4 + 1024:
                        raise _Fault(BIG)
                elif max_size >= 0 and length > (max_size - size if joined else max_size):
                    raise _Fault(BIG)
                if 0 <= max_fragments < count + 1 and opcode == CONTINUATION:
                    raise _Fault(BIG)
                size, count = size + (0 if compressed else length), count + 1
            begin += 4 * masked
            key = rest[begin - 4 : begin] if masked else bytes(4)
            if len(rest) < begin:
                return found
            payload = frames.masked(rest[begin : begin + length], key)
            whole = len(payload) == length
            rsv = rest[0] >> 4 & 7
            if opcode < CLOSE and compressed and inflates is not None and whole:
                most = max(max_size - (size if joined else 0), 0) if max_size >= 0 else -1
                payload, rsv = inflates.plain(payload, fin, most), 0
                size += len(payload)
            if opcode < CLOSE and message == TEXT and validate_utf8 and (not compressed or (inflates and whole)):
                if not text.holds(payload, whole and fin):
                    raise _Fault(INVALID)
            if not whole:
                return found
            if opcode == CLOSE:
                _close(payload)
        except _Fault as fault:
            return found._replace(code=fault.code)
        found.frames.append(Frame(opcode, payload, fin, rsv))
        found.wires.append(rest[: begin + length])
        found.kinds.append(message if opcode < CLOSE else opcode)
        found = found._replace(rest=rest[begin + length :])
        if opcode < CLOSE and fin:
            message = CONTINUATION


_TAIL = b"\0\0\xff\xff"


_MOST_RATIO = 1100
"""A deflated byte inflates to no more than some 1030."""


class Doubt(Exception):
    """Of this nobody can say what is right: the fault may be told at once, with the next message, or not at all."""


class Inflates:
    """Plain messages of compressed ones (RFC 7692, section 7.2.2)."""

    def __init__(self, takeover: bool, window_bits: int = 15) -> None:
        self._takeover = takeover
        self._window_bits = window_bits
        self._zlib = zlib.decompressobj(-window_bits)
        self._end = b""

    def plain(self, data: bytes, last: bool, most: int = -1) -> bytes:
        self._end = (self._end + data)[-4:]
        if last:
            if self._end == _TAIL:
                raise Doubt("the sender has left the tail where it was")
            self._end = b""
        made = b""
        if 0 <= most < _MOST_RATIO * len(data):
            try:
                self._zlib.copy().decompress(data)
            except zlib.error:
                raise Doubt("it is too long, or wrong, whatever shows first") from None
        while data:
            try:
                made += self._zlib.decompress(data, 0 if most < 0 else most + 1 - len(made))
            except zlib.error:
                raise _Fault(INVALID) from None
            if 0 <= most < len(made):
                raise _Fault(BIG)
            data = self._zlib.unconsumed_tail
            if self._zlib.eof:
                data = self._zlib.unused_data
                self._zlib = zlib.decompressobj(-self._window_bits)
        if last:
            try:
                if self._zlib.decompress(_TAIL) or self._zlib.eof:
                    raise Doubt("the message ends within a block")
                probe = self._zlib.copy()
                at_a_boundary = not probe.decompress(b"\x01\0\0\xff\xff") and probe.eof
            except zlib.error:
                at_a_boundary = False
            if not at_a_boundary:
                raise Doubt("the message ends within a block")
        if last and not self._takeover:
            self._zlib = zlib.decompressobj(-self._window_bits)
        return made


def _head(data: bytes, masked: bool, message: int, deflate: bool) -> tuple[int, bool, int, int] | None:
    if len(data) < 2:
        return None
    opcode, fin, length = data[0] & 15, bool(data[0] & 0x80), data[1] & 0x7F
    known = opcode in (0, 1, 2, 8, 9, 10)
    reserved = data[0] & 0x70
    if reserved and not (deflate and reserved == 0x40 and opcode in (1, 2)):
        raise _Fault(PROTOCOL)
    if bool(data[1] & 0x80) != masked or not known:
        raise _Fault(PROTOCOL)
    if opcode >= CLOSE and (not fin or length > 125):
        raise _Fault(PROTOCOL)
    if opcode < CLOSE and (opcode == CONTINUATION) != (message != CONTINUATION):
        raise _Fault(PROTOCOL)
    if length < 126:
        return opcode, fin, length, 2
    width = 2 if length == 126 else 8
    if len(data) < 2 + width:
        return None
    length = int.from_bytes(data[2 : 2 + width], "big")
    if length < (126 if width == 2 else 1 << 16) or length >> 63:
        raise _Fault(PROTOCOL)
    return opcode, fin, length, 2 + width


def _close(payload: bytes) -> None:
    if not payload:
        return
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in (1000, 1001, 1002, 1003, *range(1007, 1015)) or 3000 <= code <= 4999):
        raise _Fault(PROTOCOL)
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise _Fault(INVALID) from None
