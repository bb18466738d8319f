"""A collector that is down, slow or hostile: sessions do not notice, and the operator is told once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from framegate.telemetry import observer
from tests.gateway.pools import unused
from tests.kit import frames, raw
from tests.kit.served import served
from tests.telemetry.collector import collecting
from tests.telemetry.test_traces import traced


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the operator is told of traces."""
    return [record.getMessage() for record in caplog.records if record.name.startswith(("framegate.tracing", "open"))]


async def tells(caplog: pytest.LogCaptureFixture, count: int) -> list[str]:
    """Wait until so much is told."""
    async with asyncio.timeout(raw.PATIENCE):
        while len(told(caplog)) < count:
            await asyncio.sleep(0.01)
    return told(caplog)


async def test_a_collector_that_is_down_is_told_once_and_again_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    where = unused()
    tracing = {"endpoint": f"http://{where}/v1/traces", "export_interval": 20, "timeout": 1500}
    async with served(tmp_path, gateway={"tracing": tracing}) as gate:
        await gate.serves_on()
        (first,) = await tells(caplog, 1)
        await gate.serves_on()
        assert first == f"traces to http://{where}: Connection refused; spans are lost until it works again"
        with collecting(int(where.rpartition(":")[2])) as collector:
            await gate.serves_on()
            await collector.asked()
            last = (await tells(caplog, 2))[-1]
            await gate.gateway.close()
    assert last.startswith(f"traces to http://{where}: works again; spans lost: ")
    assert 1 <= int(last.rpartition(" ")[2]) <= 6


async def test_a_collector_that_refuses_is_told_with_its_status(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with traced(tmp_path) as (gate, collector):
        collector.status = 401
        await gate.serves_on()
        (line,) = await tells(caplog, 1)
    assert "code: 401" in line


async def test_while_a_collector_hangs_sessions_come_and_go(tmp_path: Path) -> None:
    async with traced(tmp_path, tracing={"queue_size": 4}) as (gate, collector):
        collector.held.clear()
        await gate.serves_on()
        await collector.asked()
        for _ in range(20):
            await gate.serves_on()
        assert collector.spans == []
        collector.held.set()
        await gate.gateway.close()
    # The first batch, and what the queue holds: the newest.
    assert len(collector.spans) <= 4 + 3
    assert collector.spans[-1].name == "session main"


async def test_a_drain_sends_what_waits(tmp_path: Path) -> None:
    async with traced(tmp_path, tracing={"export_interval": 600_000}) as (gate, collector):
        await gate.serves_on()
        assert collector.headers == []
        await gate.gateway.close()
        assert [span.name for span in collector.spans] == ["dial main", "GET main", "session main"]


async def test_a_drain_does_not_wait_for_a_collector_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(observer, "FLUSH_TIME", 0.1)
    async with traced(tmp_path, tracing={"timeout": 600_000}) as (gate, collector):
        collector.held.clear()
        await gate.serves_on()
        await collector.asked()
        begun = time.monotonic()
        await gate.gateway.close()
        assert time.monotonic() - begun < 5
        assert told(caplog) == [
            f"traces to {collector.url.removesuffix('/v1/traces')}: not all spans could be sent before the end"
        ]
        collector.held.set()


async def test_a_session_goes_on_after_its_spans_can_go_nowhere(tmp_path: Path) -> None:
    async with traced(tmp_path) as (gate, collector):
        async with gate.talk() as talk:
            await gate.gateway.close()
            talk.client.send(frames.text("still there?"))
            assert await talk.upstream.recv() == frames.text("still there?")
            await talk.bye()


async def test_what_is_sent_has_the_files_header_fields_and_is_compressed(tmp_path: Path) -> None:
    tracing = {"headers": {"Authorization": "Bearer t-1", "X-Scope-OrgID": "a"}, "compression": "gzip"}
    async with traced(tmp_path, tracing=tracing) as (gate, collector):
        await gate.serves_on()
        await collector.named("session main")
    sent = collector.headers[0]
    assert (sent["authorization"], sent["x-scope-orgid"], sent["content-encoding"]) == ("Bearer t-1", "a", "gzip")


def imported(folder: Path, section: str) -> set[str]:
    """What a gateway with this section imports of traces and logs, in a process of its own."""
    file = folder / "gateway.yaml"
    services = 'services: [{url: "ws://127.0.0.1:1/", routes: [{paths: [/]}]}]'
    file.write_text(f'_format_version: "3.0"\ngateway: {section}\n{services}\n')
    code = f"""if True:
        import asyncio, sys
        from framegate.config.load import load
        from framegate.gateway.handler import Gateway
        from framegate.pdk.catalog import Catalog

        async def main():
            gateway = Gateway(load({str(file)!r}, catalog=Catalog.find).config)
            gateway.start()
            await gateway.close()

        asyncio.run(main())
        print(*(name for name in sys.modules if name.startswith(("opentelemetry", "framegate.telemetry"))))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


def test_where_nothing_is_told_nothing_is_imported(tmp_path: Path) -> None:
    assert imported(tmp_path, "{}") == set()


def test_an_access_log_imports_nothing_of_traces(tmp_path: Path) -> None:
    found = imported(tmp_path, "{access_log: {path: access.log}}")
    assert "framegate.telemetry.access_log" in found
    assert [name for name in found if name.startswith("opentelemetry")] == []


async def test_an_environment_that_breaks_the_sdk_leaves_the_gateway_without_traces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "many")
    async with traced(tmp_path) as (gate, collector):
        await gate.serves_on()
    assert collector.headers == []
    (line,) = told(caplog)
    assert line.startswith("there are no traces: ValueError: ")
