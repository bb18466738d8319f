"""Debian's Prometheus scrapes a gateway, asks what it has scraped, and checks names and rules."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.program import PATIENCE
from tests.observe.rig import STATUS, Watched, chat, watched
from tests.operate.rig import Place

pytestmark = [
    pytest.mark.patience(120),
    pytest.mark.skipif(
        not shutil.which("prometheus") or not shutil.which("promtool"),
        reason="Prometheus is not installed (Debian: apt-get install prometheus)",
    ),
]

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml"


class Prometheus:
    """A Prometheus that scrapes every second."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str) -> Any:
        url = f"{self._url}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def value(self, expression: str) -> float | None:
        """The value of an expression that gives one number; None where it gives none."""
        result = self.get("/api/v1/query", query=expression)["result"]
        return float(result[0]["value"][1]) if result else None

    def until(self, expression: str, fits: Callable[[float | None], Any]) -> None:
        """Wait until the value of an expression fits."""
        deadline = time.monotonic() + PATIENCE
        while not fits(value := self.value(expression)):
            assert time.monotonic() < deadline, f"{expression} is {value}"
            time.sleep(0.1)


@contextmanager
def scraping(folder: Path, watch: Watched) -> Iterator[Prometheus]:
    """A Prometheus that scrapes this gateway, with the rules of ours."""
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": "framegate", "static_configs": [{"targets": [watch.status.removeprefix("http://")]}]}
        ],
    }
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config))
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'series'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        prometheus = Prometheus(port)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                prometheus.get("/api/v1/status/buildinfo")
                break
            except (urllib.error.URLError, ConnectionError):
                assert time.monotonic() < deadline, (folder / "prometheus.log").read_text()
                time.sleep(0.1)
        yield prometheus
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def checked(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """``promtool``, which must have nothing to say against it."""
    done = subprocess.run(["promtool", *words], input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


async def test_prometheus_has_the_sums_of_two_workers(place: Place, tmp_path: Path) -> None:
    with watched(place, "--workers", "2") as watch, scraping(tmp_path, watch) as prometheus:
        await chat(watch.url, 7, sessions=12)
        until = prometheus.until
        await asyncio.to_thread(until, "sum(framegate_sessions_total)", lambda value: value == 12)
        assert prometheus.value('sum(framegate_messages_total{type="text", direction="from_client"})') == 84
        assert prometheus.value('framegate_bytes_total{type="text", direction="from_client"}') == 420
        assert prometheus.value("sum(framegate_worker_up)") == 2
        assert prometheus.value("framegate_connections_total") == 12
        assert prometheus.value("histogram_quantile(0.99, sum by (le) (framegate_session_duration_seconds_bucket))")
        assert prometheus.value("up") == 1
        # The type comes along.
        metadata = prometheus.get("/api/v1/metadata", metric="framegate_queued_bytes")
        assert metadata["framegate_queued_bytes"][0]["type"] == "gauge"
        groups = prometheus.get("/api/v1/rules")["groups"]
        sick = [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"]
        assert sick == []


@pytest.mark.parametrize("names", ["framegate", "kong"])
async def test_promtool_has_nothing_to_say_against_the_metrics(place: Place, names: str) -> None:
    with watched(place, gateway=STATUS + f"  metrics: {{names: {names}}}\n") as watch:
        await chat(watch.url, 40)
        await asyncio.to_thread(
            watch.when, lambda numbers: numbers.of(f"{prefix(names)}sessions_total") == 1
        )
        _, _, text = await asyncio.to_thread(watch.ask, "/metrics")
    done = checked("check", "metrics", stdin=text)
    assert done.stdout + done.stderr == ""


def prefix(names: str) -> str:
    return "kong_websocket_" if names == "kong" else "framegate_"


def test_promtool_has_nothing_to_say_against_the_rules() -> None:
    assert "SUCCESS" in checked("check", "rules", str(RULES)).stdout


HEALTHY = {
    "framegate_build_info": "1+0x800",
    "framegate_ready": "1+0x800",
    'framegate_handshakes_total{route="r", status="101"}': "0+100x800",
    'framegate_closes_total{route="r", initiator="client", code="1000"}': "0+100x800",
    'framegate_closes_total{route="r", initiator="client", code="1006"}': "0+1x800",
    'framegate_plugin_duration_seconds_bucket{plugin="p", phase="ws_client_frame", le="0.001"}': "0+100x800",
    'framegate_plugin_duration_seconds_bucket{plugin="p", phase="ws_client_frame", le="+Inf"}': "0+100x800",
    "framegate_worker_restarts_total": "3+0x800",
    "framegate_worker_up": "1+0x800",
    'framegate_worker_sessions{worker="1"}': "200+0x800",
    'framegate_worker_sessions{worker="2"}': "150+0x800",
    "framegate_config_last_reload_success": "1+0x800",
    'framegate_certificate_expiry_timestamp_seconds{name="n"}': "9000000+0x800",
    'framegate_upstream_target_health{target="t"}': "1+0x800",
    "process_resident_memory_bytes": "100+0x800",
    "framegate_sessions_active": "10+0x800",
}

SICK = {
    "FramegateNotReady": {"framegate_ready": "0+0x800"},
    "FramegateHandshakesFail": {'framegate_handshakes_total{route="r", status="502"}': "0+10x800"},
    "FramegateSessionsLost": {'framegate_closes_total{route="r", initiator="upstream", code="1006"}': "0+60x800"},
    "FramegateSessionsFail": {'framegate_closes_total{route="r", initiator="proxy", code="1011"}': "0+1x800"},
    "FramegatePluginFails": {'framegate_plugin_failures_total{plugin="p", phase="ws_close"}': "0+1x800"},
    "FramegatePluginSlow": {
        'framegate_plugin_duration_seconds_bucket{plugin="p", phase="ws_client_frame", le="0.001"}': "0+80x800",
        'framegate_plugin_duration_seconds_bucket{plugin="p", phase="ws_client_frame", le="0.05"}': "0+100x800",
    },
    "FramegateSlowConsumers": {'framegate_sessions_blocked{side="client"}': "11+0x800"},
    "FramegateQueuesLong": {'framegate_queued_bytes{side="client"}': "70000000+0x800"},
    "FramegateWorkerRestarts": {"framegate_worker_restarts_total": "3+0x715 4+0x80"},
    "FramegateWorkerDown": {"framegate_worker_up": "0+0x800"},
    "FramegateLoadUneven": {'framegate_worker_sessions{worker="2"}': "10+0x800"},
    "FramegateReloadFailed": {"framegate_config_last_reload_success": "0+0x800"},
    "FramegateCertificateExpires": {'framegate_certificate_expiry_timestamp_seconds{name="n"}': "600000+0x800"},
    "FramegateTargetDown": {'framegate_upstream_target_health{target="t"}': "0+0x800"},
    "FramegateMemoryGrows": {"process_resident_memory_bytes": "100+0.5x800"},
}


def names_of_rules() -> list[str]:
    return [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_every_rule_has_its_case() -> None:
    assert sorted(SICK) == sorted(names_of_rules())


@pytest.mark.parametrize("alert", [None, *SICK])
def test_a_rule_fires_when_it_should_and_then_alone(tmp_path: Path, alert: str | None) -> None:
    series = {**HEALTHY, **(SICK[alert] if alert else {})}
    firing = [{"labels": f'{{alertname="{alert}"}}', "value": 1}] if alert else []
    case = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": "12h",
                        "exp_samples": firing,
                    }
                ],
            }
        ],
    }
    file = tmp_path / "case.yaml"
    file.write_text(yaml.safe_dump(case))
    checked("test", "rules", str(file))
