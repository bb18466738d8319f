"""A target's name and where it leads: asked again when the answer is over, and kept while there is no new one.

Owns lifetimes (``valid_ttl``, ``stale_ttl``, ``error_ttl``) and the log of what fails. It knows no sessions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from framegate.config.configuration import Dns, Target
from framegate.gateway.upstreams.lookup import Answer, Lookup, LookupFailed
from framegate.gateway.upstreams.seat import Place

_log = logging.getLogger("framegate.gateway")

Found = Callable[[Sequence[Place]], None]


class Name:
    """The name of one target.

    Args:
        target: the target.
        lookup: who is asked.
        dns: lifetimes.
        upstream: the upstream's name, for the log.
        found: called with the places after each answer, and without any once the last answer is too old.

    Attributes:
        trouble: why there are no places, or why they may be stale; empty where all is well.
        answered: whether there was an answer before.
        places: the last answer.
        asked: whether there was an answer, or a failure, before.
    """

    def __init__(self, target: Target, lookup: Lookup, dns: Dns, upstream: str, found: Found) -> None:
        self.target = target
        self.trouble = ""
        self.answered = self.asked = False
        self.places: tuple[Place, ...] = ()
        self._lookup = lookup
        self._dns = dns
        self._upstream = upstream
        self._found = found
        self._asking: asyncio.Task[None] | None = None
        self._due = 0.0
        self._dead = 0.0

    def adopt(self, previous: Name) -> None:
        """Begin with the answer of the same name before a reload."""
        if previous.places:
            self.asked = True
            self._due, self._dead = previous._due, previous._dead
            self._tell(previous.places)
            self.answered = True

    def renew_soon(self) -> None:
        """See that an answer which is over is renewed, without waiting for it."""
        if self.is_due:
            self._ask()

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask again."""
        return asyncio.get_running_loop().time() >= self._due

    async def ask(self) -> None:
        """Ask now; whoever asks meanwhile waits for the same answer."""
        asking = self._ask()
        await asyncio.wait([asking])
        if not asking.cancelled():
            asking.result()

    async def keep(self) -> None:
        """Ask whenever the answer is over, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if self.is_due:
                await self.ask()
            await asyncio.sleep(max(self._due - loop.time(), 0.01))

    def stop(self) -> list[asyncio.Task[None]]:
        """Give up what is being asked; what is then about to end."""
        if self._asking is None or self._asking.done():
            return []
        self._asking.cancel()
        return [self._asking]

    def _ask(self) -> asyncio.Task[None]:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._look_up())
        return self._asking

    async def _look_up(self) -> None:
        try:
            answer = await self._lookup.find(self.target.host, self.target.port, srv=self.target.srv)
        except LookupFailed as error:
            self._failed(str(error))
        else:
            self._answered(answer)
        self.asked = True

    def _answered(self, answer: Answer) -> None:
        now = asyncio.get_running_loop().time()
        ttl = answer.ttl if self._dns.valid_ttl is None else self._dns.valid_ttl
        if answer.places:
            if self.trouble:
                _log.info("upstream %r: the name %s is found again", self._upstream, self.target.host)
            self.trouble = ""
        else:
            # RFC 8767, section 4: an authoritative "there is none" is an answer, and ends what is stale.
            ttl = self._dns.error_ttl
            self._complain("has no SRV records" if self.target.srv else "has no addresses")
        self._due = now + ttl
        self._dead = self._due + self._dns.stale_ttl
        self._tell(answer.places)
        self.answered = True

    def _failed(self, why: str) -> None:
        now = asyncio.get_running_loop().time()
        self._complain(f"cannot be looked up: {why}")
        self._due = now + self._dns.error_ttl
        if now >= self._dead:
            self._tell(())

    def _tell(self, places: tuple[Place, ...]) -> None:
        self.places = places
        self._found(places)

    def _complain(self, what: str) -> None:
        if not self.trouble:
            _log.warning("upstream %r: the name %s %s", self._upstream, self.target.host, what)
        self.trouble = f"{self.target.host} {what}"
