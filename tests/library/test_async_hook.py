"""A hook that is awaited holds up its own lane, keeps its order, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

import framegate
from tests.kit.frames import binary, close, cont, ping, pong, text
from tests.kit.gateway import proxied

pytestmark = pytest.mark.usefixtures("loop_kind")

sides = pytest.mark.parametrize("side", ["client", "upstream"])


class Gates:
    """A hook that waits for each payload that starts with ``wait`` until it is let go."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []
        self.cancelled: list[bytes] = []
        self._gates: dict[bytes, asyncio.Future[Any]] = {}

    def gate(self, payload: bytes) -> asyncio.Future[Any]:
        return self._gates.setdefault(payload, asyncio.get_running_loop().create_future())

    async def reached(self, payload: bytes) -> None:
        async with asyncio.timeout(5):
            while payload not in [call[1] for call in self.calls]:
                await asyncio.sleep(0.005)

    def let(self, payload: bytes, result: Any = ...) -> None:
        self.gate(payload).set_result(payload if result is ... else result)

    async def __call__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        self.calls.append((origin, payload))
        if not payload.startswith(b"wait"):
            return payload
        try:
            return await self.gate(payload)
        except asyncio.CancelledError:
            self.cancelled.append(payload)
            raise


@sides
async def test_a_pending_hook_stops_its_own_lane_and_the_other_flows(side: str) -> None:
    gates = Gates()
    async with proxied(gates) as conv:
        source, target = conv.ends(side)
        source.send(text("wait"), text("behind"))
        await gates.reached(b"wait")
        for number in range(20):
            target.send(text(f"{number}"))
            assert await source.recv() == text(f"{number}")
        await target.silent(0.1)
        gates.let(b"wait")
        assert await target.recv_many(2) == [text("wait"), text("behind")]


@sides
async def test_control_frames_wait_behind_a_pending_hook_too(side: str) -> None:
    gates = Gates()
    sent = [text("wait"), ping("1"), pong("2"), binary(b"3"), close(1000, "4")]
    async with proxied(gates) as conv:
        source, target = conv.ends(side)
        source.send(*sent)
        await gates.reached(b"wait")
        await target.silent(0.1)
        assert len(gates.calls) == 1
        gates.let(b"wait")
        assert await target.recv_many(5) == sent


@sides
async def test_a_pending_ping_holds_up_what_is_behind_it(side: str) -> None:
    gates = Gates()
    async with proxied(gates, aggregate_fragments=True) as conv:
        source, target = conv.ends(side)
        source.send(text("a", fin=False), ping("wait"), cont("b", fin=True))
        await gates.reached(b"wait")
        await target.silent(0.1)
        gates.let(b"wait")
        assert await target.recv_many(2) == [ping("wait"), text("ab")]


async def test_hooks_of_both_lanes_may_be_pending_at_once() -> None:
    gates = Gates()
    async with proxied(gates) as conv:
        conv.client.send(text("wait 1"))
        conv.upstream.send(text("wait 2"))
        await gates.reached(b"wait 1")
        await gates.reached(b"wait 2")
        gates.let(b"wait 2")
        assert await conv.client.recv() == text("wait 2")
        await conv.upstream.silent(0.05)
        gates.let(b"wait 1")
        assert await conv.upstream.recv() == text("wait 1")


