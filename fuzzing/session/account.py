"""What had to come of what one side sent: the calls of the hook, and the frames for the other side.

Made of the reference's reading and of the verdicts alone, by the rules for verdicts as they are written down.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fuzzing.material import bytes_of
from fuzzing.reference import Spoken, Utf8
from tests.kit.frames import BINARY, CLOSE, CONTINUATION, NAMES, PONG, TEXT, Frame

_CODES = (*range(1000, 1004), *range(1007, 1015))
_TYPES = {**NAMES, CONTINUATION: "continuation"}


class Asked(NamedTuple):
    """A frame, or a joined message, that is decided upon."""

    frame: Frame
    kind: int
    number: int

    @property
    def arguments(self) -> list[Any]:
        return arguments(self.frame)


def arguments(frame: Frame) -> list[Any]:
    """What a hook is called with for a frame, behind the origin."""
    reason = frame.payload[2:] if frame.opcode == CLOSE else frame.payload
    return [_TYPES[frame.opcode], reason, frame.fin, frame.code if frame.opcode == CLOSE else None]


def asked(spoken: Spoken, joins: bool) -> list[Asked]:
    """What is decided upon, in order; ``number`` is the last frame of it."""
    found, parts = [], b""
    for number, (frame, kind) in enumerate(zip(spoken.frames, spoken.kinds, strict=True)):
        if frame.opcode < CLOSE and joins:
            parts += frame.payload
            if frame.fin:
                found.append(Asked(Frame(kind, parts), kind, number))
                parts = b""
        else:
            found.append(Asked(frame, kind, number))
        if frame.opcode == CLOSE:
            break
    return found


def without_own_pongs(values: list[Asked], seen: list[list[Any]]) -> list[Asked]:
    """The same without the pongs to pings of ours, as far as they are not among what was ``seen`` behind them: the
    arguments of the hook, or of a hook that would have been asked of what came out."""
    found: list[Asked] = []
    for value in values:
        frame, number = value.frame, len(found)
        if frame.opcode == PONG and frame.payload.startswith((b"~", b"framegate")):
            if number >= len(seen) or seen[number] != value.arguments:
                continue
        found.append(value)
    return found


class Account:
    """What goes out, after the verdicts.

    Attributes:
        out: the frames for the other side.
        numbers: of the frames that they come of.
        dropped, changed: how many were.
        failed: whether the last verdict was none that can be followed.
    """

    def __init__(self, values: list[Asked], calls: list[list[Any]] | None, check_text: bool) -> None:
        self.out: list[Frame] = []
        self.numbers: list[int] = []
        self.dropped = self.changed = 0
        self.failed = False
        self._check_text = check_text
        self._mid = False
        self._utf8 = Utf8()
        for number, value in enumerate(values):
            verdict = ["keep"] if calls is None else calls[number][4] if number < len(calls) else ["pending"]
            if verdict[0] in ("pending", "end"):
                return
            self._decide(value, verdict)
            if self.failed or (value.frame.opcode == CLOSE):
                return

    def _decide(self, value: Asked, verdict: list[Any]) -> None:
        kind = verdict[0]
        if kind in ("raise", "wrong"):
            self.failed = True
        elif kind in ("drop", "drop pair"):
            self._drop(value)
        elif kind == "keep":
            self._forward(value, value.frame, False)
        elif value.frame.opcode == CLOSE:
            self._change_close(value, verdict)
        else:
            payload = bytes_of(verdict[1])
            if value.frame.opcode > CLOSE and len(payload) > 125:
                self.failed = True
            else:
                self._forward(value, value.frame._replace(payload=payload), payload != value.frame.payload)

    def _change_close(self, value: Asked, verdict: list[Any]) -> None:
        frame, reason = value.frame, bytes_of(verdict[1])
        code = verdict[2] if verdict[0] == "code" else None
        if code is not None:
            if type(code) is not int or not (code in _CODES or 3000 <= code < 5000):
                self.failed = True
                return
        same = code is None or code == frame.code
        if same and reason == frame.payload[2:]:
            self._forward(value, frame, False)
            return
        try:
            reason.decode()
        except UnicodeDecodeError:
            self.failed = True
        if self.failed or len(reason) > 123:
            self.failed = True
        elif same and frame.code is None:
            # A reason without a code is left out.
            self._forward(value, frame, False)
        else:
            body = (frame.code if same else code).to_bytes(2, "big") + reason
            self._forward(value, frame._replace(payload=body), True)

    def _drop(self, value: Asked) -> None:
        self.dropped += 1
        frame = value.frame
        if frame.opcode < CLOSE and frame.fin and self._mid:
            if not self._text(value.kind, b"", True):
                self.failed = True
                return
            self._mid = False
            self._put(value, Frame(CONTINUATION))

    def _forward(self, value: Asked, frame: Frame, changed: bool) -> None:
        if frame.opcode < CLOSE:
            begins = not self._mid
            if begins:
                self._utf8 = Utf8()
            if not self._text(value.kind, frame.payload, frame.fin):
                self.failed = True
                return
            if begins:
                frame = frame._replace(opcode=value.kind)
            self._mid = not frame.fin
        self.changed += changed
        self._put(value, frame)

    def _text(self, kind: int, payload: bytes, last: bool) -> bool:
        return kind != TEXT or not self._check_text or self._utf8.holds(payload, last)

    def _put(self, value: Asked, frame: Frame) -> None:
        self.out.append(frame)
        self.numbers.append(value.number)


def check_well_formed(received: list[Frame], compressed: bool) -> None:
    """RFC 6455, sections 5.4 and 5.5, of what a side has received; RSV1 only where it was agreed upon (RFC 7692)."""
    mid = False
    for number, frame in enumerate(received):
        assert frame.rsv == 0 or (compressed and frame.rsv == 4 and frame.opcode in (TEXT, BINARY)), f"{frame}"
        if frame.opcode >= CLOSE:
            assert frame.fin and len(frame.payload) <= 125
            assert frame.opcode != CLOSE or number == len(received) - 1, "a frame behind the close frame"
        else:
            assert frame.opcode in (CONTINUATION, TEXT, BINARY)
            assert (frame.opcode == CONTINUATION) == mid, f"{frame} in the wrong place of {received}"
            mid = not frame.fin
