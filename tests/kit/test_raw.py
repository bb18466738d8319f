"""The raw peers against each other, without anything between."""

from __future__ import annotations

import pytest

from tests.kit import heads, raw
from tests.kit.frames import BINARY, TEXT, Frame, binary, close, frame, ping, split, text

pytestmark = pytest.mark.usefixtures("loop_kind")


async def test_frames_of_every_length_form_arrive_as_they_were_sent() -> None:
    async with raw.raw_upstream() as origin, raw.connected(origin.port) as client:
        upstream = await origin.accepted()
        for size in (0, 125, 126, 65535, 65536):
            client.send(binary(b"x" * size))
            upstream.send(binary(b"y" * size))
            assert await upstream.recv() == binary(b"x" * size)
            assert await client.recv() == binary(b"y" * size)


async def test_a_head_can_be_answered_by_anything() -> None:
    async with raw.raw_upstream(raw.answer(heads.response("403 Forbidden", b"no"))) as origin:
        async with raw.dialled(origin.port) as client:
            client.send_raw(heads.upgrade_request("/chat"))
            head = await client.recv_head()
            assert (head.status, head.reason, await client.rest()) == (403, "Forbidden", b"no")
            assert (await origin.accepted()).head.target == "/chat"


async def test_orderly_ends_resets_and_silence_are_told_apart() -> None:
    async with raw.raw_upstream() as origin, raw.connected(origin.port) as client, raw.connected(origin.port) as other:
        first, second = await origin.accepted(), await origin.accepted()
        await first.silent(0.05)
        client.send(close(1000, "bye"))
        assert await first.recv_close() == (1000, "bye")
        client.half_close()
        await first.ended()
        other.reset()
        with pytest.raises(ConnectionError):
            await second.ended()


async def test_a_frame_where_silence_is_due_fails_the_test() -> None:
    async with raw.raw_upstream() as origin, raw.connected(origin.port) as client:
        client.send(ping(b"here"))
        with pytest.raises(AssertionError, match="ping b'here'"):
            await (await origin.accepted()).silent(1)


def test_wrong_forms_can_be_built() -> None:
    assert frame(TEXT, b"abc", length_form=16) == b"\x81\x7e\x00\x03abc"
    assert frame(BINARY, b"", announced=1 << 63) == b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"
    assert frame(TEXT, b"a", mask=b"\x00\x00\x00\x01", rsv=4) == b"\xc1\x81\x00\x00\x00\x01a"


def test_a_masked_frame_is_read_back() -> None:
    octets = frame(TEXT, b"Hello", mask=b"\x37\xfa\x21\x3d")
    assert octets == bytes.fromhex("818537fa213d7f9f4d5158")  # RFC 6455, section 5.7
    wire = split(octets + b"more")
    assert wire is not None and wire.frame == text("Hello") and wire.masked and wire.octets == octets
    assert all(split(octets[:cut]) is None for cut in range(len(octets)))
    assert repr(Frame(TEXT, b"x" * 100, False)) == f"<text {b'x' * 40!r}... 100 bytes fin=0>"
