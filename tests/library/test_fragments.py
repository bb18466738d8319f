"""Fragmented messages, joined and not joined (RFC 6455, section 5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.frames import Frame, binary, close, cont, ping, pong, text
from tests.kit.gateway import proxied

pytestmark = pytest.mark.usefixtures("loop_kind")

sides = pytest.mark.parametrize("sender", ["client", "upstream"])


class Seen:
    """A hook that notes its arguments and lets everything pass, but for the payloads it was told to drop."""

    def __init__(self, *dropped: bytes) -> None:
        self.dropped = dropped
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes | None:
        self.calls.append((origin, typ, payload, last, code))
        return None if payload in self.dropped else payload


@sides
async def test_fragments_are_forwarded_one_by_one_by_default(sender: str) -> None:
    async with proxied() as conv:
        source, target = conv.ends(sender)
        source.send(text("hello ", fin=False))
        assert await target.recv() == text("hello ", fin=False)
        source.send(cont("world", fin=True))
        assert await target.recv() == cont("world", fin=True)


@sides
async def test_aggregation_joins_fragments_into_one_message(sender: str) -> None:
    async with proxied(aggregate_fragments=True) as conv:
        source, target = conv.ends(sender)
        source.send(text("hello", fin=False), cont(" ", fin=False))
        await target.silent(0.1)
        source.send(cont("world", fin=True))
        assert await target.recv() == text("hello world")


@sides
async def test_aggregation_joins_empty_first_and_last_fragments(sender: str) -> None:
    async with proxied(aggregate_fragments=True) as conv:
        source, target = conv.ends(sender)
        source.send(binary(b"", fin=False), cont("a", fin=False), cont("", fin=False), cont("b", fin=False))
        source.send(cont("", fin=True), text("", fin=False), cont("", fin=True))
        assert await target.recv_many(2) == [binary(b"ab"), text("")]


@sides
async def test_aggregation_works_for_several_messages_one_after_another(sender: str) -> None:
    async with proxied(aggregate_fragments=True) as conv:
        source, target = conv.ends(sender)
        for number in range(5):
            first = text if number % 2 else binary
            source.send(first(b"%d" % number, fin=False), cont("-", fin=False), cont("end", fin=True), text("whole"))
        expected = [
            value
            for number in range(5)
            for value in ((text if number % 2 else binary)(b"%d-end" % number), text("whole"))
        ]
        assert await target.recv_many(10) == expected


@sides
async def test_the_hook_is_called_once_for_each_joined_message(sender: str) -> None:
    seen = Seen()
    async with proxied(seen, aggregate_fragments=True) as conv:
        source, target = conv.ends(sender)
        source.send(text("a", fin=False), cont("b", fin=False), cont("c", fin=True), binary(b"d"))
        assert await target.recv_many(2) == [text("abc"), binary(b"d")]
    assert seen.calls[:2] == [(sender, "text", b"abc", True, None), (sender, "binary", b"d", True, None)]


@sides
async def test_the_hook_is_called_for_each_fragment_without_aggregation(sender: str) -> None:
    seen = Seen()
    async with proxied(seen) as conv:
        source, target = conv.ends(sender)
        sent = [
            text("a", fin=False),
            cont("b", fin=False),
            cont("c", fin=True),
            binary(b"d", fin=False),
            cont("", fin=True),
        ]
        source.send(*sent)
        assert await target.recv_many(5) == sent
    assert seen.calls[:5] == [
        (sender, "text", b"a", False, None),
        (sender, "continuation", b"b", False, None),
        (sender, "continuation", b"c", True, None),
        (sender, "binary", b"d", False, None),
        (sender, "continuation", b"", True, None),
    ]


@sides
async def test_pings_between_fragments_keep_their_place_without_aggregation(sender: str) -> None:
    sent = [text("a", fin=False), ping("1"), cont("b", fin=False), pong("2"), cont("c", fin=True), close(1000, "x")]
    async with proxied() as conv:
        source, target = conv.ends(sender)
        source.send(*sent)
        assert await target.recv_many(6) == sent


@sides
async def test_control_frames_overtake_an_unfinished_message_with_aggregation(sender: str) -> None:
    async with proxied(aggregate_fragments=True) as conv:
        source, target = conv.ends(sender)
        source.send(text("a", fin=False), ping("1"), cont("b", fin=False), pong("2"))
        assert await target.recv_many(2) == [ping("1"), pong("2")]
        source.send(cont("c", fin=True), close(1000))
        assert await target.recv_many(2) == [text("abc"), close(1000)]


@sides
async def test_a_hook_changes_single_fragments(sender: str) -> None:
    async with proxied(lambda origin, typ, payload, last, code: payload.upper()) as conv:
        source, target = conv.ends(sender)
        source.send(text("a", fin=False), cont("b", fin=False), cont("c", fin=True))
        assert await target.recv_many(3) == [text("A", fin=False), cont("B", fin=False), cont("C", fin=True)]


@sides
async def test_a_character_cut_by_a_fragment_passes_a_hook_that_reads(sender: str) -> None:
    euro = "€".encode()
    sent = [text(b"1 " + euro[:1], fin=False), cont(euro[1:2], fin=False), ping(""), cont(euro[2:] + b".", fin=True)]
    async with proxied(lambda origin, typ, payload, last, code: payload) as conv:
        source, target = conv.ends(sender)
        source.send(*sent)
        assert await target.recv_many(4) == sent


@sides
async def test_a_hook_may_cut_an_edited_text_inside_a_character(sender: str) -> None:
    pieces = {b"1": b"10 " + "€".encode()[:1], b"2": "€".encode()[1:2], b"3": "€".encode()[2:]}
    async with proxied(lambda origin, typ, payload, last, code: pieces.get(payload, payload)) as conv:
        source, target = conv.ends(sender)
        source.send(*MESSAGE, text("next"))
        arrived = await target.recv_many(4)
        assert b"".join(value.payload for value in arrived[:3]) == "10 €".encode()
        assert arrived[3] == text("next")


@sides
@pytest.mark.parametrize("last", ["€".encode()[2:] + b"\xff", b"", b"x"], ids=repr)
async def test_a_text_that_is_edited_into_invalid_utf_8_over_its_fragments_is_a_failure(
    sender: str, last: bytes
) -> None:
    pieces = {b"1": "€".encode()[:2], b"2": b"", b"3": last}
    async with proxied(lambda origin, typ, payload, last, code: pieces.get(payload, payload)) as conv:
        source, target = conv.ends(sender)
        source.send(*MESSAGE)
        assert (await target.recv_many(2))[0] == text("€".encode()[:2], fin=False)
        assert await target.recv_close() == (1011, "")
        assert await source.recv_close() == (1011, "")


MESSAGE = (text("1", fin=False), cont("2", fin=False), cont("3", fin=True))


@sides
@pytest.mark.parametrize(
    ("dropped", "arrives"),
    [
        ("1", [text("2", fin=False), cont("3", fin=True)]),
        ("2", [text("1", fin=False), cont("3", fin=True)]),
        ("3", [text("1", fin=False), cont("2", fin=False), cont("", fin=True)]),
        ("12", [text("3")]),
        ("13", [text("2", fin=False), cont("", fin=True)]),
        ("23", [text("1", fin=False), cont("", fin=True)]),
        ("123", []),
    ],
    ids=lambda value: f"without {value}" if isinstance(value, str) else "",
)
async def test_a_message_stays_well_formed_when_fragments_are_dropped(
    sender: str, dropped: str, arrives: list[Frame]
) -> None:
    async with proxied(Seen(*(one.encode() for one in dropped))) as conv:
        source, target = conv.ends(sender)
        source.send(*MESSAGE, binary(b"next"))
        assert await target.recv_many(len(arrives) + 1) == [*arrives, binary(b"next")]


@sides
async def test_control_frames_pass_while_fragments_are_dropped(sender: str) -> None:
    async with proxied(Seen(b"1", b"3")) as conv:
        source, target = conv.ends(sender)
        source.send(MESSAGE[0], ping("a"), MESSAGE[1], ping("b"), MESSAGE[2], ping("c"))
        expected = [ping("a"), text("2", fin=False), ping("b"), cont("", fin=True), ping("c")]
        assert await target.recv_many(5) == expected


@sides
async def test_a_joined_message_can_be_dropped_whole(sender: str) -> None:
    async with proxied(Seen(b"123"), aggregate_fragments=True) as conv:
        source, target = conv.ends(sender)
        source.send(*MESSAGE, text("kept"))
        assert await target.recv() == text("kept")


@sides
async def test_dropped_control_frames_leave_the_message_around_them_alone(sender: str) -> None:
    async with proxied(Seen(b"gone")) as conv:
        source, target = conv.ends(sender)
        source.send(MESSAGE[0], ping("gone"), MESSAGE[1], pong("gone"), MESSAGE[2])
        assert await target.recv_many(3) == list(MESSAGE)
