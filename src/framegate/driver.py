"""Between a session and its two transports: the slow half of a proxied connection.

Plain relaying happens in ``_conduit.py``. The driver is asked when there is something to decide: it tells the session,
writes what the lanes hold, pauses and resumes reading, runs awaitable hooks, keeps one timer, and ends transports as
the session says. Everything here is a callback of the event loop; no task belongs to an idle session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from framegate._build import pick
from framegate.codec.constants import INTERNAL_ERROR
from framegate.hook_failure import log_failure
from framegate.session.closing import State
from framegate.session.leg import Leg
from framegate.session.record import SessionRecord
from framegate.session.session import Session
from framegate.session.signals import DISCARD, DONE, HOOK_FAILED, WAITING
from framegate.session.timers import deadline, tick
from framegate.transport import Transport
from framegate.waiting import Waiting

Conduit = pick("framegate._conduit").Conduit

_log = logging.getLogger("framegate.session")


class Link:
    """One side as the driver sees it: its leg, its transport, and why it is not read."""

    __slots__ = (
        "conduit",
        "ended_early",
        "ending",
        "full",
        "hook",
        "leg",
        "paused",
        "reading",
        "transport",
        "untaken",
        "waiters",
    )

    def __init__(self, leg: Leg, transport: Transport) -> None:
        self.leg = leg
        self.transport = transport
        self.conduit: Any = None
        self.hook: asyncio.Task[None] | None = None
        self.paused = False
        self.reading = True
        self.ending = False
        # Whether reading waits for the other side to take what is queued for it.
        self.full = False
        # What was queued toward this side when it was last looked at.
        self.untaken = 0
        # The end of the stream that came while a hook was pending.
        self.ended_early: tuple[Exception | None] | None = None
        self.waiters: list[asyncio.Future[None]] | None = None

    def wake_waiters(self) -> None:
        """Tell those who wait for this side's queue to become shorter."""
        waiters, self.waiters = self.waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)


