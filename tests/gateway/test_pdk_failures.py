"""A plugin that fails: its session or handshake ends, the log tells its author where, and the gateway serves on."""

from __future__ import annotations

import logging
import socket
import ssl
from pathlib import Path

import pytest

from tests.cli.program import port_of, started
from tests.kit import raw
from tests.kit.frames import close, ping, text
from tests.kit.heads import upgrade_request
from tests.kit.served import SIDES, Served, plugin, served

KINDS = ["sync", "async"]

FAILURES = {
    "ValueError('oops')": "ValueError: oops",
    "KeyError": "KeyError",
    "SystemExit(3)": "SystemExit: 3",
    "asyncio.CancelledError": "asyncio.exceptions.CancelledError",
    "GeneratorExit": "GeneratorExit",
    "BaseException('bare')": "BaseException: bare",
}
"""What a plugin raises, and the last line of its traceback."""

UNEXPECTED = b'{"message": "an unexpected error occurred"}'


def raising(phase: str, kind: str, failure: str, **more: str) -> str:
    wait = "await asyncio.sleep(0)\n" if kind == "async" else ""
    return plugin(**{phase: f"{wait}raise {failure}  # the plugin's own line"}, **more)


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


def told(caplog: pytest.LogCaptureFixture, phase: str, last_line: str, plugin: str = "bad") -> None:
    """One error was logged, which names plugin and phase, with the plugin's lines alone in its traceback."""
    (record,) = errors(caplog)
    assert f"plugin '{plugin}' in {phase} failed" in record.getMessage()
    trace = logging.Formatter().formatException(record.exc_info)  # type: ignore[arg-type]
    assert "# the plugin's own line" in trace
    assert f"{plugin}.py" in trace
    assert trace.splitlines()[-1] == last_line


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("failure", "last_line"), FAILURES.items())
@pytest.mark.parametrize("phase", ["rewrite", "ws_handshake"])
async def test_a_failure_before_the_101_is_answered_with_500(
    phase: str, failure: str, last_line: str, kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plugins = {"bad": raising(phase, kind, failure), "later": plugin(priority=-1, ws_handshake="note('later')")}
    async with served(tmp_path, plugins) as gate:
        head, body = await gate.asked()
        assert (head.status, body) == (500, UNEXPECTED)
        assert head.get("Content-Type") == "application/json; charset=utf-8"
        assert (gate.notes, gate.origin.connections) == ([], 0)
        assert (await gate.asked())[0].status == 500, "it serves on"
    del caplog.records[-1]
    told(caplog, phase, last_line)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("failure", "last_line"), FAILURES.items())
@pytest.mark.parametrize("side", SIDES)
async def test_a_failure_in_a_frame_phase_closes_both_sides_with_1011(
    side: str, failure: str, last_line: str, kind: str, loop_kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    phase = f"ws_{side}_frame"
    plugins = {
        "bad": raising(phase, kind, failure, ws_close="r = kong.websocket.session()\nnote(r.ended_by, r.why)"),
        "later": plugin(priority=-1, **{phase: "note('later')"}),
    }
    async with served(tmp_path, plugins) as gate:
        async with gate.talk() as talk:
            talk.ends(side)[0].send(text("x"), text("y"))
            assert await talk.closes() == ((1011, ""), (1011, "")), "without detail"
        assert gate.notes == [("proxy", "hook")]
        await serves_the_other_side(gate, side)
    told(caplog, phase, last_line)


async def serves_the_other_side(gate: Served, side: str) -> None:
    async with gate.talk() as talk:
        end, other = talk.ends(side)
        other.send(text("still there?"))
        assert await end.recv() == text("still there?")


@pytest.mark.parametrize("frame", [ping("x"), close(1000)], ids=repr)
async def test_a_failure_on_a_control_frame_is_one_too(frame: object, tmp_path: Path) -> None:
    async with served(tmp_path, {"bad": raising("ws_client_frame", "sync", "ValueError")}) as gate, gate.talk() as talk:
        talk.client.send(frame)  # type: ignore[arg-type]
        assert await talk.closes() == ((1011, ""), (1011, ""))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("failure", "last_line"), FAILURES.items())
