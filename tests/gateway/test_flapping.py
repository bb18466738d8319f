"""Upstreams that die and come back, again and again, under load: real processes, killed outright."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import pytest

from tests.cli.program import Program, port_of
from tests.gateway.pools import Pool, pooled, unused
from tests.kit import raw
from tests.kit.frames import close, text
from tests.kit.raw import RawPeer

ROUNDS = 3
CLIENTS = 6
CHECKS = {
    "active": {
        "type": "websocket",
        "healthy": {"interval": 0.2, "successes": 1},
        "unhealthy": {"interval": 0.05, "tcp_failures": 1, "timeouts": 1},
    },
    "passive": {"unhealthy": {"tcp_failures": 1, "timeouts": 1}},
}


class Mortal:
    """An echo server in a process of its own, always at the same address."""

    def __init__(self) -> None:
        self.authority = unused()
        self._program: Program | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._program is not None:
            self._program.close()

    async def born(self) -> None:
        self._program = Program("echo", "--listen", self.authority)
        await asyncio.to_thread(self._program.ready, 1)
        assert port_of(self._program.urls[0]) == port_of(self.authority)

    async def killed(self) -> None:
        assert self._program is not None
        self._program.send(signal.SIGKILL)
        await asyncio.to_thread(self._program.close)
        self._program = None


async def says(client: RawPeer, words: str) -> None:
    """What is said comes back."""
    client.send(text(words))
    assert await client.recv() == text(words)


class Load:
    """Clients that come and go all the time, and some that stay.

    Attributes:
        served: how many handshakes have succeeded.
        refused: the start lines of those that have not.
        said: how many messages the clients that stay have got back.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.served = 0
        self.refused: list[str] = []
        self.said = 0

    async def passing(self) -> None:
        while True:
            async with raw.dialled(self._pool.gate.port) as client:
                client.send_raw(raw.heads.upgrade_request())
                head = await client.recv_head()
                if head.status != 101:
                    self.refused.append(head.start)
                    return
                self.served += 1
                try:
                    await says(client, f"message {self.served}")
                    client.send(close(1000))
                    await client.recv_close()
                except (AssertionError, EOFError, OSError):
                    # Its target has died under it: it comes back, like every client.
                    client.reset()

    async def staying(self, client: RawPeer) -> None:
        while True:
            await says(client, f"{'x' * 500} {self.said}")
            self.said += 1
            await asyncio.sleep(0.01)


async def life(mortal: Mortal, pool: Pool) -> None:
    """Live, be used, and die."""
    await mortal.born()
    await pool.until_healthy(mortal.authority)
    target = next(each for each in pool.balancer.upstream.targets if each.target == mortal.authority)
    await pool.until(lambda: pool.balancer.live(target))
    await mortal.killed()
    await pool.until_healthy(mortal.authority, False)


@pytest.mark.patience(90)
async def test_nobody_is_refused_while_one_target_lives_and_its_sessions_lose_nothing(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        steady, *flapping = [await stack.enter_async_context(Mortal()) for _ in range(3)]
        await steady.born()
        entries = [{"target": each.authority} for each in (*flapping, steady)]
        fields: dict[str, Any] = {"targets": entries, "healthchecks": CHECKS, "algorithm": "least-connections"}
        pool = await stack.enter_async_context(pooled(tmp_path, {}, **fields))
        load = Load(pool)
        # Only one target lives: whoever comes now stays with it.
        stayers = [await stack.enter_async_context(raw.connected(pool.gate.port)) for _ in range(4)]
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(load.staying(client)) for client in stayers]
            running += [group.create_task(load.passing()) for _ in range(CLIENTS)]

            async def flap(mortal: Mortal) -> None:
                for _ in range(ROUNDS):
                    await life(mortal, pool)

            async with asyncio.TaskGroup() as fates:
                for mortal in flapping:
                    fates.create_task(flap(mortal))
            for task in running:
                task.cancel()
        assert load.refused == []
        assert load.served > 10 * CLIENTS
        assert load.said > 10 * len(stayers)
        known = {each["address"]: each["healthy"] for each in pool.dialler.health()[0]["targets"]}
        assert known == {steady.authority: True, **{each.authority: False for each in flapping}}
