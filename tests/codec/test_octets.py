"""Masking, UTF-8 validation and appending on raw bytes (RFC 6455, sections 5.3 and 8.1)."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.kit import frames
from tests.kit.builds import Build
from tests.kit.utf8 import INVALID, UNFINISHED, VALID, is_beginning, is_valid

KEY = 0x3D21FA37
OCTETS = KEY.to_bytes(4, "little")
SIZES = [*range(0, 41), 63, 64, 65, 127, 128, 129, 1000, 1001, 4096, 70001]
ACCEPT, REJECT = 0, -1


def some_bytes(size: int) -> bytes:
    return (bytes(range(256)) * (size // 256 + 1))[:size]


@pytest.fixture
def octets(build: Build) -> Any:
    return build.octets


class TestMasking:
    """Section 5.3: octet i of the transformed data is octet i of the original XOR octet i modulo 4 of the key."""

    @pytest.mark.parametrize("size", SIZES)
    def test_sizes_and_alignments(self, octets: Any, size: int) -> None:
        plain = some_bytes(size)
        for before in range(9):
            data = bytearray(b"-" * before + frames.masked(plain, OCTETS) + b"-" * 3)
            assert octets.unmask(data, before, before + size, KEY) == plain

    @pytest.mark.parametrize("key", [1, 0x100, 0x10000, 0x1000000, 0x80000000, 0xFFFFFFFF])
    def test_every_octet_of_the_key(self, octets: Any, key: int) -> None:
        plain = some_bytes(23)
        data = bytearray(frames.masked(plain, key.to_bytes(4, "little")))
        assert octets.unmask(data, 0, 23, key) == plain

    def test_a_key_of_zero_copies(self, octets: Any) -> None:
        data = bytearray(b"abcdef")
        copy = octets.unmask(data, 1, 5, 0)
        assert (copy, type(copy)) == (b"bcde", bytes)

    def test_the_data_stay_as_they_are(self, octets: Any) -> None:
        data = bytearray(some_bytes(100))
        octets.unmask(data, 3, 97, KEY)
        assert data == some_bytes(100)

    def test_single_bytes_are_not_written_into_shared_objects(self, octets: Any) -> None:
        for octet in range(256):
            assert octets.unmask(bytearray([octet]), 0, 1, 0xFF) == bytes([octet ^ 0xFF])
        assert all(bytes([octet])[0] == octet for octet in range(256))

    @pytest.mark.parametrize("size", SIZES)
    def test_appending_masks_likewise(self, octets: Any, size: int) -> None:
        plain = some_bytes(size)
        for before in range(9):
            out = bytearray(b"-" * before)
            octets.append_payload(out, plain, KEY)
            assert out == b"-" * before + frames.masked(plain, OCTETS)

    def test_appending_with_a_key_of_zero_copies(self, octets: Any) -> None:
        out = bytearray(b"a")
        octets.append_payload(out, b"bcd", 0)
        assert out == b"abcd"


class TestAppend:
    """A range of one buffer goes behind another."""

    def test_the_range_is_appended(self, octets: Any) -> None:
        out = bytearray(b"ab")
        octets.append(out, bytearray(b"-cdef-"), 1, 5)
        octets.append(out, bytearray(b"---"), 2, 2)
        assert out == b"abcdef"


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (0, 5), (3, 2), (5, 5)])
def test_a_range_outside_of_the_data_is_an_error(octets: Any, start: int, end: int) -> None:
    data = bytearray(4)
    for call in (
        lambda: octets.unmask(data, start, end, KEY),
        lambda: octets.append(bytearray(), data, start, end),
        lambda: octets.validate_utf8(data, start, end, 0, 0, 0),
    ):
        with pytest.raises(IndexError, match="range outside of the data"):
            call()


class TestUtf8:
    """Section 8.1, over pieces: the state of one call is given to the next."""

    @pytest.mark.parametrize("text", [*VALID.values(), *INVALID.values(), *UNFINISHED.values()], ids=repr)
    def test_every_beginning_of_a_text_is_judged_right(self, octets: Any, text: bytes) -> None:
        for size in range(len(text) + 1):
            state = octets.validate_utf8_bytes(text[:size], ACCEPT)
            assert (state == ACCEPT, state == REJECT) == (is_valid(text[:size]), not is_beginning(text[:size]))

    @pytest.mark.parametrize("text", [*VALID.values(), *INVALID.values(), *UNFINISHED.values()], ids=repr)
    def test_the_cuts_do_not_matter(self, octets: Any, text: bytes) -> None:
        whole = octets.validate_utf8_bytes(text, ACCEPT)
        for place in range(len(text) + 1):
            state = octets.validate_utf8_bytes(text[:place], ACCEPT)
            assert octets.validate_utf8_bytes(text[place:], state) == whole

    @pytest.mark.parametrize("text", [*VALID.values(), *INVALID.values(), *UNFINISHED.values()], ids=repr)
    def test_masked_and_from_any_place_of_the_key(self, octets: Any, text: bytes) -> None:
        whole = octets.validate_utf8_bytes(text, ACCEPT)
        data = bytearray(b"\xff\xff" + frames.masked(text, OCTETS) + b"\xff")
        for place in range(len(text) + 1):
            state = octets.validate_utf8(data, 2, 2 + place, KEY, 0, ACCEPT)
            assert octets.validate_utf8(data, 2 + place, 2 + len(text), KEY, place, state) == whole

    def test_unmasked(self, octets: Any) -> None:
        data = bytearray(b"\xff" + "aß€😀".encode() + b"\xff")
        assert octets.validate_utf8(data, 1, len(data) - 1, 0, 3, ACCEPT) == ACCEPT
        assert octets.validate_utf8(data, 1, len(data), 0, 3, ACCEPT) == REJECT

    def test_a_rejected_text_stays_rejected(self, octets: Any) -> None:
        assert octets.validate_utf8_bytes(b"fine", REJECT) == REJECT
        assert octets.validate_utf8(bytearray(b"fine"), 0, 4, 0, 0, REJECT) == REJECT

    def test_every_two_bytes(self, octets: Any) -> None:
        for first in range(256):
            for second in (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF):
                text = bytes([first, second])
                state = octets.validate_utf8_bytes(text, ACCEPT)
                assert (state == ACCEPT, state == REJECT) == (is_valid(text), not is_beginning(text)), text


class TestKeys:
    """Section 5.3: a key MUST be fresh, from a strong source of entropy, and not predictable from the one before."""

    def test_they_come_from_the_systems_source_in_order(self, octets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        blocks = [b"\x01\x02\x03\x04" + some_bytes(4092), b"\x05\x06\x07\x08" + some_bytes(4092)]
        monkeypatch.setattr(os, "urandom", lambda size: blocks.pop(0)[:size])
        keys = octets.KeySource()
        assert keys.next_key() == 0x04030201
        assert keys.next_key() == 0x03020100
        assert len(blocks) == 1

    def test_a_key_is_never_zero(self, octets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        blocks = [bytes(4096), bytes(8) + b"\x09\x00\x00\x80" + bytes(4084)]
        monkeypatch.setattr(os, "urandom", lambda size: blocks.pop(0))
        assert octets.KeySource().next_key() == 0x80000009

    def test_they_differ_and_fill_their_32_bits(self, octets: Any) -> None:
        source = octets.KeySource()
        keys = {source.next_key() for _ in range(3000)}
        assert len(keys) > 2990 and max(keys) > 0x7FFFFFFF and min(keys) > 0

    def test_a_reset_source_reads_anew(self, octets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        keys = octets.KeySource()
        keys.next_key()
        monkeypatch.setattr(os, "urandom", lambda size: b"\x2a\x00\x00\x00" * (size // 4))
        assert keys.next_key() != 0x2A
        keys.reset()
        assert keys.next_key() == 0x2A
