"""An upstream of many moods: each connection is treated in another way."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

from tests.kit import raw
from tests.kit.frames import BINARY, TEXT, Frame, close, frame
from tests.kit.raw import RawPeer

_turn = itertools.count()


async def refuse(peer: RawPeer) -> None:
    await raw.answer(b"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nno!\n")(peer)


async def reset_at_once(peer: RawPeer) -> None:
    peer.reset()


async def say_nothing(peer: RawPeer) -> None:
    await peer.gone(30)


async def nonsense(peer: RawPeer) -> None:
    await raw.answer(b"HTTP/1.1 101 Yes\r\nUpgrade: no\r\n\r\n")(peer)


async def half_answer(peer: RawPeer) -> None:
    await raw.answer(b"HTTP/1.1 101 Switching Pro")(peer)


async def bad_frame(peer: RawPeer) -> None:
    await raw.accept(then=frame(TEXT, b"x", mask=b"\1\2\3\4"))(peer)
    await peer.gone(30)


async def never_closing(peer: RawPeer) -> None:
    await raw.accept()(peer)
    peer.send(close(1000))
    await peer.gone(30)


async def deaf(peer: RawPeer) -> None:
    await raw.accept()(peer)
    peer.stop_reading()
    await asyncio.sleep(4)
    peer.reset()


async def torn(peer: RawPeer) -> None:
    await raw.accept(then=frame(BINARY, b"y" * 100, announced=5000, length_form=16))(peer)
    await asyncio.sleep(0.1)
    peer.reset()


async def leaving(peer: RawPeer) -> None:
    await raw.accept()(peer)
    peer.send(Frame(TEXT, b"bye"))
    peer.close()


_MOODS = (refuse, reset_at_once, nonsense, half_answer, bad_frame, never_closing, deaf, torn, leaving, say_nothing)


async def moody(peer: RawPeer) -> None:
    """The next mood's turn; the connection does not outlive it."""
    try:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            await _MOODS[next(_turn) % len(_MOODS)](peer)
    finally:
        await peer.release()
