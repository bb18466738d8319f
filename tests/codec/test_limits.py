"""Limits on sizes and on numbers of fragments: the limit itself passes, one more does not (RFC 6455, section 10.4)."""

from __future__ import annotations

import pytest

from framegate.codec.constants import PROTOCOL_ERROR, TOO_BIG
from tests.kit.frames import Frame, binary, cont, ping, text
from tests.kit.parsing import Codec, Failure


def too_large(limit: int) -> Failure:
    return Failure(TOO_BIG, f"over {limit} payload bytes")


def too_many(limit: int) -> Failure:
    return Failure(TOO_BIG, f"over {limit} fragments in a message")


class TestFrameSize:
    """Each data frame is held against the limit by itself."""

    @pytest.mark.parametrize("limit", [1, 125, 126, 127, 300])
    def test_exactly_the_limit_passes(self, codec: Codec, limit: int) -> None:
        assert codec.read_any_way(codec.wire(binary(b"x" * limit)), max_size=limit) == [binary(b"x" * limit)]

    @pytest.mark.parametrize("limit", [1, 125, 126, 127, 300])
    def test_one_byte_more_does_not(self, codec: Codec, limit: int) -> None:
        said = codec.read_any_way(codec.wire(binary(b"x" * (limit + 1))), max_size=limit)
        assert said == [too_large(limit)]

    @pytest.mark.parametrize("limit", [65535, 65536])
    def test_at_the_edge_of_the_64_bit_form(self, codec: Codec, limit: int) -> None:
        assert codec.read(codec.wire(binary(b"x" * limit)), max_size=limit) == [binary(b"x" * limit)]
        assert codec.read(codec.wire(binary(b"x" * (limit + 1))), max_size=limit) == [too_large(limit)]

    def test_each_fragment_has_the_limit_for_itself(self, codec: Codec) -> None:
        frames = [text("abc", fin=False), cont("def", fin=False), cont("ghi", fin=True)]
        assert codec.read_any_way(codec.wire(*frames), max_size=3) == frames

    def test_a_later_fragment_over_it_is_refused(self, codec: Codec) -> None:
        said = codec.read_any_way(codec.wire(text("abc", fin=False), cont("defg", fin=True)), max_size=3)
        assert said == [text("abc", fin=False), too_large(3)]

    def test_a_limit_of_nothing_lets_empty_frames_pass(self, codec: Codec) -> None:
        assert codec.read_any_way(codec.wire(text(), text("x")), max_size=0) == [text(), too_large(0)]

    def test_without_a_limit_there_is_none(self, codec: Codec) -> None:
        payload = b"x" * (1 << 20)
        assert codec.read(codec.wire(binary(payload)), max_size=-1) == [binary(payload)]


class TestMessageSize:
    """Where fragments are joined the running total of the message is held against the limit."""

    def test_exactly_the_limit_in_sum_passes(self, codec: Codec) -> None:
        frames = [text("abc", fin=False), cont("de", fin=False), cont("f", fin=True)]
        assert codec.read_any_way(codec.wire(*frames), max_size=6, joined=True) == frames

    def test_one_byte_more_does_not(self, codec: Codec) -> None:
        frames = [text("abc", fin=False), cont("de", fin=False)]
        said = codec.read_any_way(codec.wire(*frames, cont("fg", fin=True)), max_size=6, joined=True)
        assert said == [*frames, too_large(6)]

    def test_the_count_begins_anew_with_each_message(self, codec: Codec) -> None:
        message = [text("abc", fin=False), cont("def", fin=True)]
        frames = [*message, text("ghijkl"), *message]
        assert codec.read_any_way(codec.wire(*frames), max_size=6, joined=True) == frames

    def test_empty_fragments_count_nothing(self, codec: Codec) -> None:
        frames = [text("abc", fin=False), *[cont(fin=False)] * 5, cont(fin=True)]
        assert codec.read_any_way(codec.wire(*frames), max_size=3, joined=True) == frames

    def test_a_total_near_the_largest_length_does_not_overflow(self, codec: Codec) -> None:
        wire = codec.wire(text("abc", fin=False)) + codec.frame(0, announced=2**63 - 1)
        assert codec.read_any_way(wire, max_size=2**63 - 1, joined=True) == [
            text("abc", fin=False),
            too_large(2**63 - 1),
        ]


class TestDecidedFromTheHeader:
    """A limit is decided before the payload is read."""

    @pytest.mark.parametrize("limit", [5, 125, 200, 70000])
    def test_the_length_alone_is_enough(self, codec: Codec, limit: int) -> None:
        header = codec.frame(2, announced=limit + 1)
        size = len(header) - 4 * codec.masked
        assert codec.read(header[: size - 1], max_size=limit) == []
        assert codec.read(header[:size], max_size=limit) == [too_large(limit)]
        assert codec.read(*(header[at : at + 1] for at in range(size)), max_size=limit) == [too_large(limit)]

    @pytest.mark.parametrize("announced", [2**63 - 1, 2**62, 2**32])
    def test_the_largest_announcement_costs_nothing(self, codec: Codec, announced: int) -> None:
        assert codec.read_any_way(codec.frame(2, announced=announced), max_size=1 << 20) == [too_large(1 << 20)]

    def test_a_wrong_form_is_a_protocol_error_before_it_is_too_large(self, codec: Codec) -> None:
        assert codec.verdict(codec.frame(2, announced=100, length_form=64), max_size=10) == PROTOCOL_ERROR
        assert codec.verdict(codec.frame(2, announced=1 << 63), max_size=10) == PROTOCOL_ERROR

    def test_it_is_too_large_before_it_is_not_utf8(self, codec: Codec) -> None:
        assert codec.verdict(codec.wire(text(b"\xff" * 11)), max_size=10) == TOO_BIG


class TestFragments:
    """Most data frames in a message; control frames are none."""

    @pytest.mark.parametrize("limit", [1, 2, 5])
    def test_exactly_the_limit_passes(self, codec: Codec, limit: int) -> None:
        frames = fragments(limit)
        assert codec.read_any_way(codec.wire(*frames, *frames), max_fragments=limit) == [*frames, *frames]

    @pytest.mark.parametrize("limit", [1, 2, 5])
    @pytest.mark.parametrize("joined", [False, True])
    def test_one_more_does_not(self, codec: Codec, limit: int, joined: bool) -> None:
        frames = fragments(limit + 1)
        said = codec.read_any_way(codec.wire(*frames), max_fragments=limit, joined=joined)
        assert said == [*frames[:-1], too_many(limit)]

    def test_it_is_decided_from_the_header(self, codec: Codec) -> None:
        first, second = fragments(2)
        said = codec.read(codec.wire(first), codec.wire(second)[:2], max_fragments=1)
        assert said == [first, too_many(1)]

    def test_pings_between_them_do_not_count(self, codec: Codec) -> None:
        first, second = fragments(2)
        frames = [first, ping(), ping(), ping(), second]
        assert codec.read_any_way(codec.wire(*frames), max_fragments=2) == frames

    def test_empty_fragments_count(self, codec: Codec) -> None:
        frames = [text(fin=False), cont(fin=False), cont(fin=False)]
        assert codec.read_any_way(codec.wire(*frames), max_fragments=2) == [*frames[:2], too_many(2)]


def fragments(number: int) -> list[Frame]:
    if number == 1:
        return [text("0")]
    return [text("0", fin=False), *[cont("1", fin=False)] * (number - 2), cont("2", fin=True)]
