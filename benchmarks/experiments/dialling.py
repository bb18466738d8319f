"""reaching a numeric address from uvloop: the loop's sock_connect or a connect() of our own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable

from framegate.transport import poller_of
from framegate.transport.connecting import begin_connecting, connected_socket

from .figures import Figures
from .plan import Plan
from .proxies import without

OWN, WAITED, LOOP = "connect() and first words at once", "connect(), then writable", "the loop's sock_connect"
AT_ONCE = 8


def needs() -> str | None:
    return without("uvloop")


def run(plan: Plan) -> Figures:
    import uvloop

    figures = Figures("CPU µs a connection, eight at a time, with what it takes to accept them", LOOP, digits=1)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_measure(plan, figures))
    return figures


async def _measure(plan: Plan, figures: Figures) -> None:
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    address = listener.getsockname()
    threading.Thread(target=_accept, args=(listener,), daemon=True).start()

    async def at_once() -> None:
        sock, sent = begin_connecting(socket.AF_INET, address, b"x")
        assert sent == 1
        sock.close()

    async def waited() -> None:
        sock = await connected_socket(poller_of(loop), socket.AF_INET, address)
        sock.send(b"x")
        sock.close()

    async def by_the_loop() -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, address)
        sock.send(b"x")
        sock.close()

    ways: list[tuple[str, Callable[[], Awaitable[None]]]] = [(LOOP, by_the_loop), (WAITED, waited), (OWN, at_once)]
    count = max(AT_ONCE, int(1000 * plan.seconds))
    for name, way in plan.turns(ways):
        figures.add(name, "127.0.0.1", await _timed(way, count))
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


async def _timed(way: Callable[[], Awaitable[None]], count: int) -> float:
    async def some() -> None:
        for _ in range(count // AT_ONCE):
            await way()

    # Of all threads: the loop's pool is one of the costs. The accepting one takes the same calls for all ways.
    before = time.process_time_ns()
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return (time.process_time_ns() - before) / 1e3 / (count // AT_ONCE * AT_ONCE)


def _accept(listener: socket.socket) -> None:
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return
