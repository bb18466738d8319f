"""One side of a session: its closing state, what it was sent, and the times that its limits are counted from."""

from __future__ import annotations

from typing import Any

from framegate.codec.close import close_payload
from framegate.codec.constants import CLOSE, NO_CODE
from framegate.session.closing import State
from framegate.session.record import CloseInfo, Side
from framegate.session.signals import DONE


class Leg:
    """One side, ``"client"`` or ``"upstream"``.

    Attributes:
        incoming: the lane of the frames that this side sends.
        outgoing: the lane of the frames that it is sent; ``incoming`` of the other side.
        end_wanted: its TCP is to be ended: writing shut down once :meth:`all_told`, reading discarded.
        abort_wanted: its socket is to be closed at once.
        since: when its TCP was asked to end.
        activity: when something last went out to it after that.
        blocked: since when it has taken nothing while the queue toward it is full, or None.
        suspended: since when framegate does not read it, or None; that time counts toward none of its time-outs.
    """

    __slots__ = (
        "abort_wanted",
        "activity",
        "blocked",
        "close_received",
        "close_sent",
        "end_wanted",
        "incoming",
        "logged_at",
        "outgoing",
        "ping_at",
        "ping_sent",
        "ping_progress",
        "side",
        "since",
        "state",
        "suspended",
    )

    def __init__(self, side: Side, incoming: Any, outgoing: Any) -> None:
        self.side = side
        self.incoming = incoming
        self.outgoing = outgoing
        self.state = State.OPEN
        self.close_received: CloseInfo | None = None
        self.close_sent: CloseInfo | None = None
        self.end_wanted = False
        self.abort_wanted = False
        self.since = 0.0
        self.activity = 0.0
        self.blocked: float | None = None
        self.suspended: float | None = None
        self.logged_at = 0.0
        self.ping_at = 0.0
        self.ping_sent: float | None = None
        self.ping_progress = 0

    def send_close(self, code: int, reason: bytes) -> None:
        """A close frame toward this side. One that would stand inside a frame waits for that frame's end; if the
        frame's sender will not end it, the side sees its TCP end instead."""
        lane = self.outgoing
        if not lane.halt() and lane.mode == DONE:
            return
        lane.send(CLOSE, close_payload(code, reason))
        self.close_sent = (None if code == NO_CODE else code, reason.decode())

    def progress(self) -> int:
        """A number that grows with whatever this side sends.

        In the middle of a long frame it cannot answer a ping (RFC 6455, section 5.4: control frames stand between
        fragments, not inside of one), but its bytes are a sign of life.
        """
        frames: int = self.incoming.frames
        payload: int = self.incoming.payload_bytes
        return frames + payload

    def all_told(self) -> bool:
        """Whether nothing of ours waits for the end of a frame any more, so that writing may be shut down."""
        return self.outgoing.queue is None

    def close_forwarded_to(self, other: Leg) -> None:
        """Note the close frame of this side that its lane has just forwarded to ``other``."""
        lane = self.incoming
        self.note_close()
        code = lane.close_code
        other.close_sent = (None if code == NO_CODE else code, lane.close_reason.decode())

    def note_close(self) -> None:
        """Note the close frame that this side has sent."""
        lane = self.incoming
        self.close_received = (None if lane.seen_code == NO_CODE else lane.seen_code, lane.seen_reason.decode())

    def echo_code(self) -> int:
        """The code with which this side closed, for an answer in the other side's place."""
        code = self.close_received[0] if self.close_received is not None else None
        return NO_CODE if code is None else code
