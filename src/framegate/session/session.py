"""Two legs and what happens between them: the sans-I/O heart of a proxied connection.

The driver feeds bytes into the lanes (``leg.incoming.feed``) and tells the session what the lane answers, when a side's
TCP ends, and what time it is; the session decides with the tables of ``closing.py`` who is told what. After each call
the driver writes what the lanes hold, and does for each leg what its ``end_wanted`` and ``abort_wanted`` say.

Knows no sockets, no event loop and no clock: time is passed in, in seconds on any clock that does not go back.
"""

from __future__ import annotations

import os
from typing import Any

from framegate._build import pick
from framegate.codec.constants import (
    BAD_GATEWAY,
    GOING_AWAY,
    INTERNAL_ERROR,
    OPCODES,
    PING,
    TOO_BIG,
)
from framegate.errors import FramegateError, HookError, LimitExceeded, PeerError, ProtocolError
from framegate.options import ProxyOptions
from framegate.session.closing import Act, Event, State, after, ended
from framegate.session.leg import Leg
from framegate.session.policy import LanePolicy, Policies
from framegate.session.record import EndedBy, SessionRecord, SideRecord, Why
from framegate.session.signals import BROKEN, CLOSE_SEEN, CLOSED, HOOK_FAILED, OK, SWALLOWED, WAITING
from framegate.session.verdict import hook_name

Parser = pick("framegate.codec._parser").Parser
Lane = pick("framegate.session._lane").Lane

UPSTREAM_LOST = b"upstream connection lost"
PAYLOAD_TOO_LARGE = b"Payload Too Large"

_MAX_OPEN_PINGS = 64
"""Pings of ours whose pongs are still known when they come."""

_ACT_ON_SELF = frozenset({Act.ECHO_TO_SELF, Act.TELL_SELF, Act.END_SELF, Act.ABORT_SELF})


