"""What watches the sockets of a loop."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from typing import Any

import pytest

from tests.kit.pairs import Kind, turns, until

pytestmark = pytest.mark.usefixtures("loop_kind")

READ, WRITE = 1, 2


def watcher(tcp: Kind, events: list[int]) -> Any:
    base = tcp.build.module("framegate.transport._poller").Watcher
    return type("Watching", (base,), {"ready": lambda self, seen: events.append(seen)})()


class TestReadiness:
    """Who watches a descriptor is told when it can be read or written, as long as he watches."""

    async def test_reading(self, tcp: Kind) -> None:
        poller, events = tcp.poller(), []
        ours, theirs = socket.socketpair()
        watching = watcher(tcp, events)
        poller.change(ours.fileno(), watching, 0, READ)
        await turns()
        assert events == []
        theirs.send(b"x")
        await until(lambda: events)
        assert set(events) == {READ}
        poller.change(ours.fileno(), watching, READ, 0)
        events.clear()
        await turns()
        assert events == []
        ours.close()
        theirs.close()

    async def test_writing(self, tcp: Kind) -> None:
        poller, events = tcp.poller(), []
        ours, theirs = socket.socketpair()
        watching = watcher(tcp, events)
        poller.change(ours.fileno(), watching, 0, WRITE)
        await until(lambda: events)
        assert set(events) == {WRITE}
        poller.change(ours.fileno(), watching, WRITE, WRITE)
        poller.change(ours.fileno(), watching, WRITE, 0)
        events.clear()
        await turns()
        assert events == []
        ours.close()
        theirs.close()

    async def test_from_one_to_the_other_and_both(self, tcp: Kind) -> None:
        poller, events = tcp.poller(), []
        ours, theirs = socket.socketpair()
        theirs.send(b"x")
        watching = watcher(tcp, events)
        poller.change(ours.fileno(), watching, 0, READ)
        poller.change(ours.fileno(), watching, READ, READ | WRITE)
        await until(lambda: sum(set(events)) >= READ | WRITE)
        poller.change(ours.fileno(), watching, READ | WRITE, WRITE)
        events.clear()
        await until(lambda: events)
        assert set(events) == {WRITE}
        poller.change(ours.fileno(), watching, WRITE, 0)
        ours.close()
        theirs.close()

    async def test_a_descriptor_may_be_used_again(self, tcp: Kind) -> None:
        poller, first, second = tcp.poller(), [], []
        for events in (first, second):
            ours, theirs = socket.socketpair()
            watching = watcher(tcp, events)
            theirs.send(b"x")
            poller.change(ours.fileno(), watching, 0, READ)
            await until(lambda seen=events: seen)
            poller.change(ours.fileno(), watching, READ, 0)
            ours.close()
            theirs.close()
            first.clear()
        assert first == []


@pytest.mark.parametrize("name", ["pure", "compiled"])
async def test_an_epoll_set_with_nothing_in_it_is_not_watched(name: str) -> None:
    kind = Kind(name)
    poller = kind.poller()
    ours, theirs = socket.socketpair()
    watching = watcher(kind, [])
    poller.change(ours.fileno(), watching, 0, READ)
    assert poller.count == 1
    poller.change(ours.fileno(), watching, READ, 0)
    assert poller.count == 0
    ours.close()
    theirs.close()


def test_a_loop_that_has_gone_takes_its_poller_along(loop_kind: str) -> None:
    from framegate.transport import poller_of

    if loop_kind == "uvloop":
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    poller_of(loop)
    gone = weakref.ref(loop)
    loop.close()
    del loop
    gc.collect()
    assert gone() is None
