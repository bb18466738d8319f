"""Messages of framegate's own, and directions that are stopped by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import framegate
from tests.kit import raw
from tests.kit.frames import BINARY, PING, PONG, TEXT, Frame, binary, close, cont, ping, pong, text
from tests.kit.gateway import Conversation, proxied, serving

pytestmark = pytest.mark.usefixtures("loop_kind")

sides = pytest.mark.parametrize("side", ["client", "upstream"])

OPCODES = {"text": TEXT, "binary": BINARY, "ping": PING, "pong": PONG}


class Seen:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, bytes]] = []

    def __call__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        self.calls.append((origin, typ, payload))
        return payload


async def running(conv: Conversation) -> None:
    """The session is past ``execute()``: a frame has crossed."""
    conv.client.send(text("crossed"))
    assert await conv.upstream.recv() == text("crossed")


@sides
@pytest.mark.parametrize("typ", OPCODES)
@pytest.mark.parametrize("payload", [b"ours", b"", "öurs"], ids=repr)
async def test_an_injected_message_reaches_its_side_and_no_hook(side: str, typ: str, payload: bytes | str) -> None:
    seen = Seen()
    async with proxied(seen) as conv:
        await running(conv)
        peer, other = conv.ends(side)
        await conv.proxy.inject(side, typ, payload)
        octets = payload.encode() if isinstance(payload, str) else payload
        assert await peer.recv() == Frame(OPCODES[typ], octets)
        await other.silent(0.05)
    assert seen.calls == [("client", "text", b"crossed")]


@sides
async def test_an_injected_message_waits_for_the_end_of_a_message_under_way(side: str) -> None:
    async with proxied() as conv:
        await running(conv)
        target, source = conv.ends(side)
        source.send(text("a", fin=False))
        assert await target.recv() == text("a", fin=False)
        conv.proxy.inject(side, "text", b"ours")
        await target.silent(0.1)
        source.send(cont("b", fin=True), text("next"))
        arrived = await target.recv_many(3)
        assert arrived[0] == cont("b", fin=True)
        assert sorted(arrived[1:]) == sorted([text("ours"), text("next")])


@sides
async def test_injected_control_frames_go_out_at_once(side: str) -> None:
    async with proxied() as conv:
        await running(conv)
        target, source = conv.ends(side)
        source.send(text("a", fin=False))
        assert await target.recv() == text("a", fin=False)
        conv.proxy.inject(side, "ping", b"now")
        assert await target.recv() == ping("now")
        source.send(cont("b", fin=True))
        assert await target.recv() == cont("b", fin=True)


@sides
async def test_an_injected_message_does_not_wait_for_a_message_that_is_being_joined(side: str) -> None:
    async with proxied(aggregate_fragments=True) as conv:
        await running(conv)
        target, source = conv.ends(side)
        source.send(text("a", fin=False))
        await target.silent(0.05)
        await conv.proxy.inject(side, "text", b"ours")
        assert await target.recv() == text("ours")
        source.send(cont("b", fin=True))
        assert await target.recv() == text("ab")


@sides
async def test_injected_messages_keep_their_order(side: str) -> None:
    async with proxied() as conv:
        await running(conv)
        target, _ = conv.ends(side)
        for number in range(100):
            conv.proxy.inject(side, "binary", b"%d" % number)
        assert await target.recv_many(100) == [binary(b"%d" % number) for number in range(100)]


@sides
async def test_the_pong_to_an_injected_ping_is_consumed_and_others_are_not(side: str) -> None:
    seen = Seen()
    async with proxied(seen) as conv:
        await running(conv)
        peer, other = conv.ends(side)
        await conv.proxy.inject(side, "ping", b"ours")
        assert await peer.recv() == ping("ours")
        peer.send(pong("unasked"), pong("ours"), text("after"))
        assert await other.recv_many(2) == [pong("unasked"), text("after")]
    assert seen.calls[1:] == [(side, "pong", b"unasked"), (side, "text", b"after")]


@sides
async def test_a_hook_injects_toward_the_other_side(side: str) -> None:
    def announce(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        conv.proxy.inject("upstream" if origin == "client" else "client", "text", b"about to come: " + payload)
        return payload

    async with proxied(announce) as conv:
        source, target = conv.ends(side)
        source.send(text("1"), text("2"))
        expected = [text("about to come: 1"), text("1"), text("about to come: 2"), text("2")]
        assert sorted(await target.recv_many(4)) == sorted(expected)


@sides
async def test_a_hook_answers_its_sender_and_drops_the_frame(side: str) -> None:
    def answer(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        if typ == "text":
            conv.proxy.inject(origin, "text", b"no, " + payload)
            return None
        return payload

    async with proxied(answer) as conv:
        source, target = conv.ends(side)
        source.send(text("please"), binary(b"x"))
        assert await source.recv() == text("no, please")
        assert await target.recv() == binary(b"x")


async def test_an_async_hook_may_await_what_it_injects() -> None:
    async def answer(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        await conv.proxy.inject(origin, "text", b"noted")
        return payload

    async with proxied(answer) as conv:
        conv.client.send(text("x"))
        assert await conv.client.recv() == text("noted")
        assert await conv.upstream.recv() == text("x")


@sides
async def test_inject_is_done_when_the_queue_is_below_its_mark(side: str) -> None:
    async with proxied(write_high_water=1 << 16) as conv:
        await running(conv)
        target, _ = conv.ends(side)
        target.stop_reading()
        sent = 0
        try:
            async with asyncio.timeout(0.7):
                while sent < 1024:
                    await conv.proxy.inject(side, "binary", bytes(1 << 16))
                    sent += 1
        except TimeoutError:
            pass
        assert sent < 1024, "inject() never waited"
        target.read_on()
        for _ in range(sent + 1):
            assert await target.recv() == binary(bytes(1 << 16))


async def test_inject_before_execute_is_a_usage_error() -> None:
    failures: list[framegate.UsageError] = []

    async def refusal(proxy: framegate.Proxy) -> framegate.UsageError:
        with pytest.raises(framegate.UsageError) as raised:
            await proxy.inject("client", "text", b"too early")
        return raised.value

    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        failures.append(await refusal(proxy))
        await proxy.connect(origin.url)
        failures.append(await refusal(proxy))
        await proxy.execute()

    async with raw.raw_upstream() as origin, serving(handler) as server, raw.connected(server.port) as client:
        client.send(text("x"))
        assert await (await origin.accepted()).recv() == text("x")
        await client.silent(0.05)
    assert len(failures) == 2


@sides
async def test_inject_after_the_close_is_a_usage_error(side: str) -> None:
    async with proxied() as conv:
        await running(conv)
        conv.proxy.close()
        with pytest.raises(framegate.UsageError):
            await conv.proxy.inject(side, "text", b"too late")
        await conv.client.recv_close()
        conv.client.send(close(1000))
        conv.upstream.send(close(1000))
        await conv.finished()
        with pytest.raises(framegate.UsageError):
            await conv.proxy.inject(side, "ping", b"far too late")


@pytest.mark.parametrize(
    ("side", "typ", "payload", "error"),
    [
        ("server", "text", b"x", ValueError),
        ("client", "close", b"", ValueError),
        ("client", "continuation", b"x", ValueError),
        ("client", "text", b"\xff", ValueError),
        ("client", "ping", b"x" * 126, ValueError),
        ("client", "pong", b"x" * 126, ValueError),
        ("client", "text", 5, TypeError),
        ("client", "binary", None, TypeError),
    ],
    ids=repr,
)
async def test_what_cannot_be_injected_is_refused_at_once(side: str, typ: str, payload: Any, error: type) -> None:
    async with proxied() as conv:
        await running(conv)
        with pytest.raises(error):
            await conv.proxy.inject(side, typ, payload)
        await conv.client.silent(0.05)
        assert not conv.record.done()


@sides
async def test_injected_messages_are_not_counted_as_what_the_other_side_sent(side: str) -> None:
    async with proxied() as conv:
        await running(conv)
        await conv.proxy.inject(side, "text", b"ours")
        await conv.ends(side)[0].recv()
        conv.client.send(close(1000))
        conv.upstream.send(close(1000))
        record = await conv.finished()
        assert (record.client.messages, record.upstream.messages) == (1, 0)


# pause and resume


@sides
async def test_a_paused_side_is_not_read_and_the_other_flows(side: str) -> None:
    async with proxied(Seen()) as conv:
        await running(conv)
        paused, other = conv.ends(side)
        conv.proxy.pause(side)
        await asyncio.sleep(0.02)
        paused.send(text("waits"), ping("waits too"))
        await other.silent(0.15)
        other.send(text("flows"))
        assert await paused.recv() == text("flows")
        conv.proxy.resume(side)
        assert await other.recv_many(2) == [text("waits"), ping("waits too")]


@sides
async def test_pause_and_resume_are_switches_and_not_counters(side: str) -> None:
    async with proxied() as conv:
        await running(conv)
        source, target = conv.ends(side)
        for _ in range(3):
            conv.proxy.pause(side)
        conv.proxy.resume(side)
        conv.proxy.resume(side)
        source.send(text("x"))
        assert await target.recv() == text("x")


@sides
async def test_a_paused_senders_bytes_stay_in_its_own_buffers(side: str) -> None:
    async with proxied() as conv:
        await running(conv)
        source, target = conv.ends(side)
        conv.proxy.pause(side)
        await asyncio.sleep(0.02)
        octets = source.encode(binary(bytes(1 << 16)))
        for _ in range(512):
            source.send_raw(octets)
        await asyncio.sleep(0.5)
        assert source.unsent > 16 << 20
        await target.silent(0.05)
        conv.proxy.resume(side)
        assert await target.recv() == binary(bytes(1 << 16))


@sides
async def test_what_a_paused_side_sent_before_it_left_is_delivered_after_resume(side: str) -> None:
    async with proxied() as conv:
        await running(conv)
        source, target = conv.ends(side)
        conv.proxy.pause(side)
        await asyncio.sleep(0.02)
        source.send(text("last words"))
        await source.drained()
        source.close()
        await target.silent(0.1)
        conv.proxy.resume(side)
        assert await target.recv() == text("last words")
        assert (await target.recv_close())[0] in (1001, 1014)


async def test_a_hook_pauses_its_own_side() -> None:
    def stop(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        if payload == b"stop":
            conv.proxy.pause(origin)
        return payload

    async with proxied(stop) as conv:
        conv.client.send(text("stop"))
        assert await conv.upstream.recv() == text("stop")
        conv.client.send(text("held"))
        await conv.upstream.silent(0.1)
        conv.proxy.resume("client")
        assert await conv.upstream.recv() == text("held")


async def test_a_paused_side_is_still_closed() -> None:
    async with proxied(lingering_timeout=0.3, lingering_time=0.6) as conv:
        await running(conv)
        conv.proxy.pause("client")
        conv.proxy.close()
        assert await conv.client.recv_close() == (1000, "")
        assert await conv.upstream.recv_close() == (1000, "")
        conv.client.send(close(1000))
        conv.upstream.send(close(1000))
        conv.client.half_close()
        await conv.finished()


@pytest.mark.parametrize("side", ["server", "both", ""])
async def test_a_side_has_one_of_two_names(side: str) -> None:
    async with proxied() as conv:
        await running(conv)
        for switch in (conv.proxy.pause, conv.proxy.resume):
            with pytest.raises(ValueError, match="client"):
                switch(side)
