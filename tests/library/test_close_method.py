"""The end of a session by its owner: ``close()``, ``wait_closed()``, and a handler that fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import framegate
from tests.kit import frames, raw
from tests.kit.frames import close, frame, text
from tests.kit.gateway import proxied, serving

pytestmark = pytest.mark.usefixtures("loop_kind")

sides = pytest.mark.parametrize("side", ["client", "upstream"])

SHORT: dict[str, Any] = {"lingering_timeout": 0.25, "lingering_time": 1.0}

PAIRS: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, str], tuple[int, str]]] = [
    ("by default", (), {}, (1000, ""), (1000, "")),
    ("1000 and a reason", (1000, "done"), {}, (1000, "done"), (1000, "done")),
    ("1001 and a reason", (1001, "away"), {}, (1001, "away"), (1001, "away")),
    ("another code", (1008, "no"), {}, (1008, "no"), (1001, "")),
    ("a code of the application", (4000, "app"), {}, (4000, "app"), (1001, "")),
    ("both codes", (1008, "no"), {"upstream_code": 4000}, (1008, "no"), (4000, "")),
    ("all four", (1008, "no", 1000, "client left"), {}, (1008, "no"), (1000, "client left")),
    ("by keyword", (), {"client_code": 4001, "client_reason": "k"}, (4001, "k"), (1001, "")),
    ("the longest reason", (1000, "€" * 41), {}, (1000, "€" * 41), (1000, "€" * 41)),
]


@pytest.mark.parametrize(
    ("args", "kwargs", "client", "upstream"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS]
)
async def test_close_sends_both_close_frames_at_once(
    args: tuple[Any, ...], kwargs: dict[str, Any], client: tuple[int, str], upstream: tuple[int, str]
) -> None:
    async with proxied() as conv:
        conv.proxy.close(*args, **kwargs)
        assert await conv.client.recv_close() == client
        assert await conv.upstream.recv_close() == upstream
        conv.client.send(close(client[0]))
        conv.upstream.send(close(upstream[0]))
        record = await conv.finished()
        assert (record.ended_by, record.client.close_sent, record.upstream.close_sent) == ("proxy", client, upstream)


@sides
@pytest.mark.parametrize("style", ["sync", "async"])
async def test_close_in_the_hook_discards_its_frame_and_all_that_follow(side: str, style: str) -> None:
    def verdict(payload: bytes) -> bytes:
        if payload == b"stop":
            conv.proxy.close(1008, "stopped")
        return payload

    async def later(payload: bytes) -> bytes:
        await asyncio.sleep(0.01)
        return verdict(payload)

    def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        return verdict(payload) if style == "sync" else later(payload)

    async with proxied(hook) as conv:
        source, target = conv.ends(side)
        source.send(text("before"), text("stop"), text("after"))
        assert await target.recv() == text("before")
        assert await target.recv_close() == ((1001, "") if side == "client" else (1008, "stopped"))
        assert await source.recv_close() == ((1008, "stopped") if side == "client" else (1001, ""))
        await target.ended()


async def test_a_second_close_is_ignored() -> None:
    async with proxied() as conv:
        conv.proxy.close(1008, "first")
        conv.proxy.close(4000, "second")
        assert await conv.client.recv_close() == (1008, "first")
        conv.client.send(close(1008))
        conv.upstream.send(close(1001))
        await conv.finished()
        conv.proxy.close(4000, "third")


async def test_close_in_the_middle_of_a_message_sends_the_close_frame_between_frames() -> None:
    async with proxied() as conv:
        conv.client.send(text("unfinished", fin=False))
        assert await conv.upstream.recv() == text("unfinished", fin=False)
        conv.proxy.close()
        assert await conv.upstream.recv_close() == (1000, "")


@sides
async def test_close_in_the_middle_of_a_frame_that_streams_through_ends_the_session(side: str) -> None:
    async with proxied(**SHORT) as conv:
        source, target = conv.ends(side)
        octets = frame(frames.BINARY, b"x" * 1000, mask=source.is_client, announced=2000)
        source.send_raw(octets)
        assert await target.recv_octets(len(octets)) == octets
        conv.proxy.close(1001, "enough")
        assert await source.recv_close() == (1001, "enough")
        source.send_raw(b"y" * 1000)
        source.send(close(1001))
        await target.gone()
        record = await conv.finished()
        assert record.ended_by == "proxy"


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70000])
async def test_close_refuses_codes_that_may_not_be_sent(code: int) -> None:
    async with proxied() as conv:
        with pytest.raises(ValueError, match="client"):
            conv.proxy.close(code)
        with pytest.raises(ValueError, match="upstream"):
            conv.proxy.close(1000, "", code)
        await conv.client.silent(0.05)
        conv.client.send(text("the session lives on"))
        assert await conv.upstream.recv() == text("the session lives on")


async def test_close_refuses_reasons_over_123_bytes_of_utf_8() -> None:
    async with proxied() as conv:
        with pytest.raises(ValueError, match="client"):
            conv.proxy.close(1000, "x" * 124)
        with pytest.raises(ValueError, match="client"):
            conv.proxy.close(1000, "€" * 42)
        with pytest.raises(ValueError, match="upstream"):
            conv.proxy.close(1000, "", 1000, "x" * 124)
        await conv.upstream.silent(0.05)


async def test_wait_closed_returns_when_both_sides_are_closed() -> None:
    async with proxied() as conv:
        waiting = asyncio.create_task(conv.proxy.wait_closed())
        conv.proxy.close()
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await conv.client.recv_close()
        await conv.upstream.recv_close()
        conv.client.send(close(1000))
        conv.upstream.send(close(1000))
        await asyncio.gather(conv.client.ended(), conv.upstream.ended())
        conv.client.close()
        conv.upstream.close()
        await asyncio.wait_for(waiting, 5)
        assert conv.record.done()


# The handler


async def test_a_handler_that_fails_after_the_clients_101_is_1011_without_detail() -> None:
    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        await proxy.connect(origin.url)
        raise RuntimeError("a detail that stays inside")

    async with raw.raw_upstream() as origin, serving(handler) as server, raw.connected(server.port) as client:
        assert await client.recv_close() == (1011, "")
        assert await (await origin.accepted()).recv_close() == (1011, "")


async def test_an_upstream_that_is_unavailable_after_the_clients_101_is_1014() -> None:
    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        await proxy.connect_client()
        await proxy.connect_upstream("ws://127.0.0.1:1")

    async with serving(handler) as server, raw.connected(server.port) as client:
        assert (await client.recv_close())[0] == 1014


async def test_a_handler_that_returns_without_executing_closes_what_it_opened() -> None:
    async def handler(request: framegate.Request) -> None:
        await framegate.Proxy(request).connect(origin.url)

    async with raw.raw_upstream() as origin, serving(handler) as server, raw.connected(server.port) as client:
        await (await origin.accepted()).gone()
        await client.gone()