async def test_a_failure_in_ws_close_lets_the_other_plugins_run(
    failure: str, last_line: str, kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plugins = {
        "before": plugin(priority=1, ws_close="note('before')"),
        "bad": raising("ws_close", kind, failure),
        "behind": plugin(priority=-1, ws_close="note('behind')"),
    }
    async with served(tmp_path, plugins) as gate:
        await gate.serves_on()
        assert gate.notes == ["before", "behind"]
        told(caplog, "ws_close", last_line)
        await gate.serves_on()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failure_in_certificate_ends_the_connection(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = "if kong.request.get_host() is None or not getattr(self, 'failed', None):\n    self.failed = True\n    "
    wait = "await asyncio.sleep(0)\n" if kind == "async" else ""
    source = plugin(certificate=f"{wait}{body}raise ValueError('oops')  # the plugin's own line")
    async with served(tmp_path, {"bad": source}, secure=True) as gate:
        with pytest.raises((ssl.SSLError, OSError)):
            async with raw.dialled(gate.port, **gate._tls()):
                pass
        told(caplog, "certificate", "ValueError: oops")
        await gate.serves_on()


# PDKError

BREACH = "kong.service.set_target('127.0.0.1', 0)  # the plugin's own line"


@pytest.mark.parametrize("phase", ["rewrite", "ws_handshake"])
async def test_a_breach_of_a_rule_before_the_101_is_one_line_with_its_place(
    phase: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path, {"bad": plugin(**{phase: f"\n\n{BREACH}"})}) as gate:
        head, body = await gate.asked()
        assert (head.status, body) == (500, UNEXPECTED)
    (record,) = errors(caplog)
    said = record.getMessage()
    assert said.startswith(f"plugin 'bad' in {phase} failed: kong.service.set_target: port ")
    assert _place(tmp_path, BREACH) in said
    assert record.exc_info is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", SIDES)
async def test_a_breach_of_a_rule_in_a_frame_phase_is_one_line_with_its_place(
    side: str, kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    breach = f"kong.websocket.{side}.set_status(1000)"
    body = breach if kind == "sync" else f"await asyncio.sleep(0)\n{breach}"
    async with served(tmp_path, {"bad": plugin(**{f"ws_{side}_frame": body})}) as gate:
        async with gate.talk() as talk:
            talk.ends(side)[0].send(text("x"))
            assert await talk.closes() == ((1011, ""), (1011, ""))
    (record,) = errors(caplog)
    said = record.getMessage()
    assert f"plugin 'bad' in ws_{side}_frame failed on a frame of the {side}" in said
    assert f"kong.websocket.{side}.set_status: only a close frame has a status" in said
    assert _place(tmp_path, breach) in said
    assert record.exc_info is None


async def test_a_breach_of_a_rule_in_ws_close_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugins = {
        "bad": plugin(ws_close="kong.response.exit(400)"),
        "later": plugin(priority=-1, ws_close="note('later')"),
    }
    async with served(tmp_path, plugins) as gate:
        await gate.serves_on()
        assert gate.notes == ["later"]
    (record,) = errors(caplog)
    assert "kong.response.exit may be called in rewrite and ws_handshake, not in ws_close" in record.getMessage()


@pytest.mark.parametrize("side", SIDES)
async def test_an_exit_in_a_frame_phase_is_a_breach(
    side: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path, {"bad": plugin(**{f"ws_{side}_frame": "kong.response.exit(400)"})}) as gate:
        async with gate.talk() as talk:
            talk.ends(side)[0].send(text("x"))
            assert await talk.closes() == ((1011, ""), (1011, ""))
    (record,) = errors(caplog)
    assert (
        f"kong.response.exit may be called in rewrite and ws_handshake, not in ws_{side}_frame" in record.getMessage()
    )


def _place(folder: Path, line: str) -> str:
    file = folder / "plugins" / "bad.py"
    number = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if line in text)
    return f"{file}:{number}"


async def test_a_failure_after_a_decision_does_not_undo_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    body = "kong.websocket.client.close(1008, 'no')\nraise ValueError  # the plugin's own line"
    async with served(tmp_path, {"bad": plugin(ws_client_frame=body)}) as gate:
        async with gate.talk() as talk:
            talk.client.send(text("x"))
            assert await talk.closes() == ((1008, "no"), (1001, ""))
    told(caplog, "ws_client_frame", "ValueError")


# Useless results and slow plugins


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("result", ["'nonsense'", "False", "(None, 'error')", "object()"])
async def test_what_a_phase_returns_has_no_effect_and_is_told_once(
    result: str, kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    phases = ("rewrite", "ws_handshake", "ws_client_frame", "ws_upstream_frame", "ws_close")
    body = ("await asyncio.sleep(0)\n" if kind == "async" else "") + f"return {result}"
    async with served(tmp_path, {"odd": plugin(**dict.fromkeys(phases, body))}) as gate:
        for _ in range(2):
            async with gate.talk() as talk:
                talk.client.send(text("x"), text("y"))
                assert await talk.upstream.recv_many(2) == [text("x"), text("y")]
                talk.upstream.send(text("z"))
                assert await talk.client.recv() == text("z")
    typ = type(eval(result)).__name__
    assert warnings(caplog) == [
        f"plugin 'odd' returned {typ} from {phase}: what a phase returns has no effect, it acts through kong"
        for phase in phases
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", ["rewrite", "ws_handshake", "ws_client_frame", "ws_upstream_frame", "ws_close"])
async def test_a_plugin_that_keeps_the_event_loop_is_named_and_harms_nothing(
    phase: str, kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = ("await asyncio.sleep(0)\n" if kind == "async" else "") + "time.sleep(0.03)"
    async with served(tmp_path, {"slow": plugin(**{phase: body})}, gateway={"plugin_time_limit": 20}) as gate:
        async with gate.talk() as talk:
            talk.client.send(text("x"))
            assert await talk.upstream.recv() == text("x")
            talk.upstream.send(text("y"))
            assert await talk.client.recv() == text("y")
    (said,) = warnings(caplog)
    assert said.startswith("plugin 'slow' blocked the event loop for 0.")
    assert f" seconds in {phase}; " in said


@pytest.mark.parametrize("kind", KINDS)
async def test_each_plugin_answers_for_its_own_time(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wait = "await asyncio.sleep(0)\n" if kind == "async" else ""
    plugins = {
        "first": plugin(priority=3, ws_client_frame="pass"),
        "slow": plugin(priority=2, ws_client_frame=wait + "time.sleep(0.12)"),
        "last": plugin(priority=1, ws_client_frame="pass"),
    }
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        talk.client.send(text("x"))
        await talk.upstream.recv()
    assert [said.split("'")[1] for said in warnings(caplog)] == ["slow"]


@pytest.mark.parametrize("phase", ["ws_handshake", "ws_client_frame"])
async def test_a_plugin_that_waits_keeps_nobody_from_running(
    phase: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plugins = {"waits": plugin(**{phase: "await asyncio.sleep(0.12)"})}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        talk.client.send(text("x"))
        await talk.upstream.recv()
    assert warnings(caplog) == []


# KeyboardInterrupt


def test_a_keyboard_interrupt_is_the_operator_s_and_ends_the_gateway(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(plugin(ws_handshake="raise KeyboardInterrupt"))
    (tmp_path / "gateway.yaml").write_text(
        '_format_version: "3.0"\n'
        'gateway: {listen: ["127.0.0.1:0"], plugin_paths: [.], limits: {drain_timeout: 50}}\n'
        'services: [{name: main, url: "ws://127.0.0.1:9", routes: [{name: main, paths: [/]}]}]\n'
        "plugins: [{name: bad}]\n"
    )
    with started("run", str(tmp_path / "gateway.yaml")) as program:
        with socket.create_connection(("127.0.0.1", port_of(program.urls[0])), 5) as client:
            client.sendall(upgrade_request())
            assert program.status() == 1
    assert "KeyboardInterrupt" in program.log.seen
    assert any("the handler has ended the program" in line for line in program.log.seen)
