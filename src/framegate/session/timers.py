"""The times of a session: which limit runs out next, and what happens then.

Two functions over a :class:`~framegate.session.session.Session` and a time that is passed in. "Time in which framegate
itself does not read a side counts toward none of that side's time-outs": while a leg is suspended, none of its limits
runs out, and afterwards the session moves its times on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from framegate.session.closing import State
from framegate.session.leg import Leg
from framegate.session.session import Session

_log = logging.getLogger("framegate.session")


def deadline(session: Session) -> float | None:
    """When :func:`tick` is due next, or None."""
    if session.untimed:
        return None
    if session.unlimited:
        # The usual way to end: only the lingering limits run.
        at, other = _linger_at(session, session.client), _linger_at(session, session.upstream)
        return other if at is None else at if other is None else min(at, other)
    return min(_deadlines(session), default=None)


def tick(session: Session, now: float) -> None:
    """Act on every limit that has run out at ``now``."""
    options = session.options
    if not session.ended:
        if options.max_lifetime is not None and now >= session.started + options.max_lifetime:
            session.end("timeout", now, detail="max_lifetime")
        elif (at := _idle_at(session)) is not None and now >= at:
            session.end("timeout", now, detail="idle_timeout")
    for leg in (session.client, session.upstream):
        if leg.state is State.OPEN and leg.suspended is None:
            _tick_open(session, leg, now)
        at = _linger_at(session, leg)
        if at is not None and now >= at:
            session.linger_ran_out(leg, now)
        elif (at := _write_at(session, leg)) is not None and now >= at:
            session.lost(leg, now, f"write_timeout: the {leg.side} takes nothing")


def _tick_open(session: Session, leg: Leg, now: float) -> None:
    options = session.options
    if leg.ping_sent is not None and leg.progress() != leg.ping_progress:
        leg.ping_sent = None
    if options.recv_timeout is not None and now >= _recv_at(leg, options.recv_timeout):
        leg.logged_at = now
        _log.info("no frame from the %s for %g seconds, waiting on", leg.side, options.recv_timeout)
    if options.ping_interval is None:
        return
    if leg.ping_sent is not None:
        if options.ping_timeout is not None and now >= leg.ping_sent + options.ping_timeout:
            session.lost(leg, now, f"ping_timeout: no sign of life of the {leg.side}")
            return
    if now >= leg.ping_at:
        leg.ping_at = now + options.ping_interval
        # A ping would wait for the end of a frame that is on its way to this side, and not be seen in time.
        if leg.ping_sent is None and not leg.outgoing.mid_frame:
            session.ping(leg, now)


def _deadlines(session: Session) -> Iterator[float]:
    options = session.options
    if not session.ended:
        if options.max_lifetime is not None:
            yield session.started + options.max_lifetime
        if (at := _idle_at(session)) is not None:
            yield at
    for leg in (session.client, session.upstream):
        if leg.state is State.OPEN and leg.suspended is None:
            if options.recv_timeout is not None:
                yield _recv_at(leg, options.recv_timeout)
            if options.ping_interval is not None:
                yield leg.ping_at
                if leg.ping_sent is not None and options.ping_timeout is not None:
                    yield leg.ping_sent + options.ping_timeout
        if (linger := _linger_at(session, leg)) is not None:
            yield linger
        elif (write := _write_at(session, leg)) is not None:
            yield write


def _recv_at(leg: Leg, timeout: float) -> float:
    last: float = max(leg.incoming.last_frame, leg.logged_at)
    return last + timeout


def _idle_at(session: Session) -> float | None:
    timeout = session.options.idle_timeout
    if timeout is None or session.client.suspended is not None or session.upstream.suspended is not None:
        return None
    last: float = max(session.client.incoming.last_frame, session.upstream.incoming.last_frame)
    return last + timeout


def _write_at(session: Session, leg: Leg) -> float | None:
    timeout = session.options.write_timeout
    return None if timeout is None or leg.blocked is None or leg.state is not State.OPEN else leg.blocked + timeout


def _linger_at(session: Session, leg: Leg) -> float | None:
    # Two clocks: the wait for a side's answer runs from the first close frame, the wait for the end of a side's TCP
    # from the last one toward it.
    options = session.options
    if leg.end_wanted and leg.state in (State.SENT, State.CLOSED):
        begin, last = leg.since, max(leg.activity, leg.incoming.last_frame)
        if not leg.all_told():
            # The rest of a frame is still flowing to it; our close frame waits behind that.
            last = max(last, leg.outgoing.last_frame)
    elif leg.state is State.SENT:
        begin, last = session.closing_since, max(session.closing_since, leg.incoming.last_frame)
    else:
        return None
    at = begin + options.lingering_time
    return at if leg.suspended is not None else min(at, last + options.lingering_timeout)
