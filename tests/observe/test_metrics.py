"""The metrics of running gateways: what they count, over workers and over their deaths, and what they do not."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal

import pytest

from framegate.observe.catalogue import METRICS
from tests.cli.program import port_of
from tests.kit import frames, heads, raw
from tests.observe.rig import STATUS, Numbers, Watched, asked, chat, watched
from tests.operate.rig import Place, chattering, gone, talking, workers_of

pytestmark = pytest.mark.patience(120)

FAILING = """\
Schema = ()
version = "1.0"
priority = 5

class Plugin:
    def __init__(self, config):
        pass

    def ws_client_frame(self, kong):
        data, typ, status = kong.websocket.client.get_frame()
        if typ == "binary":
            raise RuntimeError("no")
        if typ == "text" and data.endswith("drop"):
            kong.websocket.client.drop_frame()
"""


async def everything_is_over(watch: Watched, sessions: int) -> Numbers:
    return await asyncio.to_thread(
        watch.when, lambda numbers: numbers.of("framegate_sessions_total") == sessions
    )


async def over_all_workers(watch: Watched) -> int:
    """Sessions of ten texts each until every worker has had one; returns how many they were."""
    workers = len(workers_of(watch.program))
    served: set[int] = set()
    sessions = 0
    while len(served) < workers:
        assert sessions < 200, "the kernel gives all of them to one worker"
        async with talking(watch.url) as peer:
            status, _, body = await asked(watch, "/status")
            assert status == 200
            served |= {worker["worker"] for worker in json.loads(body)["workers"] if worker["sessions"]}
            for _ in range(10):
                await peer.send("hello")
                await peer.recv()
        sessions += 1
    return sessions


async def test_what_a_session_does_is_counted_under_its_route(place: Place) -> None:
    with watched(place) as watch:
        async with talking(watch.url) as peer:
            for message in ("text", "text", b"binary"):
                await peer.send(message)
                await peer.recv()
            await (await peer.ping())
            numbers = await asyncio.to_thread(watch.numbers)
            assert numbers.of("framegate_sessions_active", route="main", service="main") == 1
            assert numbers.of("framegate_connections_active") == 1
            assert numbers.of("framegate_frames_total", direction="from_client", type="data") == 3
            assert numbers.of("framegate_sessions_total") == 0
        numbers = await everything_is_over(watch, 1)
    of = numbers.of
    route = {"route": "main", "service": "main"}
    assert of("framegate_connections_total") == 1
    assert of("framegate_handshakes_total", status="101", **route) == 1
    assert of("framegate_sessions_active", **route) == 0
    assert of("framegate_sessions_total", ended_by="client", why="close", **route) == 1
    assert of("framegate_closes_total", initiator="client", code="1000", reason="close", **route) == 1
    assert of("framegate_session_duration_seconds_count", **route) == 1
    assert of("framegate_messages_total", direction="from_client", type="text", **route) == 2
    assert of("framegate_messages_total", direction="from_upstream", type="binary", **route) == 1
    assert of("framegate_bytes_total", direction="from_client", type="text", **route) == 8
    # The plugin puts two bytes before each text.
    assert of("framegate_bytes_total", direction="from_upstream", type="text", **route) == 12
    assert of("framegate_frames_edited_total", direction="from_client", **route) == 2
    assert of("framegate_frames_total", direction="from_client", type="ping", **route) == 1
    assert of("framegate_frames_total", direction="from_upstream", type="pong", **route) == 1
    assert of("framegate_frames_total", type="close", **route) == 2


async def test_what_is_refused_is_counted_with_its_status(place: Place) -> None:
    gateway = STATUS + "  limits: {max_request_line: 1024}\n"
    with watched(place, gateway=gateway, upstream="ws://127.0.0.1:9/") as watch:
        port = port_of(watch.url)
        for request in (b"nonsense\r\n\r\n", b"GET /" + b"x" * 2000 + b" HTTP/1.1\r\n\r\n"):
            async with raw.dialled(port) as client:
                client.send_raw(request)
                await client.recv_head()
        async with raw.dialled(port) as client:
            client.send_raw(heads.upgrade_request())
            assert (await client.recv_head()).status == 502
        numbers = await asyncio.to_thread(watch.numbers)
    assert numbers.of("framegate_handshakes_total", status="400", route="", service="") == 1
    assert numbers.of("framegate_handshakes_total", status="414", route="", service="") == 1
    assert numbers.of("framegate_handshakes_total", status="502", route="main", service="main") == 1
    assert numbers.of("framegate_connections_total") == 3


async def test_plugins_that_fail_drop_and_take_their_time_are_counted_by_name(place: Place) -> None:
    place.plugin(FAILING, "moody")
    more = "plugins: [{name: moody}]\n"
    with watched(place, more=more) as watch:
        async with talking(watch.url) as peer:
            for _ in range(64):
                await peer.send("drop")
            await peer.send("last")
            await peer.recv()
            await peer.send(b"fail")
            await peer.wait_closed()
            assert peer.close_code == 1011
        numbers = await everything_is_over(watch, 1)
    assert numbers.of("framegate_frames_dropped_total", direction="from_client") == 64
    assert numbers.of("framegate_plugin_failures_total", plugin="moody", phase="ws_client_frame") == 1
    assert numbers.of("framegate_sessions_total", ended_by="proxy", why="hook") == 1
    assert numbers.of("framegate_closes_total", initiator="proxy", code="1011", reason="hook") == 1
    # 66 frames that both saw, one in 16 of them timed.
    timed = numbers.of("framegate_plugin_duration_seconds_count", plugin="tag", phase="ws_client_frame")
    assert timed in (4, 5)


async def test_workers_are_summed(place: Place) -> None:
    with watched(place, "--workers", "2") as watch:
        sessions = await over_all_workers(watch)
        numbers = await everything_is_over(watch, sessions)
    assert numbers.of("framegate_messages_total", direction="from_client", type="text") == 10 * sessions
    assert numbers.of("framegate_session_duration_seconds_count") == sessions
    assert numbers.of("framegate_connections_total") == sessions
    assert {worker: numbers.of("framegate_worker_up", worker=worker) for worker in "12"} == {"1": 1, "2": 1}
    assert numbers.labels("process_resident_memory_bytes", "worker") == {"1", "2", "supervisor"}


async def test_nothing_goes_back_when_a_worker_dies_and_another_takes_its_place(place: Place) -> None:
    with watched(place, "--workers", "2") as watch:
        first = await over_all_workers(watch)
        before = await everything_is_over(watch, first)
        victim = workers_of(watch.program)[0]
        os.kill(victim, signal.SIGKILL)
        await gone(victim)
        await asyncio.to_thread(watch.program.log.matching, "is ready")
        after = await asyncio.to_thread(watch.when, lambda numbers: numbers.of("framegate_worker_up") == 2)
        assert after.of("framegate_worker_restarts_total") == 1
        fallen = {key: value for key, value in before.growing().items() if after.samples.get(key, 0) < value}
        assert fallen == {}
        second = await over_all_workers(watch)
        numbers = await everything_is_over(watch, first + second)
    assert numbers.of("framegate_messages_total", direction="from_client") == 10 * (first + second)


async def test_nothing_goes_back_while_sessions_live_and_end(place: Place) -> None:
    with watched(place) as watch:
        seen: dict[object, float] = {}
        async with chattering(watch.url, 4, "A:") as chatters:
            for _ in range(8):
                await chat(watch.url, 3)
                numbers = await asyncio.to_thread(watch.numbers)
                fallen = [key for key, value in seen.items() if numbers.samples.get(key, 0) < value]  # type: ignore[call-overload]
                assert fallen == []
                seen = dict(numbers.growing())
        numbers = await everything_is_over(watch, 12)
        texts = sum(chatter.count for chatter in chatters) + 24
        assert numbers.of("framegate_messages_total", direction="from_client", type="text") == texts
        assert numbers.of("framegate_messages_total", direction="from_upstream", type="text") == texts


async def test_nothing_that_peers_type_becomes_a_label(place: Place) -> None:
    mark = secrets.token_hex(8)
    with watched(place) as watch:
        await chat(watch.url, 1)
        await everything_is_over(watch, 1)
        port = port_of(watch.url)
        for number in range(40):
            async with raw.dialled(port) as client:
                client.send_raw(f"{mark}{number} /{mark}{number} HTTP/1.1\r\nHost: {mark}\r\n\r\n".encode())
                await client.recv_head()
            async with raw.connected(port, f"/{mark}{number}?{mark}", extra=[("X-" + mark, mark)]) as client:
                client.send(frames.close(3100 + 20 * number, f"{mark}{number}"))
                await client.recv_close()
        numbers = await everything_is_over(watch, 41)
        _, _, text = await asked(watch, "/metrics")
    assert mark not in text
    assert numbers.of("framegate_closes_total", code="other") == 40
    for name, most in (("framegate_closes_total", 3), ("framegate_handshakes_total", 3), ("framegate_frames_total", 8)):
        assert len([key for key in numbers.samples if key[0] == name]) <= most, name


async def test_openmetrics_is_told_to_whoever_accepts_it(place: Place) -> None:
    with watched(place) as watch:
        await chat(watch.url, 2)
        await everything_is_over(watch, 1)
        accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        _, headers, text = await asked(watch, "/metrics", headers={"Accept": accept})
        assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert text.endswith("# EOF\n")
        assert Numbers(text, openmetrics=True).of("framegate_messages_total", type="text") == 4
        _, headers, _ = await asked(watch, "/metrics")
        assert headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_what_is_told_is_what_the_table_says(place: Place) -> None:
    with watched(place, "--workers", "2") as watch:
        told = watch.numbers().families
    assert {metric.family: metric.kind for metric in METRICS} == {name: one.type for name, one in told.items()}
    assert {metric.family: metric.help for metric in METRICS} == {name: one.documentation for name, one in told.items()}


async def test_its_labels_are_those_of_the_table(place: Place) -> None:
    with watched(place, "--workers", "2") as watch:
        await chat(watch.url, 40)
        numbers = await everything_is_over(watch, 1)
    labels = {metric.family: set(metric.labels) for metric in METRICS}
    for name, family in numbers.families.items():
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == labels[name], sample


def test_the_names_may_begin_as_in_kong(place: Place) -> None:
    with watched(place, gateway=STATUS + "  metrics: {names: kong}\n") as watch:
        names = set(watch.numbers().families)
    assert not [name for name in names if name.startswith("framegate_")]
    assert {"kong_websocket_sessions", "kong_websocket_queued_bytes"} <= names


async def test_targets_of_upstreams_are_told_by_name(place: Place, echo: str) -> None:
    target = echo.removeprefix("ws://").rstrip("/")
    more = f"upstreams: [{{name: pool, targets: [{{target: '{target}'}}, {{target: '127.0.0.1:9', weight: 0}}]}}]\n"
    with watched(place, upstream="ws://pool/", more=more) as watch:
        async with talking(watch.url) as peer:
            await peer.send("hello")
            await peer.recv()
            numbers = await asyncio.to_thread(watch.numbers)
    assert numbers.of("framegate_upstream_target_health", upstream="pool", target=target) == 1
    assert numbers.of("framegate_upstream_target_connections", upstream="pool", target=target) == 1
