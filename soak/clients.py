"""The clients: good ones, who insist on right answers, and bad ones, of whom nothing is expected."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from random import Random

from tests.kit import heads, raw
from tests.kit.frames import BINARY, PING, PONG, TEXT, Frame, close, cont, frame, text

Client = Callable[[int, str, Random], Awaitable[None]]

PATIENCE = 15.0


async def _bid_farewell(peer: raw.RawPeer) -> None:
    peer.send(close(1000, "bye"))
    while (await peer.recv(PATIENCE)).opcode != 8:
        pass


async def echo(port: int, path: str, rng: Random) -> None:
    """Texts and fragments there and back."""
    async with raw.connected(port, path) as peer:
        for number in range(rng.randint(1, 8)):
            said = f"message {number} ß€" * rng.randint(1, 20)
            peer.send(text(said))
            assert (await peer.recv(PATIENCE)).payload == said.encode()
        peer.send(text("a", fin=False), cont("b", fin=True))
        whole = b""
        while whole != b"ab":
            whole += (await peer.recv(PATIENCE)).payload
        await _bid_farewell(peer)


async def large(port: int, path: str, rng: Random) -> None:
    """One large message there and back."""
    async with raw.connected(port, path) as peer:
        payload = os.urandom(rng.choice([70_000, 300_000]))
        peer.send(Frame(BINARY, payload))
        assert (await peer.recv(PATIENCE)).payload == payload
        await _bid_farewell(peer)


async def pings(port: int, path: str, rng: Random) -> None:
    """Pings, which the upstream answers."""
    async with raw.connected(port, path) as peer:
        for number in range(rng.randint(1, 10)):
            peer.send(Frame(PING, b"%d" % number))
            assert await peer.recv(PATIENCE) == Frame(PONG, b"%d" % number)
        await _bid_farewell(peer)


async def idle(port: int, path: str, rng: Random) -> None:
    """Nothing at all for a while."""
    async with raw.connected(port, path) as peer:
        await asyncio.sleep(rng.uniform(0.5, 3))
        await _bid_farewell(peer)


async def abort_while_connecting(port: int, path: str, rng: Random) -> None:
    async with raw.dialled(port) as peer:
        peer.reset()


async def half_handshake(port: int, path: str, rng: Random) -> None:
    """A part of a request; then the client waits for the 408, leaves, or resets."""
    request = heads.upgrade_request(path)
    async with raw.dialled(port) as peer:
        peer.send_raw(request[: rng.randrange(len(request))])
        await asyncio.sleep(rng.choice([0, 0.2]))
        await _ends(peer, rng)


async def bad_request(port: int, path: str, rng: Random) -> None:
    wrong = [b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\n\n", b"POST /x HTTP/1.1\r\n\r\n", b"A" * 9000, os.urandom(100)]
    async with raw.dialled(port) as peer:
        peer.send_raw(rng.choice([*wrong, heads.upgrade_request("/nowhere", replace={"Host": None})]))
        await peer.gone(PATIENCE)


async def abort_before_the_answer(port: int, path: str, rng: Random) -> None:
    async with raw.dialled(port) as peer:
        peer.send_raw(heads.upgrade_request(path))
        await asyncio.sleep(rng.choice([0, 0, 0.001]))
        await _ends(peer, rng, wait=False)


async def abort_after_the_answer(port: int, path: str, rng: Random) -> None:
    async with raw.connected(port, path) as peer:
        await _ends(peer, rng)


async def abort_in_a_frame(port: int, path: str, rng: Random) -> None:
    async with raw.connected(port, path) as peer:
        peer.send_raw(peer.encode(Frame(BINARY, b"x" * 9000))[: rng.randint(1, 9000)])
        await _ends(peer, rng)


async def abort_in_a_message(port: int, path: str, rng: Random) -> None:
    async with raw.connected(port, path) as peer:
        peer.send(text("begun", fin=False))
        await _ends(peer, rng)


async def abort_after_the_close_frame(port: int, path: str, rng: Random) -> None:
    async with raw.connected(port, path) as peer:
        peer.send(text("x" * 500), close(1000))
        await _ends(peer, rng)


async def bad_frame(port: int, path: str, rng: Random) -> None:
    wrong = [
        frame(TEXT, b"unmasked"),
        frame(TEXT, b"x", mask=True, rsv=2),
        frame(0, b"x", mask=True),
        frame(8, b"\x03\xed", mask=True),
        frame(11, b"x", mask=True),
        frame(TEXT, b"x", mask=True, length_form=64),
        os.urandom(30),
    ]
    async with raw.connected(port, path) as peer:
        peer.send(text("good"))
        peer.send_raw(rng.choice(wrong))
        await _ends(peer, rng)


async def oversized(port: int, path: str, rng: Random) -> None:
    """More than the limits of the route allow, where it has some."""
    async with raw.connected(port, path) as peer:
        peer.send(Frame(BINARY, b"z" * 1_100_000))
        await _ends(peer, rng)


async def slow_reader(port: int, path: str, rng: Random) -> None:
    """Asks for much and reads nothing."""
    async with raw.connected(port, path) as peer:
        peer.stop_reading()
        for _ in range(30):
            peer.send(Frame(BINARY, b"s" * 60_000))
        await asyncio.sleep(rng.uniform(0.5, 2))
        if rng.random() < 0.5:
            peer.read_on()
        await _ends(peer, rng)


async def never_closing(port: int, path: str, rng: Random) -> None:
    """Says goodbye and keeps the connection, until it is taken away."""
    async with raw.connected(port, path) as peer:
        peer.send(close(1000))
        await peer.gone(60)


async def no_answer_to_the_close(port: int, path: str, rng: Random) -> None:
    """Breaks a rule, and neither answers nor ends."""
    async with raw.connected(port, path) as peer:
        peer.stop_reading()
        peer.send_raw(frame(TEXT, b"unmasked"))
        await asyncio.sleep(3)
        peer.reset()


async def _ends(peer: raw.RawPeer, rng: Random, wait: bool = True) -> None:
    kind = rng.choice(["reset", "close", "half", "wait"] if wait else ["reset", "close", "half"])
    if kind == "reset":
        peer.reset()
    elif kind == "close":
        peer.close()
    else:
        if kind == "half":
            peer.half_close()
        with contextlib.suppress(TimeoutError):
            await peer.gone(rng.uniform(1, 5))


GOOD: tuple[Client, ...] = (echo, echo, echo, large, pings, idle)

BAD: tuple[Client, ...] = (
    abort_while_connecting,
    half_handshake,
    bad_request,
    abort_before_the_answer,
    abort_after_the_answer,
    abort_in_a_frame,
    abort_in_a_message,
    abort_after_the_close_frame,
    bad_frame,
    oversized,
    slow_reader,
    never_closing,
    no_answer_to_the_close,
)
