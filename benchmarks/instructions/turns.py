"""What the scenarios do: each function makes its objects once, as a session is put together, and returns one *turn*.

A turn runs again and again. It has been checked once that it does what it is counted for.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from framegate.driver import Driver
from framegate.handshake import (
    AnswerReader,
    RequestHead,
    RequestReader,
    build_upstream_request,
    check_opening_request,
    request_headers_for_upstream,
    response_headers_for_client,
    switching_protocols,
)
from framegate.options import ProxyOptions
from framegate.pdk.exchange import Exchange
from framegate.pdk.failure import Watch
from framegate.pdk.plugin import PluginType, instantiate
from framegate.pdk.run import chain
from framegate.session.policy import policies_of
from framegate.session.session import Session
from framegate.transport import TcpTransport, poller_of

from . import wire
from .wire import BINARY, CONTINUATION, TEXT

Turn = Callable[[], object]
Hook = Callable[..., Any]

READ = 256 * 1024
"""Bytes that one read takes at the most."""


def same(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    """A hook that changes nothing."""
    return payload


def _session(hook: Hook | None, **options: Any) -> Session:
    chosen = ProxyOptions.of(**options)
    return Session(chosen, policies_of(chosen, hook), 0.0)


def lane(frames: list[bytes], hook: Hook | None = same, **options: Any) -> Turn:
    """Frames of a client through the lane of a session, in reads of at most ``READ`` bytes."""
    lane = _session(hook, **options).client.incoming
    data = b"".join(frames)
    reads = [bytearray(data[at : at + READ]) for at in range(0, len(data), READ)]
    feed, written = lane.feed, lane.written

    def turn() -> None:
        for read in reads:
            if feed(read, 0, len(read)):
                raise AssertionError(f"the lane has stopped: {lane.failure!r} {lane.parser.error}")
            written()

    turn()
    assert lane.frames == len(frames) and lane.buffered() == 0, "not every frame has passed"
    return turn


def relayed(size: int, count: int) -> Callable[[], Turn]:
    """Binary frames that nothing looks at."""
    return lambda: lane([wire.frame(bytes(size))] * count, None)


def seen(payload: bytes, opcode: int, count: int) -> Callable[[], Turn]:
    """Frames that a hook returns as they are."""
    return lambda: lane([wire.frame(payload, opcode)] * count)


def edited(size: int, count: int) -> Callable[[], Turn]:
    """Frames whose last byte a hook has changed; toward the upstream they are masked anew."""
    after = wire.ascii_text(size - 1) + b"Z"
    return lambda: lane([wire.frame(wire.ascii_text(size), BINARY)] * count, lambda *frame: after)


def joined() -> Turn:
    """A message in four fragments, joined for a hook that returns it as it is."""
    pieces = [(TEXT, False), (CONTINUATION, False), (CONTINUATION, False), (CONTINUATION, True)]
    frames = [wire.frame(wire.ascii_text(64), opcode, fin) for opcode, fin in pieces]
    return lane(frames * 4, aggregate_fragments=True)


class _Plugin:
    def __init__(self, config: Any) -> None:
        pass

    def ws_client_frame(self, kong: Any) -> None:
        kong.websocket.client.get_frame()


def plugins(count: int) -> Callable[[], Turn]:
    """Texts that so many plugins look at."""

    def make() -> Turn:
        chosen = [instantiate(PluginType(f"p{n}", _Plugin), str(n), {}) for n in range(count)]
        hook = chain("client", Exchange(), chosen, Watch())
        return lane([wire.frame(wire.ascii_text(64), TEXT)] * 8, hook)

    return make


def conduit(hook: Hook | None) -> Callable[[], Turn]:
    """Frames from one socket to the other: poller, transport, conduit, lane, transport."""

    def make() -> Turn:
        # The loop lends its clock and does not run: the poller is drained by hand.
        loop = asyncio.new_event_loop()
        poller = poller_of(loop)
        (client, ours), (upstream, theirs) = socket.socketpair(), socket.socketpair()
        for sock in (client, ours, upstream, theirs):
            sock.setblocking(False)
        session = _session(hook)
        driver = Driver(loop, session, TcpTransport(poller, ours, 65536), TcpTransport(poller, theirs, 65536))
        driver.start()
        batch = wire.frame(wire.ascii_text(64), BINARY) * 8
        into = bytearray(2 * len(batch))
        send, drain, receive = client.send, poller.drain, upstream.recv_into

        def turn() -> None:
            send(batch)
            drain()
            if receive(into) != len(batch):
                raise AssertionError("the batch did not come out as it went in")

        turn()
        assert bytes(into[: len(batch)]) == batch
        return turn

    return make


def opening_request() -> Turn:
    """The client's request: read and checked."""

    def turn() -> RequestHead:
        head = RequestReader().feed(wire.REQUEST)
        assert head is not None
        fields = head.headers  # held, as a connection does while its handshake lasts
        check_opening_request(head)
        assert len(fields) == 14
        return head

    turn()
    return turn


def upstream_request() -> Turn:
    """The request to the upstream: the client's fields, what is known of the client, the bytes."""
    head = RequestReader().feed(wire.REQUEST)
    assert head is not None
    held = head.headers

    def turn() -> None:
        fields = request_headers_for_upstream(head, client_host="192.0.2.7", scheme="wss", server_port=443)
        built = build_upstream_request(
            host="backend.internal:8080", target=head.target, headers=fields, subprotocols=head.subprotocols
        )
        assert len(built.wire) > len(wire.REQUEST) / 2

    turn()
    assert held["Upgrade"] == "websocket"
    return turn


def upstream_answer() -> Turn:
    """The upstream's 101: read and verified."""
    answer = wire.answer()

    def turn() -> None:
        read = AnswerReader(wire.UPSTREAM_KEY, offered=("chat.v2", "chat.v1")).feed(answer)
        assert read is not None and read.subprotocol == "chat.v2"

    turn()
    return turn


def switching() -> Turn:
    """The 101 to the client, with the upstream's end-to-end fields."""
    read = AnswerReader(wire.UPSTREAM_KEY, offered=("chat.v2",)).feed(wire.answer())
    assert read is not None

    def turn() -> None:
        fields = response_headers_for_client(read.headers)
        said = switching_protocols("dGhlIHNhbXBsZSBub25jZQ==", subprotocol="chat.v2", headers=fields)
        assert said.endswith(b"\r\n\r\n")

    turn()
    return turn


def session() -> Turn:
    """A session with a hook: two lanes, two parsers, two legs."""
    options = ProxyOptions.of()
    return lambda: Session(options, policies_of(options, same), 0.0)