class Driver:
    """Runs ``session`` over two connected transports.

    Args:
        loop: the running event loop.
        session: the session; its lanes have seen nothing yet.
        client: the client's transport.
        upstream: the upstream's transport.
        client_left: called once, when the client's socket is closed; the upstream may linger.

    Attributes:
        done: a future of the :class:`SessionRecord`; cancelled when the one who waits for it is.
        over: whether both sides are gone.
    """

    __slots__ = (
        "_client_left",
        "_high_water",
        "_timer",
        "_timer_at",
        "client",
        "done",
        "loop",
        "over",
        "session",
        "upstream",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        session: Session,
        client: Transport,
        upstream: Transport,
        client_left: Callable[[], None] | None = None,
    ) -> None:
        self.loop = loop
        self._client_left = client_left
        self.session = session
        self.done: asyncio.Future[SessionRecord] = loop.create_future()
        self.over = False
        self._high_water = session.options.write_high_water
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self.client = Link(session.client, client)
        self.upstream = Link(session.upstream, upstream)
        for link, other in ((self.client, self.upstream), (self.upstream, self.client)):
            link.conduit = Conduit(self, link.leg.incoming, other.transport, self._high_water, loop.time)
            link.transport.set_high_water(self._high_water)

    def start(self, from_client: bytes = b"", from_upstream: bytes = b"") -> None:
        """Begin, with what has been read behind the handshakes."""
        for link in (self.client, self.upstream):
            link.conduit.watched = self.session.options.max_buffered is not None
            link.transport.set_receiver(link.conduit)
            link.transport.resume_reading()
        for link, early in ((self.upstream, from_upstream), (self.client, from_client)):
            if early and link.transport.is_open():
                link.conduit.received(bytearray(early), 0, len(early))
        for link in (self.upstream, self.client):
            if link.transport.at_end:
                self.ended(link.conduit, None)
        self.settle()

    def heard(self, conduit: Any, signal: int) -> None:
        """A conduit has something to tell after a read."""
        try:
            link = self._link(conduit)
            now = self.loop.time()
            self._act(link, signal, now)
            if conduit.watched:
                queued = self.client.transport.queued + self.upstream.transport.queued
                self.session.check_buffered(link.leg, queued, now)
            self.settle()
        except Exception as error:
            self._give_up(error)

    def ended(self, conduit: Any, error: Exception | None) -> None:
        """A side's stream has ended."""
        link = self._link(conduit)
        if link.leg.incoming.pending is not None and not self.session.ended:
            # What was read before still has to pass; nothing of it is lost.
            link.ended_early = (error,)
            return
        try:
            self._eof(link, error)
        except Exception as fault:
            self._give_up(fault)

    def crashed(self, conduit: Any, error: Exception) -> None:
        """A fault of our own on a frame: both sides are closed with 1011, without detail."""
        self._link(conduit).leg.incoming.finish()
        self._give_up(error)

    def drained(self, conduit: Any) -> None:
        """What waits toward this side has become less."""
        link = self._link(conduit)
        link.leg.activity = self.loop.time()
        if link.leg.blocked is not None:
            link.leg.blocked = link.leg.activity
        if link.transport.queued < self._high_water:
            link.wake_waiters()
        self.settle()

    def end(self, why: Any, **how: Any) -> None:
        """:meth:`Session.end` from outside or from the hook."""
        self.session.end(why, self.loop.time(), **how)
        self._settle_or_mark()

    def inject(self, side: str, typ: str, payload: bytes) -> asyncio.Future[None]:
        """A message of our own toward ``side``; the future is done when its queue is below the high-water mark."""
        link = self.client if side == "client" else self.upstream
        self.session.inject(link.leg, typ, payload)
        self._settle_or_mark()
        waiter: asyncio.Future[None] = self.loop.create_future()
        if link.transport.queued < self._high_water:
            waiter.set_result(None)
        else:
            link.waiters = [] if link.waiters is None else link.waiters
            link.waiters.append(waiter)
        return waiter

    def pause(self, side: str, paused: bool) -> None:
        """Stop reading ``side``, or go on."""
        link = self.client if side == "client" else self.upstream
        link.paused = paused
        self._settle_or_mark()

    def in_hook(self) -> bool:
        """Whether a hook is what runs now."""
        task = asyncio.current_task(self.loop)
        links = (self.client, self.upstream)
        return any(link.conduit.feeding or (link.hook is not None and link.hook is task) for link in links)

    def abort(self, why: Any = "drain") -> None:
        """End everything now: close frames if none were sent, then the sockets, without waiting for anybody."""
        if self.over:
            return
        now = self.loop.time()
        self.session.end(why, now)
        for link in (self.client, self.upstream):
            self._flush(link)
        for link in (self.client, self.upstream):
            link.transport.leave()
            link.leg.state = State.GONE
        self.settle()

    def settle(self) -> None:
        """Bring the transports in line with the session."""
        session, client, upstream = self.session, self.client, self.upstream
        client.conduit.timed = upstream.conduit.timed = session.timed
        for link, source in ((client, upstream), (upstream, client)):
            if link.leg.end_wanted and not link.ending and link.leg.all_told():
                # The last words and the end of the stream go out in one packet.
                link.transport.cork()
            source.conduit.flush()
        for link in (client, upstream):
            if link.leg.abort_wanted and link.transport.is_open():
                # First for both: what was queued toward this side stops holding up the other one.
                link.transport.abort()
                self._release(link)
        for link in (client, upstream):
            if link.transport.is_open():
                self._settle_link(link)
            elif link.leg.end_wanted and link.leg.state is not State.GONE:
                # Its transport has ended before we could end it, as TLS does by itself; nobody will tell us again.
                session.eof(link.leg, self.loop.time())
        if session.over:
            self._finish()
        else:
            self._arm()

    def _link(self, conduit: Any) -> Link:
        return self.client if conduit is self.client.conduit else self.upstream

    def _other(self, link: Link) -> Link:
        return self.upstream if link is self.client else self.client

    def _settle_or_mark(self) -> None:
        # While a lane is at work its output is not in order yet; its conduit comes back to us when it is.
        for link in (self.client, self.upstream):
            if link.conduit.feeding:
                link.conduit.dirty = True
                return
        self.settle()

    def _give_up(self, error: Exception) -> None:
        # A fault in this program must not leave a session that nobody will ever end.
        _log.error("internal error, the session ends", exc_info=error)
        if not self.over:
            detail = f"internal error: {error!r}"
            self.session.end("hook", self.loop.time(), client=(INTERNAL_ERROR, b""), detail=detail)
            self.abort("hook")

    def _act(self, link: Link, signal: int, now: float) -> None:
        if signal == WAITING:
            link.hook = self.loop.create_task(self._await_hook(link, link.leg.incoming.pending))
        elif signal:
            if signal == HOOK_FAILED:
                log_failure(link.leg)
            self.session.heard(link.leg, signal, now)

    async def _await_hook(self, link: Link, awaitable: Any) -> None:
        try:
            await self._await_and_go_on(link, awaitable)
        except Exception as error:
            link.leg.incoming.finish()
            self._give_up(error)

    async def _await_and_go_on(self, link: Link, awaitable: Any) -> None:
        lane, conduit, task = link.leg.incoming, link.conduit, link.hook
        while True:
            error: BaseException | None = None
            result: Any = None
            try:
                result = await Waiting(awaitable, conduit.flush)
            except asyncio.CancelledError as cancelled:
                if link.hook is not task:
                    raise
                error = cancelled
            except (Exception, SystemExit) as failure:
                error = failure
            signal: int = conduit.resumed(error, result)
            if signal != WAITING or link.hook is not task:
                break
            # The next frame of the same read: its hook needs no task of its own.
            awaitable = lane.pending
        link.hook = None
        self._act(link, signal, self.loop.time())
        if link.ended_early is not None and lane.pending is None:
            (error_at_end,), link.ended_early = link.ended_early, None
            self._eof(link, error_at_end)
        else:
            self.settle()

    def _eof(self, link: Link, error: Exception | None) -> None:
        self._flush(self._other(link))
        if error is None and link.leg.end_wanted and link.transport.queued:
            # It sends no more, but may still read our last words; drained() comes back to this.
            return
        self.session.eof(link.leg, self.loop.time(), "" if error is None else f"{link.leg.side}: {error}")
        self.settle()

    def _flush(self, link: Link) -> None:
        # Writes what the other side's lane holds for this side.
        self._other(link).conduit.flush()

    def _settle_link(self, link: Link) -> None:
        leg, transport = link.leg, link.transport
        if leg.end_wanted and not link.ending and leg.all_told():
            link.ending = True
            leg.activity = self.loop.time()
            transport.shutdown()
        elif link.ending and link.reading and not transport.at_end:
            # Nothing to decide any more: what comes is read away until the end.
            return
        if link.ending and transport.at_end and not transport.queued and leg.state is not State.GONE:
            self._eof(link, None)
            return
        self._gate(link)

    def _gate(self, link: Link) -> None:
        lane = link.leg.incoming
        if lane.mode in (DISCARD, DONE):
            # Read on, so that the end of the stream is seen and no reset destroys the close frame.
            read = True
        else:
            link.full = self._is_full(self._other(link), link.full)
            self._note_blocked(self._other(link), link.full)
            read = not link.paused and lane.pending is None and not link.full
        if read == link.reading:
            return
        link.reading = read
        now = self.loop.time()
        if read:
            self.session.unsuspend(link.leg, now)
            link.transport.resume_reading()
        else:
            self.session.suspend(link.leg, now)
            link.transport.pause_reading()

    def _note_blocked(self, link: Link, full: bool) -> None:
        if not full:
            link.leg.blocked = None
        elif link.leg.blocked is None:
            link.leg.blocked = self.loop.time()
            link.untaken = link.transport.queued

    def _note_taken(self, link: Link, now: float) -> None:
        # A transport tells that its queue has become short, not that it has become shorter.
        if link.leg.blocked is not None and link.transport.queued < link.untaken:
            link.leg.blocked = now
            link.untaken = link.transport.queued

    def _is_full(self, target: Link, was_full: bool) -> bool:
        # Full at the high-water mark, and until a quarter of it is left.
        queued = target.transport.queued
        return queued > self._high_water >> 2 if was_full else queued >= self._high_water

    def _arm(self) -> None:
        at = deadline(self.session)
        if at is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        elif self._timer is None or at < self._timer_at:
            # A timer that is due too early costs one look; moving it at each frame would cost more.
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = at
            self._timer = self.loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now = self.loop.time()
        try:
            for link in (self.client, self.upstream):
                self._note_taken(link, now)
            tick(self.session, now)
            self.settle()
        except Exception as error:
            self._give_up(error)

    def _release(self, link: Link) -> None:
        hook, link.hook = link.hook, None
        if hook is not None and hook is not asyncio.current_task(self.loop):
            hook.cancel()
        link.wake_waiters()
        if link is self.client and self._client_left is not None:
            self._client_left()
            self._client_left = None

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for link in (self.client, self.upstream):
            link.transport.abort()
            self._release(link)
            link.conduit.let_go()
        if not self.over:
            self.over = True
            record = self.session.finish_record(self.loop.time())
            _log.info("%s", record)
            # Whoever waited for it may have been cancelled, and the future with it.
            if not self.done.done():
                self.done.set_result(record)
