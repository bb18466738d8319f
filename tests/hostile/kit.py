"""What the hostile peers need: a gateway that is looked at from outside, and tests that wait to be asked."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

import framegate
from tests.kit.raw import PATIENCE

KIB = 1 << 10
MIB = 1 << 20

sides = pytest.mark.parametrize("side", ["client", "upstream"])

at_length = pytest.mark.skipif(
    os.environ.get("FRAMEGATE_HOSTILE") != "1",
    reason="it measures a process for longer than a quick test may take: run `make hostile`",
)
"""For tests that take more than a few seconds, or thousands of connections."""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory and descriptors are read from /proc")


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    """A hook that reads and changes nothing."""
    return payload


class Grown:
    """How many bytes Python has allocated since the context was entered: at the most, and still now."""

    def __init__(self) -> None:
        self._before = tracemalloc.get_traced_memory()[0]

    @property
    def peak(self) -> int:
        return tracemalloc.get_traced_memory()[1] - self._before

    @property
    def now(self) -> int:
        return tracemalloc.get_traced_memory()[0] - self._before


@contextmanager
def traced() -> Iterator[Grown]:
    """Watch Python's allocations."""
    tracemalloc.start()
    try:
        yield Grown()
    finally:
        tracemalloc.stop()


async def until_gone(server: framegate.Server, patience: float = PATIENCE) -> None:
    """The server holds no connection, no handshake, no handler and no lingering upstream."""
    async with asyncio.timeout(patience):
        while server._busy():
            await asyncio.sleep(0.005)
    assert server.sessions == ()
    assert not (server._pending or server._by_address or server._arrivals.by_address)


async def eventually(condition: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Ask again until it holds."""
    async with asyncio.timeout(patience):
        while not await condition():
            await asyncio.sleep(0.05)


class Measured:
    """A gateway in a process of its own.

    Attributes:
        port: where it listens.
    """

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def look(self) -> dict[str, int]:
        """``rss`` and ``peak`` in bytes; ``descriptors``, ``tasks`` and ``sessions`` as counts."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), 20)
        return json.loads(line)


@asynccontextmanager
async def measured(url: str, *, files: int | None = None, **options: Any) -> AsyncIterator[Measured]:
    """A reverse proxy to ``url`` in a process of its own, which is warm when the context is entered.

    Args:
        files: the most descriptors that it may have.
        options: of the reverse proxy; ``hook=True`` gives it one that reads everything, ``certificate`` is a file that
            makes it speak TLS with clients.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.hostile.gateway_process", url, json.dumps(options), str(files or 0),
        stdin=pipe, stdout=pipe,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield Measured(process, int(await asyncio.wait_for(process.stdout.readline(), 20)))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def allow_descriptors(wanted: int) -> None:
    """Let this process have so many, or skip the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            pytest.skip(f"it takes {wanted} descriptors, and the system allows {hard}: raise `ulimit -Hn`")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
