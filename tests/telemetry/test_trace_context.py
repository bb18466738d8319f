"""Whose traces are continued, and what the upstream is told of them (W3C Trace Context)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.kit import heads, raw
from tests.kit.heads import Head
from tests.kit.served import plugin, served
from tests.telemetry.test_traces import traced

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
TRUSTED = {"trusted_ips": ["127.0.0.1"]}
BAGGAGE = [("baggage", "user=alice,tier=gold;ttl=1"), ("Baggage", "more=1")]


def context(flags: str = "01", version: str = "00") -> list[tuple[str, str]]:
    return [("traceparent", f"{version}-{TRACE}-{SPAN}-{flags}")]


STATE = [("tracestate", "rojo=00f067aa0ba902b7"), ("tracestate", "congo=t61rcWkgMzE")]


def parent_in(head: Head) -> tuple[str, str, bool]:
    """Trace and span of the one ``traceparent``, and whether it is kept; the other flag is about the id's making."""
    found = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0([0-3])", head.get("traceparent") or "")
    assert found, head
    return found[1], found[2], found[3] in "13"


async def test_the_upstream_is_told_of_the_dial(tmp_path: Path) -> None:
    async with traced(tmp_path) as (gate, collector):
        head = await gate.upstream_head()
        (dial,) = await collector.named("dial main")
    assert parent_in(head) == (dial.trace_id, dial.id, True)
    assert head.all("tracestate") == []


async def test_a_trusted_peers_trace_is_continued(tmp_path: Path) -> None:
    async with traced(tmp_path, gateway=TRUSTED) as (gate, collector):
        head = await gate.upstream_head(extra=context() + STATE)
        handshake, dial = await collector.named("GET main", "dial main")
    assert (handshake.trace_id, handshake.parent) == (TRACE, SPAN)
    assert handshake.state == dial.state == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
    assert parent_in(head) == (TRACE, dial.id, True)
    assert head.get("tracestate") == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"


@pytest.mark.parametrize("gateway", [{}, {"trusted_ips": ["192.0.2.1"]}], ids=["nobody is trusted", "another is"])
async def test_a_strangers_trace_is_not_continued_and_does_not_reach_the_upstream(
    gateway: dict[str, Any], tmp_path: Path
) -> None:
    async with traced(tmp_path, gateway=gateway) as (gate, collector):
        head = await gate.upstream_head(extra=context() + STATE)
        handshake, dial = await collector.named("GET main", "dial main")
    assert (handshake.trace_id != TRACE, handshake.parent) == (True, "")
    assert parent_in(head) == (handshake.trace_id, dial.id, True)
    assert head.all("tracestate") == []


async def test_everybodys_trace_is_continued_where_the_file_says_so(tmp_path: Path) -> None:
    async with traced(tmp_path, tracing={"accept_context": "always"}) as (gate, collector):
        await gate.upstream_head(extra=context())
        (handshake,) = await collector.named("GET main")
    assert (handshake.trace_id, handshake.parent) == (TRACE, SPAN)


async def test_a_trace_that_is_not_kept_is_passed_on_and_not_sent(tmp_path: Path) -> None:
    async with traced(tmp_path, gateway=TRUSTED) as (gate, collector):
        head = await gate.upstream_head(extra=context(flags="00"))
        await gate.upstream_head("/kept")
        await collector.named("GET main", "dial main", "session main")
    trace, span, kept = parent_in(head)
    assert (trace, kept) == (TRACE, False)
    assert span != SPAN


@pytest.mark.parametrize(
    "wrong",
    [
        context(version="ff"),
        [("traceparent", f"00-{'0' * 32}-{SPAN}-01")],
        [("traceparent", f"00-{TRACE}-{SPAN}-01-more")],
        [("traceparent", "x" * 8000)],
        context() + [("traceparent", f"00-{'1' * 32}-{SPAN}-01")],
    ],
    ids=["version", "no trace", "too long for its version", "far too long", "twice"],
)
async def test_a_context_that_is_none_begins_a_new_trace(wrong: list[tuple[str, str]], tmp_path: Path) -> None:
    async with traced(tmp_path, gateway=TRUSTED) as (gate, collector):
        head = await gate.upstream_head(extra=wrong)
        (handshake,) = await collector.named("GET main")
    assert (handshake.trace_id != TRACE, handshake.parent) == (True, "")
    assert parent_in(head)[0] == handshake.trace_id


async def test_baggage_goes_to_the_upstream_as_it_came(tmp_path: Path) -> None:
    async with traced(tmp_path) as (gate, _):
        head = await gate.upstream_head(extra=BAGGAGE)
    assert head.all("baggage") == [value for _, value in BAGGAGE]


async def test_a_plugin_cannot_make_a_second_context(tmp_path: Path) -> None:
    setting = plugin(ws_handshake=f"kong.service.request.set_header('traceparent', '00-{TRACE}-{SPAN}-01')")
    async with traced(tmp_path, {"setting": setting}) as (gate, collector):
        head = await gate.upstream_head()
        (dial,) = await collector.named("dial main")
    assert parent_in(head) == (dial.trace_id, dial.id, True)


async def test_without_tracing_the_clients_context_passes(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        head = await gate.upstream_head(extra=context() + STATE)
    assert head.get("traceparent") == context()[0][1]
    assert head.all("tracestate") == [value for _, value in STATE]


# Sampling


async def test_with_a_ratio_of_nothing_only_what_is_continued_is_kept(tmp_path: Path) -> None:
    async with traced(tmp_path, gateway=TRUSTED, tracing={"sample_ratio": 0}) as (gate, collector):
        head = await gate.upstream_head()
        assert not parent_in(head)[2]
        await gate.upstream_head(extra=context())
        spans = await collector.named("GET main", "dial main", "session main")
    assert [span.trace_id == TRACE for span in spans] == [True, True, False]


async def test_a_session_is_kept_exactly_if_its_handshake_is(tmp_path: Path) -> None:
    async with traced(tmp_path, tracing={"sample_ratio": 0.5}) as (gate, collector):
        kept = []
        for _ in range(24):
            async with gate.talk() as talk:
                kept.append(parent_in(talk.upstream.head)[2])
                await talk.bye()
        await gate.gateway.close()
    names = [span.name for span in collector.spans]
    assert 0 < sum(kept) < 24  # a fair coin fails this once in eight million times
    assert [names.count(name) for name in ("GET main", "dial main", "session main")] == [sum(kept)] * 3
    links = {link for span in collector.spans if span.name == "session main" for link in span.links}
    assert links == {span.place for span in collector.spans if span.name == "GET main"}


async def test_a_unix_socket_is_nobody_to_be_believed(tmp_path: Path) -> None:
    path = str(tmp_path / "gw.sock")
    listen = {"listen": [f"unix:{path}"], **TRUSTED}
    async with traced(tmp_path, gateway=listen) as (gate, collector):
        async with raw.connected(None, unix_path=path, request=heads.upgrade_request(extra=context())):
            (await gate.origin.accepted()).close()
        await gate.idle()
        (handshake,) = await collector.named("GET main")
    assert handshake.trace_id != TRACE
    assert handshake.attributes["network.transport"] == "unix"
    assert "client.address" not in handshake.attributes
