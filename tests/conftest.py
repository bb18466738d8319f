"""Async tests run on a loop of their own; the peers of other ecosystems are met only where they are asked for."""

from __future__ import annotations

import gc
import inspect
import os
from importlib.util import find_spec
from typing import Any

import pytest

from framegate._build import COMPILED
from tests.kit.loops import LOOPS, run

collect_ignore_glob = [] if os.environ.get("FRAMEGATE_INTEROP") == "1" else ["interop/*"]


def _loops() -> list[str]:
    # The loops differ in what they do to sockets, the builds in what they do to bytes: all pairs would show no more
    # than both loops under the compiled build and one under the pure one.
    if not COMPILED or find_spec("uvloop") is None:
        return ["asyncio"]
    return list(LOOPS)


@pytest.fixture(params=_loops())
def loop_kind(request: pytest.FixtureRequest) -> str:
    """Asked for, it runs an async test once on each loop."""
    return request.param


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run ``async def`` tests with :func:`tests.kit.loops.run`."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    wanted: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    marker = pyfuncitem.get_closest_marker("patience")
    run(
        lambda: test(**wanted),
        loop_kind=pyfuncitem.funcargs.get("loop_kind", "asyncio"),
        timeout=marker.args[0] if marker else 20.0,
    )
    return True


def pytest_collection_finish(session: pytest.Session) -> None:
    # Each async test collects garbage to find what it left open; what was imported by now need not be looked at again.
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "patience(seconds): longest time that an async test may take")
