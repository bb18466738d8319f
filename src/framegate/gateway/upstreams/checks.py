"""The active checks of one upstream: a task for each of its places, which checks and waits.

Owns when a place is checked. What a check is, and what becomes of its outcome, is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from framegate.config.configuration import ActiveChecks
from framegate.gateway.upstreams.health import Outcome
from framegate.gateway.upstreams.seat import Seat

Check = Callable[[Seat], Awaitable[Outcome | None]]


class Checks:
    """Checks places as long as they are followed.

    Args:
        settings: intervals, and how many checks run at a time.
        check: one check.
    """

    def __init__(self, settings: ActiveChecks, check: Check) -> None:
        self._settings = settings
        self._check = check
        self._places: dict[Seat, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._room = asyncio.Semaphore(settings.concurrency)

    def follow(self, seats: Iterable[Seat]) -> None:
        """Check these places, and no others any more."""
        wanted = dict.fromkeys(seats)
        for seat in [seat for seat in self._places if seat not in wanted]:
            self._places.pop(seat)[0].cancel()
        for seat in wanted:
            if seat not in self._places:
                changed = asyncio.Event()
                task = asyncio.get_running_loop().create_task(self._watch(seat, changed))
                self._places[seat] = task, changed

    def changed(self, seat: Seat) -> None:
        """The health of a place has changed, and its interval with it."""
        if seat in self._places:
            self._places[seat][1].set()

    def stop(self) -> list[asyncio.Task[None]]:
        """Check nothing any more; what is then about to end."""
        tasks = [task for task, _ in self._places.values()]
        self._places.clear()
        for task in tasks:
            task.cancel()
        return tasks

    async def _watch(self, seat: Seat, changed: asyncio.Event) -> None:
        while True:
            if self._interval(seat):
                async with self._room:
                    outcome = await self._check(seat)
                if outcome is not None:
                    seat.health.report("active", outcome)
            await self._pause(seat, changed)

    async def _pause(self, seat: Seat, changed: asyncio.Event) -> None:
        # A change of health meanwhile begins the wait anew, with the other interval.
        while True:
            changed.clear()
            try:
                async with asyncio.timeout(self._interval(seat) or None):
                    await changed.wait()
            except TimeoutError:
                return

    def _interval(self, seat: Seat) -> float:
        settings = self._settings
        return settings.healthy_interval if seat.health.healthy else settings.unhealthy_interval
