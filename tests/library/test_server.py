"""Servers: what they tell, how they drain, and what handlers and cancellation do to them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

import framegate
from tests.kit import raw
from tests.kit.frames import close, text
from tests.kit.gateway import proxied, serving
from tests.kit.heads import upgrade_request
from tests.kit.raw import RawPeer, RawUpstream

pytestmark = pytest.mark.usefixtures("loop_kind")


def relay(origin: RawUpstream, records: list[Any] | None = None, **options: Any) -> Any:
    """A handler that connects to this upstream and keeps the records."""

    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request, **options)
        await proxy.connect(origin.url)
        record = await proxy.execute()
        if records is not None:
            records.append(record)

    return handler


async def answer_close(*peers: RawPeer) -> list[tuple[int | None, str]]:
    """Each peer's close frame, answered with its own code and the end of the peer's TCP direction."""
    codes = []
    for peer in peers:
        code, reason = await peer.recv_close()
        peer.send(close(code))
        peer.half_close()
        codes.append((code, reason))
    return codes


async def test_a_server_tells_its_sockets_port_and_sessions() -> None:
    async with raw.raw_upstream(raw.polite) as origin, serving(relay(origin)) as server:
        assert server.port > 0
        assert [sock.getsockname() for sock in server.sockets] == [("127.0.0.1", server.port)]
        assert len(server.sessions) == 0
        async with raw.connected(server.port), raw.connected(server.port):
            await until(lambda: len(server.sessions) == 2)
            assert len(list(server.sessions)) == 2
        await until(lambda: len(server.sessions) == 0)


async def until(reached: Any) -> None:
    async with asyncio.timeout(5):
        while not reached():
            await asyncio.sleep(0.01)


async def test_a_drain_closes_every_session_with_1001_on_both_sides() -> None:
    records: list[framegate.SessionRecord] = []
    async with raw.raw_upstream() as origin, serving(relay(origin, records)) as server, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(raw.connected(server.port)) for _ in range(5)]
        upstreams = [await origin.accepted() for _ in range(5)]
        draining = asyncio.create_task(server.drain())
        assert await answer_close(*clients, *upstreams) == [(1001, "")] * 10
        await draining
        assert len(server.sessions) == 0
        await until(lambda: len(records) == 5)
    assert {(record.ended_by, record.why) for record in records} == {("proxy", "drain")}


async def test_a_drain_stops_accepting() -> None:
    async with raw.raw_upstream() as origin, serving(relay(origin)) as server:
        port = server.port
        async with raw.connected(port) as client:
            upstream = await origin.accepted()
            draining = asyncio.create_task(server.drain())
            await client.recv_close()
            with pytest.raises(OSError):
                async with raw.connected(port):
                    pass
            client.send(close(1001))
            client.half_close()
            await answer_close(upstream)
            await draining


async def test_a_drain_without_sessions_ends_at_once() -> None:
    async with raw.raw_upstream() as origin, serving(relay(origin), drain_timeout=60, drain_window=60) as server:
        await asyncio.wait_for(server.drain(), 5)


async def test_a_drain_ends_with_its_last_session_and_not_at_its_timeout() -> None:
    async with raw.raw_upstream() as origin, serving(relay(origin), drain_timeout=60) as server:
        async with raw.connected(server.port) as client:
            upstream = await origin.accepted()
            draining = asyncio.create_task(server.drain())
            await answer_close(client, upstream)
            await asyncio.wait_for(draining, 5)


async def test_a_drain_code_of_ones_own() -> None:
    async with raw.raw_upstream() as origin, serving(relay(origin), drain_code=1012) as server:
        async with raw.connected(server.port) as client:
            upstream = await origin.accepted()
            draining = asyncio.create_task(server.drain())
            assert await answer_close(client, upstream) == [(1012, ""), (1012, "")]
            await draining


async def test_a_drain_window_spreads_the_close_frames() -> None:
    async with raw.raw_upstream() as origin, serving(relay(origin), drain_window=0.6) as server:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(raw.connected(server.port)) for _ in range(6)]
            upstreams = [await origin.accepted() for _ in range(6)]
            loop = asyncio.get_running_loop()
            times: list[float] = []

            async def closed(peer: RawPeer) -> None:
                await answer_close(peer)
                times.append(loop.time())

            draining = asyncio.create_task(server.drain())
            await asyncio.gather(*(closed(client) for client in clients), *map(answer_close, upstreams))
            await draining
            assert max(times) - min(times) > 0.2


async def test_what_is_left_at_the_drain_timeout_is_aborted() -> None:
    async with raw.raw_upstream() as origin, serving(relay(origin), drain_timeout=60) as server:
        async with raw.connected(server.port) as client:
            upstream = await origin.accepted()
            await asyncio.wait_for(server.drain(timeout=0.2), 5)
            assert await client.recv_close() == (1001, "")
            await client.gone()
            await upstream.gone()
            assert len(server.sessions) == 0


async def test_a_drain_waits_for_answers_only_as_long_as_lingering_allows() -> None:
    limits = {"lingering_timeout": 0.2, "lingering_time": 0.4}
    async with raw.raw_upstream() as origin, serving(relay(origin, **limits), drain_timeout=60) as server:
        async with raw.connected(server.port):
            await origin.accepted()
            await asyncio.wait_for(server.drain(), 5)


async def test_a_handshake_under_way_does_not_outlive_a_drain() -> None:
    async with raw.raw_upstream(raw.say_nothing) as origin, serving(relay(origin)) as server:
        async with raw.dialled(server.port) as client, raw.dialled(server.port) as silent:
            client.send_raw(upgrade_request())
            silent.send_raw(b"GET / HTTP/1.1\r\n")
            upstream = await origin.accepted()
            await asyncio.wait_for(server.drain(timeout=0.3), 5)
            await upstream.gone()
            assert b" 101 " not in await client.gone()
            await silent.gone()


async def test_leaving_the_async_with_drains() -> None:
    async with raw.raw_upstream() as origin, AsyncExitStack() as stack:
        server = await stack.enter_async_context(framegate.serve(relay(origin), "127.0.0.1", 0))
        async with raw.connected(server.port) as client:
            upstream = await origin.accepted()
            leaving = asyncio.create_task(stack.aclose())
            assert await answer_close(client, upstream) == [(1001, ""), (1001, "")]
            await asyncio.wait_for(leaving, 5)


async def test_close_stops_accepting_and_nothing_else() -> None:
    async with raw.raw_upstream() as origin, serving(relay(origin)) as server:
        port = server.port
        async with raw.connected(port) as client:
            upstream = await origin.accepted()
            server.close()
            await asyncio.sleep(0.05)
            with pytest.raises(OSError):
                async with raw.connected(port):
                    pass
            client.send(text("still here"))
            assert await upstream.recv() == text("still here")
            upstream.send(text("me too"))
            assert await client.recv() == text("me too")


async def test_wait_closed_waits_for_the_sessions() -> None:
    async with raw.raw_upstream() as origin, serving(relay(origin)) as server:
        async with raw.connected(server.port) as client:
            upstream = await origin.accepted()
            server.close()
            waiting = asyncio.create_task(server.wait_closed())
            await asyncio.sleep(0.1)
            assert not waiting.done()
            client.send(close(1000))
            assert await answer_close(upstream) == [(1000, "")]
            await client.recv_close()
            client.close()
            upstream.close()
            await asyncio.wait_for(waiting, 5)


async def test_awaiting_gives_the_same_server() -> None:
    async with raw.raw_upstream(raw.polite) as origin:
        server = await framegate.serve(relay(origin), "127.0.0.1", 0)
        async with raw.connected(server.port):
            assert len(server.sessions) == 1
        server.close()
        await asyncio.wait_for(server.wait_closed(), 5)


async def test_serve_forever_serves_until_it_is_cancelled() -> None:
    async with raw.raw_upstream() as origin, serving(relay(origin)) as server:
        forever = asyncio.create_task(server.serve_forever())
        async with raw.connected(server.port) as client:
            client.send(text("x"))
            upstream = await origin.accepted()
            assert await upstream.recv() == text("x")
            assert not forever.done()
            forever.cancel()
            client.send(close(1001))
            await answer_close(upstream)
        with pytest.raises(asyncio.CancelledError):
            await forever


async def test_all_sockets_of_a_host_are_listened_on() -> None:
    async with (
        raw.raw_upstream() as origin,
        framegate.serve(relay(origin), "localhost", 0, drain_timeout=0.2) as server,
    ):
        for sock in server.sockets:
            host, port = sock.getsockname()[:2]
            async with raw.connected(port, host=host) as client:
                client.send(text(host))
                assert await (await origin.accepted()).recv() == text(host)


async def test_one_handler_that_raises_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: framegate.Request) -> None:
        if request.path == "/broken":
            raise LookupError("the reason in the log")
        await relay(origin)(request)

    async with raw.raw_upstream() as origin, serving(handler) as server, raw.connected(server.port) as client:
        async with raw.dialled(server.port) as unlucky:
            unlucky.send_raw(upgrade_request("/broken"))
            assert (await unlucky.recv_head()).status == 500
        client.send(text("unharmed"))
        assert await (await origin.accepted()).recv() == text("unharmed")
    assert "the reason in the log" in caplog.text


async def test_a_handlers_code_behind_execute_may_fail_without_a_trace_on_the_wire() -> None:
    async def handler(request: framegate.Request) -> None:
        await relay(origin)(request)
        raise LookupError("too late to matter")

    async with raw.raw_upstream() as origin, serving(handler) as server, raw.connected(server.port) as client:
        upstream = await origin.accepted()
        client.send(close(1000))
        assert await upstream.recv() == close(1000)
        upstream.send(close(1000))
        assert await client.recv() == close(1000)
        await client.ended()
        client.half_close()
        upstream.half_close()
        await until(lambda: len(server.sessions) == 0)


async def test_a_framegate_error_of_a_handler_is_one_line_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: framegate.Request) -> None:
        await framegate.Proxy(request).connect("ws://127.0.0.1:1")

    async with serving(handler) as server, raw.dialled(server.port) as client:
        client.send_raw(upgrade_request())
        assert (await client.recv_head()).status == 502
        await client.rest()
    told = [record for record in caplog.records if record.name.startswith("framegate") and record.levelno >= 30]
    assert told and not [record for record in told if record.exc_info]
    assert all("\n" not in record.getMessage() for record in told)
    assert any("upstream" in record.getMessage() for record in told)


async def test_a_cancelled_execute_closes_both_sides_with_1001_and_raises_on() -> None:
    async with proxied(lingering_timeout=0.3, lingering_time=0.6) as conv:
        conv.client.send(text("running"))
        await conv.upstream.recv()
        conv.execution.cancel()
        assert await answer_close(conv.client, conv.upstream) == [(1001, ""), (1001, "")]
        await asyncio.gather(conv.client.ended(), conv.upstream.ended())
        await until(conv.record.done)
        assert conv.record.cancelled()
        await until(lambda: len(conv.server.sessions) == 0)


async def test_a_cancelled_execute_releases_its_connections_even_from_silent_peers() -> None:
    async with proxied(lingering_timeout=0.2, lingering_time=0.3) as conv:
        conv.client.send(text("running"))
        await conv.upstream.recv()
        conv.execution.cancel()
        assert await conv.client.recv_close() == (1001, "")
        assert await conv.upstream.recv_close() == (1001, "")
        await asyncio.gather(conv.client.gone(), conv.upstream.gone())


async def test_execute_under_a_timeout_of_the_handlers_own() -> None:
    raised: list[BaseException] = []

    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request, lingering_timeout=0.2, lingering_time=0.3)
        await proxy.connect(origin.url)
        try:
            async with asyncio.timeout(0.2):
                await proxy.execute()
        except TimeoutError as error:
            raised.append(error)

    async with raw.raw_upstream() as origin, serving(handler) as server, raw.connected(server.port) as client:
        upstream = await origin.accepted()
        assert await answer_close(client, upstream) == [(1001, ""), (1001, "")]
        await client.ended()
        await until(lambda: raised)


async def test_a_session_drained_through_its_own_server_object_is_recorded() -> None:
    async with proxied() as conv:
        draining = asyncio.create_task(conv.server.drain())
        assert await answer_close(conv.client, conv.upstream) == [(1001, ""), (1001, "")]
        await draining
        record = await conv.finished()
        assert (record.ended_by, record.why) == ("proxy", "drain")
        assert record.client.close_sent == record.upstream.close_sent == (1001, "")
