"""Lets the clients come, at a rate, each to a place of its choice."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import NamedTuple

from soak.clients import BAD, GOOD, Client

MOST_AT_ONCE = 60


class Place(NamedTuple):
    """Where clients go. At a place whose upstream is ``moody``, nobody can expect anything."""

    name: str
    port: int
    path: str
    moody: bool = False


class Load:
    """The clients of one run.

    Attributes:
        came: how many there were of each kind.
        faults: what good clients complained about.
    """

    def __init__(self, places: list[Place], rate: float, seed: int) -> None:
        self.places, self.rate, self.rng = places, rate, Random(seed)
        self.came: Counter[str] = Counter()
        self.faults: list[str] = []
        self._here: set[asyncio.Task[None]] = set()

    async def come(self, seconds: float) -> None:
        """Send clients for a while, and wait until the last has gone."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            if len(self._here) < MOST_AT_ONCE:
                self._send_one()
            await asyncio.sleep(self.rng.expovariate(self.rate))
        if self._here:
            await asyncio.wait(self._here)

    def _send_one(self) -> None:
        place = self.rng.choice(self.places)
        client = self.rng.choice(GOOD if self.rng.random() < 0.5 else BAD)
        task = asyncio.create_task(self._visit(client, place, Random(self.rng.random())))
        self._here.add(task)
        task.add_done_callback(self._here.discard)

    async def _visit(self, client: Client, place: Place, rng: Random) -> None:
        self.came["good" if client in GOOD else "bad"] += 1
        try:
            await client(place.port, place.path, rng)
        except Exception as error:
            if client in GOOD and not place.moody:
                self.faults.append(f"{client.__name__} at {place.name}: {type(error).__name__}: {error}")
