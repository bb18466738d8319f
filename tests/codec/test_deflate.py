"""permessage-deflate on payloads (RFC 7692, section 7.2), with zlib-ng and with zlib alone."""

from __future__ import annotations

import builtins
import importlib.util
import random
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framegate.codec import deflate
from framegate.codec.deflate import TAIL, Corrupt, Deflater, Inflater, TooLong

LIBRARIES = ["zlib"] if deflate.zlib is zlib else ["zlib-ng", "zlib"]


@pytest.fixture(params=LIBRARIES, autouse=True, scope="module")
def library(request: pytest.FixtureRequest) -> Iterator[str]:
    """Everything holds for both libraries."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "zlib":
            patch.setattr(deflate, "zlib", zlib)
        yield request.param


takeovers = pytest.mark.parametrize("takeover", [True, False], ids=["takeover", "no takeover"])
windows = pytest.mark.parametrize("window_bits", range(9, 16))

HELLO = bytes.fromhex("f248cdc9c90700")


def record(number: int) -> bytes:
    return b'{"user": %d, "text": "what is said again and again", "at": %d}' % (number, number * 7919)


SAMPLES = [b"Hello", b"", b"x", b"ab" * 40_000, random.Random(1).randbytes(70_000), b"".join(map(record, range(500)))]

COMPRESSIBLE = [b"Hello", record(1), b"ab" * 40_000, b"".join(map(record, range(500)))]
"""Those of one block: wherever they are cut, they end within it."""


def packed(*fragments: bytes, deflater: Deflater | None = None) -> list[bytes]:
    """A message, deflated fragment by fragment."""
    deflater = deflater or Deflater()
    return [deflater.deflate(each, number == len(fragments)) for number, each in enumerate(fragments, 1)]


def plain(*fragments: bytes, inflater: Inflater | None = None, most: int = -1) -> list[bytes]:
    """A message, inflated fragment by fragment."""
    inflater = inflater or Inflater()
    return [inflater.inflate(each, number == len(fragments), most) for number, each in enumerate(fragments, 1)]


# Round trips


@takeovers
@windows
def test_messages_survive_every_window(takeover: bool, window_bits: int) -> None:
    deflater, inflater = Deflater(takeover, window_bits), Inflater(takeover)
    for _ in range(2):
        for message in SAMPLES:
            assert plain(*packed(message, deflater=deflater), inflater=inflater) == [message]


@takeovers
def test_a_message_may_be_cut_at_every_place_before_it_is_deflated(takeover: bool) -> None:
    deflater, inflater = Deflater(takeover), Inflater(takeover)
    message = record(1) + record(2)
    for place in range(len(message) + 1):
        fragments = [message[:place], message[place:]]
        assert plain(*packed(*fragments, deflater=deflater), inflater=inflater) == fragments


@takeovers
def test_a_message_may_be_cut_at_every_place_after_it_was_deflated(takeover: bool) -> None:
    inflater = Inflater(takeover)
    message = record(1) + record(2)
    (whole,) = packed(message)
    for place in range(len(whole) + 1):
        assert b"".join(plain(whole[:place], whole[place:], inflater=inflater)) == message
    assert b"".join(plain(*(bytes([octet]) for octet in whole), inflater=inflater)) == message


@takeovers
@pytest.mark.parametrize(
    "fragments", [[b"", b""], [b"", b"a"], [b"a", b""], [b"", b"", b"a", b"", b"", b"b", b"", b""]], ids=str
)
def test_fragments_may_be_empty(takeover: bool, fragments: list[bytes]) -> None:
    deflater, inflater = Deflater(takeover), Inflater(takeover)
    for _ in range(3):
        assert plain(*packed(*fragments, deflater=deflater), inflater=inflater) == fragments


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=4), max_size=6), st.booleans())
def test_whatever_is_said_is_heard(messages: list[list[bytes]], takeover: bool) -> None:
    deflater, inflater = Deflater(takeover), Inflater(takeover)
    for fragments in messages:
        assert plain(*packed(*fragments, deflater=deflater), inflater=inflater) == fragments


def test_with_takeover_what_was_said_before_is_referred_to() -> None:
    deflater = Deflater()
    sizes = [len(packed(record(1), deflater=deflater)[0]) for _ in range(3)]
    assert sizes[1] < sizes[0] / 3 and sizes[2] < sizes[0] / 3


def test_without_takeover_each_message_stands_alone() -> None:
    deflater = Deflater(takeover=False)
    first, second = (packed(record(1), deflater=deflater) for _ in range(2))
    assert first == second
    assert plain(*second) == [record(1)]


def test_after_forget_the_next_message_refers_to_nothing_before() -> None:
    deflater, inflater = Deflater(), Inflater()
    (first,) = packed(record(1), deflater=deflater)
    deflater.forget()
    (second,) = packed(record(1), deflater=deflater)
    assert first == second
    assert plain(first, inflater=inflater) + plain(second, inflater=inflater) == [record(1)] * 2


@windows
def test_nothing_refers_to_what_lies_outside_the_window(window_bits: int) -> None:
    noise = random.Random(window_bits).randbytes(1 << window_bits)
    decoder = zlib.decompressobj(-window_bits)
    for data in packed(noise * 3, deflater=Deflater(True, window_bits)):
        assert decoder.decompress(data + TAIL) == noise * 3


# The other end may be any zlib


@takeovers
@windows
def test_zlib_inflates_what_is_deflated(takeover: bool, window_bits: int) -> None:
    deflater = Deflater(takeover, window_bits)
    decoder = zlib.decompressobj(-window_bits)
    for message in SAMPLES:
        if not takeover:
            decoder = zlib.decompressobj(-window_bits)
        assert decoder.decompress(b"".join(packed(message[:9], message[9:], deflater=deflater)) + TAIL) == message


@takeovers
@windows
@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_what_zlib_deflates_is_inflated(takeover: bool, window_bits: int, level: int) -> None:
    encoder = zlib.compressobj(level, zlib.DEFLATED, -window_bits)
    inflater = Inflater(takeover)
    for message in SAMPLES:
        if not takeover:
            encoder = zlib.compressobj(level, zlib.DEFLATED, -window_bits)
        data = encoder.compress(message) + encoder.flush(zlib.Z_SYNC_FLUSH)
        assert plain(data.removesuffix(TAIL) or b"\x00", inflater=inflater) == [message]


# The examples of section 7.2.3


def test_one_block() -> None:
    assert packed(b"Hello") == [HELLO]
    assert plain(HELLO) == [b"Hello"]


def test_one_block_in_two_fragments() -> None:
    assert b"".join(plain(HELLO[:3], HELLO[3:])) == b"Hello"


def test_the_window_is_shared_between_messages() -> None:
    deflater, inflater = Deflater(), Inflater()
    assert [packed(b"Hello", deflater=deflater) for _ in range(2)] == [[HELLO], [bytes.fromhex("f200110000")]]
    assert plain(HELLO, inflater=inflater) == plain(bytes.fromhex("f200110000"), inflater=inflater) == [b"Hello"]


def test_without_takeover_the_second_hello_is_the_first() -> None:
    deflater = Deflater(takeover=False)
    assert [packed(b"Hello", deflater=deflater) for _ in range(2)] == [[HELLO], [HELLO]]


@takeovers
def test_a_block_without_compression(takeover: bool) -> None:
    inflater = Inflater(takeover)
    for _ in range(2):
        assert plain(bytes.fromhex("000500faff48656c6c6f00"), inflater=inflater) == [b"Hello"]


@takeovers
def test_a_block_with_bfinal_set(takeover: bool) -> None:
    inflater = Inflater(takeover)
    for _ in range(2):
        assert plain(bytes.fromhex("f348cdc9c9070000"), inflater=inflater) == [b"Hello"]


@takeovers
def test_two_blocks_in_a_message(takeover: bool) -> None:
    inflater = Inflater(takeover)
    for _ in range(2):
        assert plain(bytes.fromhex("f24805000000ffffcac9c90700"), inflater=inflater) == [b"Hello"]


def test_an_empty_message_is_one_byte() -> None:
    assert packed(b"") == [b"\x00"]
    assert plain(b"\x00") == [b""]


# What other senders may do


@takeovers
def test_a_block_with_bfinal_set_may_stand_in_the_middle(takeover: bool) -> None:
    data = bytes.fromhex("f348cdc9c90700")
    inflater = Inflater(takeover)
    for _ in range(2):
        assert plain(data + data + HELLO, inflater=inflater) == [b"HelloHelloHello"]
        assert plain(data, data + HELLO, inflater=inflater) == [b"Hello", b"HelloHello"]
        for place in range(len(data) + 1):
            assert b"".join(plain(data[:place], data[place:] + HELLO, inflater=inflater)) == b"HelloHello"


@takeovers
@pytest.mark.parametrize(
    "fragments",
    [
        pytest.param([bytes.fromhex("f348cdc9c90700")], id="nothing behind BFINAL"),
        pytest.param([bytes.fromhex("f348cdc9c90700"), b""], id="an empty fragment behind BFINAL"),
        pytest.param([HELLO + TAIL], id="the tail left where it is"),
        pytest.param([HELLO + TAIL, b""], id="an empty last fragment behind the tail"),
        pytest.param([HELLO + TAIL[:1], TAIL[1:], b"", b""], id="a tail in two fragments"),
    ],
)
def test_what_need_not_be_finished_spoils_nothing_that_follows(takeover: bool, fragments: list[bytes]) -> None:
    inflater = Inflater(takeover)
    for _ in range(3):
        assert b"".join(plain(*fragments, inflater=inflater)) == b"Hello"
        assert plain(b"", inflater=inflater) == [b""]
        assert plain(HELLO, inflater=inflater) == [b"Hello"]


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview], ids=lambda form: form.__name__)
def test_payloads_may_be_any_kind_of_bytes(form: Any) -> None:
    assert plain(form(HELLO)) == [b"Hello"]
    assert plain(form(HELLO[:2]), form(HELLO[2:]))[1].endswith(b"o")
    assert packed(form(b"Hello")) == [HELLO]


# What is no DEFLATE stream


@takeovers
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff" * 8, id="a reserved block type"),
        pytest.param(b"\x07\x00", id="a reserved block type with BFINAL"),
        pytest.param(bytes.fromhex("000500faf048656c6c6f00"), id="lengths that do not match"),
        pytest.param(bytes.fromhex("f200110000"), id="a reference before the beginning"),
        pytest.param(bytes.fromhex("04c0ffffffffffff"), id="a wrong code"),
        pytest.param(bytes.fromhex("f348cdc9c90700") + b"\xff\xff", id="garbage behind BFINAL"),
        pytest.param(zlib.compress(b"Hello, who uses a header?"), id="a zlib header"),
        pytest.param(b"Hello", id="plain text"),
    ],
)
def test_garbage_is_corrupt(takeover: bool, data: bytes) -> None:
    for most in (-1, 1000):
        with pytest.raises(Corrupt):
            plain(data, inflater=Inflater(takeover), most=most)


def test_garbage_in_a_later_fragment_is_corrupt() -> None:
    inflater = Inflater()
    assert inflater.inflate(HELLO + TAIL, False) == b"Hello"
    with pytest.raises(Corrupt):
        inflater.inflate(b"\xff" * 8, False)


def test_without_takeover_a_message_that_ends_within_a_block_is_corrupt() -> None:
    for message in COMPRESSIBLE:
        (whole,) = packed(message)
        for cut in {1, 2, len(whole) // 2, len(whole) - 1} & set(range(1, len(whole))):
            with pytest.raises(Corrupt):
                plain(whole[:cut], inflater=Inflater(takeover=False))


def test_with_takeover_a_message_that_ends_within_a_block_spoils_the_stream_at_the_latest_with_the_next() -> None:
    for message in COMPRESSIBLE:
        (whole,) = packed(message)
        for cut in {1, 2, len(whole) // 2, len(whole) - 1} & set(range(1, len(whole))):
            inflater = Inflater()
            with pytest.raises(Corrupt):
                for data in (whole[:cut], *[HELLO] * 3):
                    plain(data, inflater=inflater)


def test_the_tail_is_never_taken_for_data() -> None:
    # A block without compression that announces five bytes and has but one.
    with pytest.raises(Corrupt, match="the data ends within a block"):
        plain(bytes.fromhex("000500faff48"))


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=60), st.booleans()), max_size=5), st.booleans())
def test_whatever_comes_is_inflated_or_refused(fragments: list[tuple[bytes, bool]], takeover: bool) -> None:
    inflater = Inflater(takeover)
    try:
        for data, last in fragments:
            assert len(inflater.inflate(data, last, 500)) <= 500
    except (Corrupt, TooLong):
        return


def test_blocks_with_bfinal_set_are_bounded_in_a_fragment() -> None:
    empty = deflate.FINAL_BLOCK
    assert plain(empty * (deflate.MOST_STREAMS - 1) + HELLO) == [b"Hello"]
    with pytest.raises(Corrupt, match="more than 64 blocks with BFINAL set in a fragment"):
        plain(empty * (1 << 19))


# Limits


@takeovers
@pytest.mark.parametrize("size", [0, 1, 5, 100, 16_384, 70_000])
@pytest.mark.parametrize("content", [b"a", random.Random(2).randbytes(257)], ids=["runs", "noise"])
def test_exactly_the_limit_passes_and_one_byte_more_is_too_long(takeover: bool, size: int, content: bytes) -> None:
    message = (content * (size + 1))[:size]
    (data,) = packed(message)
    assert plain(data, inflater=Inflater(takeover), most=size) == [message]
    if size:
        with pytest.raises(TooLong):
            plain(data, inflater=Inflater(takeover), most=size - 1)


def test_a_limit_of_nothing_lets_empty_messages_pass() -> None:
    assert plain(b"\x00", most=0) == [b""]
    with pytest.raises(TooLong):
        plain(HELLO, most=0)


def test_the_limit_is_the_fragments_own() -> None:
    # Who limits messages lowers it by what the fragments before have come to.
    fragments = packed(b"a" * 10, b"b" * 10)
    assert plain(*fragments, most=10) == [b"a" * 10, b"b" * 10]
    inflater = Inflater()
    assert len(inflater.inflate(fragments[0], False, 15)) == 10
    with pytest.raises(TooLong):
        inflater.inflate(fragments[1], True, 15 - 10)


def test_the_limit_counts_over_blocks_with_bfinal_set() -> None:
    data = bytes.fromhex("f348cdc9c90700") * 3 + b"\x00"
    assert plain(data, most=15) == [b"Hello" * 3]
    for most in (0, 4, 5, 9, 10, 14):
        with pytest.raises(TooLong):
            plain(data, most=most)


class Counting:
    """A library that counts what its decoders make."""

    def __init__(self, library: ModuleType) -> None:
        self.library = library
        self.made = 0

    def decompressobj(self, **how: Any) -> Any:
        decoder = self.library.decompressobj(**how)
        counting = self

        class Decoder:
            eof = property(lambda self: decoder.eof)
            unused_data = property(lambda self: decoder.unused_data)

            def decompress(self, data: bytes, most: int) -> bytes:
                made: bytes = decoder.decompress(data, most)
                counting.made += len(made)
                return made

        return Decoder()


def bomb(size: int) -> bytes:
    """What inflates to so many zero bytes."""
    encoder = zlib.compressobj(9, zlib.DEFLATED, -15)
    mebibyte = encoder.compress(bytes(1 << 20)) + encoder.flush(zlib.Z_FULL_FLUSH)
    again = encoder.compress(bytes(1 << 20)) + encoder.flush(zlib.Z_FULL_FLUSH)
    return mebibyte + again * ((size >> 20) - 1)


@pytest.mark.parametrize("most", [0, 1000, 1 << 20])
def test_a_bomb_never_makes_more_than_one_byte_over_the_limit(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    data = bomb(1 << 30)
    assert len(data) < 1 << 21
    counting = Counting(deflate.zlib)
    monkeypatch.setattr(deflate, "zlib", counting)
    with pytest.raises(TooLong):
        plain(data, most=most)
    assert counting.made == most + 1


def test_the_bomb_is_what_it_says() -> None:
    assert plain(bomb(4 << 20)) == [bytes(4 << 20)]


# The module without zlib-ng


def test_without_zlib_ng_the_module_works_on_zlib(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("zlib_ng"):
            raise ImportError(name)
        return absent(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    spec = importlib.util.spec_from_file_location("deflate_without_zlib_ng", Path(str(deflate.__file__)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.zlib is zlib
    assert module.Inflater().inflate(module.Deflater().deflate(b"Hello", True), True) == b"Hello"
    with pytest.raises(module.Corrupt):
        module.Inflater().inflate(b"\xff" * 8, True)


def test_with_zlib_ng_it_is_taken(library: str) -> None:
    if library == "zlib":
        assert deflate.zlib is zlib
    else:
        assert deflate.zlib is sys.modules["zlib_ng.zlib_ng"]


def test_both_libraries_read_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("zlib_ng", reason="there is only zlib")
    from zlib_ng import zlib_ng

    for theirs, ours in ((zlib, zlib_ng), (zlib_ng, zlib)):
        deflater, inflater = Deflater(), Inflater()
        for message in SAMPLES:
            monkeypatch.setattr(deflate, "zlib", theirs)
            data = packed(message[:20], message[20:], deflater=deflater)
            monkeypatch.setattr(deflate, "zlib", ours)
            assert b"".join(plain(*data, inflater=inflater)) == message
