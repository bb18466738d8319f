"""permessage-deflate (RFC 7692): inflating what a side sends, and deflating what it is sent.

Owns the two contexts of one side and the bounds on what inflating costs. Knows no frame headers and no negotiation.
"""

from __future__ import annotations

import zlib as _zlib
from typing import Any, Final

zlib: Any = _zlib
try:
    from zlib_ng import zlib_ng
except ImportError:  # the wheel is not installed: the same results, slower
    pass
else:
    zlib = zlib_ng

TAIL: Final = b"\x00\x00\xff\xff"
"""What the deflater takes from the end of a message, and the inflater puts back (RFC 7692, section 7.2.1)."""

FINAL_BLOCK: Final = b"\x03\x00"
"""An empty block with BFINAL set, which is valid wherever a block may begin."""

MOST_STREAMS: Final = 64
"""Blocks with BFINAL set that are taken in one fragment. Each costs a decoder and a copy of what follows it, so that
without a bound the time would grow with the square of the payload."""

LEVEL: Final = 4
"""Half the time of zlib's default of 6, for 6 % more bytes (docs/decisions/0005-zlib-ng.md)."""

MEMORY: Final = 8
"""zlib's default. With a window of 15 bits a deflater then owns some 290 KiB, with 9 bits 200; an inflater owns 40."""

_INVALID: tuple[type[Exception], ...] = (_zlib.error, zlib.error)


class Corrupt(Exception):
    """The data is no DEFLATE stream (RFC 1951)."""


class TooLong(Exception):
    """The message inflates to more than its limit."""


class Inflater:
    """Inflates the messages that one side sends.

    Data that ends within a block is noticed at the end of its message, or at the latest, where the context is kept,
    with the next one. What an earlier message has left behind is forgotten after a block with BFINAL set.

    Args:
        takeover: whether the context is kept from message to message.
    """

    __slots__ = ("_decoder", "_end", "_takeover")

    def __init__(self, takeover: bool = True) -> None:
        self._takeover = takeover
        self._decoder: Any = None
        # The last bytes of the message so far. Before its first ones, the stream stands where TAIL has left it.
        self._end = TAIL

    def inflate(self, data: bytes, last: bool, most: int = -1) -> bytes:
        """The plain bytes of the next fragment.

        Args:
            data: its payload.
            last: whether it ends the message.
            most: bytes that it may inflate to; no more than that and one are ever made. -1 is unlimited. It is a limit
                of this fragment: who limits messages lowers it by what the fragments before have come to.

        Raises:
            Corrupt: it cannot be inflated.
            TooLong: it is longer than ``most``.
        """
        if self._decoder is None:
            self._decoder = zlib.decompressobj(wbits=-15)
        plain = b""
        if data:
            self._end = data[-4:] if len(data) >= 4 else (self._end + data)[-4:]
            plain = self._fed(data, most)
        if last:
            self._finish()
        return plain

    def _fed(self, data: bytes, most: int) -> bytes:
        room = most + 1
        piece = self._decoded(data, 0 if most < 0 else room)
        if not self._decoder.eof and (most < 0 or len(piece) < room):
            return piece
        return self._fed_on(piece, most)

    def _fed_on(self, piece: bytes, most: int) -> bytes:
        # The limit is reached, or a stream has ended within the message.
        pieces: list[bytes] = []
        room = most + 1
        for _ in range(MOST_STREAMS):
            pieces.append(piece)
            if most >= 0:
                room -= len(piece)
                if room <= 0:
                    raise TooLong
            if not self._decoder.eof:
                break
            # A block with BFINAL set ends the stream, not the message (section 7.2.3.4); a new stream follows.
            data = self._decoder.unused_data
            self._decoder = zlib.decompressobj(wbits=-15)
            if not data:
                self._end = TAIL
                break
            piece = self._decoded(data, 0 if most < 0 else room)
        else:
            raise Corrupt(f"more than {MOST_STREAMS} blocks with BFINAL set in a fragment")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _finish(self) -> None:
        # Some senders leave the tail where it is, and send an empty last fragment after it where section 7.2.3.6 asks
        # for a zero byte. A second tail would be taken for half a block, and spoil the next message.
        if self._end != TAIL and (self._decoded(TAIL, 1) or self._decoder.eof):
            raise Corrupt("the data ends within a block")
        self._end = TAIL
        if not self._takeover:
            if self._decoded(FINAL_BLOCK, 1) or not self._decoder.eof:
                raise Corrupt("the data ends within a block")
            self._decoder = None

    def _decoded(self, data: bytes, most: int) -> bytes:
        try:
            plain: bytes = self._decoder.decompress(data, most)
        except _INVALID as error:
            raise Corrupt(str(error)) from None
        return plain


class Deflater:
    """Deflates the messages that one side is sent.

    Args:
        takeover: whether the context is kept from message to message.
        window_bits: 9 to 15.
    """

    __slots__ = ("_encoder", "_takeover", "_window_bits")

    def __init__(self, takeover: bool = True, window_bits: int = 15) -> None:
        self._takeover = takeover
        self._window_bits = window_bits
        self._encoder: Any = None

    def forget(self) -> None:
        """Begin the next message with a fresh context. The other end may keep its own: nothing refers to it."""
        self._encoder = None

    def deflate(self, data: bytes, last: bool) -> bytes:
        """The payload of the next fragment; one that does not end its message may be followed by any other."""
        encoder = self._encoder
        if encoder is None:
            encoder = self._encoder = zlib.compressobj(LEVEL, zlib.DEFLATED, -self._window_bits, MEMORY)
        packed: bytes = encoder.compress(data) + encoder.flush(zlib.Z_SYNC_FLUSH)
        if last:
            if not self._takeover:
                self._encoder = None
            # A flush that has nothing to write writes nothing.
            packed = packed[:-4] if packed.endswith(TAIL) else packed + b"\x00"
        return packed
