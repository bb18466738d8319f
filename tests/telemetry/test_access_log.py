"""The access log: a line for each handshake that was refused and each session that has ended."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.kit import frames, heads, raw
from tests.kit.heads import response
from tests.kit.served import SIDES, Served, plugin, served
from tests.telemetry.test_traces import traced


class Log:
    """What stands in the log."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def text(self, count: int = 1) -> list[str]:
        """Wait for exactly so many lines."""
        async with asyncio.timeout(raw.PATIENCE):
            while len(found := self._lines()) < count:
                await asyncio.sleep(0.01)
        assert len(found) == count, found
        return found

    async def lines(self, count: int = 1) -> list[dict[str, Any]]:
        return [json.loads(line) for line in await self.text(count)]

    def _lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


@asynccontextmanager
async def logged(folder: Path, *args: Any, form: str = "json", **how: Any) -> AsyncIterator[tuple[Served, Log]]:
    """A gateway with an access log; ``args`` and ``how`` as for :func:`tests.kit.served.served`."""
    gateway = {**how.pop("gateway", {}), "access_log": {"path": "access.log", "format": form}}
    async with served(folder, *args, gateway=gateway, **how) as gate:
        yield gate, Log(folder / "access.log")


def side(**other: Any) -> dict[str, Any]:
    return {
        "frames": 1,
        "messages": 0,
        "bytes": 2,
        "dropped": 0,
        "changed": 0,
        "close_received": {"code": 1000, "reason": ""},
        "close_sent": {"code": 1000, "reason": ""},
        **other,
    }


async def test_a_session_is_one_line_when_it_has_ended(tmp_path: Path) -> None:
    async with logged(tmp_path, script=raw.accept(protocol="chat")) as (gate, log):
        before = datetime.now(UTC)
        async with gate.talk("/room?token=secret", extra=[("Sec-WebSocket-Protocol", "chat")]) as talk:
            talk.client.send(frames.text("hello"))
            await talk.upstream.recv()
            assert not log.path.exists()
            await talk.bye()
        (line,) = await log.lines()
    duration, time = line.pop("duration"), line.pop("time")
    assert 0 < duration < 5
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert -0.001 <= (datetime.fromisoformat(time) - before).total_seconds() < 5
    assert line == {
        "event": "session",
        "client_address": "127.0.0.1",
        "peer_address": "127.0.0.1",
        "scheme": "ws",
        "host": "gateway.test",
        "path": "/room",
        "route": "main",
        "service": "main",
        "consumer": None,
        "status": 101,
        "subprotocol": "chat",
        "ended_by": "client",
        "why": "close",
        "detail": None,
        "error": None,
        "client": side(frames=2, messages=1, bytes=7),
        "upstream": side(),
        "trace_id": None,
    }


async def test_a_refusal_is_one_line(tmp_path: Path) -> None:
    refusing = plugin(ws_handshake="kong.response.exit(403, 'no')")
    async with logged(tmp_path, {"refusing": refusing}) as (gate, log):
        assert (await gate.asked())[0].status == 403
        (line,) = await log.lines()
    assert line.pop("duration") < 5
    assert line.pop("time")
    assert line == {
        "event": "refused",
        "client_address": "127.0.0.1",
        "peer_address": "127.0.0.1",
        "scheme": "ws",
        "host": "gateway.test",
        "path": "/",
        "route": "main",
        "service": "main",
        "consumer": None,
        "status": 403,
        "error": None,
        "trace_id": None,
    }


@pytest.mark.parametrize(
    ("how", "status", "error"),
    [
        ({"route": {"paths": ["/only"]}}, 404, None),
        ({"script": raw.answer(response("418 Teapot"))}, 418, "upstream refused the handshake with 418 Teapot"),
        ({"script": raw.answer(b"nonsense\r\n\r\n")}, 502, "upstream"),
        ({"script": raw.say_nothing, "service": {"connect_timeout": 50}}, 504, "did not complete the handshake"),
        ({"plugins": {"bad": plugin(ws_handshake="raise ValueError('no idea')")}}, 500, "ValueError: no idea"),
    ],
    ids=["no route", "the upstream refuses", "a bad answer", "too slow", "a plugin fails"],
)
async def test_a_refusal_says_what_it_was_and_why(
    how: dict[str, Any], status: int, error: str | None, tmp_path: Path
) -> None:
    async with logged(tmp_path, **how) as (gate, log):
        assert (await gate.asked())[0].status == status
        (line,) = await log.lines()
    assert (line["event"], line["status"]) == ("refused", status)
    assert line["error"] is None if error is None else error in line["error"]


async def test_a_client_that_leaves_before_its_answer_has_no_status(tmp_path: Path) -> None:
    async with logged(tmp_path, script=raw.say_nothing) as (gate, log):
        async with raw.dialled(gate.port) as client:
            client.send_raw(heads.upgrade_request())
            await gate.origin.accepted()
            client.reset()
        (line,) = await log.lines()
    assert (line["event"], line["status"]) == ("left", None)


async def test_a_handshake_that_a_drain_cuts_off_is_a_503(tmp_path: Path) -> None:
    async with logged(tmp_path, script=raw.say_nothing) as (gate, log), raw.dialled(gate.port) as client:
        client.send_raw(heads.upgrade_request())
        await gate.origin.accepted()
        await gate.server.drain(timeout=0.05)
        assert (await client.recv_head()).status == 503
        (line,) = await log.lines()
    assert (line["event"], line["status"]) == ("refused", 503)


