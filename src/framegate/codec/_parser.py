"""Bytes to frames: an incremental parser for one direction of a connection (RFC 6455, section 5).

The parser is given windows of bytes with :meth:`Parser.feed` and asked for what they hold with :meth:`Parser.next`,
until that answers ``NEED``. It copies nothing but the beginning of a frame that ends in a later window: a frame that
lies whole in the window is described by its place there (``data``, ``start``, ``payload_start``, ``stop``), and
:meth:`Parser.payload` makes the one unmasked copy for who wants it.

It checks all that can be known from one direction: header forms, masking, sequence, sizes, UTF-8, close payloads. After
the first error it has failed for good, holds nothing, and says nothing but ``FAILED``. It never raises for a peer's
mistake, and knows nothing of sockets, clocks or the other direction.
"""

from __future__ import annotations

from typing import Any

from framegate.codec.deflate import Corrupt, TooLong

try:
    import cython
except ImportError:  # Cython is not installed
    from framegate import _pure as cython

if cython.compiled:
    from cython.cimports.framegate.codec._octets_c import append_range, copy_unmasked, scan_utf8, scan_utf8_bytes
else:
    from framegate.codec._octets import append as append_range
    from framegate.codec._octets import unmask as copy_unmasked
    from framegate.codec._octets import validate_utf8 as scan_utf8
    from framegate.codec._octets import validate_utf8_bytes as scan_utf8_bytes
    from framegate.codec.constants import (
        CHUNK,
        CLOSE,
        CONTINUATION,
        FAILED,
        FIN,
        FRAME,
        INVALID_PAYLOAD,
        MASKED,
        MAX_CONTROL_PAYLOAD,
        NEED,
        NO_CODE,
        PONG,
        PROTOCOL_ERROR,
        RSV1,
        RSV_BITS,
        TEXT,
        TOO_BIG,
    )

NOTHING = bytearray()
"""Stands where no buffer is; never written to."""


