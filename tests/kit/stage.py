"""A session on a stage: two raw peers, a clock that is moved by hand, and no sockets.

The stage does what a driver does: it feeds, takes what the lanes hold, and does what the legs ask for. What a side has
got reads like a conversation::

    play.client.says(close(1000))
    assert play.upstream.got() == [close(1000)]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framegate.options import ProxyOptions
from framegate.session.closing import State
from framegate.session.policy import policies_of
from framegate.session.session import Session
from framegate.session.signals import WAITING
from framegate.session.timers import deadline, tick
from tests.kit import frames
from tests.kit.frames import Frame

FIN = "the end of the stream"
ABORTED = "the socket was closed at once"

_START = 1000.0


class Side:
    """One peer.

    Attributes:
        leg: the session's leg of this side.
        signals: what its lane answered.
    """

    def __init__(self, play: Play, leg: Any) -> None:
        self.play = play
        self.leg = leg
        self.signals: list[int] = []
        self.partial = bytearray()
        self._got: list[Frame | str] = []
        self._ended = self._aborted = self._left = False

    def __repr__(self) -> str:
        return self.leg.side

    def wire(self, *values: Frame) -> bytes:
        """The bytes of frames as this side has to send them."""
        key = b"\x37\xfa\x21\x3d" if self.leg.side == "client" else False
        return b"".join(frames.frame(one.opcode, one.payload, one.fin, key, one.rsv) for one in values)

    def says(self, *values: Frame) -> None:
        """It sends whole frames, in one read."""
        self.says_raw(self.wire(*values))

    def says_raw(self, data: bytes) -> None:
        assert self.leg.suspended is None, "a driver does not read a side that is suspended"
        window = bytearray(data)
        lane = self.leg.incoming
        signal = lane.feed(window, 0, len(window))
        lane.last_frame = self.play.now
        self._heard(signal)
        window[:] = b"\xee" * len(window)

    def _heard(self, signal: int) -> None:
        self.signals.append(signal)
        self.play.flush()
        if signal == WAITING:
            self.play.session.suspend(self.leg, self.play.now)
        self.play.session.heard(self.leg, signal, self.play.now)
        self.play.settle()

    def resume(self, result: Any) -> None:
        """The hook's awaitable on a frame of this side is done."""
        self.play.session.unsuspend(self.leg, self.play.now)
        lane = self.leg.incoming
        self._heard(lane.fail(result) if isinstance(result, Exception) else lane.resume(result))

    def leaves(self, broken: str = "") -> None:
        """Its TCP ends: in order, or by the error that is given."""
        self._left = True
        self.play.session.eof(self.leg, self.play.now, broken)
        self.play.settle()

    def got(self) -> list[Frame | str]:
        """Whole frames, FIN and ABORTED that have come to it since the last look."""
        self.play.settle()
        got, self._got = self._got, []
        return got

    def take(self) -> None:
        lane = self.leg.outgoing
        data = b"" if lane.out is None else bytes(lane.out)
        if lane.run_data is not None:
            data += bytes(lane.run_data[lane.run_start : lane.run_stop])
        lane.written()
        if self._aborted:
            return
        assert not (data and self._ended), f"{data!r} behind the end of the stream"
        self.partial += data
        while (wire := frames.split(self.partial)) is not None:
            assert wire.masked == (self.leg.side == "upstream")
            self._got.append(wire.frame)
            del self.partial[: len(wire.octets)]

    def settle(self) -> None:
        leg = self.leg
        if leg.abort_wanted:
            if not self._aborted:
                self._aborted = True
                self._got.append(ABORTED)
        elif leg.end_wanted and not self._ended and leg.all_told():
            self._ended = True
            leg.activity = self.play.now
            self._got.append(FIN)
            if self._left and leg.state is not State.GONE:
                self.leaves()


class Play:
    """A session with both of its sides.

    Args:
        hook: the hook of the session.
        options: of the proxy.
    """

    def __init__(self, hook: Callable[..., Any] | None = None, **options: Any) -> None:
        self.start = self.now = _START
        chosen = ProxyOptions.of(**options)
        self.session = Session(chosen, policies_of(chosen, hook), self.now)
        self.client = Side(self, self.session.client)
        self.upstream = Side(self, self.session.upstream)

    @property
    def record(self) -> Any:
        return self.session.finish_record(self.now)

    @property
    def states(self) -> tuple[State, State]:
        return self.client.leg.state, self.upstream.leg.state

    def side(self, name: str) -> Side:
        return self.client if name == "client" else self.upstream

    def other(self, side: Side) -> Side:
        return self.upstream if side is self.client else self.client

    def flush(self) -> None:
        self.client.take()
        self.upstream.take()

    def settle(self) -> None:
        self.flush()
        self.client.settle()
        self.upstream.settle()

    def later(self, seconds: float) -> None:
        """Time passes, and every limit is looked at when it is due."""
        until = self.now + seconds
        for _ in range(1000):
            at = deadline(self.session)
            if at is None or at > until:
                break
            self.now = max(self.now, at)
            tick(self.session, self.now)
            self.settle()
        else:
            raise AssertionError(f"a limit is due again and again at {self.now - self.start}")
        self.now = until

    def due(self) -> float | None:
        """When something is due next, counted from now."""
        at = deadline(self.session)
        return None if at is None else at - self.now

    def end(self, why: str, **how: Any) -> bool:
        """The program, the server or a limit ends the session."""
        decided = self.session.end(why, self.now, **how)  # type: ignore[arg-type]
        self.settle()
        return decided

    def silence(self) -> None:
        """Nobody has got anything."""
        assert (self.client.got(), self.upstream.got()) == ([], [])
