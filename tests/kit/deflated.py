"""Raw peers that speak permessage-deflate on Python's own zlib (RFC 7692)."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.kit import raw
from tests.kit.frames import CONTINUATION, TEXT, Frame
from tests.kit.gateway import Conversation, proxied
from tests.kit.raw import RawPeer

FIELD = "Sec-WebSocket-Extensions"
DEFLATE = "permessage-deflate"
OFFER = f"{DEFLATE}; client_max_window_bits"
RSV1 = 4
TAIL = b"\x00\x00\xff\xff"


class Speaker:
    """What one end of a leg says and hears.

    Args:
        peer: that end.
        takeover: whether it keeps its context for what it sends, and the other end likewise.
        window_bits: the window of what it sends.
        heard_bits: the window of what it is sent.
    """

    def __init__(self, peer: RawPeer, takeover: bool = True, window_bits: int = 15, heard_bits: int = 15) -> None:
        self.peer = peer
        self._takeover = takeover
        self._bits = (-window_bits, -heard_bits)
        self._reset()
        self._compressed = False

    def _reset(self) -> None:
        self._encoder = zlib.compressobj(6, zlib.DEFLATED, self._bits[0])
        self._decoder = zlib.decompressobj(self._bits[1])

    def frames(self, *fragments: bytes, opcode: int = TEXT) -> list[Frame]:
        """A compressed message in so many fragments."""
        made = []
        for number, fragment in enumerate(fragments, 1):
            data = self._encoder.compress(fragment) + self._encoder.flush(zlib.Z_SYNC_FLUSH)
            fin = number == len(fragments)
            if fin:
                data = data.removesuffix(TAIL) or b"\x00"
            made.append(Frame(CONTINUATION, data, fin) if number > 1 else Frame(opcode, data, fin, RSV1))
        if not self._takeover:
            self._encoder = zlib.compressobj(6, zlib.DEFLATED, self._bits[0])
        return made

    def says(self, *fragments: bytes, opcode: int = TEXT) -> None:
        self.peer.send(*self.frames(*fragments, opcode=opcode))

    async def hears(self) -> Frame:
        """The next frame with its plain payload; RSV1 stays where it stood."""
        frame = await self.peer.recv()
        if frame.opcode > 2:
            return frame
        if frame.opcode != CONTINUATION:
            self._compressed = frame.rsv == RSV1
        return frame._replace(payload=self._inflated(frame)) if self._compressed else frame

    def _inflated(self, frame: Frame) -> bytes:
        plain = self._decoder.decompress(frame.payload + (TAIL if frame.fin else b""))
        if frame.fin and not self._takeover:
            self._decoder = zlib.decompressobj(self._bits[1])
        return plain


class Deflated:
    """A conversation whose ends may compress."""

    def __init__(self, conversation: Conversation, takeover: bool = True) -> None:
        self.conversation = conversation
        self.client = Speaker(conversation.client, takeover)
        self.upstream = Speaker(conversation.upstream, takeover)

    def ends(self, side: str) -> tuple[Speaker, Speaker]:
        """The speaker of this side, and the other one."""
        return (self.client, self.upstream) if side == "client" else (self.upstream, self.client)

    def selected(self) -> str | None:
        """What the client's 101 has selected."""
        return self.conversation.client.head.get(FIELD)

    def offered(self) -> str | None:
        """What the upstream was offered."""
        return self.conversation.upstream.head.get(FIELD)


@asynccontextmanager
async def compressed(
    on_frame: Any = None,
    *,
    offer: str | None = OFFER,
    answer: str | None = DEFLATE,
    takeover: bool = True,
    then: bytes = b"",
    **how: Any,
) -> AsyncIterator[Deflated]:
    """A session whose client makes this offer and whose upstream gives this answer.

    Args:
        takeover: whether the ends keep their contexts.
        then: bytes that the upstream sends right behind its 101.
        how: as for :func:`tests.kit.gateway.proxied`.
    """
    extra = () if offer is None else ((FIELD, offer),)
    script = raw.accept(extra=() if answer is None else ((FIELD, answer),), then=then)
    async with proxied(on_frame, extra=extra, script=script, **how) as conversation:
        yield Deflated(conversation, takeover)
