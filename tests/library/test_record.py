"""What is kept of a session, and the one line that tells it."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

import framegate
from tests.kit.frames import Frame, binary, close, cont, ping, pong, text
from tests.kit.gateway import Conversation, proxied

pytestmark = pytest.mark.usefixtures("loop_kind")


async def ended(conv: Conversation) -> framegate.SessionRecord:
    """The record after an orderly end by the client."""
    conv.client.send(close(1000, "done"))
    await until_close(conv.upstream)
    conv.upstream.send(close(1001, "too"))
    await until_close(conv.client)
    return await conv.finished()


async def until_close(peer: Any) -> None:
    while (await peer.recv()).opcode != close().opcode:
        pass


async def test_the_close_frames_of_both_sides_are_kept() -> None:
    async with proxied() as conv:
        record = await ended(conv)
    assert record.client.close_received == record.upstream.close_sent == (1000, "done")
    assert record.upstream.close_received == record.client.close_sent == (1001, "too")
    assert (record.ended_by, record.why, record.error) == ("client", "close", None)


async def test_a_close_frame_without_a_code_is_told_from_none_at_all() -> None:
    async with proxied() as conv:
        conv.upstream.send(close())
        assert await conv.client.recv() == close()
        conv.client.close()
        record = await conv.finished()
    assert record.upstream.close_received == record.client.close_sent == (None, "")
    assert record.client.close_received is None


async def test_changed_close_frames_are_kept_as_they_came_and_as_they_were_sent() -> None:
    def other(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        return (b"changed", 4000) if typ == "close" and origin == "client" else payload

    async with proxied(other) as conv:
        record = await ended(conv)
    assert record.client.close_received == (1000, "done")
    assert record.upstream.close_sent == (4000, "changed")


async def test_times_are_kept() -> None:
    before = time.time()
    async with proxied() as conv:
        conv.client.send(text("x"))
        await conv.upstream.recv()
        await conv.upstream.silent(0.1)
        record = await ended(conv)
    assert before - 1 <= record.started_at <= time.time()
    assert 0.1 <= record.duration < 20


@pytest.mark.parametrize("reads", [False, True], ids=["nothing reads", "a hook reads"])
async def test_frames_messages_and_bytes_are_counted_for_their_sender(reads: bool) -> None:
    hook = (lambda origin, typ, payload, last, code: payload) if reads else None
    async with proxied(hook) as conv:
        conv.client.send(text("12345"), binary(b"12", fin=False), ping("1"), cont("34", fin=True), pong(""))
        await conv.upstream.recv_many(5)
        conv.upstream.send(*[text("x" * 200)] * 3)
        await conv.client.recv_many(3)
        record = await ended(conv)
    client, upstream = record.client, record.upstream
    assert (client.frames, client.messages) == (6, 2)
    assert (upstream.frames, upstream.messages) == (4, 3)
    assert 9 <= client.bytes <= 9 + 1 + 6
    assert 600 <= upstream.bytes <= 600 + 5
    assert (client.dropped, client.changed, upstream.dropped, upstream.changed) == (0, 0, 0, 0)


async def test_joined_messages_are_counted() -> None:
    async with proxied(aggregate_fragments=True) as conv:
        conv.client.send(text("a", fin=False), cont("b", fin=False), cont("c", fin=True), text("d"))
        await conv.upstream.recv_many(2)
        record = await ended(conv)
    assert record.client.messages == 2
    assert record.client.frames == 5


async def test_dropped_and_changed_are_counted_for_the_sender() -> None:
    def verdict(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        return {b"drop": None, b"change": b"changed", b"code": (payload, 1000)}.get(payload, payload)

    async with proxied(verdict) as conv:
        conv.client.send(text("drop"), text("change"), text("keep"), ping("drop"), ping("change"), text("code"))
        await conv.upstream.recv_many(4)
        conv.upstream.send(text("drop"), text("drop"), text("keep"))
        await conv.client.recv()
        record = await ended(conv)
    assert (record.client.dropped, record.client.changed) == (2, 2)
    assert (record.upstream.dropped, record.upstream.changed) == (2, 0)


async def test_an_equal_payload_in_a_new_object_is_forwarded_either_way() -> None:
    async with proxied(lambda origin, typ, payload, last, code: bytes(bytearray(payload))) as conv:
        conv.client.send(text("same"))
        assert await conv.upstream.recv() == text("same")
        record = await ended(conv)
    assert record.client.dropped == 0


ENDINGS: dict[str, tuple[Frame, dict[str, Any], tuple[str, str]]] = {
    "close": (close(1000), {}, ("close", "")),
    "protocol": (Frame(3), {}, ("protocol", "ProtocolError")),
    "text that is not UTF-8": (text(b"\xff"), {"validate_utf8": True}, ("protocol", "ProtocolError")),
    "size": (
        text("xx"),
        {"client_max_frame_size": 1, "upstream_max_frame_size": 1},
        ("limit", "LimitExceeded"),
    ),
}


@pytest.mark.parametrize("side", ["client", "upstream"])
@pytest.mark.parametrize("name", ENDINGS)
async def test_who_ended_it_and_why(side: str, name: str) -> None:
    value, options, (why, error) = ENDINGS[name]
    async with proxied(lingering_timeout=0.3, lingering_time=0.6, **options) as conv:
        peers = [conv.client, conv.upstream]
        peers[side == "upstream"].send(value)
        for peer in peers:
            if not (why == "close" and peer is peers[side == "upstream"]):
                await peer.recv_close()
                peer.send(close(1000))
        record = await conv.finished()
    assert (record.ended_by, record.why) == (side, why)
    assert (type(record.error).__name__ if record.error else "") == error


async def test_an_end_by_close_is_the_proxys() -> None:
    async with proxied() as conv:
        conv.proxy.close(4000, "enough")
        for peer in (conv.client, conv.upstream):
            await peer.recv_close()
            peer.send(close(1000))
        record = await conv.finished()
    assert record.ended_by == "proxy"
    assert record.why == "policy"
    assert record.error is None


@pytest.fixture
def session_lines(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.INFO, "framegate")

    def lines(conv_reason: str) -> list[str]:
        told = (record.getMessage() for record in caplog.records if record.name.startswith("framegate"))
        return [line for line in told if "duration" in line and conv_reason in line]

    return lines


async def test_one_log_line_tells_the_record_of_a_session(session_lines: Any) -> None:
    async with proxied() as conv:
        conv.client.send(*[text("x" * 11)] * 7)
        await conv.upstream.recv_many(7)
        await ended(conv)
    lines = session_lines("close")
    assert len(lines) == 1
    line = lines[0]
    assert "\n" not in line
    for part in ("client", "upstream", "1000", "1001", "done", "too"):
        assert part in line, part


async def test_a_reason_with_line_ends_does_not_forge_a_log_line(session_lines: Any) -> None:
    async with proxied() as conv:
        conv.client.send(close(1000, "bye\nframegate: forged duration\r\x1b[31m"))
        await until_close(conv.upstream)
        conv.upstream.send(close(1000))
        await conv.finished()
    lines = session_lines("close")
    assert len(lines) == 1
    assert not set("\n\r\x1b") & set(lines[0])


async def test_debug_logs_a_line_for_each_frame(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "framegate")
    async with proxied(debug=True) as conv:
        conv.client.send(text("short"), binary(b"y" * 100))
        await conv.upstream.recv_many(2)
        conv.upstream.send(text("z\nz"))
        await conv.client.recv()
        await ended(conv)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("framegate")]
    assert [line for line in told if "text" in line and "short" in line and "5" in line]
    assert [line for line in told if "binary" in line and "100" in line and "y" * 24 in line and "y" * 25 not in line]
    assert not [line for line in told if "\n" in line]


async def test_without_debug_no_payload_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "framegate")
    async with proxied(lambda origin, typ, payload, last, code: payload) as conv:
        conv.client.send(text("a private matter"))
        await conv.upstream.recv()
        await ended(conv)
    assert "private" not in caplog.text
