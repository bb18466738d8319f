"""A conversation over a running gateway: a raw client, the library between, a raw upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import framegate
from tests.kit import heads, raw
from tests.kit.raw import PATIENCE, RawPeer, RawUpstream, Script


class Conversation:
    """What a test needs of one session.

    Attributes:
        client, upstream: the raw peers on both sides.
        proxy, request: those of the handler.
        server: the gateway's server.
        record: a future with what ``execute()`` returned or raised.
    """

    client: RawPeer
    upstream: RawPeer
    proxy: framegate.Proxy
    request: framegate.Request
    server: framegate.Server
    origin: RawUpstream
    execution: asyncio.Task[Any]

    def __init__(self) -> None:
        self.record: asyncio.Future[framegate.SessionRecord] = asyncio.get_running_loop().create_future()
        # A test that does not look at the record is not to be told of its exception.
        self.record.add_done_callback(lambda done: done.cancelled() or done.exception())

    def ends(self, side: str) -> tuple[RawPeer, RawPeer]:
        """The peer of this side, and the other one."""
        return (self.client, self.upstream) if side == "client" else (self.upstream, self.client)

    async def finished(self, patience: float = PATIENCE) -> framegate.SessionRecord:
        """The session's record; what ``execute()`` raised is raised here.

        Both peers end their direction of TCP first, as peers do that have nothing more to say.
        """
        for peer in (self.client, self.upstream):
            peer.half_close()
        async with asyncio.timeout(patience):
            return await asyncio.shield(self.record)

    async def execute(self, proxy: framegate.Proxy) -> None:
        self.execution = asyncio.current_task()  # type: ignore[assignment]
        try:
            self.record.set_result(await proxy.execute())
        except asyncio.CancelledError:
            self.record.cancel()
            raise
        except Exception as error:
            self.record.set_exception(error)


@asynccontextmanager
async def proxied(
    on_frame: Any = None,
    *,
    proxy_class: Any = None,
    script: Script | None = None,
    request: bytes | None = None,
    extra: heads.Headers = (),
    connect: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    origin: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Conversation]:
    """A session whose two opening handshakes are done.

    Args:
        on_frame: the hook; left out of the options where it is None.
        proxy_class: a subclass of Proxy.
        script: what the upstream answers; by default it accepts.
        request, extra: the client's whole request, or fields to add to it.
        connect: arguments of ``connect()`` beside the URL.
        limits: the server's limits.
        origin: arguments of the upstream's listener.
        options: the Proxy's options.
    """
    conversation = Conversation()
    if on_frame is not None:
        options["on_frame"] = on_frame

    async def handler(incoming: framegate.Request) -> None:
        proxy = (proxy_class or framegate.Proxy)(incoming, **options)
        conversation.request, conversation.proxy = incoming, proxy
        await proxy.connect(upstream.url, **(connect or {}))
        await conversation.execute(proxy)

    async with (
        raw.raw_upstream(script, **(origin or {})) as upstream,
        framegate.serve(handler, "127.0.0.1", 0, **(limits or {})) as server,
    ):
        conversation.server, conversation.origin = server, upstream
        async with raw.connected(server.port, request=request, extra=extra) as client:
            conversation.client = client
            conversation.upstream = await upstream.accepted()
            try:
                yield conversation
            finally:
                await client.release()
                await upstream.release()
                await _settled(conversation)


async def _settled(conversation: Conversation) -> None:
    """The session ends with its peers; one whose hook is still pending is aborted."""
    await asyncio.wait([conversation.record], timeout=0.5)
    await conversation.server.drain(timeout=0.05)


@asynccontextmanager
async def serving(handler: Any, **limits: Any) -> AsyncIterator[framegate.Server]:
    """A server with a handler of the test's own on a port of 127.0.0.1; what is left at the end is soon aborted."""
    async with framegate.serve(handler, "127.0.0.1", 0, **limits) as server:
        yield server
        await server.drain(timeout=0.05)
