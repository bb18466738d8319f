"""permessage-deflate: what is offered, answered and passed on in the handshakes of both legs (RFC 7692, 7.1)."""

from __future__ import annotations

import os
from typing import Any

import pytest

import framegate
from tests.kit import heads, raw
from tests.kit.deflated import DEFLATE, FIELD, OFFER, RSV1, Speaker, compressed
from tests.kit.frames import TEXT, Frame, text
from tests.kit.gateway import serving

pytestmark = pytest.mark.usefixtures("loop_kind")


NO_TAKEOVER = f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover"
LONG = b"what is said again and again; " * 20


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


TERMINATED: dict[str, dict[str, Any]] = {
    "terminate": {"compression": "terminate"},
    "terminate and a hook": {"compression": "terminate", "on_frame": keep},
    "auto and a hook": {"on_frame": keep},
    "auto and joined fragments": {"aggregate_fragments": True},
    "auto and a limit for the client": {"client_max_frame_size": 1 << 20},
    "auto and a limit for the upstream": {"upstream_max_frame_size": 1 << 20},
    "auto and validation": {"validate_utf8": True},
}
PASSED: dict[str, dict[str, Any]] = {"pass": {"compression": "pass"}, "auto": {}}

terminated = pytest.mark.parametrize("options", TERMINATED.values(), ids=TERMINATED)
passed = pytest.mark.parametrize("options", PASSED.values(), ids=PASSED)


@terminated
async def test_where_something_reads_each_leg_is_negotiated_on_its_own(options: dict[str, Any]) -> None:
    offer = f"{DEFLATE}; server_max_window_bits=10; client_no_context_takeover"
    answer = f"{DEFLATE}; server_no_context_takeover; client_max_window_bits=9"
    async with compressed(offer=offer, answer=answer, **options) as talk:
        assert talk.offered() == OFFER
        assert talk.selected() == f"{DEFLATE}; client_no_context_takeover; server_max_window_bits=10"
        client = Speaker(talk.client.peer, True, heard_bits=10)
        upstream = Speaker(talk.upstream.peer, True, heard_bits=9)
        noise = os.urandom(2000).hex().encode() * 2
        client.says(noise)
        assert await upstream.hears() == Frame(TEXT, noise, rsv=RSV1)
        upstream.says(noise)
        assert await client.hears() == Frame(TEXT, noise, rsv=RSV1)


@passed
@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (OFFER, f"{DEFLATE}; client_max_window_bits=9"),
        (OFFER, NO_TAKEOVER),
        (f"{DEFLATE}; server_max_window_bits=8", f"{DEFLATE}; server_max_window_bits=8"),
        (f"{DEFLATE}; server_max_window_bits=10; client_max_window_bits, {DEFLATE}", DEFLATE),
    ],
)
async def test_where_nothing_reads_offer_and_answer_pass(options: dict[str, Any], offer: str, answer: str) -> None:
    async with compressed(offer=offer, answer=answer, **options) as talk:
        assert (talk.offered(), talk.selected()) == (offer, answer)


@pytest.mark.parametrize("hook", [None, keep], ids=["no hook", "a hook"])
async def test_off_removes_the_offer(hook: Any) -> None:
    async with compressed(hook, answer=None, compression="off") as talk:
        assert (talk.offered(), talk.selected()) == (None, None)
        talk.client.peer.send(text(LONG))
        assert await talk.upstream.hears() == text(LONG)


@passed
async def test_an_upstream_that_declines_leaves_the_client_without_where_messages_pass(options: dict[str, Any]) -> None:
    async with compressed(answer=None, **options) as talk:
        assert (talk.offered(), talk.selected()) == (OFFER, None)
        talk.client.peer.send(text(LONG))
        assert await talk.upstream.hears() == text(LONG)


@terminated
async def test_an_upstream_that_declines_does_not_matter_to_the_client_where_legs_are_terminated(
    options: dict[str, Any],
) -> None:
    async with compressed(answer=None, **options) as talk:
        assert talk.selected() == DEFLATE
        talk.client.says(LONG)
        assert await talk.upstream.hears() == text(LONG)
        talk.upstream.peer.send(text(LONG))
        assert await talk.client.hears() == Frame(TEXT, LONG, rsv=RSV1)


