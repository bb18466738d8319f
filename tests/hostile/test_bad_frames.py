"""Bad frames of every kind, from either side: the offender's code, 1001 for the innocent, nothing of it relayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import framegate
from tests.hostile.kit import keep, sides, until_gone
from tests.kit.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, binary, close, cont, frame, text
from tests.kit.gateway import proxied

Make = Callable[[bool], bytes]


def values(*sent: Frame) -> Make:
    return lambda mask: b"".join(frame(one.opcode, one.payload, one.fin, mask=mask, rsv=one.rsv) for one in sent)


def shaped(opcode: int, payload: bytes = b"", **form: Any) -> Make:
    return lambda mask: frame(opcode, payload, mask=mask, **form)


BAD: dict[str, tuple[Make, int]] = {
    **{f"RSV {bits:03b}": (values(Frame(TEXT, b"secret", True, bits)), 1002) for bits in range(1, 8)},
    **{f"RSV {bits:03b} on a ping": (values(Frame(PING, b"secret", True, bits)), 1002) for bits in (1, 2, 4)},
    **{f"opcode {opcode}": (values(Frame(opcode, b"secret")), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "the wrong masking": (lambda mask: frame(TEXT, b"secret", mask=not mask), 1002),
    "a ping with the wrong masking": (lambda mask: frame(PING, b"secret", mask=not mask), 1002),
    "16 bits for 7": (shaped(BINARY, b"secret", length_form=16), 1002),
    "64 bits for 7": (shaped(BINARY, b"secret", length_form=64), 1002),
    "64 bits for 16": (shaped(BINARY, b"secret" * 100, length_form=64), 1002),
    "2^63": (shaped(BINARY, announced=1 << 63), 1002),
    "2^64 - 1": (shaped(BINARY, announced=(1 << 64) - 1), 1002),
    "a ping of 126 bytes": (shaped(PING, b"x" * 126), 1002),
    "a pong of 64 KiB": (shaped(PONG, b"x" * 65536), 1002),
    "a ping in fragments": (values(Frame(PING, b"secret", False)), 1002),
    "a close frame in fragments": (values(Frame(CLOSE, b"", False)), 1002),
    "a continuation of nothing": (values(cont("secret", fin=True)), 1002),
    "a close frame of one byte": (values(Frame(CLOSE, b"\3")), 1002),
    "a close frame of 126 bytes": (shaped(CLOSE, b"\3\xe8" + b"x" * 124), 1002),
    **{
        f"close code {code}": (values(close(code, "secret")), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
    "a close reason that is not UTF-8": (values(close(1000, b"secret\xff")), 1007),
    "a close reason with a surrogate": (values(close(1000, b"\xed\xa0\x80")), 1007),
    "a close reason cut in a character": (values(close(1000, "€".encode()[:2])), 1007),
    "a close reason with an overlong form": (values(close(1000, b"\xc0\xaf")), 1007),
}

READING: dict[str, dict[str, Any]] = {
    "relayed": {},
    "joined": {"aggregate_fragments": True},
}


@sides
@pytest.mark.parametrize(("make", "code"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("options", READING.values(), ids=READING)
async def test_a_bad_frame_convicts_its_sender_and_the_other_side_sees_1001_and_no_byte_of_it(
    side: str, make: Make, code: int, options: dict[str, Any]
) -> None:
    async with proxied(**options) as conv:
        offender, innocent = conv.ends(side)
        offender.send(binary(b"good"))
        assert await innocent.recv() == binary(b"good")
        offender.send_raw(make(offender.is_client) + offender.encode(text("secret")) * 3)
        innocents = await innocent.recv_wire()
        assert (innocents.frame, innocents.frame.code) == (close(1001), 1001)
        assert (await offender.recv_close())[0] == code
        innocent.send(close(1001))
        offender.send(close(code))
        await innocent.ended()
        await offender.ended()
        record = await conv.finished()
        assert isinstance(record.error, framegate.ProtocolError)
        assert (record.error.side, record.error.close_code) == (side, code)


TEXTS = {
    "a stray byte": [text(b"secret\xff")],
    "a lonely continuation byte": [text(b"\x80secret")],
    "an overlong form": [text(b"\xc0\xaf")],
    "a surrogate": [text(b"\xed\xa0\x80")],
    "beyond U+10FFFF": [text(b"\xf4\x90\x80\x80")],
    "an end inside a character": [text("€".encode()[:2])],
    "an end inside a character, in fragments": [text("€".encode()[:1], fin=False), cont("€".encode()[1:2], fin=True)],
    "a character that breaks at a fragment": [text("€".encode()[:1], fin=False), cont(b"x", fin=True)],
    "a character that breaks behind an empty fragment": [
        text("€".encode()[:1], fin=False), cont(b"", fin=False), cont(b"\xff", fin=True),
    ],
}  # fmt: skip


@sides
@pytest.mark.parametrize("sent", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("at_once", [True, False], ids=["one read", "a read a byte"])
async def test_a_text_that_is_not_utf_8_is_1007_and_no_hook_and_no_peer_gets_the_broken_part(
    side: str, sent: list[Frame], at_once: bool
) -> None:
    seen: list[bytes] = []

    def noting(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        seen.append(payload)
        return payload

    async with proxied(noting, aggregate_fragments=True) as conv:
        offender, innocent = conv.ends(side)
        octets = b"".join(map(offender.encode, sent))
        for piece in [octets] if at_once else [bytes([octet]) for octet in octets]:
            offender.send_raw(piece)
            await offender.drained()
        assert (await offender.recv_close())[0] == 1007
        assert await innocent.recv_close() == (1001, "")
        assert seen == []


@sides
async def test_a_broken_text_of_one_mebibyte_is_1007_long_before_its_end(side: str) -> None:
    async with proxied(keep) as conv:
        offender, innocent = conv.ends(side)
        head = frame(TEXT, b"", mask=b"\0\0\0\0" if offender.is_client else False, announced=1 << 20)
        offender.send_raw(head + b"a" * 100 + b"\xff")
        assert (await offender.recv_close())[0] == 1007
        assert await innocent.recv_close() == (1001, "")


@sides
async def test_both_sides_may_break_the_rules_at_once_and_the_session_ends(side: str) -> None:
    async with proxied() as conv:
        for peer in (conv.client, conv.upstream):
            peer.send_raw(frame(CONTINUATION, b"x", mask=not peer.is_client))
        for peer in (conv.client, conv.upstream):
            assert (await peer.recv_close())[0] in (1001, 1002)
        await conv.finished()
        await until_gone(conv.server)