class Parser:
    """The frames of one direction.

    Args:
        masked: whether frames must be masked: True for those of a client, False for those of an upstream (RFC 6455,
            section 5.1). The other way is a protocol error.
        stream: deliver a data frame that does not lie whole in the window piece by piece, as ``CHUNK``; otherwise it
            is held until it is complete. Control frames are always held.
        validate_utf8: check text payloads, piece by piece as they arrive (section 8.1). Close reasons are always
            checked.
        max_size: most payload bytes of a data frame, or of a whole message where ``joined``; -1 for no limit.
        max_fragments: most data frames in a message; -1 for no limit.
        joined: whether ``max_size`` counts the running total of a message.

    Where permessage-deflate was agreed upon (RFC 7692), ``deflate`` is set: the first frame of a message may then have
    RSV1, which ``compressed`` tells. With an ``inflater`` too, the payload, its length, limits and UTF-8 are those of
    the plain message; it needs ``stream`` off, and no frame inflates to more than ``max_plain`` bytes. Without one,
    compressed payloads stay as they are, unchecked.

    After ``FRAME`` and ``CHUNK`` the fields describe it: ``opcode``, ``kind`` (the opcode of the message that it
    belongs to), ``fin``, ``length`` (payload bytes of the whole frame), ``key`` (0 when unmasked), ``data`` with
    ``start``, ``payload_start`` and ``stop``, ``close_code`` (``NO_CODE`` when there is none). They hold until the
    next call. A chunk is the first of its frame when ``first``, the last when ``last``; ``payload_start`` of a chunk is
    where its payload begins behind the header, if any. After ``FAILED``: ``error_code`` and ``error``.
    """

    def __init__(
        self,
        masked: bool,
        stream: bool = False,
        validate_utf8: bool = True,
        max_size: int = -1,
        max_fragments: int = -1,
        joined: bool = False,
    ) -> None:
        self.masked = masked
        self.stream = stream
        self.validate = validate_utf8
        self.joined = joined
        self.deflate = False
        self.inflater: Any = None
        self.max_plain = -1
        self.compressed = False
        self.plain: bytes | None = None
        self.max_size = max_size
        self.max_fragments = max_fragments
        self.window = NOTHING
        self.position = 0
        self.end = 0
        self.owned = False
        self.held = NOTHING
        self.held_header = 0
        self.checked = 0
        self.phase = 0
        self.remaining = 0
        self.message = CONTINUATION
        self.kind = CONTINUATION
        self.fragments = 0
        self.message_size = 0
        self.utf8_state = 0
        self.opcode = 0
        self.fin = False
        self.length = 0
        self.key = 0
        self.data = NOTHING
        self.start = 0
        self.payload_start = 0
        self.stop = 0
        self.first = False
        self.last = False
        self.close_code = NO_CODE
        self.error_code = 0
        self.error = ""

    def feed(self, window: bytearray, start: int, end: int) -> None:
        """Take ``window[start:end]`` as the next bytes. The window before it must have been parsed to its end.

        Raises:
            IndexError: the range lies outside of the window.
        """
        if not 0 <= start <= end <= len(window):
            raise IndexError("range outside of the window")
        self.window = window
        self.position = start
        self.end = end
        self.owned = False

    def next(self) -> int:
        """What comes next in the window: ``NEED`` (it is used up), ``FRAME``, ``CHUNK`` or ``FAILED``."""
        if self.error_code:
            return FAILED
        if self.remaining:
            return self._more_of_frame()
        if self.held is not NOTHING:
            if self.data is not self.held:
                return self._resume_held()
            # The held frame was delivered by the last call.
            self.held = NOTHING
            self.data = NOTHING
        available = self.end - self.position
        if available <= 0:
            return NEED
        header = self._header(self.window, self.position, available)
        if header < 0:
            return FAILED
        if header == 0:
            return self._hold(0)
        if available - header >= self.length:
            self.data = self.window
            self.start = self.position
            self.payload_start = self.position + header
            self.stop = self.payload_start + self.length
            self.position = self.stop
            return self._complete(self.payload_start)
        if self.stream and self.opcode < CLOSE:
            return self._first_chunk(self.window, self.position, header, available)
        return self._hold(header)

    def payload(self) -> bytes:
        """An unmasked copy of the payload of the frame or chunk just delivered; of a close frame, its reason only."""
        if self.plain is not None:
            return self.plain
        data = self.data
        start = self.payload_start
        phase = self.phase
        if self.opcode == CLOSE and self.length:
            start += 2
            phase = 2
        key = self.key
        if phase:
            # The key's byte for the payload's byte i is the one at i modulo 4 (section 5.3).
            key = (key >> 8 * phase | key << 32 - 8 * phase) & 0xFFFFFFFF
        return copy_unmasked(data, start, self.stop, key)

    def buffered(self) -> int:
        """Bytes that the parser itself holds: the beginning of a frame that is not complete, and what has not been
        parsed of a window of its own."""
        size = self.end - self.position if self.owned else 0
        held = self.held
        if held is not self.data:
            size += len(held)
        return size

    def is_busy(self) -> bool:
        """Whether a message has begun whose end was not delivered, or more than the header of a frame is there."""
        if self.remaining or self.message != CONTINUATION:
            return True
        return self.held is not NOTHING and self.held is not self.data and self.held_header > 0

    def own_window(self) -> None:
        """Copy what is needed of the window, the frame just delivered with it, so that the caller may reuse his."""
        if self.owned:
            return
        begin = self.start if self.data is self.window else self.position
        copy = bytearray()
        append_range(copy, self.window, begin, self.end)
        if self.data is self.window:
            self.data = copy
            self.start -= begin
            self.payload_start -= begin
            self.stop -= begin
        self.window = copy
        self.position -= begin
        self.end -= begin
        self.owned = True

    def extend(self, more: bytearray, start: int, end: int) -> None:
        """Append ``more[start:end]`` to a window that :meth:`own_window` has made the parser's own."""
        if not 0 <= start <= end <= len(more):
            raise IndexError("range outside of the data")
        append_range(self.window, more, start, end)
        self.end += end - start

    def skim(self) -> None:
        """From here on hold and check no data frame: who calls this wants to see nothing but a close frame."""
        self.stream = True
        self.inflater = None
        self.validate = False
        self.max_size = -1
        self.max_fragments = -1
        held = self.held
        if held is not NOTHING and held is not self.data and self.held_header and self.opcode < CLOSE:
            self.remaining = self.held_header + self.length - len(held)
            self.checked = len(held) - self.held_header
            self.held = NOTHING

    def discard(self) -> None:
        """Forget the window and all that is held: the driver will read no more frames here."""
        self.window = NOTHING
        self.data = NOTHING
        self.held = NOTHING
        self.plain = None
        self.position = 0
        self.end = 0
        self.length = 0
        self.start = 0
        self.payload_start = 0
        self.stop = 0

    def _header(self, data: bytearray, at: int, available: int) -> int:
        # Returns the header's size, 0 when more bytes are needed, -1 for an error. Nothing is remembered of a header
        # until it is whole, so that it can be read again from its start.
        if available < 2:
            return 0
        first = data[at]
        second = data[at + 1]
        opcode = first & 0x0F
        fin = (first & FIN) != 0
        length = second & 0x7F
        if first & RSV_BITS:
            if not self.deflate:
                # Section 5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
                return self._fail(PROTOCOL_ERROR, "reserved bits set without an extension")
            if first & RSV_BITS != RSV1 or opcode >= CLOSE or opcode == CONTINUATION:
                # RFC 7692, section 6: RSV1 stands on the first frame of a message, never on a control frame.
                return self._fail(PROTOCOL_ERROR, "reserved bits set where the extension has no meaning for them")
        if ((second & MASKED) != 0) != self.masked:
            # Section 5.1: "a client MUST mask all frames", "A server MUST NOT mask any frames".
            return self._fail(PROTOCOL_ERROR, "frame not masked" if self.masked else "frame masked")
        if opcode >= CLOSE:
            if opcode > PONG:
                return self._fail(PROTOCOL_ERROR, "reserved control opcode")
            if not fin:
                return self._fail(PROTOCOL_ERROR, "fragmented control frame")
            if length > MAX_CONTROL_PAYLOAD:
                return self._fail(PROTOCOL_ERROR, "control frame with over 125 payload bytes")
        elif opcode > 2:
            return self._fail(PROTOCOL_ERROR, "reserved data opcode")
        elif opcode == CONTINUATION:
            if self.message == CONTINUATION:
                return self._fail(PROTOCOL_ERROR, "continuation without a message to continue")
        elif self.message != CONTINUATION:
            return self._fail(PROTOCOL_ERROR, "new data frame inside an unfinished message")
        header = 2
        if length == 126:
            header = 4
            if available < 4:
                return 0
            length = data[at + 2] << 8 | data[at + 3]
            if length < 126:
                # Section 5.2: "the minimal number of bytes MUST be used to encode the length".
                return self._fail(PROTOCOL_ERROR, "length not in its minimal form")
        elif length == 127:
            header = 10
            if available < 10:
                return 0
            if data[at + 2] & 0x80:
                return self._fail(PROTOCOL_ERROR, "64-bit length with its most significant bit set")
            length = 0
            for i in range(at + 2, at + 10):
                length = length << 8 | data[i]
            if length < 0x10000:
                return self._fail(PROTOCOL_ERROR, "length not in its minimal form")
        if opcode < CLOSE and self._over_limit(opcode, length, (first & RSV1) != 0):
            return -1
        key = 0
        if self.masked:
            if available < header + 4:
                return 0
            at += header
            key = data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24
            header += 4
        self.opcode = opcode
        self.fin = fin
        self.length = length
        self.key = key
        self.checked = 0
        self.phase = 0
        self.close_code = NO_CODE
        self.plain = None
        if opcode >= CLOSE:
            self.kind = opcode
        else:
            if opcode != CONTINUATION:
                self.compressed = (first & RSV1) != 0
            self._next_fragment(opcode, fin, length)
        return header

    def _over_limit(self, opcode: int, length: int, begins_compressed: bool) -> bool:
        if begins_compressed or (self.compressed and opcode == CONTINUATION):
            # What counts is the plain length, which is known later. Here what is held of the compressed frame is
            # bounded, with room for the worst that a deflater makes of a payload within the limit.
            if self.max_size >= 0 and length > self.max_size + (self.max_size >> 2) + 1024:
                self._fail(TOO_BIG, f"over {self.max_size} payload bytes")
                return True
        elif self.max_size >= 0:
            # Subtracted, not added: a length may be near the largest integer.
            allowed = self.max_size
            if self.joined and opcode == CONTINUATION:
                allowed -= self.message_size
            if length > allowed:
                self._fail(TOO_BIG, f"over {self.max_size} payload bytes")
                return True
        if self.max_fragments >= 0 and opcode == CONTINUATION and self.fragments >= self.max_fragments:
            self._fail(TOO_BIG, f"over {self.max_fragments} fragments in a message")
            return True
        return False

    def _next_fragment(self, opcode: int, fin: bool, length: int) -> None:
        if opcode == CONTINUATION:
            opcode = self.message
            self.fragments += 1
            if not self.compressed:
                self.message_size += length
        else:
            self.fragments = 1
            self.message_size = 0 if self.compressed else length
            self.utf8_state = 0
        self.kind = opcode
        self.message = CONTINUATION if fin else opcode

    def _hold(self, header: int) -> int:
        # The window ends inside of this frame: keep what there is of it.
        held = bytearray()
        append_range(held, self.window, self.position, self.end)
        self.position = self.end
        self.held = held
        self.held_header = header
        self.data = NOTHING
        if header and not self._check_held():
            return FAILED
        return NEED

    def _resume_held(self) -> int:
        held = self.held
        while self.held_header == 0:
            # A header is at most 14 bytes: taken byte by byte, it is never read past its end.
            if self.position >= self.end:
                return NEED
            append_range(held, self.window, self.position, self.position + 1)
            self.position += 1
            header = self._header(held, 0, len(held))
            if header < 0:
                return FAILED
            self.held_header = header
            if header and self.stream and self.opcode < CLOSE and self.end - self.position < self.length:
                self.held = NOTHING
                return self._first_chunk(held, 0, header, header)
        missing = self.held_header + self.length - len(held)
        available = self.end - self.position
        if available < missing:
            append_range(held, self.window, self.position, self.end)
            self.position = self.end
            return NEED if self._check_held() else FAILED
        append_range(held, self.window, self.position, self.position + missing)
        self.position += missing
        self.data = held
        self.start = 0
        self.payload_start = self.held_header
        self.stop = self.held_header + self.length
        return self._complete(self.held_header + self.checked)

    def _check_held(self) -> bool:
        # Invalid text is found before its frame is complete.
        begin = self.held_header + self.checked
        end = len(self.held)
        if not self._check_text(self.held, begin, end):
            return False
        self.checked += end - begin
        return True

    def _first_chunk(self, data: bytearray, start: int, header: int, available: int) -> int:
        self.data = data
        self.start = start
        self.payload_start = start + header
        self.stop = start + available
        self.remaining = self.length - (available - header)
        self.first = True
        self.last = False
        if data is self.window:
            self.position = self.stop
        if not self._check_text(data, self.payload_start, self.stop):
            return FAILED
        self.checked = self.stop - self.payload_start
        return CHUNK

    def _more_of_frame(self) -> int:
        available = self.end - self.position
        if available <= 0:
            return NEED
        if available > self.remaining:
            available = self.remaining
        self.data = self.window
        self.start = self.position
        self.payload_start = self.position
        self.stop = self.position + available
        self.position = self.stop
        self.remaining -= available
        self.first = False
        self.last = self.remaining == 0
        if not self._check_text(self.data, self.start, self.stop):
            return FAILED
        self.phase = self.checked & 3
        self.checked += available
        if self.last and not self._text_may_end():
            return FAILED
        return CHUNK

    def _complete(self, unchecked: int) -> int:
        # The whole frame is in `data`; its payload was checked up to `unchecked`.
        if self.opcode < CLOSE:
            if self.compressed:
                return FRAME if self.inflater is None or self._inflate() else FAILED
            if self.validate and self.kind == TEXT:
                if not self._check_text(self.data, unchecked, self.stop) or not self._text_may_end():
                    return FAILED
        elif self.opcode == CLOSE and not self._check_close():
            return FAILED
        return FRAME

    def _inflate(self) -> bool:
        packed = copy_unmasked(self.data, self.payload_start, self.stop, self.key)
        most = -1
        if self.max_size >= 0:
            # The limit may have been lowered while the message was on its way.
            most = max(self.max_size - (self.message_size if self.joined else 0), 0)
        if self.max_plain >= 0 and (most < 0 or most > self.max_plain):
            most = self.max_plain
        try:
            plain = self.inflater.inflate(packed, self.fin, most)
        except TooLong:
            self._fail(TOO_BIG, f"compressed payload of over {most} bytes")
            return False
        except Corrupt as error:
            # Data "not consistent with the type of the message" (section 7.4.1).
            self._fail(INVALID_PAYLOAD, f"compressed payload that cannot be inflated: {error}")
            return False
        self.message_size += len(plain)
        self.length = len(plain)
        self.plain = plain
        if self.validate and self.kind == TEXT:
            self.utf8_state = scan_utf8_bytes(plain, self.utf8_state)
            if self.utf8_state < 0:
                self._fail(INVALID_PAYLOAD, "text that is not UTF-8")
                return False
            return self._text_may_end()
        return True

    def _check_text(self, data: bytearray, begin: int, end: int) -> bool:
        if not self.validate or self.kind != TEXT or self.compressed:
            return True
        self.utf8_state = scan_utf8(data, begin, end, self.key, self.checked, self.utf8_state)
        if self.utf8_state < 0:
            self._fail(INVALID_PAYLOAD, "text that is not UTF-8")
            return False
        return True

    def _text_may_end(self) -> bool:
        if self.validate and self.kind == TEXT and self.fin and self.utf8_state != 0:
            self._fail(INVALID_PAYLOAD, "text that ends inside a character")
            return False
        return True

    def _check_close(self) -> bool:
        if self.length == 0:
            return True
        if self.length == 1:
            # Section 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
            self._fail(PROTOCOL_ERROR, "close frame with one payload byte")
            return False
        at = self.payload_start
        key = self.key
        code = (self.data[at] ^ (key & 0xFF)) << 8 | (self.data[at + 1] ^ (key >> 8 & 0xFF))
        # The set of close.may_be_received, here without a call.
        if not (3000 <= code <= 4999 or 1000 <= code <= 1003 or 1007 <= code <= 1014):
            self._fail(PROTOCOL_ERROR, f"close code {code} may not be sent")
            return False
        if scan_utf8(self.data, at + 2, self.stop, key, 2, 0) != 0:
            self._fail(INVALID_PAYLOAD, "close reason that is not UTF-8")
            return False
        self.close_code = code
        return True

    def _fail(self, code: int, error: str) -> int:
        self.error_code = code
        self.error = error
        self.remaining = 0
        self.discard()
        return -1
