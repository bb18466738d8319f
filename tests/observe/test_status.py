"""The status listener of running gateways: probes, what runs, and the level of the log."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from contextlib import closing

import pytest

from tests.cli.program import PATIENCE, complaint, environment, finished
from tests.observe.rig import STATUS, Watched, watched
from tests.operate.rig import Place, answer, workers_of

pytestmark = pytest.mark.patience(90)


def json_of(watch: Watched, path: str) -> tuple[int, dict[str, object]]:
    status, _, body = watch.ask(path)
    return status, json.loads(body)


def until(watch: Watched, path: str, status: int) -> dict[str, object]:
    """Ask until it is answered with this status."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found, body = json_of(watch, path)
        if found == status:
            return body
        assert time.monotonic() < deadline, (found, body)
        time.sleep(0.05)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_gateway_that_serves_is_alive_and_ready(place: Place, workers: str) -> None:
    with watched(place, "--workers", workers) as watch:
        assert json_of(watch, "/livez") == (200, {"alive": True, "reasons": []})
        assert json_of(watch, "/readyz") == (200, {"ready": True, "reasons": []})


def test_what_runs_is_told(place: Place) -> None:
    with watched(place, "--workers", "2") as watch:
        _, told = json_of(watch, "/status")
        assert (told["phase"], told["generation"], told["last_reload"]) == ("ready", 1, None)
        assert told["listeners"] == [watch.url]
        workers = told["workers"]
        assert isinstance(workers, list)
        assert sorted(worker["pid"] for worker in workers) == workers_of(watch.program)
        assert [(worker["worker"], worker["up"]) for worker in workers] == [(1, True), (2, True)]
        assert [worker["sessions"] for worker in workers] == [0, 0]
        place.put("nonsense: [")
        watch.program.send(signal.SIGHUP)
        watch.program.log.matching("not reloaded")
        _, told = json_of(watch, "/status")
        reload = told["last_reload"]
        assert isinstance(reload, dict)
        assert reload["ok"] is False and reload["problems"]
        assert told["generation"] == 1
        assert watch.numbers().of("framegate_config_last_reload_success") == 0
        assert watch.numbers().of("framegate_config_reloads_total", result="failure") == 1


def test_before_a_drain_it_is_not_ready_and_still_alive(place: Place) -> None:
    with watched(place, gateway=STATUS + "  pre_drain_delay: 60000\n") as watch:
        watch.program.send(signal.SIGTERM)
        assert until(watch, "/readyz", 503)["reasons"] == ["the gateway is draining"]
        assert json_of(watch, "/livez")[0] == 200
        assert watch.numbers().of("framegate_ready") == 0


async def test_clients_are_still_served_before_a_drain(place: Place) -> None:
    with watched(place, gateway=STATUS + "  pre_drain_delay: 60000\n") as watch:
        watch.program.send(signal.SIGTERM)
        until(watch, "/readyz", 503)
        assert await answer(watch.url) == "A:hello"


def test_a_worker_that_is_stuck_is_told_and_one_that_is_enough_is_ready(place: Place) -> None:
    with watched(place, "--workers", "2") as watch:
        stuck = workers_of(watch.program)[0]
        os.kill(stuck, signal.SIGSTOP)
        try:
            body = until(watch, "/livez", 503)
            assert body["alive"] is False
            assert "no answer in 2 seconds" in str(body["reasons"])
            assert json_of(watch, "/readyz")[0] == 200
        finally:
            os.kill(stuck, signal.SIGCONT)
        until(watch, "/livez", 200)


def test_with_no_worker_that_answers_it_is_not_ready(place: Place) -> None:
    with watched(place, "--workers", "2") as watch:
        workers = workers_of(watch.program)
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        try:
            assert "worker 1" in str(until(watch, "/readyz", 503)["reasons"])
        finally:
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
        until(watch, "/readyz", 200)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_level_of_the_log_is_changed_in_every_process_and_goes_back(place: Place, workers: str) -> None:
    with watched(place, "--workers", workers) as watch:
        assert json_of(watch, "/log-level")[1]["level"] == "info"
        status, _, body = watch.ask("/log-level", "PUT", '{"level": "debug", "seconds": 1}')
        assert (status, json.loads(body)) == (200, {"level": "debug", "logger": "framegate", "seconds": 1})
        assert json_of(watch, "/log-level")[1]["level"] == "debug"
        processes = 1 if workers == "1" else 3
        watch.program.log.matching("the level of framegate is what it was before", processes)
        assert json_of(watch, "/log-level")[1] == {"level": "info", "levels": {"framegate": "info"}}


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"level": "loud"}', '{"level": "info", "logger": "root"}', "[" * 4000]
)
def test_a_level_that_is_none_is_refused_and_changes_nothing(place: Place, body: str) -> None:
    with watched(place) as watch:
        status, _, answer = watch.ask("/log-level", "PUT", body)
        assert status == 400 and "error" in json.loads(answer)
        assert json_of(watch, "/log-level")[1]["level"] == "info"


def test_there_is_nothing_else(place: Place) -> None:
    with watched(place) as watch:
        assert watch.ask("/")[0] == 404
        assert watch.ask("/metrics/x")[0] == 404
        status, headers, _ = watch.ask("/metrics", "POST", "x")
        assert (status, headers["Allow"]) == (405, "HEAD, GET")
        status, headers, body = watch.ask("/metrics", "HEAD")
        assert (status, body) == (200, "") and int(headers["Content-Length"]) > 1000


def test_without_an_address_nobody_listens(place: Place) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        told = complaint("run", place.write(gateway=f'  status_listen: "127.0.0.1:{port}"\n'), status=1)
    assert f"gateway.status_listen: cannot listen on 127.0.0.1:{port}: Address already in use" in told


def test_the_address_of_clients_is_not_its_own(place: Place) -> None:
    file = place.write(listen='"127.0.0.1:7001"', gateway='  status_listen: "127.0.0.1:7001"\n')
    checked = finished("check", file, env=environment())
    assert checked.returncode == 2
    assert "gateway.status_listen: 127.0.0.1:7001 is listened at for clients already" in checked.stderr


def test_a_unix_socket_will_do(place: Place) -> None:
    path = place.folder / "status"
    gateway = f'  status_listen: "unix:{path}"\n'
    with watched(place, gateway=gateway) as watch, closing(socket.socket(socket.AF_UNIX)) as sock:
        assert watch.status == f"unix:{path}"
        sock.settimeout(PATIENCE)
        sock.connect(str(path))
        sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_another_address_takes_effect_at_the_next_start(place: Place) -> None:
    with watched(place) as watch:
        place.write(gateway='  status_listen: "127.0.0.1:1"\n')
        watch.program.send(signal.SIGHUP)
        watch.program.log.matching("gateway.status_listen has changed: it takes effect at the next start")
        assert json_of(watch, "/readyz")[0] == 200
        assert watch.numbers().of("framegate_config_reloads_total", result="success") == 1


def test_a_reload_that_changes_the_level_wins(place: Place) -> None:
    with watched(place) as watch:
        watch.ask("/log-level", "PUT", '{"level": "error", "seconds": 2}')
        place.write(gateway=STATUS + "  log_level: debug\n")
        watch.program.send(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while json_of(watch, "/log-level")[1]["level"] != "debug":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(2.2)
        assert json_of(watch, "/log-level")[1]["level"] == "debug"
