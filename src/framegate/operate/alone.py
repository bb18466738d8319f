"""The gateway as a single process: it is its own and only worker."""

from __future__ import annotations

from collections.abc import Sequence

from framegate.gateway.site import keyed
from framegate.operate.control import Local
from framegate.operate.member import Member
from framegate.operate.sockets import Binder, url_of
from framegate.operate.source import Attempt, Source
from framegate.operate.systemd import Passed


class Alone(Local):
    """Serves in this process.

    Args:
        source: the gateway's file.
        passed: sockets that the service manager has passed.
        level: what to log, whatever the file says; None leaves it to the file.

    Attributes:
        restarts: 0, for there is nobody to start it again.
    """

    def __init__(self, source: Source, passed: Sequence[Passed] = (), level: str | None = None) -> None:
        self.restarts = 0
        self._binder = Binder(passed)
        self.member = Member(source, self._binder.open, level=level)
        super().__init__(self.member.handlers)

    async def start(self, attempt: Attempt) -> list[str]:
        """Begin; returns the addresses that it listens at.

        Raises:
            FramegateError: one cannot be listened on, or a socket was passed that is for none.
        """
        assert attempt.config is not None
        self._binder.fit(attempt.config.gateway.listen, strict=True)
        await self.member.take(attempt, 1)
        listens = keyed(attempt.config.gateway.listen)
        return [url_of(listens[key], server.port) for key, server in self.member.site.servers.items()]

    async def reload(self, attempt: Attempt, generation: int) -> str:
        """Serve another configuration; returns what has changed, in words.

        Raises:
            FramegateError, OSError: it cannot be served, and nothing has changed.
        """
        assert attempt.config is not None
        self._binder.fit(attempt.config.gateway.listen)
        return str(await self.member.take(attempt, generation))

    async def drain(self) -> None:
        """Close every session and wait for their ends."""
        await self.member.site.drain()

    def kill(self) -> None:
        """Nothing but this process is to end."""
