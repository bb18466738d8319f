"""The spans of a connection: its handshake, each attempt to reach an upstream, and its session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.pools import unused
from tests.kit import frames, heads, raw
from tests.kit.heads import response
from tests.kit.served import SIDES, Served, plugin, served
from tests.telemetry.collector import Collector, collecting

AGENT = [("User-Agent", "tester/1")]


@asynccontextmanager
async def traced(folder: Path, *args: Any, **how: Any) -> AsyncIterator[tuple[Served, Collector]]:
    """A gateway whose traces are sent to a collector of the test's own.

    Args:
        args, how: as for :func:`tests.kit.served.served`; ``tracing`` are further fields of the section.
    """
    with collecting() as collector:
        tracing = {"endpoint": collector.url, "export_interval": 20, **how.pop("tracing", {})}
        gateway = {**how.pop("gateway", {}), "tracing": tracing}
        async with served(folder, *args, gateway=gateway, **how) as gate:
            yield gate, collector


# The spans and how they hang together


async def test_a_session_is_a_handshake_with_its_dial_and_a_trace_of_its_own_linked_both_ways(tmp_path: Path) -> None:
    async with traced(tmp_path) as (gate, collector):
        async with gate.talk("/chat/room?token=secret") as talk:
            await talk.bye()
        handshake, dial, session = await collector.named("GET main", "dial main", "session main")
    assert (handshake.kind, dial.kind, session.kind) == ("SERVER", "CLIENT", "INTERNAL")
    assert (handshake.parent, dial.parent, session.parent) == ("", handshake.id, "")
    assert dial.trace_id == handshake.trace_id != session.trace_id
    assert (handshake.links, session.links) == ([session.place], [handshake.place])
    assert handshake.start <= dial.start <= dial.end <= handshake.end <= session.end
    assert dial.end <= session.start
    assert not (handshake.failed or dial.failed or session.failed)


async def test_a_handshake_is_described_as_an_http_request(tmp_path: Path) -> None:
    async with traced(tmp_path) as (gate, collector):
        async with gate.talk("/chat/room?token=secret", extra=AGENT) as talk:
            await talk.bye()
        handshake, dial = await collector.named("GET main", "dial main")
    port = handshake.attributes.pop("client.port")
    assert handshake.attributes.pop("network.peer.port") == port
    assert handshake.attributes == {
        "http.request.method": "GET",
        "url.scheme": "ws",
        "url.path": "/chat/room",
        "http.route": "/",
        "http.response.status_code": 101,
        "server.address": "gateway.test",
        "server.port": gate.port,
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "network.transport": "tcp",
        "user_agent.original": "tester/1",
        "framegate.route": "main",
        "framegate.service": "main",
    }
    assert dial.attributes == {
        "http.request.method": "GET",
        "url.full": f"ws://127.0.0.1:{gate.origin.port}/chat/room",
        "server.address": "127.0.0.1",
        "server.port": gate.origin.port,
        "http.response.status_code": 101,
    }


async def test_what_a_client_keeps_secret_is_in_no_span(tmp_path: Path) -> None:
    secret = [("Authorization", "Bearer hush-1"), ("Cookie", "id=hush-2")]
    async with traced(tmp_path) as (gate, collector):
        async with gate.talk("/chat?apikey=hush-3", extra=secret) as talk:
            await talk.bye()
        spans = await collector.named("GET main", "dial main", "session main")
    assert "hush" not in repr(spans)


async def test_the_service_is_named_in_every_span(tmp_path: Path) -> None:
    async with traced(tmp_path, tracing={"service_name": "edge"}) as (gate, collector):
        await gate.serves_on()
        spans = await collector.named("GET main", "dial main", "session main")
    assert {span.resource["service.name"] for span in spans} == {"edge"}
    assert {span.resource["service.instance.id"] for span in spans} == {gate.gateway._node.id}


# Sessions


async def test_a_session_tells_how_it_ended_and_what_passed(tmp_path: Path) -> None:
    upper = plugin(
        ws_client_frame="""
        data, typ, status = kong.websocket.client.get_frame()
        if data == 'loud': kong.websocket.client.set_frame_data('LOUD')
        if data == 'lost': kong.websocket.client.drop_frame()
        """
    )
    script = raw.accept(protocol="chat.v2")
    offer = [("Sec-WebSocket-Protocol", "chat.v1, chat.v2")]
    async with traced(tmp_path, {"upper": upper}, script=script) as (gate, collector):
        async with gate.talk(extra=offer) as talk:
            talk.client.send(frames.text("loud"), frames.text("lost"), frames.ping(b""))
            assert await talk.upstream.recv_many(2) == [frames.text("LOUD"), frames.ping(b"")]
            talk.upstream.send(frames.binary(b"12345"))
            await talk.client.recv()
            talk.client.send(frames.close(1000, "thanks"))
            await talk.upstream.recv_close()
            talk.upstream.send(frames.close(1000))
            await talk.client.recv_close()
        (session,) = await collector.named("session main")
    assert session.attributes == {
        "http.route": "/",
        "framegate.route": "main",
        "framegate.service": "main",
        "framegate.subprotocol": "chat.v2",
        "framegate.ended_by": "client",
        "framegate.why": "close",
        "framegate.client.frames": 4,
        "framegate.client.messages": 2,
        "framegate.client.bytes": 8 + len("thanks") + 2,
        "framegate.client.dropped": 1,
        "framegate.client.changed": 1,
        "framegate.client.close_received.code": 1000,
        "framegate.client.close_received.reason": "thanks",
        "framegate.client.close_sent.code": 1000,
        "framegate.client.close_sent.reason": "",
        "framegate.upstream.frames": 2,
        "framegate.upstream.messages": 1,
        "framegate.upstream.bytes": 5 + 2,
        "framegate.upstream.dropped": 0,
        "framegate.upstream.changed": 0,
        "framegate.upstream.close_received.code": 1000,
        "framegate.upstream.close_received.reason": "",
        "framegate.upstream.close_sent.code": 1000,
        "framegate.upstream.close_sent.reason": "thanks",
    }
    assert (session.events, session.failed) == ([], False)


@pytest.mark.parametrize("side", SIDES)
async def test_a_session_that_breaks_a_limit_is_an_error_with_its_event(side: str, tmp_path: Path) -> None:
    limits = {f"{side}_max_payload": 10}
    use = [{"name": "websocket-size-limit", "config": limits}]
    async with traced(tmp_path, use=use) as (gate, collector):
        async with gate.talk() as talk:
            offender, other = talk.ends(side)
            offender.send(frames.text("eleven char"))
            assert (await offender.recv_close())[0] == 1009
            assert (await other.recv_close())[0] == 1001
        (session,) = await collector.named("session main")
    assert (session.attributes["framegate.ended_by"], session.attributes["framegate.why"]) == (side, "limit")
    assert session.attributes[f"framegate.{side}.close_sent.code"] == 1009
    ((name, told),) = session.events
    assert (name, told["exception.type"]) == ("exception", "framegate.errors.LimitExceeded")
    assert session.attributes["error.type"] == "framegate.errors.LimitExceeded"
    assert session.failed
    assert session.message == told["exception.message"]
    assert side in session.message


async def test_a_plugin_that_fails_on_a_frame_makes_the_session_an_error(tmp_path: Path) -> None:
    failing = plugin(ws_client_frame="raise ValueError('no idea')")
    async with traced(tmp_path, {"failing": failing}) as (gate, collector):
        async with gate.talk() as talk:
            talk.client.send(frames.text("x"))
            assert (await talk.client.recv_close())[0] == 1011
        (session,) = await collector.named("session main")
    assert (session.attributes["framegate.why"], session.failed) == ("hook", True)
    ((name, told),) = session.events
    assert (name, told["exception.type"]) == ("exception", "framegate.errors.HookError")
    assert "failing" in told["exception.message"]


@pytest.mark.parametrize("side", SIDES)
async def test_a_peer_that_leaves_without_a_close_frame_is_an_event_and_no_error(side: str, tmp_path: Path) -> None:
    async with traced(tmp_path) as (gate, collector):
        async with gate.talk() as talk:
            leaving, other = talk.ends(side)
            leaving.close()
            await other.recv_close()
        (session,) = await collector.named("session main")
    assert [(name, told["side"]) for name, told in session.events] == [("framegate.eof", side)]
    assert not session.failed


async def test_a_session_that_a_timeout_ends_says_which(tmp_path: Path) -> None:
    async with traced(tmp_path, gateway={"options": {"idle_timeout": 100}}) as (gate, collector):
        async with gate.talk() as talk:
            assert (await talk.client.recv_close())[0] == 1001
        (session,) = await collector.named("session main")
    assert session.attributes["framegate.why"] == "timeout"
    ((name, told),) = session.events
    assert name == "framegate.timeout"
    assert told["detail"] == session.attributes["framegate.detail"] != ""


async def test_a_session_that_a_drain_cuts_off_has_its_span(tmp_path: Path) -> None:
    async with traced(tmp_path) as (gate, collector), raw.dialled(gate.port) as client:
        await raw.upgraded(client)
        await gate.server.drain(timeout=0.05)
        await gate.gateway.close()
        (session,) = await collector.named("session main")
    assert session.attributes["framegate.why"] == "drain"


async def test_a_consumer_is_named(tmp_path: Path) -> None:
    consumers = [{"username": "alice", "keyauth_credentials": [{"key": "k-1"}]}]
    async with traced(tmp_path, use=[{"name": "key-auth"}], consumers=consumers) as (gate, collector):
        async with gate.talk(extra=[("apikey", "k-1")]) as talk:
            await talk.bye()
        spans = await collector.named("GET main", "session main")
    assert [span.attributes["framegate.consumer"] for span in spans] == ["alice", "alice"]


# Refusals


async def test_a_request_without_a_route_is_a_span_with_an_error(tmp_path: Path) -> None:
    async with traced(tmp_path, route={"paths": ["/only"]}) as (gate, collector):
        assert (await gate.asked())[0].status == 404
        (handshake,) = await collector.named("GET")
    assert handshake.attributes["http.response.status_code"] == 404
    assert (handshake.attributes["error.type"], handshake.failed, handshake.links) == ("404", True, [])
    assert "framegate.route" not in handshake.attributes


async def test_a_plugins_refusal_is_a_span_without_a_dial(tmp_path: Path) -> None:
    refusing = plugin(ws_handshake="kong.response.exit(403, 'no')")
    async with traced(tmp_path, {"refusing": refusing}) as (gate, collector):
        assert (await gate.asked())[0].status == 403
        (handshake,) = await collector.named("GET main")
    assert (handshake.attributes["http.response.status_code"], handshake.failed) == (403, True)
    assert collector.spans == [handshake]


async def test_a_plugin_that_fails_is_named_in_the_spans_status(tmp_path: Path) -> None:
    failing = plugin(ws_handshake="raise ValueError('no idea')")
    async with traced(tmp_path, {"failing": failing}) as (gate, collector):
        assert (await gate.asked())[0].status == 500
        (handshake,) = await collector.named("GET main")
    assert handshake.attributes["error.type"] == "500"
    assert "failing" in handshake.message and "no idea" in handshake.message


async def test_an_upstreams_refusal_is_an_error_of_the_dial_and_of_the_handshake(tmp_path: Path) -> None:
    async with traced(tmp_path, script=raw.answer(response("418 Teapot"))) as (gate, collector):
        assert (await gate.asked())[0].status == 418
        handshake, dial = await collector.named("GET main", "dial main")
    assert [span.attributes["http.response.status_code"] for span in (handshake, dial)] == [418, 418]
    assert [span.attributes["error.type"] for span in (handshake, dial)] == ["418", "418"]
    assert handshake.failed and dial.failed
    assert handshake.message == dial.message == "upstream refused the handshake with 418 Teapot"


async def test_an_upstream_that_is_not_there_is_an_exception_of_the_dial(tmp_path: Path) -> None:
    port = int(unused().rpartition(":")[2])
    async with traced(tmp_path, service={"port": port}) as (gate, collector):
        assert (await gate.asked())[0].status == 502
        handshake, dial = await collector.named("GET main", "dial main")
    assert handshake.attributes["http.response.status_code"] == 502
    assert "http.response.status_code" not in dial.attributes
    assert dial.attributes["error.type"] == "framegate.errors.UpstreamUnavailable"
    assert [name for name, _ in dial.events] == ["exception"]
    assert handshake.message == dial.message
    assert f"127.0.0.1:{port} is not reachable" in dial.message


async def test_an_upstream_that_is_too_slow_is_a_timeout(tmp_path: Path) -> None:
    slow = {"service": {"connect_timeout": 50}, "script": raw.say_nothing}
    async with traced(tmp_path, **slow) as (gate, collector):
        assert (await gate.asked())[0].status == 504
        handshake, dial = await collector.named("GET main", "dial main")
    assert (handshake.attributes["http.response.status_code"], dial.attributes["error.type"]) == (504, "timeout")


async def test_each_attempt_has_its_span(tmp_path: Path) -> None:
    async with raw.raw_upstream(raw.answer(response("503 Busy"))) as busy, raw.raw_upstream() as good:
        targets = [{"target": busy.authority}, {"target": good.authority}]
        pool = {"name": "pool", "targets": targets, "retry_on_statuses": [503]}
        async with traced(tmp_path, service={"host": "pool"}, upstreams=[pool]) as (gate, collector):
            for _ in range(2):
                async with gate.talk(upstream=good) as talk:
                    await talk.bye()
            async with asyncio.timeout(raw.PATIENCE):
                while sum(span.name == "session main" for span in collector.spans) < 2:
                    await asyncio.sleep(0.01)
    attempts = [span for span in collector.spans if span.name == "dial main"]
    refused = [span for span in attempts if span.failed]
    assert [span.attributes["server.port"] for span in refused] == [busy.port]
    again = next(span for span in attempts if span.attributes.get("http.request.resend_count"))
    assert (again.attributes["server.port"], again.attributes["http.request.resend_count"]) == (good.port, 1)
    assert again.parent == refused[0].parent
    assert again.start >= refused[0].end


async def test_a_client_that_leaves_before_its_answer_is_told_so(tmp_path: Path) -> None:
    async with traced(tmp_path, script=raw.say_nothing) as (gate, collector):
        async with raw.dialled(gate.port) as client:
            client.send_raw(heads.upgrade_request())
            await gate.origin.accepted()
            client.reset()
        handshake, dial = await collector.named("GET main", "dial main")
    assert (handshake.attributes["error.type"], handshake.failed, dial.failed) == ("left", True, True)
    assert "http.response.status_code" not in handshake.attributes


async def test_a_handshake_that_a_drain_cuts_off_is_a_503(tmp_path: Path) -> None:
    async with traced(tmp_path, script=raw.say_nothing) as (gate, collector), raw.dialled(gate.port) as client:
        client.send_raw(heads.upgrade_request())
        await gate.origin.accepted()
        await gate.server.drain(timeout=0.05)
        assert (await client.recv_head()).status == 503
        await gate.gateway.close()
        handshake, dial = await collector.named("GET main", "dial main")
    assert handshake.attributes["http.response.status_code"] == 503
    assert dial.attributes["error.type"] == "cancelled"