async def test_calls_of_one_lane_never_overlap() -> None:
    running: dict[str, int] = {"client": 0, "upstream": 0}
    most: dict[str, int] = dict(running)

    async def count(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        running[origin] += 1
        most[origin] = max(most[origin], running[origin])
        await asyncio.sleep(0.001)
        running[origin] -= 1
        return payload

    sent = [text(f"{number}") for number in range(60)]
    async with proxied(count) as conv:
        conv.client.send(*sent)
        conv.upstream.send(*sent)
        assert await asyncio.gather(conv.upstream.recv_many(60), conv.client.recv_many(60)) == [sent, sent]
    assert most == {"client": 1, "upstream": 1}


async def test_slow_and_quick_verdicts_keep_the_order_of_their_frames() -> None:
    async def uneven(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        number = int(payload)
        await asyncio.sleep(0.02 if number % 7 == 0 else 0)
        return None if number % 5 == 0 else payload + b"!"

    async with proxied(uneven) as conv:
        conv.client.send(*(text(f"{number}") for number in range(50)))
        kept = [text(f"{number}!") for number in range(50) if number % 5]
        assert await conv.upstream.recv_many(len(kept)) == kept


async def test_a_hook_may_answer_at_once_for_some_frames_and_later_for_others() -> None:
    async def later(payload: bytes) -> bytes:
        await asyncio.sleep(0.05)
        return payload + b" later"

    def mixed(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        return later(payload) if payload == b"slow" else payload + b" now"

    async with proxied(mixed) as conv:
        conv.client.send(text("quick"), text("slow"), text("quick"))
        assert await conv.upstream.recv_many(3) == [text("quick now"), text("slow later"), text("quick now")]


async def test_any_awaitable_is_awaited() -> None:
    class Later:
        def __init__(self, payload: bytes) -> None:
            self.payload = payload

        def __await__(self) -> Generator[Any, None, bytes]:
            yield from asyncio.sleep(0.01).__await__()
            return self.payload + b" awaited"

    def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        if payload == b"future":
            future = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.01, future.set_result, b"a future's")
            return future
        if payload == b"task":
            return asyncio.ensure_future(asyncio.sleep(0.01, b"a task's"))
        return Later(payload)

    async with proxied(hook) as conv:
        conv.client.send(text("future"), text("task"), text("object"))
        assert await conv.upstream.recv_many(3) == [text("a future's"), text("a task's"), text("object awaited")]


@sides
async def test_the_backlog_behind_a_pending_hook_is_bounded(side: str) -> None:
    gates = Gates()
    total = 40 << 20
    async with proxied(gates) as conv:
        source, target = conv.ends(side)
        source.send(text("wait"))
        await gates.reached(b"wait")
        chunk = source.encode(binary(bytes(1 << 16)))
        for _ in range(total >> 16):
            source.send_raw(chunk)
        left = await source.stalled()
        assert left > total // 2, f"the proxy took {total - left} bytes while its hook was pending"
        gates.let(b"wait")
        assert await target.recv() == text("wait")
        assert await target.recv() == binary(bytes(1 << 16))


@sides
async def test_a_hook_that_fails_after_a_wait_ends_both_sides(side: str) -> None:
    async def fail(*args: Any) -> Any:
        await asyncio.sleep(0.02)
        raise LookupError("late")

    async with proxied(fail) as conv:
        source, target = conv.ends(side)
        source.send(text("x"))
        assert await source.recv_close() == (1011, "")
        assert await target.recv_close() == (1011, "")
        source.send(close(1011))
        target.send(close(1011))
        with pytest.raises(framegate.HookError):
            await conv.finished()


@sides
async def test_the_frame_of_a_pending_hook_still_goes_out_when_its_sender_is_gone(side: str) -> None:
    gates = Gates()
    async with proxied(gates) as conv:
        source, target = conv.ends(side)
        source.send(text("wait"), text("behind"))
        await gates.reached(b"wait")
        source.close()
        await asyncio.sleep(0.1)
        gates.let(b"wait")
        assert await target.recv_many(2) == [text("wait"), text("behind")]
        expected = (1001, "") if side == "client" else (1014, "upstream connection lost")
        assert await target.recv_close() == expected


async def test_cancelling_the_session_cancels_a_pending_hook() -> None:
    gates = Gates()
    async with proxied(gates, lingering_timeout=0.2, lingering_time=0.2) as conv:
        conv.client.send(text("wait"))
        await gates.reached(b"wait")
        conv.execution.cancel()
        assert await conv.client.recv_close() == (1001, "")
        assert await conv.upstream.recv_close() == (1001, "")
        async with asyncio.timeout(5):
            while not gates.cancelled:
                await asyncio.sleep(0.01)


async def test_a_session_ends_while_a_hook_is_pending_for_a_frame_that_can_no_longer_be_sent() -> None:
    gates = Gates()
    async with proxied(gates, lingering_timeout=0.2, lingering_time=0.2) as conv:
        conv.client.send(text("wait"))
        await gates.reached(b"wait")
        conv.client.reset()
        conv.upstream.reset()
        gates.let(b"wait")
        record = await conv.finished()
        assert record.why == "eof"
