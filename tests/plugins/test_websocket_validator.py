"""websocket-validator: what matches its schema passes, what does not is 1007; a text has one meaning or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from framegate.pdk.testing import Conversation, binary, close, continuation, ping, pong, text
from framegate.plugins.websocket_validator.json_text import MAX_DEPTH, NotJSON, read
from tests.plugins.stage import faults, plugin

ORDER = json.dumps(
    {
        "type": "object",
        "required": ["item"],
        "properties": {"item": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
        "additionalProperties": False,
    }
)
NO_MATCH = close(1007, "message does not match its schema")
NO_JSON = close(1007, "message is not valid JSON")
LEFT = close(1001)
DRAFTS = ("draft4", "draft6", "draft7", "draft2019-09", "draft2020-12")


def pair(schema: str = ORDER, type: str = "draft4") -> dict[str, str]:
    return {"type": type, "schema": schema}


def talk(**config: Any) -> Conversation:
    return Conversation("websocket-validator", config=config)


# Messages


def test_a_message_that_matches_passes_as_it_is() -> None:
    with talk(client={"text": pair()}) as conversation:
        message = '{ "item": "tea",\n"count": 2 }'
        assert conversation.client_sends(message).upstream == [text(message)]


def test_a_message_that_does_not_match_is_1007_for_its_sender_and_1001_for_the_other() -> None:
    with talk(client={"text": pair()}) as conversation:
        reaction = conversation.client_sends('{"item": 5}')
        assert reaction.client == [NO_MATCH]
        assert reaction.upstream == [LEFT]


def test_what_is_no_json_is_1007_as_well() -> None:
    with talk(client={"text": pair()}) as conversation:
        reaction = conversation.client_sends("{item: tea}")
        assert (reaction.client, reaction.upstream) == ([NO_JSON], [LEFT])


def test_the_upstream_is_held_to_its_own_schema() -> None:
    with talk(upstream={"text": pair()}) as conversation:
        assert conversation.client_sends("anything").upstream == [text("anything")]
        reaction = conversation.upstream_sends('{"count": 1}')
        assert (reaction.upstream, reaction.client) == ([NO_MATCH], [LEFT])


def test_binary_messages_are_read_as_json_too() -> None:
    with talk(client={"binary": pair()}) as conversation:
        assert conversation.client_sends(b'{"item":"tea"}').upstream == [binary(b'{"item":"tea"}')]
        assert conversation.client_sends(b"\xff\x00").client == [NO_JSON]


def test_a_type_without_a_schema_passes() -> None:
    with talk(client={"binary": pair()}) as conversation:
        assert conversation.client_sends("no json").upstream == [text("no json")]


def test_control_frames_pass() -> None:
    with talk(client={"text": pair(), "binary": pair()}, upstream={"text": pair()}) as conversation:
        assert conversation.client_sends(ping(b"no json")).upstream == [ping(b"no json")]
        assert conversation.upstream_sends(pong(b"no json")).client == [pong(b"no json")]
        assert conversation.client_sends(close(1000, "no json")).upstream == [close(1000, "no json")]


def test_fragments_are_validated_as_one_message() -> None:
    with talk(client={"text": pair()}) as conversation:
        reaction = conversation.client_sends(text('{"item":', final=False), continuation(' "tea"}'))
        assert reaction.upstream == [text('{"item": "tea"}')]


def test_the_peers_are_told_nothing_of_the_message_and_the_log_what_of_the_schema_was_broken() -> None:
    with talk(client={"text": pair()}) as conversation:
        reaction = conversation.client_sends('{"item": "tea", "secret": "hunter2"}')
        assert reaction.client == [NO_MATCH]
        lines = [line for line in map(str, conversation.log) if "does not match" in line]
        assert lines and "/additionalProperties" in lines[0]
        assert not any("secret" in line or "hunter2" in line for line in map(str, conversation.log))


def test_it_looks_only_at_the_side_that_has_a_schema() -> None:
    both = plugin("websocket-validator", client={"text": pair()}, upstream={"binary": pair()})
    client = plugin("websocket-validator", client={"text": pair()})
    upstream = plugin("websocket-validator", upstream={"binary": pair()})
    assert both.phases == {"ws_client_frame", "ws_upstream_frame"}
    assert client.phases == {"ws_client_frame"}
    assert upstream.phases == {"ws_upstream_frame"}


# Drafts


@pytest.mark.parametrize("draft", DRAFTS)
def test_each_draft_is_served(draft: str) -> None:
    with talk(client={"text": pair('{"type": "array"}', draft)}) as conversation:
        assert conversation.client_sends("[]").upstream == [text("[]")]
        assert conversation.client_sends("{}").client == [NO_MATCH]


@pytest.mark.parametrize(
    ("draft", "schema", "message", "passes"),
    [
        ("draft4", '{"minimum": 1, "exclusiveMinimum": true}', "1", False),
        ("draft4", '{"const": 1}', "2", True),
        ("draft6", '{"const": 1}', "2", False),
        ("draft6", "false", "1", False),
        ("draft7", '{"if": {"type": "string"}, "then": {"maxLength": 1}}', '"ab"', False),
        ("draft2019-09", '{"dependentRequired": {"a": ["b"]}}', '{"a": 1}', False),
        ("draft2020-12", '{"prefixItems": [{"type": "string"}]}', "[1]", False),
        ("draft7", '{"prefixItems": [{"type": "string"}]}', "[1]", True),
        ("draft4", '{"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}}', "1", False),
        ("draft4", '{"$ref": "http://json-schema.org/draft-04/schema#"}', '{"type": 5}', False),
    ],
)
def test_a_schema_means_what_its_draft_says(draft: str, schema: str, message: str, passes: bool) -> None:
    with talk(client={"text": pair(schema, draft)}) as conversation:
        reaction = conversation.client_sends(message)
        assert reaction.upstream == ([text(message)] if passes else [LEFT])


# Schemas that cannot be used


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ('{"type": "object",\n "required": }', "not valid JSON: line 2, column 14: "),
        ('{"type": "strin"}', 'not a schema of draft4: /type: "strin" is not valid'),
        ('{"properties": {"a/b": {"type": 5}}}', "not a schema of draft4: /properties/a~1b/type: 5 is not valid"),
        ('{"pattern": "(("}', "not a schema of draft4: /pattern: "),
        ("[]", "a JSON Schema is an object"),
        ("true", "a JSON Schema is an object"),
        ('"text"', "a JSON Schema is an object"),
        ('{"a": 1, "a": 2}', "not valid JSON: a name stands twice in an object"),
        ('{"$schema": "http://json-schema.org/draft-07/schema#"}', "its $schema says draft7, its type draft4"),
        ('{"$ref": "#/definitions/missing"}', "/definitions/missing"),
    ],
)
def test_a_schema_that_cannot_be_used_is_an_error_that_tells_where(schema: str, said: str) -> None:
    (fault,) = faults("websocket-validator", client={"text": pair(schema)})
    assert fault.startswith("client.text.schema: ")
    assert said in fault


@pytest.mark.parametrize(
    "reference", ["http://127.0.0.1:9/x.json", "https://example.com/x", "file:///etc/passwd", "other.json", "urn:x:y"]
)
@pytest.mark.parametrize("draft", DRAFTS)
def test_nothing_that_a_schema_refers_to_is_fetched(draft: str, reference: str) -> None:
    (fault,) = faults("websocket-validator", client={"text": pair(json.dumps({"$ref": reference}), draft)})
    assert "nothing is fetched: put what is referred to into the schema" in fault


def test_the_schema_that_its_draft_names_is_welcome() -> None:
    schema = '{"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"}'
    assert faults("websocket-validator", client={"text": pair(schema)}) == []


@pytest.mark.parametrize("config", [{}, {"client": {}}, {"client": {}, "upstream": {}}])
def test_no_schema_at_all_is_an_error(config: dict[str, Any]) -> None:
    assert faults("websocket-validator", **config) == [
        "at least one of client.text, client.binary, upstream.text, upstream.binary is required"
    ]


@pytest.mark.parametrize("missing", ["type", "schema"])
def test_type_and_schema_are_both_needed(missing: str) -> None:
    half = {name: value for name, value in pair().items() if name != missing}
    (fault,) = faults("websocket-validator", client={"text": half})
    assert fault.startswith(f"client.text.{missing}: is required")


def test_an_unknown_draft_is_an_error() -> None:
    (fault,) = faults("websocket-validator", client={"text": pair(type="draft5")})
    assert fault.startswith("client.text.type: must be one of")


# Texts


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("1", 1),
        (b'"\xc3\xa4"', "ä"),
        ('"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ("-0.5e-3", -0.0005),
        ("1e-400", 0.0),
        (' [1, {"a": null}]\n', [1, {"a": None}]),
        ("9" * 4300, int("9" * 4300)),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
        ('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH, None),
        (json.dumps(["[{"] * 200), ["[{"] * 200),
        (json.dumps([[]] * 200), [[]] * 200),
    ],
    ids=lambda data: str(data)[:20],
)
def test_json_is_read(data: str | bytes, value: object) -> None:
    found = read(data)
    assert value is None or found == value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "Expecting value"),
        ("{'a': 1}", "Expecting property name"),
        ("[1,]", ""),
        ("1 2", "Extra data"),
        ("NaN", "NaN is not JSON"),
        ("[Infinity]", "Infinity is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("1e400", "a number is too large"),
        ("[-1.5e309]", "a number is too large"),
        ("9" * 4301, "an integer has too many digits"),
        ('{"a": 1, "a": 1}', "a name stands twice in an object"),
        ('{"a": 1, "\\u0061": 2}', "a name stands twice in an object"),
        ('[{"b": {"a": 1, "a": 2}}]', "a name stands twice in an object"),
        ('"\\ud800"', "a string holds half of a surrogate pair"),
        ('{"\\uDFFF": 1}', "a string holds half of a surrogate pair"),
        (b"\xef\xbb\xbf{}", "Expecting value"),
        ("\ufeff{}", "Expecting value"),
        (b"\xff", "not UTF-8"),
        ("{}".encode("utf-16"), ""),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested too deeply"),
        ('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), "nested too deeply"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("[" * 1_000_000, "nested too deeply"),
        ('"\t"', "Invalid control character"),
    ],
    ids=lambda data: str(data)[:20],
)
def test_what_has_two_meanings_or_no_bound_is_refused(data: str | bytes, said: str) -> None:
    with pytest.raises(NotJSON) as caught:
        read(data)
    assert said in str(caught.value)


def test_a_schema_that_refers_to_itself_ends_with_the_message() -> None:
    schema = '{"type": "array", "items": {"$ref": "#"}}'
    deep, deeper = ("[" * depth + "]" * depth for depth in (MAX_DEPTH, MAX_DEPTH + 1))
    with talk(client={"text": pair(schema)}) as conversation:
        assert conversation.client_sends(deep).upstream == [text(deep)]
        assert conversation.client_sends(deeper).client == [NO_JSON]


def test_a_pattern_that_backtracks_without_end_is_given_up() -> None:
    schema = json.dumps({"pattern": r"^(?=(a+)+$)(?:(a+)+)(?!b)\2$"})
    with talk(client={"text": pair(schema)}) as conversation:
        assert conversation.client_sends(json.dumps("a" * 40 + "!")).client == [NO_MATCH]