class Session:
    """A proxied connection after both opening handshakes.

    Args:
        options: its times and bounds.
        policies: what is done with the frames of each side.
        now: the time.
    """

    __slots__ = ("_codes", "client", "closing_since", "options", "record", "started", "unlimited", "upstream")

    def __init__(self, options: ProxyOptions, policies: Policies, now: float) -> None:
        self.options = options
        self.started = now
        self.closing_since = 0.0
        self.unlimited = not any(
            (
                options.max_lifetime,
                options.idle_timeout,
                options.recv_timeout,
                options.ping_interval,
                options.write_timeout,
            )
        )
        self.record = SessionRecord()
        self._codes: dict[str, tuple[int, bytes]] = {}
        from_client = _lane("client", policies.client)
        from_upstream = _lane("upstream", policies.upstream)
        if options.max_buffered is not None:
            # What a frame inflates to is held as well.
            from_client.parser.max_plain = from_upstream.parser.max_plain = options.max_buffered
        from_client.last_frame = from_upstream.last_frame = now
        self.client = Leg("client", from_client, from_upstream)
        self.upstream = Leg("upstream", from_upstream, from_client)
        if options.ping_interval is not None:
            self.client.ping_at = self.upstream.ping_at = now + options.ping_interval

    def leg(self, side: str) -> Leg:
        """The leg of ``"client"`` or ``"upstream"``."""
        return self.client if side == "client" else self.upstream

    def other(self, leg: Leg) -> Leg:
        """The leg on the other side."""
        return self.upstream if leg is self.client else self.client

    @property
    def ended(self) -> bool:
        """Whether the ending is decided and both sides have been told."""
        return ended(self.client.state, self.upstream.state)

    @property
    def over(self) -> bool:
        """Whether both connections have ended."""
        return self.client.state is State.GONE and self.upstream.state is State.GONE

    @property
    def untimed(self) -> bool:
        """Whether no limit runs: none is set, and the session is not closing."""
        return self.unlimited and self.client.state is State.OPEN and self.upstream.state is State.OPEN

    @property
    def timed(self) -> bool:
        """Whether ``last_frame`` of the lanes is needed: a time-out counts from it, or the session is closing."""
        options = self.options
        return (
            options.recv_timeout is not None
            or options.idle_timeout is not None
            or self.client.state is not State.OPEN
            or self.upstream.state is not State.OPEN
        )

    def heard(self, leg: Leg, signal: int, now: float) -> None:
        """Act on what ``leg.incoming`` answered to bytes or to a hook's result."""
        if signal in (OK, WAITING):
            return
        if signal == SWALLOWED:
            leg.incoming.finish()
        elif signal == CLOSED:
            self._blame(leg.side, "close")
            leg.close_forwarded_to(self.other(leg))
            leg.incoming.finish()
            self._step(Event.CLOSE, leg, now)
        elif signal == CLOSE_SEEN:
            leg.note_close()
            self._step(Event.CLOSE, leg, now)
        elif signal == BROKEN:
            self._broken(leg, now)
        else:
            assert signal == HOOK_FAILED, signal
            failure = leg.incoming.failure
            error = HookError(f"{hook_name(failure)} failed on a frame of the {leg.side}: {failure}")
            error.__cause__ = failure
            if not self.end("hook", now, error=error, client=(INTERNAL_ERROR, b"")):
                self.record.error = self.record.error or error
            self.heard(leg, leg.incoming.go_on(), now)

    def eof(self, leg: Leg, now: float, broken: str = "") -> None:
        """``leg``'s TCP has ended: in order, or by the error that ``broken`` tells."""
        if leg.state is State.GONE:
            return
        if leg.state is State.OPEN and not self.ended:
            self._blame(leg.side, "eof")
            self.record.detail = self.record.detail or broken
        self._take_no_more(leg)
        if leg.side == "client":
            self._codes["upstream"] = (GOING_AWAY, b"")
        else:
            self._codes["client"] = (BAD_GATEWAY, UPSTREAM_LOST)
        leg.abort_wanted = self._step(Event.RESET if broken else Event.EOF, leg, now) is State.GONE

    def end(
        self,
        why: Why,
        now: float,
        *,
        ended_by: EndedBy = "proxy",
        error: FramegateError | None = None,
        client: tuple[int, bytes] = (GOING_AWAY, b""),
        upstream: tuple[int, bytes] | None = None,
        detail: str = "",
    ) -> bool:
        """End the session: both sides are sent a close frame, the upstream the client's unless ``upstream`` says
        otherwise. Returns False where the ending was decided before."""
        if self.ended:
            return False
        if self.record.why is None or error is not None:
            self.record.ended_by, self.record.why, self.record.error = ended_by, why, error
            self.record.detail = detail
        self._codes = {"client": client, "upstream": client if upstream is None else upstream}
        self._step(Event.END, self.client, now)
        return True

    def lost(self, leg: Leg, now: float, detail: str) -> None:
        """``leg`` shows no sign of life: it is let go, the other side is told that it has gone away (1001)."""
        other = self.other(leg)
        self._blame("proxy", "timeout")
        self.record.detail = detail
        self._take_no_more(leg)
        self._codes[other.side] = (GOING_AWAY, b"")
        self._step(Event.RESET, leg, now)
        leg.abort_wanted = True

    def inject(self, leg: Leg, typ: str, payload: bytes) -> None:
        """A message of our own toward ``leg``; a pong that answers an injected ping is consumed."""
        opcode = OPCODES[typ]
        if opcode == PING:
            self._expect_pong(leg, payload)
        leg.outgoing.send(opcode, payload)

    def limit(self, side: str, size: int) -> None:
        """From the next frame on, ``side`` may send ``size`` payload bytes (in a message, where they are joined)."""
        self.leg(side).incoming.parser.max_size = size

    def rebind(self, policies: Policies) -> bool:
        """From the next message of each side on, treat it as ``policies`` say; not to be called from a hook.

        Returns:
            False, and nothing is changed, where compressed messages pass unread and would have to be read.
        """
        if self.ended:
            return True
        lanes = ((self.client.incoming, policies.client), (self.upstream.incoming, policies.upstream))
        for lane, policy in lanes:
            looks = policy.reads or policy.max_size is not None or policy.validate
            if looks and lane.parser.deflate and lane.parser.inflater is None:
                return False
        for lane, policy in lanes:
            lane.rebind(policy)
        return True

    def ping(self, leg: Leg, now: float) -> None:
        """Our own keepalive ping toward ``leg``."""
        payload = b"framegate" + os.urandom(8)
        self._expect_pong(leg, payload)
        leg.ping_sent = now
        leg.ping_progress = leg.progress()
        leg.outgoing.send(PING, payload)

    def check_buffered(self, leg: Leg, queued: int, now: float) -> None:
        """Hold the session against ``max_buffered`` after ``leg`` has sent something; ``queued`` bytes wait outside."""
        most = self.options.max_buffered
        if most is None or self.ended:
            return
        held = queued + self.client.incoming.buffered() + self.upstream.incoming.buffered()
        if held > most:
            error = LimitExceeded(f"the session holds {held} bytes, over {most}", side=leg.side, close_code=TOO_BIG)
            self._offended(leg, "limit", error, PAYLOAD_TOO_LARGE, now)

    def suspend(self, leg: Leg, now: float) -> None:
        """framegate stops reading ``leg``."""
        if leg.suspended is None:
            leg.suspended = now

    def unsuspend(self, leg: Leg, now: float) -> None:
        """It reads on: the time between counts toward none of the side's time-outs."""
        if leg.suspended is None:
            return
        away = now - leg.suspended
        leg.suspended = None
        leg.incoming.last_frame += away
        leg.ping_at += away
        leg.logged_at += away
        leg.activity += away
        if leg.ping_sent is not None:
            leg.ping_sent += away

    def linger_ran_out(self, leg: Leg, now: float) -> None:
        """The lingering limits of ``leg`` have run out."""
        if leg.state is State.SENT and self.other(leg).state is State.RECEIVED:
            self.record.detail = f"no answer of the {leg.side} to the close frame"
        self._take_no_more(leg)
        self._step(Event.LINGER, leg, now)

    def finish_record(self, now: float) -> SessionRecord:
        """The record, with its counts as they stand."""
        record = self.record
        record.duration = now - self.started
        _fill(record.client, self.client)
        _fill(record.upstream, self.upstream)
        return record

    def _broken(self, leg: Leg, now: float) -> None:
        parser = leg.incoming.parser
        self._take_no_more(leg)
        code = parser.error_code
        if code == TOO_BIG:
            self._offended(
                leg, "limit", LimitExceeded(parser.error, side=leg.side, close_code=code), PAYLOAD_TOO_LARGE, now
            )
        else:
            self._offended(leg, "protocol", ProtocolError(parser.error, side=leg.side, close_code=code), b"", now)

    def _take_no_more(self, leg: Leg) -> None:
        lane = leg.incoming
        if lane.mid_frame and lane.queue:
            # The close frame that waits for the end of this frame will not go out any more.
            self.other(leg).close_sent = None
        lane.finish()

    def _offended(self, leg: Leg, why: Why, error: PeerError, reason: bytes, now: float) -> None:
        offender = (error.close_code, reason)
        innocent = (GOING_AWAY, b"")
        by_client = leg is self.client
        self.end(
            why,
            now,
            ended_by=leg.side,
            error=error,
            client=offender if by_client else innocent,
            upstream=innocent if by_client else offender,
        )

    def _expect_pong(self, leg: Leg, payload: bytes) -> None:
        lane = leg.incoming
        if lane.own_pings is None:
            lane.own_pings = []
        lane.own_pings.append(payload)
        # A peer that answers none must not make the list grow for ever.
        del lane.own_pings[:-_MAX_OPEN_PINGS]

    def _blame(self, side: EndedBy, why: Why) -> None:
        if self.record.why is None:
            self.record.ended_by = side
            self.record.why = why

    def _step(self, event: Event, leg: Leg, now: float) -> State:
        other = self.other(leg)
        step = after(event, leg.state, other.state)
        leg.state, other.state = step.self, step.peer
        for act in step.acts:
            self._do(act, leg if act in _ACT_ON_SELF else other, now)
        return leg.state

    def _do(self, act: Act, leg: Leg, now: float) -> None:
        if act is Act.LINGER:
            self.closing_since = now
        elif act in (Act.TELL_SELF, Act.TELL_PEER, Act.LEAVE):
            leg.send_close(*self._codes[leg.side])
        elif act in (Act.ECHO_TO_SELF, Act.ECHO_TO_PEER):
            leg.send_close(leg.echo_code(), b"")
        elif act in (Act.END_SELF, Act.END_PEER):
            leg.end_wanted = True
            leg.since = leg.activity = now
            leg.incoming.halt()
        else:
            leg.abort_wanted = True


def _lane(side: str, policy: LanePolicy) -> Any:
    parser = Parser(
        masked=side == "client",
        stream=not policy.reads,
        validate_utf8=policy.validate,
        max_size=-1 if policy.max_size is None else policy.max_size,
        max_fragments=-1 if policy.max_fragments is None else policy.max_fragments,
        joined=policy.aggregate,
    )
    parser.deflate = policy.deflate
    parser.inflater = policy.inflater
    lane = Lane(side, parser, policy.hook, policy.aggregate, side == "client", policy.validate)
    lane.deflater = policy.deflater
    lane.recoding = policy.recodes
    return lane


def _fill(record: SideRecord, leg: Leg) -> None:
    lane = leg.incoming
    record.close_received = leg.close_received
    record.close_sent = leg.close_sent
    record.frames = lane.frames
    record.messages = lane.messages
    record.bytes = lane.payload_bytes
    record.texts = lane.texts
    record.text_bytes = lane.text_bytes
    record.pings = lane.pings
    record.pongs = lane.pongs
    record.dropped = lane.dropped
    record.changed = lane.changed
