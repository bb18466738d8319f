"""What breaks RFC 6455: the offender is told 1002 or 1007, the other side 1001, mirrored for both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import framegate
from tests.kit import frames
from tests.kit.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    binary,
    close,
    cont,
    frame,
    ping,
    text,
)
from tests.kit.gateway import Conversation, proxied

sides = pytest.mark.parametrize("side", ["client", "upstream"])

Wire = Callable[[bool], bytes]
"""Makes the bytes of an offence, masked or not."""


def keep(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    return payload


READERS: dict[str, dict[str, Any]] = {
    "nothing reads": {},
    "a hook reads": {"on_frame": keep},
    "fragments are joined": {"aggregate_fragments": True},
}


@pytest.fixture(params=READERS)
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return READERS[request.param]


def wired(*values: Frame, **form: Any) -> Wire:
    return lambda mask: b"".join(
        frame(value.opcode, value.payload, value.fin, mask=mask, rsv=value.rsv, **form) for value in values
    )


def announcing(opcode: int, length: int, form: frames.LengthForm | None = None) -> Wire:
    """The header alone."""
    return lambda mask: frame(opcode, b"", mask=mask, announced=length, length_form=form)


async def convicted(conv: Conversation, side: str, code: int) -> framegate.SessionRecord:
    """The offender is told the code, the other side 1001, and the record says why."""
    offender, other = conv.ends(side)
    assert (await offender.recv_close())[0] == code
    assert (await other.recv_close())[0] == 1001
    offender.send(close(code))
    other.send(close(1001))
    record = await conv.finished()
    assert (record.ended_by, record.why) == (side, "protocol")
    assert isinstance(record.error, framegate.ProtocolError)
    assert (record.error.side, record.error.close_code) == (side, code)
    return record


# Frame headers (section 5.2)


@sides
@pytest.mark.parametrize("rsv", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
async def test_reserved_bits_without_an_extension_are_1002(
    side: str, rsv: int, opcode: int, options: dict[str, Any]
) -> None:
    async with proxied(**options) as conv:
        conv.ends(side)[0].send(Frame(opcode, b"", True, rsv))
        await convicted(conv, side, 1002)


@sides
async def test_reserved_bits_of_a_continuation_are_1002(side: str, options: dict[str, Any]) -> None:
    async with proxied(**options) as conv:
        conv.ends(side)[0].send(text("a", fin=False), Frame(CONTINUATION, b"b", True, 4))
        if "aggregate_fragments" not in options:
            assert await conv.ends(side)[1].recv() == text("a", fin=False)
        await convicted(conv, side, 1002)


@sides
@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
async def test_reserved_opcodes_are_1002(side: str, opcode: int, options: dict[str, Any]) -> None:
    async with proxied(**options) as conv:
        conv.ends(side)[0].send(Frame(opcode, b"x"))
        await convicted(conv, side, 1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
async def test_an_unmasked_frame_of_the_client_is_1002(opcode: int, options: dict[str, Any]) -> None:
    async with proxied(**options) as conv:
        conv.client.send_raw(frame(opcode, b"", mask=False))
        await convicted(conv, "client", 1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
async def test_a_masked_frame_of_the_upstream_is_1002(opcode: int, options: dict[str, Any]) -> None:
    async with proxied(**options) as conv:
        conv.upstream.send_raw(frame(opcode, b"", mask=True))
        await convicted(conv, "upstream", 1002)


LENGTHS: dict[str, Wire] = {
    "1 byte in 16 bits": wired(text("x"), length_form=16),
    "125 bytes in 16 bits": wired(text("x" * 125), length_form=16),
    "0 bytes in 16 bits": wired(text(""), length_form=16),
    "1 byte in 64 bits": wired(text("x"), length_form=64),
    "126 bytes in 64 bits": wired(text("x" * 126), length_form=64),
    "65535 bytes in 64 bits": wired(binary(bytes(65535)), length_form=64),
    "the top bit set": announcing(BINARY, 1 << 63, 64),
    "all bits set": announcing(BINARY, (1 << 64) - 1, 64),
}


@sides
@pytest.mark.parametrize("offence", LENGTHS.values(), ids=LENGTHS)
async def test_a_length_that_is_not_minimal_or_has_its_top_bit_set_is_1002(
    side: str, offence: Wire, options: dict[str, Any]
) -> None:
    async with proxied(**options) as conv:
        offender, _ = conv.ends(side)
        offender.send_raw(offence(offender.is_client))
        await convicted(conv, side, 1002)


# Control frames (section 5.5)

CONTROL: dict[str, Wire] = {
    **{f"{frames.NAMES[op]} in fragments": wired(Frame(op, b"", False)) for op in (PING, PONG, CLOSE)},
    **{f"{frames.NAMES[op]} of 126 bytes": announcing(op, 126) for op in (PING, PONG, CLOSE)},
    **{f"{frames.NAMES[op]} of 65536 bytes": announcing(op, 65536) for op in (PING, PONG, CLOSE)},
    "ping with a 16-bit length": wired(ping("x"), length_form=16),
    "close with half a code": wired(Frame(CLOSE, b"\x03")),
}


@sides
@pytest.mark.parametrize("offence", CONTROL.values(), ids=CONTROL)
async def test_a_control_frame_of_a_wrong_form_is_1002(side: str, offence: Wire, options: dict[str, Any]) -> None:
    async with proxied(**options) as conv:
        offender, _ = conv.ends(side)
        offender.send_raw(offence(offender.is_client))
        await convicted(conv, side, 1002)


@sides
@pytest.mark.parametrize("code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 32768, 65535])
async def test_a_close_code_that_may_not_be_on_the_wire_is_1002(side: str, code: int, options: dict[str, Any]) -> None:
    async with proxied(**options) as conv:
        conv.ends(side)[0].send(close(code, "no such code"))
        await convicted(conv, side, 1002)


@sides
@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999])
async def test_a_close_code_that_may_be_on_the_wire_passes(side: str, code: int) -> None:
    async with proxied() as conv:
        source, target = conv.ends(side)
        source.send(close(code, "x"))
        assert await target.recv() == close(code, "x")


@sides
@pytest.mark.parametrize("reason", [b"\xff", b"ok \xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"], ids=repr)
@pytest.mark.parametrize("validate", [None, False], ids=["by default", "without validate_utf8"])
async def test_a_close_reason_that_is_not_utf_8_is_1007(side: str, reason: bytes, validate: bool | None) -> None:
    async with proxied(validate_utf8=validate) as conv:
        conv.ends(side)[0].send(close(1000, reason))
        await convicted(conv, side, 1007)


# The order of frames (section 5.4)

SEQUENCES: dict[str, tuple[list[Frame], int]] = {
    "a lone continuation": ([cont("x", fin=True)], 0),
    "a lone unfinished continuation": ([cont("x", fin=False)], 0),
    "a continuation after a whole message": ([text("whole"), cont("x", fin=True)], 1),
    "a continuation after a finished message": ([text("a", fin=False), cont("b", fin=True), cont("x", fin=True)], 2),
    "a text in an unfinished text": ([text("a", fin=False), text("b")], 1),
    "a text in an unfinished empty text": ([text("", fin=False), text("b")], 1),
    "two unfinished texts": ([text("a", fin=False), text("b", fin=False)], 1),
    "a binary in an unfinished text": ([text("a", fin=False), binary(b"b")], 1),
    "a text in an unfinished binary": ([binary(b"a", fin=False), cont("b", fin=False), text("c")], 2),
}


@sides
@pytest.mark.parametrize(("sent", "good"), SEQUENCES.values(), ids=SEQUENCES)
async def test_fragments_out_of_order_are_1002(
    side: str, sent: list[Frame], good: int, options: dict[str, Any]
) -> None:
    async with proxied(**options) as conv:
        offender, other = conv.ends(side)
        offender.send(*sent)
        for value in joined(sent[:good]) if "aggregate_fragments" in options else sent[:good]:
            assert await other.recv() == value
        await convicted(conv, side, 1002)


def joined(values: list[Frame]) -> list[Frame]:
    """The whole messages among these frames."""
    whole, parts = [], []
    for value in values:
        parts.append(value)
        if value.fin:
            whole.append(parts[0]._replace(payload=b"".join(part.payload for part in parts), fin=True))
            parts = []
    return whole


@sides
async def test_a_sequence_is_still_watched_when_the_hook_drops_everything(side: str) -> None:
    def nothing(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> None:
        return None

    async with proxied(nothing) as conv:
        conv.ends(side)[0].send(text("a", fin=False), text("b"))
        await convicted(conv, side, 1002)


# Text (section 8.1)

INVALID: dict[str, list[Frame]] = {
    "in one frame": [text(b"ok \xff")],
    "cut short": [text("€".encode()[:2])],
    "a surrogate": [text(b"\xed\xa0\x80")],
    "too long a form": [text(b"\xc0\xaf")],
    "above the last code point": [text(b"\xf4\x90\x80\x80")],
    "in the second fragment": [text("ok", fin=False), cont(b"\xff", fin=True)],
    "across two fragments": [text(b"\xe2\x82", fin=False), cont(b"\x28", fin=True)],
    "cut short at the last fragment": [text("ok", fin=False), cont(b"\xe2\x82", fin=True)],
    "cut short before an empty last fragment": [text(b"\xe2\x82", fin=False), cont(b"", fin=True)],
}

CHECKING: dict[str, dict[str, Any]] = {
    "a hook reads": {"on_frame": keep},
    "fragments are joined": {"aggregate_fragments": True},
    "validate_utf8": {"validate_utf8": True},
}


@sides
@pytest.mark.parametrize("sent", INVALID.values(), ids=INVALID)
@pytest.mark.parametrize("checking", CHECKING.values(), ids=CHECKING)
async def test_text_that_is_not_utf_8_is_1007(side: str, sent: list[Frame], checking: dict[str, Any]) -> None:
    async with proxied(**checking) as conv:
        offender, other = conv.ends(side)
        offender.send(*sent)
        if len(sent) == 2 and "aggregate_fragments" not in checking:
            assert await other.recv() == sent[0]
        await convicted(conv, side, 1007)


@sides
@pytest.mark.parametrize("checking", CHECKING.values(), ids=CHECKING)
async def test_invalid_text_is_found_however_the_reads_cut_it(side: str, checking: dict[str, Any]) -> None:
    async with proxied(**checking) as conv:
        offender, _ = conv.ends(side)
        octets = offender.encode(text(b"abc\xe2\x28\xa1"))
        for octet in octets:
            offender.send_raw(bytes([octet]))
            await offender.drained()
        assert (await offender.recv_close())[0] == 1007


@sides
@pytest.mark.parametrize(
    "unchecked",
    [{}, {"validate_utf8": False}, {"on_frame": keep, "validate_utf8": False}],
    ids=["nothing reads", "never", "never, with a hook"],
)
async def test_text_is_not_checked_where_nothing_reads_it_or_it_is_not_wanted(
    side: str, unchecked: dict[str, Any]
) -> None:
    async with proxied(**unchecked) as conv:
        source, target = conv.ends(side)
        sent = [text(b"\xff\xfe"), text(b"\xe2", fin=False), cont(b"\xff", fin=True)]
        source.send(*sent)
        assert await target.recv_many(3) == sent


@sides
async def test_valid_text_of_every_width_passes_the_check_at_every_cut(side: str) -> None:
    payload = "aé€\U0001f40e\u0000\ud7ff\ue000\U0010ffff".encode()
    async with proxied(keep) as conv:
        source, target = conv.ends(side)
        for cut in range(len(payload) + 1):
            sent = [text(payload[:cut], fin=False), cont(payload[cut:], fin=True)]
            source.send(*sent)
            assert await target.recv_many(2) == sent


@sides
@pytest.mark.parametrize("checking", CHECKING.values(), ids=CHECKING)
async def test_long_valid_text_passes_the_check_however_the_reads_cut_it(side: str, checking: dict[str, Any]) -> None:
    payload = "aé€\U0001f40e" * 60_000
    async with proxied(**checking) as conv:
        source, target = conv.ends(side)
        source.send(text(payload))
        assert await target.recv() == text(payload)


@sides
async def test_binary_is_never_checked(side: str, options: dict[str, Any]) -> None:
    async with proxied(**options, validate_utf8=True) as conv:
        source, target = conv.ends(side)
        source.send(binary(b"\xff"))
        assert await target.recv() == binary(b"\xff")


# Around an error


@sides
async def test_a_good_frame_before_a_bad_one_in_the_same_read_is_delivered(side: str, options: dict[str, Any]) -> None:
    async with proxied(**options) as conv:
        offender, other = conv.ends(side)
        offender.send(text("good"), ping("good"), Frame(3, b"bad"), text("late"))
        assert await other.recv_many(2) == [text("good"), ping("good")]
        await convicted(conv, side, 1002)


@sides
async def test_nothing_is_taken_after_an_error(side: str, options: dict[str, Any]) -> None:
    async with proxied(**options) as conv:
        offender, other = conv.ends(side)
        offender.send(Frame(3, b"bad"))
        assert (await offender.recv_close())[0] == 1002
        for _ in range(64):
            offender.send(binary(bytes(1 << 16)))
        await offender.drained()
        assert (await other.recv_close())[0] == 1001
        await other.ended()


@sides
async def test_a_ping_after_our_close_frame_is_ignored(side: str, caplog: pytest.LogCaptureFixture) -> None:
    async with proxied() as conv:
        offender, other = conv.ends(side)
        offender.send(Frame(3))
        await offender.recv_close()
        await other.recv_close()
        other.send(ping("still here"), text("still here"))
        offender.send(ping("me too"), close(1002))
        other.send(close(1001))
        await conv.finished()
        await other.ended()
    assert not [record for record in caplog.records if record.exc_info]


@sides
async def test_the_innocent_sides_answer_is_waited_for_but_not_forwarded(side: str) -> None:
    async with proxied() as conv:
        offender, other = conv.ends(side)
        offender.send(Frame(3))
        assert (await offender.recv_close())[0] == 1002
        assert (await other.recv_close())[0] == 1001
        other.send(close(1001, "all right"))
        await offender.ended()
        await other.ended()


async def test_the_first_offender_is_the_one_of_the_record() -> None:
    async with proxied() as conv:
        conv.client.send(Frame(3))
        await conv.client.recv_close()
        await conv.upstream.recv_close()
        conv.upstream.send(Frame(3))
        conv.client.close()
        conv.upstream.close()
        record = await conv.finished()
        assert (record.ended_by, record.why) == ("client", "protocol")