@pytest.mark.parametrize("offer", [None, "x-webkit-deflate-frame", f"{DEFLATE}; unknown"])
async def test_a_client_without_a_valid_offer_does_not_matter_to_the_upstream(offer: str | None) -> None:
    async with compressed(offer=offer, compression="terminate") as talk:
        assert (talk.offered(), talk.selected()) == (OFFER, None)
        talk.client.peer.send(text(LONG))
        assert await talk.upstream.hears() == Frame(TEXT, LONG, rsv=RSV1)
        talk.upstream.says(LONG)
        assert await talk.client.hears() == text(LONG)


@passed
@pytest.mark.parametrize("offer", [None, "x-webkit-deflate-frame", f"{DEFLATE}; unknown"])
async def test_without_a_valid_offer_nothing_is_passed_on(options: dict[str, Any], offer: str | None) -> None:
    async with compressed(offer=offer, answer=None, **options) as talk:
        assert (talk.offered(), talk.selected()) == (None, None)


@pytest.mark.parametrize("mode", ["auto", "terminate", "pass", "off"])
async def test_a_client_that_is_connected_first_has_no_extension(mode: str) -> None:
    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request, compression=mode)
        await proxy.connect_client()
        await proxy.connect_upstream(upstream.url)
        await proxy.execute()

    async with raw.raw_upstream() as upstream, serving(handler) as server:
        async with raw.connected(server.port, extra=[(FIELD, OFFER)]) as client:
            peer = await upstream.accepted()
            assert client.head.get(FIELD) is None
            assert peer.head.get(FIELD) == (OFFER if mode == "terminate" else None)
            client.send(text(LONG))
            assert await peer.recv() == text(LONG)


@pytest.mark.parametrize("options", [*PASSED.values(), *TERMINATED.values()], ids=[*PASSED, *TERMINATED])
@pytest.mark.parametrize(
    "answer", ["foo", f"{DEFLATE}, foo", f"{DEFLATE}; unknown", f"{DEFLATE}; client_max_window_bits", f"{DEFLATE};"]
)
async def test_an_upstream_that_selects_what_was_not_offered_is_502(options: dict[str, Any], answer: str) -> None:
    async def handler(request: framegate.Request) -> None:
        await framegate.Proxy(request, **options).connect(upstream.url)

    script = raw.accept(extra=[(FIELD, answer)])
    async with raw.raw_upstream(script) as upstream, serving(handler) as server, raw.dialled(server.port) as client:
        client.send_raw(heads.upgrade_request(extra=[(FIELD, OFFER)]))
        assert (await client.recv_head()).status == 502


@pytest.mark.parametrize("mode", ["auto", "terminate", "pass"])
async def test_an_offer_that_is_malformed_is_400(mode: str) -> None:
    async with raw.raw_upstream() as upstream:
        async with framegate.reverse_proxy(upstream.url, "127.0.0.1", 0, compression=mode) as server:
            async with raw.dialled(server.port) as client:
                client.send_raw(heads.upgrade_request(extra=[(FIELD, f"{DEFLATE}; =1")]))
                assert (await client.recv_head()).status == 400
            assert upstream.connections == 0


READERS = {"a hook": {"on_frame": keep}, "aggregation": {"aggregate_fragments": True}}
READERS |= {"validation": {"validate_utf8": True}, "a limit": {"client_max_frame_size": 1000}}


@pytest.mark.parametrize("options", READERS.values(), ids=READERS)
def test_pass_is_refused_together_with_what_reads(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="compression"):
        framegate.reverse_proxy("ws://127.0.0.1:9", "127.0.0.1", 0, compression="pass", **options)


async def test_pass_is_refused_for_a_subclass_with_a_hook() -> None:
    class Reading(framegate.Proxy):
        def on_frame(self, *args: Any) -> Any:
            return args[2]

    caught: list[Exception] = []

    async def handler(request: framegate.Request) -> None:
        try:
            Reading(request, compression="pass")
        except ValueError as error:
            caught.append(error)
            raise

    async with serving(handler, drain_timeout=0.2) as server, raw.dialled(server.port) as client:
        client.send_raw(heads.upgrade_request())
        assert (await client.recv_head(patience=1)).status == 500
        assert "compression" in str(caught[0])