@pytest.mark.parametrize("offender", SIDES)
async def test_a_session_that_breaks_a_limit_says_whose_and_which(offender: str, tmp_path: Path) -> None:
    use = [{"name": "websocket-size-limit", "config": {f"{offender}_max_payload": 10}}]
    async with logged(tmp_path, use=use) as (gate, log):
        async with gate.talk() as talk:
            peer, other = talk.ends(offender)
            peer.send(frames.text("eleven char"))
            await peer.recv_close()
            await other.recv_close()
        (line,) = await log.lines()
    assert (line["ended_by"], line["why"]) == (offender, "limit")
    assert offender in line["error"]
    assert line[offender]["close_sent"] == {"code": 1009, "reason": "Payload Too Large"}


async def test_sessions_that_a_drain_cuts_off_are_in_the_log_when_it_is_over(tmp_path: Path) -> None:
    async with logged(tmp_path) as (gate, log):
        async with raw.connected(gate.port), raw.connected(gate.port):
            await gate.server.drain(timeout=0.05)
            await gate.gateway.close()
            assert [line["why"] for line in await log.lines(2)] == ["drain", "drain"]


async def test_a_failed_hook_is_in_the_line(tmp_path: Path) -> None:
    failing = plugin(ws_upstream_frame="raise ValueError('no idea')")
    async with logged(tmp_path, {"failing": failing}) as (gate, log):
        async with gate.talk() as talk:
            talk.upstream.send(frames.text("x"))
            await talk.client.recv_close()
        (line,) = await log.lines()
    assert line["why"] == "hook"
    assert "failing" in line["error"]


async def test_the_consumer_and_the_client_behind_a_trusted_proxy_are_named(tmp_path: Path) -> None:
    how = {
        "use": [{"name": "key-auth"}],
        "consumers": [{"custom_id": "c-7", "keyauth_credentials": [{"key": "k-1"}]}],
        "gateway": {"trusted_ips": ["127.0.0.1"]},
    }
    async with logged(tmp_path, **how) as (gate, log):
        async with gate.talk(extra=[("apikey", "k-1"), ("X-Forwarded-For", "192.0.2.7")]) as talk:
            await talk.bye()
        (line,) = await log.lines()
    assert (line["consumer"], line["client_address"], line["peer_address"]) == ("c-7", "192.0.2.7", "127.0.0.1")
    assert "k-1" not in json.dumps(line)


async def test_the_trace_is_named_where_there_is_one(tmp_path: Path) -> None:
    gateway = {"access_log": {"path": "access.log"}}
    async with traced(tmp_path, gateway=gateway) as (gate, collector):
        async with gate.talk() as talk:
            await talk.bye()
        (handshake,) = await collector.named("GET main")
        (line,) = await Log(tmp_path / "access.log").lines()
    assert line["trace_id"] == handshake.trace_id


# As text


async def test_as_text_a_line_has_a_word_for_each_fact_that_there_is(tmp_path: Path) -> None:
    async with logged(tmp_path, form="text") as (gate, log):
        async with gate.talk("/room") as talk:
            talk.client.send(frames.close(1000, 'said "bye"\n'))
            await talk.upstream.recv_close()
            talk.upstream.send(frames.close(1000))
            await talk.client.recv_close()
        (line,) = await log.text()
    line, count = re.subn(r"^time=\S+Z | duration=[0-9.]+", "", line)
    assert count == 2
    assert line == (
        "event=session client_address=127.0.0.1 peer_address=127.0.0.1 scheme=ws host=gateway.test path=/room "
        "route=main service=main status=101 ended_by=client why=close "
        "client.frames=1 client.messages=0 client.bytes=13 client.dropped=0 client.changed=0 "
        'client.close_received.code=1000 client.close_received.reason="said \\"bye\\"\\n" '
        'client.close_sent.code=1000 client.close_sent.reason="" '
        "upstream.frames=1 upstream.messages=0 upstream.bytes=2 upstream.dropped=0 upstream.changed=0 "
        'upstream.close_received.code=1000 upstream.close_received.reason="" '
        'upstream.close_sent.code=1000 upstream.close_sent.reason="said \\"bye\\"\\n"'
    )


@pytest.mark.parametrize("form", ["json", "text"])
async def test_no_client_writes_a_line_of_its_own(form: str, tmp_path: Path) -> None:
    reason = 'x\u2028\x85\r\nevent=session status=101 {"event":"forged"}'
    async with logged(tmp_path, form=form) as (gate, log):
        async with gate.talk() as talk:
            talk.client.send(frames.close(1000, reason))
            await talk.upstream.recv_close()
            talk.upstream.send(frames.close(1000))
            await talk.client.recv_close()
        (line,) = await log.text()
    assert line.isascii()


# Trouble


async def test_a_full_disk_neither_ends_nor_delays_a_session(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "access.log").symlink_to("/dev/full")
    async with logged(tmp_path) as (gate, _):
        async with gate.talk() as talk:
            for _ in range(3):
                await another_session(gate)
            talk.client.send(frames.text("still there?"))
            assert await talk.upstream.recv() == frames.text("still there?")
            await talk.bye()
        await gate.gateway.close()
    told = [record.getMessage() for record in caplog.records if record.name == "framegate.access_log"]
    path = tmp_path / "access.log"
    assert told == [
        f"access log {path}: No space left on device; lines are lost until it works again",
        f"access log {path}: lines lost at the end: 4",
    ]


async def another_session(gate: Served) -> None:
    """A further session, from its beginning to its end."""
    async with raw.connected(gate.port) as client:
        upstream = await gate.origin.accepted()
        client.send(frames.close(1000))
        await upstream.recv_close()
        upstream.send(frames.close(1000))
        await client.recv_close()
        await upstream.release()
