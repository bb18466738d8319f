"""The log of the process as JSON: one object a line, whatever is logged."""

from __future__ import annotations

import json
import logging
import re
import signal
import sys
from typing import Any

import pytest

from framegate.telemetry.process_log import ProcessFormatter
from tests.cli.program import Program
from tests.operate.rig import Place, answer, ended, reloaded, running, seen

pytestmark = pytest.mark.patience(90)

JSON = "  log_format: json\n"
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) ")


def record(message: str, *args: Any, error: Any = None) -> logging.LogRecord:
    return logging.LogRecord("framegate.x", logging.WARNING, __file__, 1, message, args, error)


def formatted(record: logging.LogRecord, who: str = "") -> dict[str, Any]:
    formatter = ProcessFormatter(who)
    formatter.json = True
    line = formatter.format(record)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_is_an_object() -> None:
    found = formatted(record("from %s", "a\nb"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found == {"level": "warning", "logger": "framegate.x", "message": "from a\nb"}


def test_a_worker_is_named() -> None:
    assert formatted(record("x"), "worker 3")["who"] == "worker 3"


def test_a_traceback_is_in_the_line() -> None:
    try:
        raise ValueError("no idea")
    except ValueError:
        found = formatted(record("it failed", error=sys.exc_info()))
    assert found["message"] == "it failed"
    assert found["exception"].startswith("Traceback ") and found["exception"].endswith("ValueError: no idea")


def test_as_text_it_is_for_people() -> None:
    line = ProcessFormatter("worker 3").format(record("from %s", "a"))
    assert TEXT_LINE.match(line)
    assert line.endswith(" WARNING [worker 3] framegate.x: from a")


# A running gateway


def objects(program: Program) -> list[dict[str, Any]]:
    """The log as it stands, but for the lines that tell the addresses."""
    return [json.loads(line) for line in program.log.seen if not line.startswith("framegate: ")]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_every_line_of_a_gateway_is_an_object(place: Place, workers: str) -> None:
    with running(place.write(gateway=JSON), "--workers", workers) as program:
        assert await answer(program.urls[0]) == "A:hello"
        await seen(program, "ended_by=client")
        program.send(signal.SIGINT)
        assert await ended(program) == 0
        found = objects(program)
    session = next(line for line in found if "ended_by=client" in line["message"])
    assert (session["level"], session["logger"]) == ("info", "framegate.session")
    assert ("who" in session) == (workers == "2")
    assert found[-1]["message"]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_reload_changes_the_format(place: Place, workers: str) -> None:
    with running(place.write(), "--workers", workers) as program:
        await answer(program.urls[0])
        (line,) = await seen(program, "ended_by=client")
        assert TEXT_LINE.match(line)
        place.write(gateway=JSON)
        assert json.loads(await reloaded_as_json(program))["logger"] == "framegate.operate"
        await answer(program.urls[0])
        assert json.loads((await seen(program, "ended_by=client", 2))[1])["level"] == "info"
        place.write()
        assert TEXT_LINE.match(await reloaded(program))


async def reloaded_as_json(program: Program) -> str:
    program.send(signal.SIGHUP)
    return (await seen(program, '"reloaded, generation'))[0]
