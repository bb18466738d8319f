"""small things that every connection pays: timers, keys of tables, checked fields, last words."""

from __future__ import annotations

import asyncio
import enum
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

from framegate.handshake.grammar import check_field, check_fields

from .deadlines import Deadlines
from .figures import Figures
from .plan import Plan
from .proxies import without

FIELDS = (
    ("Host", "backend.internal:8080"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"), ("Origin", "https://app.example.com"),
    ("Accept-Language", "en-GB,en;q=0.9"), ("Cookie", "session=0123456789abcdef; theme=dark"),
    ("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https"), ("X-Request-Id", "4c1f0a2e"),
)  # fmt: skip
Turn = Callable[[int], Awaitable[float]]
# So many between two turns of the loop, in which it gives up what was cancelled.
_A_TURN = 8
BEFORE, AFTER = "before", "after"


def needs() -> str | None:
    return without("uvloop")


def run(plan: Plan) -> Figures:
    import uvloop

    figures = Figures("ns, before the change and after it", BEFORE, digits=0)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_deadlines(plan, figures, "a deadline made and cancelled"))
        runner.run(_others(plan, figures))
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(_deadlines(plan, figures, "the same on asyncio's loop"))
    return figures


async def _deadlines(plan: Plan, figures: Figures, column: str) -> None:
    loop = asyncio.get_running_loop()
    timers, heap = _timed(_by_timers(loop), _A_TURN), _timed(_by_a_heap(loop), _A_TURN)
    await _measure(plan, figures, column, timers, heap)


async def _others(plan: Plan, figures: Figures) -> None:
    for column, before, after in (
        ("a look into a table by two members", _timed(_by(enum.Enum)), _timed(_by(enum.IntEnum))),
        ("twelve fields checked", _timed(_one_by_one), _timed(_all_at_once)),
        ("last words and end of stream, both ends", _with_end(0), _with_end(getattr(socket, "MSG_MORE", 0))),
    ):
        await _measure(plan, figures, column, before, after)


async def _measure(plan: Plan, figures: Figures, column: str, before: Turn, after: Turn) -> None:
    for name, turn in plan.turns([(BEFORE, before), (AFTER, after)]):
        figures.add(name, column, await turn(max(50, int(plan.seconds * 2e4))))


def _timed(once: Callable[[], object], each: int = 0) -> Turn:
    async def turn(times: int) -> float:
        before = time.process_time_ns()
        for number in range(times):
            once()
            if each and number % each == 0:
                await asyncio.sleep(0)
        return (time.process_time_ns() - before) / times

    return turn


def _nothing() -> None:
    pass


def _by_timers(loop: asyncio.AbstractEventLoop) -> Callable[[], object]:
    return lambda: loop.call_later(60.0, _nothing).cancel()


def _by_a_heap(loop: asyncio.AbstractEventLoop) -> Callable[[], object]:
    deadlines = Deadlines(loop)
    # As in a server: others wait meanwhile.
    for _ in range(16):
        deadlines.call_later(3600.0, _nothing)
    return lambda: deadlines.call_later(60.0, _nothing).cancel()


def _by(kind: Any) -> Callable[[], object]:
    state, event = kind("State", {"OPEN": 0, "SENT": 1}), kind("Event", {"CLOSE": 2, "EOF": 3})
    table = {(one, other): 0 for one in state for other in event}
    first, second = state["OPEN"], event["CLOSE"]
    return lambda: table[first, second]


def _one_by_one() -> None:
    for name, value in FIELDS:
        check_field(name, value)


def _all_at_once() -> None:
    check_fields(FIELDS)


def _with_end(flags: int) -> Turn:
    async def turn(times: int) -> float:
        taken, count = 0, max(1, times // 50)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            for _ in range(count):
                with socket.create_connection(listener.getsockname()) as client, listener.accept()[0] as server:
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    before = time.process_time_ns()
                    client.send(b"\x88\x02\x03\xe8", flags)
                    client.shutdown(socket.SHUT_WR)
                    while server.recv(16):
                        pass
                    taken += time.process_time_ns() - before
        return taken / count

    return turn
