"""Messages that are made to hurt who reads them: JSON that explodes, patterns that backtrack, floods of errors."""

from __future__ import annotations

import json

import pytest

from framegate.pdk.testing import Conversation, close, text
from tests.hostile.kit import MIB, traced

NO_JSON = close(1007, "message is not valid JSON")
NO_MATCH = close(1007, "message does not match its schema")

NONE_OF_IT = {
    "a million brackets": "[" * 1_000_000,
    "a million objects": '{"a":' * 200_000,
    "nested and closed": "[" * 500_000 + "]" * 500_000,
    "a number of a million digits": "9" * 1_000_000,
    "an exponent beyond reason": "1e999999999",
    "a name a hundred thousand times": "{" + ",".join(['"a":0'] * 100_000) + "}",
    "NaN": "NaN",
    "half a surrogate": '"\\ud800"',
    "two values": "1 2",
    "a string without an end": '"' + "a" * 1_000_000,
}


def talk(schema: object) -> Conversation:
    return Conversation(
        "websocket-validator", config={"client": {"text": {"type": "draft7", "schema": json.dumps(schema)}}}
    )


@pytest.mark.parametrize("message", NONE_OF_IT.values(), ids=NONE_OF_IT)
def test_json_that_explodes_is_1007_in_less_memory_than_eight_times_the_default_limit(message: str) -> None:
    with talk({}) as conversation:
        conversation.client_sends("{}")
        with traced() as grown:
            assert conversation.client_sends(message).client == [NO_JSON]
            assert grown.peak < 8 * MIB + 48 * len(message)


def test_one_mebibyte_of_empty_arrays_is_read_in_under_64_mib() -> None:
    message = "[" + "[]," * 349_000 + "[]]"
    assert len(message) < MIB
    with talk({"type": "array"}) as conversation:
        conversation.client_sends("[]")
        with traced() as grown:
            assert conversation.client_sends(message).upstream == [text(message)]
            assert grown.peak < 64 * MIB


PATTERNS = [r"^(a+)+$", r"^(a|aa)+$", r"(.*)*x", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"^(?=(a+)+$)(?:(a+)+)(?!b)\2$"]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("count", [1, 10_000])
def test_patterns_that_backtrack_without_end_elsewhere_come_to_an_answer_here(pattern: str, count: int) -> None:
    # That it ends is what is tested: with a backtracking matcher each of these takes longer than the universe has.
    with talk({"items": {"pattern": pattern}}) as conversation:
        message = json.dumps(["a" * 60 + "!"] * count)
        assert conversation.client_sends(message).client in ([NO_MATCH], [])


def test_many_names_that_meet_a_pattern_come_to_an_answer() -> None:
    with talk({"patternProperties": {r"^(a+)+$": {"type": "string"}}}) as conversation:
        message = json.dumps({"a" * 30 + f"!{number}": 0 for number in range(10_000)})
        assert conversation.client_sends(message).upstream == [text(message)]


EVERYWHERE = [
    {"items": {"type": "string"}},
    {"anyOf": [{"items": {"type": "string"}}, {"items": {"type": "null"}}]},
]


@pytest.mark.parametrize("schema", EVERYWHERE, ids=["items", "anyOf"])
def test_a_message_that_breaks_its_schema_in_300_000_places_is_told_of_in_one_line_and_under_64_mib(
    schema: object,
) -> None:
    # To be told why by the schema library would take an error object for each place: 500 MiB and ten seconds.
    with talk(schema) as conversation:
        with traced() as grown:
            reaction = conversation.client_sends(json.dumps([1] * 300_000))
            assert grown.peak < 64 * MIB
        assert (reaction.client, reaction.upstream) == ([NO_MATCH], [close(1001)])
        (line,) = [line for line in map(str, conversation.log) if "does not match" in line]
        assert "does not match its schema: over 4096 bytes, so it is not told where'" in line


@pytest.mark.parametrize("schema", EVERYWHERE, ids=["items", "anyOf"])
def test_a_message_of_4096_bytes_is_told_of_with_the_place_in_the_schema(schema: dict[str, object]) -> None:
    message = json.dumps([1] * 1365 + [""])[:-4].rstrip(", ") + "]"
    message += " " * (4096 - len(message))
    with talk(schema) as conversation:
        assert conversation.client_sends(message).client == [NO_MATCH]
        (line,) = [line for line in map(str, conversation.log) if "does not match" in line]
        assert "its schema: /items/type'" in line or "its schema: /anyOf'" in line
