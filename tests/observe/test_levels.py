"""The level of the log, for good and for a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from framegate.observe.levels import LONGEST, Levels, checked

NAME = "framegate.plugin"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("framegate", NAME)]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({}, "level must be debug, info, warning, error, not None"),
        ({"level": "DEBUG"}, "level must be debug"),
        ({"level": "trace"}, "not 'trace'"),
        ({"level": "info", "loger": "x"}, "there is no field 'loger'"),
        ({"level": "info", "logger": "asyncio"}, "framegate or one below it"),
        ({"level": "info", "logger": "framegate.a.b.c.d"}, "framegate or one below it"),
        ({"level": "info", "logger": 5}, "framegate or one below it"),
        ({"level": "info", "seconds": "5"}, "seconds must be a number"),
        ({"level": "info", "seconds": True}, "seconds must be a number"),
        ({"level": "info", "seconds": 0}, "over 0"),
        ({"level": "info", "seconds": LONGEST + 1}, f"at most {LONGEST}"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_rule(wanted: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        checked(wanted)


def test_a_change_is_of_the_program_unless_it_names_a_part() -> None:
    assert checked({"level": "debug"}) == {"level": "debug", "logger": "framegate", "seconds": None}
    assert checked({"level": "error", "logger": NAME, "seconds": LONGEST})["logger"] == NAME


async def test_a_level_of_a_part_leaves_the_others_alone() -> None:
    levels = Levels()
    levels.change("warning")
    levels.change("debug", NAME)
    assert levels.levels() == {"framegate": "warning", NAME: "debug"}


async def test_a_level_for_a_while_goes_back_even_after_two_changes() -> None:
    levels = Levels()
    levels.change("warning")
    levels.change("debug", seconds=60)
    levels.change("error", seconds=0.01)
    assert levels.levels()["framegate"] == "error"
    while levels.levels()["framegate"] == "error":
        await asyncio.sleep(0.002)
    assert levels.levels()["framegate"] == "warning"


async def test_a_reload_that_sets_the_level_is_not_undone_later() -> None:
    levels = Levels()
    levels.change("debug", seconds=0.01)
    levels.settle()
    logging.getLogger("framegate").setLevel("ERROR")
    await asyncio.sleep(0.03)
    assert levels.levels()["framegate"] == "error"
