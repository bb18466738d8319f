"""From a host to a connected socket: which address wins, how long the others are waited for, and what is left open."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from framegate.resolve import Address, addresses, connect_first, family_of

V4, V6 = socket.AF_INET, socket.AF_INET6


@contextmanager
def listener(family: int = V4) -> Iterator[Address]:
    """An address that takes connections."""
    with socket.socket(family) as sock:
        sock.bind(("127.0.0.1" if family == V4 else "::1", 0))
        sock.listen()
        yield family, sock.getsockname()[:2]


@contextmanager
def refusing(family: int = V4) -> Iterator[Address]:
    """An address that refuses connections."""
    with socket.socket(family) as sock:
        sock.bind(("127.0.0.1" if family == V4 else "::1", 0))
        yield family, sock.getsockname()[:2]


@contextmanager
def hanging(family: int = V4) -> Iterator[Address]:
    """An address that neither takes nor refuses connections: its queue is full."""
    with ExitStack() as stack:
        sock = stack.enter_context(socket.socket(family))
        sock.bind(("127.0.0.1" if family == V4 else "::1", 0))
        sock.listen(0)
        address = sock.getsockname()[:2]
        for _ in range(8):
            waiting = stack.enter_context(socket.socket(family))
            waiting.settimeout(0.1)
            try:
                waiting.connect(address)
            except TimeoutError:
                yield family, address
                return
        pytest.skip("this system's queues of listening sockets are never full")


async def connected(*to: Address, delay: float = 0.25) -> tuple[Address, float]:
    """The address that won, and how long it took."""
    began = time.monotonic()
    with await connect_first(asyncio.get_running_loop(), to, delay=delay) as sock:
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        return (sock.family, sock.getpeername()[:2]), time.monotonic() - began


@pytest.mark.parametrize(
    ("host", "family"),
    [("10.0.0.1", V4), ("::1", V6), ("chat.test", None), ("", None), ("fe80::1%lo", None), ("1.2.3", None)],
)
def test_addresses_are_told_from_names(host: str, family: int | None) -> None:
    assert family_of(host) == family


async def test_an_address_is_its_own_address() -> None:
    assert await addresses("10.0.0.1", 80) == [(V4, ("10.0.0.1", 80))]
    assert await addresses("::1", 80) == [(V6, ("::1", 80))]


async def test_a_name_has_the_addresses_that_the_system_knows(loop_kind: str) -> None:
    assert (V4, ("127.0.0.1", 80)) in await addresses("localhost", 80)


async def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(OSError):
        await addresses("nobody.invalid", 80)


async def test_the_first_address_that_takes_the_connection_wins(loop_kind: str) -> None:
    with listener() as one, listener() as two:
        assert (await connected(one, two))[0] == one
        assert (await connected(one))[0] == one


async def test_an_address_that_refuses_is_left_at_once(loop_kind: str) -> None:
    with refusing() as dead, refusing(V6) as dead6, listener() as alive:
        winner, took = await connected(dead, dead6, alive, delay=60)
        assert winner == alive
        assert took < 30, "a refusal is not waited for"


async def test_an_address_that_hangs_gets_company_after_the_delay(loop_kind: str) -> None:
    with hanging() as slow, listener(V6) as alive:
        winner, took = await connected(slow, alive)
        assert winner == alive
        assert took >= 0.24


async def test_families_alternate(loop_kind: str) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(hanging(V6)) for _ in range(3)]
        alive = stack.enter_context(listener())
        winner, took = await connected(*slow, alive, delay=0.5)
        assert winner == alive
        assert took < 1.4, "the other family is the second to be tried, after 0.5 seconds, not the fourth"


async def test_an_address_that_hangs_may_still_win() -> None:
    with hanging() as slow, refusing() as dead, listener() as alive:
        assert (await connected(slow, dead, alive, delay=0.05))[0] == alive


async def test_where_none_takes_it_each_has_its_say(loop_kind: str) -> None:
    with refusing() as one, refusing(V6) as two:
        with pytest.raises(OSError) as caught:
            await connected(one, two)
        assert str(caught.value).lower().count("refused") >= 1 or str(caught.value).lower().count("connect call") >= 1


async def test_without_addresses_there_is_no_connection() -> None:
    with pytest.raises(OSError, match="there is no address"):
        await connected()


def open_sockets() -> set[int]:
    gc.collect()
    return {each.fileno() for each in gc.get_objects() if isinstance(each, socket.socket)} - {-1}


async def test_the_losers_and_a_cancelled_race_leave_nothing_open(loop_kind: str) -> None:
    with hanging() as slow, hanging(V6) as slow6, listener() as alive:
        before = open_sockets()
        await connected(slow, slow6, alive, delay=0.02)
        race = asyncio.ensure_future(connected(slow, slow6, delay=0.02))
        await asyncio.sleep(0.1)
        assert len(open_sockets() - before) == 2
        race.cancel()
        with pytest.raises(asyncio.CancelledError):
            await race
        assert open_sockets() == before
