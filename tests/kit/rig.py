"""The driver between two peers in memory, on the running loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from framegate.driver import Driver
from framegate.options import ProxyOptions
from framegate.session.policy import policies_of
from framegate.session.record import SessionRecord
from framegate.session.session import Session
from framegate.transport.memory import memory_pair
from tests.kit import frames
from tests.kit.frames import Frame
from tests.kit.pairs import Kind, turns, until

FIN = "the end of the stream"
RESET = "a reset"


class Peer:
    """One peer, at the far end of a memory pair.

    Attributes:
        transport: its own end.
        ours: the driver's end.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.ours, self.transport = memory_pair(asyncio.get_running_loop(), ("framegate", name))
        self.notes = Kind("memory").notes()
        self.transport.set_receiver(self.notes)
        self.transport.resume_reading()

    def wire(self, *values: Frame) -> bytes:
        key = b"\x37\xfa\x21\x3d" if self.name == "client" else False
        return b"".join(frames.frame(one.opcode, one.payload, one.fin, key, one.rsv) for one in values)

    def says(self, *values: Frame) -> None:
        self.says_raw(self.wire(*values))

    def says_raw(self, data: bytes) -> None:
        self.transport.write(bytearray(data), None, 0, 0)

    def leaves(self) -> None:
        """It ends its direction of the stream."""
        self.transport.shutdown()

    async def gets(self, *expected: Frame | str) -> None:
        """It gets exactly these, sooner or later."""
        try:
            await until(lambda: len(self._so_far()) >= len(expected), 3.0)
        except TimeoutError:
            raise AssertionError(f"the {self.name} got {self._so_far()}, not {list(expected)}") from None
        await turns(5)
        got = self._so_far()
        assert got == list(expected), f"the {self.name} got {got}"
        self.notes.data.clear()

    async def gets_nothing(self) -> None:
        await turns()
        assert self._so_far() == []

    def _so_far(self) -> list[Frame | str]:
        got: list[Frame | str] = []
        data = bytearray(self.notes.data)
        while (wire := frames.split(data)) is not None:
            assert wire.masked == (self.name == "upstream")
            got.append(wire.frame)
            del data[: len(wire.octets)]
        return got + [FIN if error is None else RESET for error in self.notes.ends]


class Rig:
    """A running driver.

    Args:
        hook: the session's hook.
        from_client, from_upstream: what was read behind the handshakes.
        prepare: called with the rig before the driver starts.
        options: of the proxy.
    """

    def __init__(
        self,
        hook: Callable[..., Any] | None = None,
        *,
        from_client: bytes = b"",
        from_upstream: bytes = b"",
        prepare: Callable[[Rig], None] | None = None,
        **options: Any,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.client, self.upstream = Peer("client"), Peer("upstream")
        chosen = ProxyOptions.of(**options)
        self.session = Session(chosen, policies_of(chosen, hook), loop.time())
        self.left = 0
        self.driver = Driver(loop, self.session, self.client.ours, self.upstream.ours, self._client_left)
        if prepare is not None:
            prepare(self)
        self.driver.start(from_client, from_upstream)

    def _client_left(self) -> None:
        self.left += 1

    def peer(self, name: str) -> Peer:
        return self.client if name == "client" else self.upstream

    def reads(self, name: str) -> bool:
        return self.peer(name).ours.reading

    async def record(self) -> SessionRecord:
        """The record, when the driver has ended both streams and both peers have ended theirs."""
        peers = (self.client, self.upstream)
        await until(lambda: all(peer.notes.ends or not peer.transport.is_open() for peer in peers), 3)
        self.client.leaves()
        self.upstream.leaves()
        async with asyncio.timeout(3):
            record = await self.driver.done
        await turns(5)
        assert not self.client.ours.is_open() and not self.upstream.ours.is_open()
        assert self.left == 1
        return record
