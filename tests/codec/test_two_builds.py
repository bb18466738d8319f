"""One source, two builds: the same bytes bring the same results."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framegate import _build
from framegate.codec.constants import PROTOCOL_ERROR
from tests.kit.builds import Build
from tests.kit.frames import frame
from tests.kit.parsing import Codec, Failure

pytestmark = pytest.mark.skipif(not _build.COMPILED, reason=f"the compiled build does not run: {_build.REASON}")

texts = st.text(max_size=40).map(str.encode) | st.binary(max_size=40) | st.just(b"a" * 130)
close_bodies = st.builds(
    lambda code, reason: code.to_bytes(2, "big") + reason, st.integers(990, 1020) | st.integers(0, 65535), texts
)


def wire_frames(masked: bool) -> st.SearchStrategy[bytes]:
    """The bytes of one frame; most are right, for else nothing would be read behind the first."""
    return st.builds(
        frame,
        opcode=st.sampled_from([0, 0, 0, 1, 1, 2, 8, 9, 10]) | st.integers(0, 15),
        payload=texts | close_bodies | st.binary(max_size=300),
        fin=st.sampled_from([True, True, False]),
        mask=st.binary(min_size=4, max_size=4) if masked else st.just(False),
        rsv=st.sampled_from([0] * 12 + [1, 2, 4]),
        length_form=st.sampled_from([None] * 12 + [64]),
        announced=st.sampled_from([None] * 12 + [3, 70000, 2**63 - 1, 2**63]),
    ).filter(bool)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[str, list[bytes], dict[str, Any]]:
    """Who sends, the bytes in pieces, and the parser's options."""
    sender = draw(st.sampled_from(["client", "upstream"]))
    data = draw(st.lists(wire_frames(sender == "client"), max_size=6).map(b"".join) | st.binary(max_size=60))
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    options = draw(
        st.fixed_dictionaries(
            {
                "stream": st.booleans(),
                "validate_utf8": st.booleans(),
                "max_size": st.sampled_from([-1, -1, 0, 20, 130]),
                "max_fragments": st.sampled_from([-1, -1, 1, 2]),
                "joined": st.booleans(),
            }
        )
    )
    return sender, pieces, options


def heard(name: str, sender: str, pieces: list[bytes], options: dict[str, Any]) -> tuple[Any, ...]:
    reading = Codec(Build(name), sender).reading(**options).feed(*pieces)
    return reading.events, reading.raw, reading.parser.buffered()


@settings(max_examples=300, deadline=None)
@given(conversations())
def test_random_frames_and_random_bytes_are_read_alike(conversation: tuple[str, list[bytes], dict[str, Any]]) -> None:
    pure = heard("pure", *conversation)
    assert heard("compiled", *conversation) == pure
    assert b"".join(conversation[1]).startswith(pure[1])


@settings(max_examples=200, deadline=None)
@given(conversations())
def test_the_cuts_change_nothing(conversation: tuple[str, list[bytes], dict[str, Any]]) -> None:
    sender, pieces, options = conversation
    codec = Codec(Build("compiled"), sender)
    assert codec.read(*pieces, **options) == codec.read(b"".join(pieces), **options)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=30).map(str.encode) | st.binary(max_size=6), max_size=8), st.integers(0, 2**32 - 1))
def test_texts_are_judged_alike(parts: list[bytes], key: int) -> None:
    pure, compiled = Build("pure").octets, Build("compiled").octets
    state, at = 0, 0
    for part in parts:
        data = bytearray(part)
        expected = pure.validate_utf8(data, 0, len(data), key, at, state)
        assert compiled.validate_utf8(data, 0, len(data), key, at, state) == expected
        assert compiled.unmask(data, 0, len(data), key) == pure.unmask(data, 0, len(data), key)
        state, at = expected, at + len(part)


@settings(max_examples=150, deadline=None)
@given(conversations(), st.data())
def test_skimming_in_the_middle_is_alike(
    conversation: tuple[str, list[bytes], dict[str, Any]], data: st.DataObject
) -> None:
    sender, pieces, options = conversation
    place = data.draw(st.integers(0, len(pieces)))
    results = []
    for name in ("pure", "compiled"):
        parser = Codec(Build(name), sender).parser(**options)
        seen: list[tuple[Any, ...]] = []
        for number, piece in enumerate(pieces):
            if number == place:
                parser.skim()
            parser.feed(bytearray(piece), 0, len(piece))
            while (said := parser.next()) in (1, 2):
                seen.append((said, parser.opcode, parser.fin, parser.close_code, parser.payload()))
            seen.append((said, parser.buffered(), parser.error_code, parser.error))
        results.append(seen)
    assert results[0] == results[1]


def test_the_differing_builds_would_be_seen() -> None:
    assert heard("pure", "client", [b"\x83\x80"], {})[0] == [Failure(PROTOCOL_ERROR, "reserved data opcode")]
    assert Build("pure").Parser is not Build("compiled").Parser
