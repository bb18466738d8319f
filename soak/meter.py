"""What a process holds, from ``/proc`` and from itself."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from soak.census_hook import QUESTION
from tests.kit import heads, raw
from tests.kit.frames import TEXT, Frame, close

PATIENCE = 10.0
_A_MOMENT = 0.5


@dataclass
class Reading:
    """One look at a process; ``rss`` in bytes."""

    descriptors: int
    threads: int
    tasks: int
    rss: int


async def read(pid: int, tasks: Callable[[], Awaitable[int]]) -> Reading:
    """Look at a process whose tasks are counted by ``tasks``; twice, so that what the first look left is gone."""
    await tasks()
    counted = await tasks()
    # The connection of the question itself must be gone, too.
    await asyncio.sleep(_A_MOMENT)
    rss, threads = status(pid)
    return Reading(len(os.listdir(f"/proc/{pid}/fd")), threads, counted, rss)


def status(pid: int) -> tuple[int, int]:
    """Resident bytes and threads."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        fields = dict(line.split(":", 1) for line in lines)
    return int(fields["VmRSS"].split()[0]) * 1024, int(fields["Threads"])


async def gateway_tasks(port: int) -> int:
    """Ask the gateway's census plugin."""
    async with raw.dialled(port) as peer:
        peer.send_raw(heads.upgrade_request("/census"))
        head = await peer.recv_head(PATIENCE)
        body = await peer.rest(PATIENCE)
    assert head.status == 200, head.start
    return int(json.loads(body)["tasks"])


async def proxy_tasks(port: int) -> int:
    """Ask the proxy's hook."""
    async with raw.connected(port) as peer:
        peer.send(Frame(TEXT, QUESTION))
        answer = await peer.recv(PATIENCE)
        peer.send(close(1000))
        await peer.recv_close(PATIENCE)
    return int(json.loads(answer.payload)["tasks"])
