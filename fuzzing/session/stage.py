"""Plays a case on one build: the driver, its conduits, lanes and parsers, between two peers in memory."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from framegate import driver as driver_module
from framegate.handshake.extensions import Deflate
from framegate.options import ProxyOptions
from framegate.session import session as session_module
from framegate.session.closing import State
from framegate.session.compression import passing, terminated
from framegate.session.policy import Policies, policies_of
from framegate.session.session import Session
from framegate.session.signals import RELAY
from framegate.transport import memory
from framegate.transport.memory import memory_pair
from fuzzing.material import bytes_of
from fuzzing.session.virtual_loop import VirtualLoop
from tests.kit.builds import Build
from tests.kit.frames import PING, PONG, frame, split

OWN_PING = b"framegate"


class Raised(Exception):
    """What a hook raises."""


class Peer:
    """One peer, at the far end of its connection.

    Attributes:
        sent: the bytes that it has given to its TCP while that took them.
        data: the bytes that it has got.
        ends: how its stream ended: ``"fin"`` or ``"reset"``.
        gone: ``"fin"`` or ``"reset"``, once it has gone itself.
        injected: opcode and payload of the frames that the program injected toward it.
    """

    def __init__(self, loop: VirtualLoop, name: str) -> None:
        self.name = name
        self.ours, self.transport = memory_pair(loop, ("framegate", name))  # type: ignore[arg-type]
        self.sent = b""
        self.data = bytearray()
        self.ends: list[str] = []
        self.gone = ""
        self.injected: list[tuple[int, bytes]] = []
        self.transport.set_receiver(self)
        self.transport.resume_reading()

    def received(self, data: bytearray, start: int, end: int) -> None:
        self.data += data[start:end]

    def ended(self, error: Exception | None) -> None:
        self.ends.append("fin" if error is None else "reset")

    def drained(self) -> None:
        pass

    def says(self, data: bytes) -> None:
        if not self.gone and self.transport.is_open():
            self.sent += data
            self.transport.write(bytearray(data), None, 0, 0)


class Stage:
    """A case while it is played.

    Attributes:
        calls: of the hook, by origin: its arguments, and the verdict that it gave.
    """

    def __init__(self, case: Any) -> None:
        self.loop = VirtualLoop()
        self.verdicts = {side: list(items) for side, items in case.get("verdicts", {}).items()}
        self.calls: dict[str, list[list[Any]]] = {"client": [], "upstream": []}
        self.waiting: dict[str, tuple[Any, Any] | None] = {"client": None, "upstream": None}
        self.decided: list[tuple[Any, ...]] = []
        self.options = ProxyOptions.of(**case.get("options", {}))
        self.hook = self._hook if case.get("hook") else None
        self.policies = self._policies(case.get("deflate"))
        self.session = Session(self.options, self.policies, self.loop.time())
        self.peers = {name: Peer(self.loop, name) for name in ("client", "upstream")}
        self.client_left = 0
        self.driver = driver_module.Driver(
            self.loop,
            self.session,
            self.peers["client"].ours,
            self.peers["upstream"].ours,
            self._client_left,  # type: ignore[arg-type]
        )
        self.driver.start()
        self.loop.settle()

    def _policies(self, deflate: Any) -> Policies:
        self.deflate = deflate
        plain = policies_of(self.options, self.hook)
        if not deflate:
            return plain
        if deflate.get("mode") == "pass":
            return passing(plain)
        legs = [Deflate(*deflate[side]) if deflate.get(side) else None for side in ("client", "upstream")]
        return terminated(plain, self.options, *legs)

    def _client_left(self) -> None:
        self.client_left += 1

    def _hook(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        verdict = self.verdicts[origin].pop(0) if self.verdicts.get(origin) else ["keep"]
        call = [typ, payload, last, code, verdict]
        self.calls[origin].append(call)
        if verdict[0] == "later":
            call[4] = ["pending"]
            future = self.loop.create_future()
            self.waiting[origin] = (future, (verdict[1], call))
            return future
        if verdict[0] == "end":
            self._close(1000, "bye", 1000, "bye")
            return payload
        return _result(verdict, payload)

    def link(self, side: str) -> Any:
        return self.driver.client if side == "client" else self.driver.upstream

    def step(self, step: list[Any]) -> None:
        """Do one step of the case; what makes no sense any more is left out."""
        getattr(self, "_" + step[0])(*step[1:])
        if step[0] != "ready":
            self.loop.settle()

    def _says(self, side: str, data: str) -> None:
        self.peers[side].says(bytes_of(data))

    def _ready(self, callbacks: int) -> None:
        # What comes next finds a loop that is in the middle of its work.
        self.loop.settle(min(callbacks, 100))

    def _time(self, seconds: float) -> None:
        self.loop.advance(min(seconds, 100.0))

    def _answer(self, side: str) -> None:
        waiting, self.waiting[side] = self.waiting[side], None
        if waiting is None:
            return
        future, (verdict, call) = waiting
        if future.cancelled():
            return
        call[4] = verdict
        try:
            future.set_result(_result(verdict, call[1]))
        except Raised as error:
            future.set_exception(error)

    def _inject(self, side: str, typ: str, payload: str) -> None:
        leg = self.session.leg(side)
        if self.driver.done.done() or leg.state not in (State.OPEN, State.RECEIVED):
            return
        peer = self.peers[side]
        mark = f"~{side}{len(peer.injected)}~".encode()
        data = mark if typ == "text" else mark + bytes_of(payload)
        peer.injected.append(({"text": 1, "binary": 2, "ping": PING, "pong": PONG}[typ], data[:125]))
        self.driver.inject(side, typ, data[:125])

    def _pong(self, side: str) -> None:
        """The peer answers the last ping that it has got, if it stands between two of its own frames."""
        peer = self.peers[side]
        pings = [one.payload for one in frames_of(peer.data)[0] if one.opcode == PING]
        if pings:
            peer.says(frame(PONG, pings[-1], True, b"\1\2\3\4" if side == "client" else False))

    def _pause(self, side: str) -> None:
        if not self.driver.done.done():
            self.driver.pause(side, True)

    def _resume(self, side: str) -> None:
        if not self.driver.done.done():
            self.driver.pause(side, False)

    def _stop(self, side: str) -> None:
        self.peers[side].transport.pause_reading()

    def _go(self, side: str) -> None:
        self.peers[side].transport.resume_reading()

    def _close(self, code: int, reason: str, other_code: int, other_reason: str) -> None:
        if not self.driver.done.done():
            self.decided.append((code, reason.encode(), other_code, other_reason.encode()))
            self.driver.end("policy", client=(code, reason.encode()), upstream=(other_code, other_reason.encode()))

    def _drain(self) -> None:
        if not self.driver.done.done():
            self.driver.end("drain")

    def _fin(self, side: str) -> None:
        self.peers[side].gone = self.peers[side].gone or "fin"
        self.peers[side].transport.shutdown()

    def _reset(self, side: str) -> None:
        self.peers[side].gone = "reset"
        self.peers[side].transport.abort()

    @property
    def quiet(self) -> bool:
        """Whether the session is open and everything that was sent has come through."""
        session, links = self.session, [self.link(side) for side in self.peers]
        return (
            session.client.state is State.OPEN
            and session.upstream.state is State.OPEN
            and all(link.leg.incoming.mode == RELAY and link.leg.incoming.pending is None for link in links)
            and all(not peer.ours.queued and not peer.transport.queued for peer in self.peers.values())
            and not any(peer.gone for peer in self.peers.values())
        )

    def snapshot(self) -> tuple[Any, ...]:
        """What can be seen of both builds, to be compared."""
        lanes = [self.session.client.incoming, self.session.upstream.incoming]
        return (
            [(frames_of(peer.data), peer.ends) for peer in self.peers.values()],
            [(peer.ours.queued, peer.transport.queued) for peer in self.peers.values()],
            [(lane.frames, lane.messages, lane.payload_bytes, lane.dropped, lane.changed, lane.mode) for lane in lanes],
            [(lane.mid_frame, lane.mid_message, lane.queue, lane.buffered()) for lane in lanes],
            (self.session.client.state, self.session.upstream.state, self.driver.client.reading),
            (self.driver.upstream.reading, self.driver.done.done(), str(self.session.record.error)),
            {side: list(map(str, calls)) for side, calls in self.calls.items()},
        )


def _result(verdict: list[Any], payload: bytes) -> Any:
    kind = verdict[0]
    if kind == "raise":
        raise Raised
    if kind == "keep":
        return payload
    if kind == "change":
        return bytes_of(verdict[1])
    if kind == "code":
        return bytes_of(verdict[1]), verdict[2]
    return {"drop": None, "drop pair": (None, 1000), "wrong": 17}[kind]


def frames_of(data: bytes | bytearray) -> tuple[list[Any], bytes]:
    """The whole frames at the beginning of ``data``, and what is left."""
    found, rest = [], bytes(data)
    while (wire := split(rest)) is not None:
        found.append(wire.frame)
        rest = rest[len(wire.octets) :]
    return found, rest


@contextmanager
def on_build(name: str) -> Iterator[None]:
    """Sessions are made of the hot modules of this build, and their pings are no secret."""
    build, numbers = Build(name), iter(range(1 << 60))
    tcp = build.tcp
    with (
        patch.object(session_module, "Parser", build.Parser),
        patch.object(session_module, "Lane", build.Lane),
        patch.object(session_module, "os", SimpleNamespace(urandom=lambda size: b"%08d" % next(numbers))),
        patch.object(driver_module, "Conduit", build.module("framegate._conduit").Conduit),
        patch.object(memory, "Receiver", tcp.Receiver),
    ):
        yield


class Complaints(logging.Handler):
    """What the session's log says that no peer and no hook may bring about."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.faults: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("internal error"):
            assert record.exc_info is not None and record.exc_info[1] is not None
            self.faults.append(record.exc_info[1])
