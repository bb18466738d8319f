"""A parser in a test's hands: pieces of bytes go in, frames as values come out.

Every piece is given in a window that is larger than it and is scribbled over afterwards, as a read buffer is. What the
parser holds is counted after each piece, and a failed parser is fed once more to see that it has failed for good.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from framegate.codec.constants import CHUNK, FAILED, FRAME, NEED, NO_CODE
from tests.kit import frames
from tests.kit.builds import Build
from tests.kit.cuts import cuts
from tests.kit.frames import CLOSE, Frame, LengthForm

KEY = b"\x37\xfa\x21\x3d"
"""The masking key of RFC 6455, section 5.7."""

_MARGIN = 3


class Failure(NamedTuple):
    """The end of a parser: the close code that its peer is sent, and why."""

    code: int
    why: str


class Piece(NamedTuple):
    """A chunk of a data frame that is delivered before it is complete."""

    raw: bytes
    payload: bytes
    first: bool
    last: bool


Event = Frame | Failure | Piece


class Reading:
    """One parser and what it has said.

    Attributes:
        events: frames, pieces and at most one failure, in order.
        raw: the bytes of everything that was delivered.
    """

    def __init__(self, parser: Any) -> None:
        self.parser = parser
        self.events: list[Event] = []
        self.raw = b""
        self.fed = 0

    def feed(self, *pieces: bytes) -> Reading:
        for piece in pieces:
            window = bytearray(b"\xa5" * _MARGIN + piece + b"\xa5" * _MARGIN)
            self.parser.feed(window, _MARGIN, _MARGIN + len(piece))
            self.fed += len(piece)
            self._drain()
            window[:] = b"\x5a" * len(window)
        return self

    def _drain(self) -> None:
        parser = self.parser
        while (said := parser.next()) != NEED:
            if said == FAILED:
                self._failed()
                return
            raw = bytes(parser.data[parser.start : parser.stop])
            self.raw += raw
            self.events.append(
                value(parser) if said == FRAME else Piece(raw, parser.payload(), parser.first, parser.last)
            )
            assert said in (FRAME, CHUNK)
        assert parser.buffered() == self.fed - len(self.raw), "held: what was fed and has not been delivered"

    def _failed(self) -> None:
        parser = self.parser
        failure = Failure(parser.error_code, parser.error)
        assert parser.buffered() == 0, "a failed parser holds nothing"
        if failure not in self.events:
            self.events.append(failure)
            parser.feed(bytearray(b"\x81\x00\x01\x00"), 0, 2)
            assert parser.next() == FAILED, "a failed parser says nothing but that"
        assert (Failure(parser.error_code, parser.error), parser.buffered()) == (failure, 0)

    @property
    def frames(self) -> list[Frame | Failure]:
        """The events with the pieces of each frame put together; of a frame that was never whole, nothing."""
        return merged(self.events)


def value(parser: Any) -> Frame:
    """The frame at hand."""
    payload = parser.payload()
    if parser.opcode == CLOSE and parser.close_code != NO_CODE:
        payload = parser.close_code.to_bytes(2, "big") + payload
    return Frame(parser.opcode, payload, parser.fin)


def merged(events: list[Event]) -> list[Frame | Failure]:
    whole: list[Frame | Failure] = []
    raw = b""
    for event in events:
        if not isinstance(event, Piece):
            whole.append(event)
            continue
        raw = event.raw if event.first else raw + event.raw
        if event.last:
            wire = frames.split(raw)
            assert wire is not None and wire.octets == raw
            whole.append(wire.frame)
    return whole


class Codec:
    """The parser of one build for one sender.

    Args:
        sender: ``"client"``, whose frames are masked, or ``"upstream"``, whose frames are not.
    """

    def __init__(self, build: Build, sender: str) -> None:
        self.build = build
        self.sender = sender
        self.masked = sender == "client"

    def __repr__(self) -> str:
        return f"{self.build}-{self.sender}"

    def parser(self, **options: Any) -> Any:
        return self.build.Parser(self.masked, **options)

    def wire(self, *values: Frame, key: bytes = KEY) -> bytes:
        """The bytes of frames as this sender has to send them."""
        return b"".join(self.frame(one.opcode, one.payload, fin=one.fin, rsv=one.rsv, key=key) for one in values)

    def frame(
        self,
        opcode: int,
        payload: bytes = b"",
        *,
        fin: bool = True,
        rsv: int = 0,
        key: bytes = KEY,
        length_form: LengthForm | None = None,
        announced: int | None = None,
    ) -> bytes:
        """The bytes of one frame, right or wrong but for its mask."""
        return frames.frame(opcode, payload, fin, key if self.masked else False, rsv, length_form, announced)

    def reading(self, **options: Any) -> Reading:
        return Reading(self.parser(**options))

    def read(self, *pieces: bytes, **options: Any) -> list[Frame | Failure]:
        """What a fresh parser says to the pieces."""
        return self.reading(**options).feed(*pieces).frames

    def read_any_way(self, data: bytes, **options: Any) -> list[Frame | Failure]:
        """What a fresh parser says to the bytes, which must be the same however they are cut, held or streamed."""
        expected = self.read(data, **options)
        for stream in (False, True):
            for pieces in cuts(data):
                assert self.read(*pieces, stream=stream, **options) == expected, (pieces, stream)
        return expected

    def verdict(self, data: bytes, **options: Any) -> int | None:
        """The close code that the bytes bring, however they are cut, or None."""
        said = self.read_any_way(data, **options)
        return said[-1].code if said and isinstance(said[-1], Failure) else None
