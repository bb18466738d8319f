"""Both handshakes against the websockets package, which shares no code with framegate; bytes only, no socket."""

from __future__ import annotations

import pytest

from framegate.handshake import (
    AnswerReader,
    RequestReader,
    build_upstream_request,
    check_opening_request,
    request_headers_for_upstream,
    switching_protocols,
)

pytest.importorskip("websockets", reason="the independent peer of these tests")

from websockets.client import ClientProtocol  # noqa: E402
from websockets.protocol import State  # noqa: E402
from websockets.server import ServerProtocol  # noqa: E402
from websockets.uri import parse_uri  # noqa: E402

URI = "ws://example.com:8000/chat?room=1"


def opened_client(subprotocols: list[str] | None = None) -> tuple[ClientProtocol, bytes]:
    client = ClientProtocol(parse_uri(URI), subprotocols=subprotocols, origin="http://example.com")
    client.send_request(client.connect())
    return client, b"".join(client.data_to_send())


def answered(wire: bytes, subprotocols: list[str] | None = None) -> bytes:
    server = ServerProtocol(subprotocols=subprotocols)
    server.receive_data(wire)
    (request,) = server.events_received()
    server.send_response(server.accept(request))
    return b"".join(server.data_to_send())


@pytest.mark.parametrize("subprotocol", [None, "chat.v1"])
def test_client_of_theirs_is_accepted_and_accepts_our_101(subprotocol):
    client, wire = opened_client(["chat.v2", "chat.v1"])
    head = RequestReader().feed(wire)
    assert head is not None
    check_opening_request(head)
    assert (head.path, head.query, head.subprotocols) == ("/chat", "room=1", ("chat.v2", "chat.v1"))
    client.receive_data(switching_protocols(head.key, subprotocol=subprotocol, headers=[("Set-Cookie", "a=1")]))
    assert client.state is State.OPEN and client.subprotocol == subprotocol


@pytest.mark.parametrize(("knows", "selected"), [(None, None), (["chat.v1"], "chat.v1")])
def test_upstream_of_theirs_accepts_our_request_and_its_101_is_verified(knows, selected):
    offered = ["chat.v2", "chat.v1"]
    _, wire = opened_client(offered)
    head = RequestReader().feed(wire)
    assert head is not None
    headers = request_headers_for_upstream(head, client_host="192.0.2.7", scheme="ws", server_port=8000)
    request = build_upstream_request(host="up:9001", target=head.target, headers=headers, subprotocols=offered)
    if knows is None:
        request = build_upstream_request(host="up:9001", target=head.target, headers=headers)
    reader = AnswerReader(request.key, offered=offered)
    answer = reader.feed(answered(request.wire, knows) + b"\x81\x02hi")
    assert answer is not None
    assert (answer.status, answer.subprotocol, reader.rest) == (101, selected, b"\x81\x02hi")


def test_upstream_of_theirs_refuses_and_the_refusal_is_read():
    request = build_upstream_request(host="up", target="/", headers=[])
    server = ServerProtocol()
    server.receive_data(request.wire)
    server.events_received()
    server.send_response(server.reject(403, "not you\n"))
    answer = AnswerReader(request.key, offered=()).feed(b"".join(server.data_to_send()))
    assert answer is not None
    assert (answer.status, answer.reason, answer.body) == (403, "Forbidden", b"not you\n")
