"""A real session between two scripted peers, without sockets.

It does what a driver does: it feeds what a peer sends, awaits hooks, takes what the lanes hold, and ends the peers'
connections when the session wants it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from typing import Any

from framegate.codec.close import check_sendable, other_close
from framegate.errors import UsageError
from framegate.messages import check_side, checked_payload
from framegate.options import ProxyOptions
from framegate.pdk.testing.frames import Frame, close, decoded, encoded
from framegate.session.closing import State
from framegate.session.leg import Leg
from framegate.session.policy import Policies
from framegate.session.record import SessionRecord
from framegate.session.session import Session
from framegate.session.signals import HOOK_FAILED, WAITING

_ROUNDS = 8
"""How often the loop is let go round after a step, for what plugins have left running."""

_ONE_STEP = "each step of a conversation ends before the next one begins"


class Done:
    """An awaitable that is done."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


class Stage:
    """A session and both of its peers; also the :class:`~framegate.pdk.exchange.Link` by which plugins reach it.

    Args:
        options: of the session.
        policies: what is done with the frames of each side.
        patience: seconds that a plugin may take for one frame.

    Attributes:
        to_client: the frames that the client has got.
        to_upstream: those that the upstream has got.
        failures: what hooks have raised.
    """

    def __init__(self, options: ProxyOptions, policies: Policies, patience: float) -> None:
        self.session = Session(options, policies, time.monotonic())
        self.session.record.started_at = time.time()
        self.patience = patience
        self.to_client: list[Frame] = []
        self.to_upstream: list[Frame] = []
        self.failures: list[BaseException] = []
        self._partial = {"client": bytearray(), "upstream": bytearray()}

    async def says(self, side: str, data: bytes) -> None:
        """``side`` sends bytes, which arrive in one read."""
        leg = self.session.leg(side)
        lane = leg.incoming
        window = bytearray(data)
        signal = lane.feed(window, 0, len(window))
        lane.last_frame = time.monotonic()
        while True:
            self._take()
            if signal == WAITING:
                signal = await self._awaited(leg)
                continue
            if signal == HOOK_FAILED:
                self.failures.append(lane.failure)
            self.session.heard(leg, signal, time.monotonic())
            break
        self.session.check_buffered(leg, 0, time.monotonic())
        await self.rest()

    async def leaves(self, side: str) -> None:
        """The connection of ``side`` ends without a close frame."""
        self.session.eof(self.session.leg(side), time.monotonic())
        await self.rest()

    async def ends(self, code: int, reason: str) -> SessionRecord:
        """See to the end of the session: who was sent a close frame answers it, and both connections end. Where nobody
        has said anything of an end, the client begins."""
        session = self.session
        if session.client.state is State.OPEN and session.upstream.state is State.OPEN:
            await self.says("client", encoded(close(code, reason), masked=True))
        for _ in range(_ROUNDS):
            for leg in (session.client, session.upstream):
                await self._finish(leg)
        if not session.over:
            raise UsageError(f"the session did not end: the client's side is {session.client.state.value}, "
                             f"the upstream's {session.upstream.state.value}")  # fmt: skip
        return session.finish_record(time.monotonic())

    async def rest(self, seconds: float = 0.0) -> None:
        """Let what plugins have left running go on, for some seconds, or until it waits for something."""
        if seconds:
            await asyncio.sleep(seconds)
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        self._take()

    def inject(self, side: str, typ: str, payload: bytes | str) -> Done:
        """:meth:`framegate.Proxy.inject`."""
        check_side(side)
        data = checked_payload(typ, payload)
        leg = self.session.leg(side)
        if leg.state not in (State.OPEN, State.RECEIVED):
            raise UsageError(f"inject: the {side} has been sent a close frame")
        self.session.inject(leg, typ, data)
        return Done()

    def close(
        self, client_code: int, client_reason: str, upstream_code: int | None, upstream_reason: str | None
    ) -> None:
        """:meth:`framegate.Proxy.close`."""
        client = client_code, check_sendable(client_code, client_reason, what="close: client")
        code, reason = other_close(client_code, client_reason, upstream_code, upstream_reason)
        upstream = code, check_sendable(code, reason, what="close: upstream")
        self.session.end("policy", time.monotonic(), client=client, upstream=upstream)

    def set_max_payload_size(self, side: str, size: int) -> None:
        """:meth:`framegate.Proxy.set_max_payload_size`."""
        self.session.limit(side, size)

    def record(self) -> SessionRecord:
        """The record as it stands."""
        return self.session.finish_record(time.monotonic())

    async def _awaited(self, leg: Leg) -> int:
        lane = leg.incoming
        signal: int
        timer = asyncio.timeout(self.patience)
        try:
            async with timer:
                result = await lane.pending
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            late = TimeoutError(f"a plugin has not returned within {self.patience:g} seconds; {_ONE_STEP}")
            signal = lane.fail(late if timer.expired() else error)
        else:
            signal = lane.resume(result)
        return signal

    async def _finish(self, leg: Leg) -> None:
        if leg.state is State.SENT and leg.close_sent is not None:
            answer = close(leg.close_sent[0])
            await self.says(leg.side, encoded(answer, masked=leg.side == "client"))
            if leg.state is State.SENT:
                # It broke a rule, and is not listened to any more.
                await self.leaves(leg.side)
        elif leg.abort_wanted or (leg.end_wanted and leg.state is not State.GONE):
            await self.leaves(leg.side)

    def _take(self) -> None:
        for leg, got in ((self.session.client, self.to_client), (self.session.upstream, self.to_upstream)):
            lane = leg.outgoing
            partial = self._partial[leg.side]
            partial += lane.out or b""
            if lane.run_data is not None:
                partial += lane.run_data[lane.run_start : lane.run_stop]
            lane.written()
            got += decoded(partial)
