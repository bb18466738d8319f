"""What is particular to transports in memory."""

from __future__ import annotations

import asyncio

import pytest

from framegate.transport.memory import memory_pair
from tests.kit.pairs import Kind, turns, until


async def test_the_ends_have_names() -> None:
    near, far = memory_pair(asyncio.get_running_loop(), ("client", "gateway"))
    assert (near.get_extra_info("sockname"), near.get_extra_info("peername")) == ("client", "gateway")
    assert (far.get_extra_info("sockname"), far.get_extra_info("peername")) == ("gateway", "client")
    assert near.get_extra_info("socket") is None
    assert near.get_extra_info("ssl_object") is None


async def test_nothing_is_delivered_within_write() -> None:
    near, _, _, notes = Kind("memory").talk()
    near.write(bytearray(b"later"), None, 0, 0)
    assert notes.data == b""
    await until(lambda: notes.data == b"later")


async def test_an_abort_is_seen_as_a_reset() -> None:
    near, _, _, notes = Kind("memory").talk()
    near.abort()
    await until(lambda: notes.ends)
    assert isinstance(notes.ends[0], ConnectionResetError)


async def test_what_is_written_in_one_turn_arrives_as_one_read() -> None:
    reads = []

    class Counting:
        def received(self, data: bytearray, start: int, end: int) -> None:
            reads.append(bytes(data[start:end]))

    near, far = memory_pair(asyncio.get_running_loop())
    far.set_receiver(Counting())
    far.resume_reading()
    for part in (b"a", b"b", b"c"):
        near.write(bytearray(part), None, 0, 0)
    await until(lambda: reads)
    near.write(None, bytearray(b"d"), 0, 1)
    await until(lambda: len(reads) == 2)
    assert reads == [b"abc", b"d"]


@pytest.mark.parametrize("how", ["close", "leave"])
async def test_who_writes_to_an_end_that_was_aborted_can_still_close(how: str) -> None:
    near, _, far, _ = Kind("memory").talk()
    far.abort()
    near.write(bytearray(b"nobody reads this"), None, 0, 0)
    await turns()
    getattr(near, how)()
    await turns()
    assert not near.is_open()
