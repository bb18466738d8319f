"""The JSON Schema of a plugin says what its Schema says: whatever one accepts, the other does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from framegate.pdk.json_schema import DIALECT, json_schema
from framegate.pdk.plugin import PluginType
from framegate.pdk.schema import complete
from framegate.pdk.schema_check import check_schema


def plugin(schema: Any, checks: Any = ()) -> PluginType:
    return PluginType("sample", object, tuple(schema), tuple(checks))


def accepts(kind: PluginType, config: Any) -> bool:
    """Whether the JSON Schema accepts a configuration; it must agree with the check itself."""
    schema = json_schema(kind)
    Draft202012Validator.check_schema(schema)
    accepted = Draft202012Validator(schema).is_valid(config)
    faults = complete(kind, config)[1]
    assert accepted == (not faults), f"JSON Schema accepts: {accepted}, but the faults are {faults}: {schema}"
    return accepted


def accepts_value(given: Any, **field: Any) -> bool:
    return accepts(plugin([{"f": field}]), {"f": given})


def test_it_names_its_dialect_the_plugin_descriptions_and_defaults() -> None:
    field = {"type": "string", "default": "hello", "description": "What to say", "required": True}
    assert json_schema(plugin([{"greeting": field}])) == {
        "$schema": DIALECT,
        "title": "sample config",
        "type": "object",
        "properties": {
            "greeting": {"type": "string", "description": "What to say", "default": "hello", "minLength": 1},
        },
        "additionalProperties": False,
    }


def test_a_plugin_without_fields_takes_an_empty_mapping() -> None:
    assert accepts(plugin([]), {})
    assert not accepts(plugin([]), {"x": 1})


def test_a_field_is_required_where_nothing_can_be_filled_in() -> None:
    inner = [{"a": {"type": "string", "required": True}}]
    assert json_schema(plugin([{"n": {"type": "integer", "required": True}}]))["required"] == ["n"]
    assert "required" not in json_schema(plugin([{"n": {"type": "integer", "required": True, "default": 1}}]))
    assert "required" not in json_schema(plugin([{"r": {"type": "record", "fields": inner}}]))
    assert json_schema(plugin([{"r": {"type": "record", "fields": inner, "required": True}}]))["required"] == ["r"]


def test_null_is_accepted_where_a_field_is_not_required() -> None:
    assert accepts_value(None, type="integer")
    assert not accepts_value(None, type="integer", required=True)


VALUES: list[Any] = [
    None, True, False, 0, 1, 2, 3, 1.0, 1.5, -1, 10**20, "", "a", "b", "ab", "abc", "(", "/x", "a+", "a-b", "\n",
    "0b1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "0b1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9\n", [], ["a"], ["b"], ["a", "b"],
    [1], [True], [None], [["a"]], {}, {"a": 1}, {"a": "a"}, {"b": "b", "a": "a"}, {"": "a"}, {"a": None}, {"a": {}},
]  # fmt: skip

STRING = {"type": "string"}
FIELDS: list[dict[str, Any]] = [
    *({"type": kind} for kind in ("string", "number", "integer", "boolean")),
    {"type": "string", "len_min": 0},
    {"type": "string", "len_min": 2, "len_max": 2},
    {"type": "string", "len_eq": 1, "len_min": 0},
    {"type": "string", "one_of": ["a", "abc"]},
    {"type": "string", "one_of": ["a", "abc"], "eq": "abc"},
    {"type": "string", "not_one_of": ["a"], "ne": "b"},
    {"type": "string", "match": "^a", "not_match": "b$"},
    {"type": "string", "starts_with": "a-"},
    {"type": "string", "starts_with": "a+", "match": "."},
    {"type": "string", "uuid": True},
    {"type": "integer", "between": [0, 2]},
    {"type": "number", "gt": 1, "between": [0, 2]},
    {"type": "number", "one_of": [1, 2.5]},
    {"type": "boolean", "eq": False},
    {"type": "array", "elements": STRING},
    {"type": "array", "elements": STRING, "len_min": 1, "contains": "a"},
    {"type": "array", "elements": {"type": "array", "elements": STRING}},
    {"type": "array", "elements": {"type": "boolean"}, "len_eq": 1},
    {"type": "set", "elements": {"type": "number"}},
    {"type": "set", "elements": STRING, "len_max": 1},
    {"type": "map", "keys": STRING, "values": STRING},
    {"type": "map", "keys": {"type": "string", "one_of": ["a"]}, "values": {"type": "integer"}, "len_min": 1},
    {"type": "record", "fields": [{"a": STRING}]},
    {"type": "record", "fields": [{"a": {"type": "string", "required": True}}]},
    {"type": "record", "fields": [{"a": {"type": "record", "fields": [], "required": True}}]},
    {
        "type": "record",
        "fields": [{"a": {"type": "string", "len_min": 0}}, {"b": {"type": "string", "default": "b"}}],
        "entity_checks": [{"mutually_exclusive": ["a", "b"]}],
    },
]


@pytest.mark.parametrize("required", [True, False], ids=["required", "optional"])
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: "-".join(map(str, field.values()))[:40])
def test_it_agrees_with_the_check_on_every_kind_of_value(field: dict[str, Any], required: bool) -> None:
    assert check_schema([{"f": field}]) == []
    verdicts = {accepts_value(given, **field, required=required) for given in VALUES}
    assert verdicts == {True, False}


CHECKED = [
    {"a": {"type": "string", "len_min": 0}},
    {"b": {"type": "array", "elements": STRING}},
    {"n": {"type": "integer"}},
    {"d": {"type": "string", "default": "x"}},
    {"r": {"type": "record", "fields": [{"a": STRING}, {"e": {"type": "string", "default": "y"}}]}},
    {"q": {"type": "record", "required": True, "fields": [{"a": STRING}, {"e": {"type": "string", "default": "y"}}]}},
]
NAMES = ["a", "b", "n", "d", "r", "q", "r.a", "r.e", "q.a", "q.e"]
KINDS = ["at_least_one_of", "only_one_of", "mutually_exclusive", "mutually_required"]
checks = st.builds(
    lambda kind, names: {kind: names}, st.sampled_from(KINDS), st.lists(st.sampled_from(NAMES), min_size=1, unique=True)
)
inner = st.fixed_dictionaries({}, optional={"a": st.sampled_from([None, "x"]), "e": st.sampled_from([None, "x"])})
configs = st.fixed_dictionaries(
    {},
    optional={
        "a": st.sampled_from([None, "", "x"]),
        "b": st.sampled_from([None, [], ["x"]]),
        "n": st.sampled_from([None, 0, 1]),
        "d": st.sampled_from([None, "x"]),
        "r": st.none() | inner,
        "q": inner,
    },
)


@settings(max_examples=300, deadline=None)
@given(checks, configs)
def test_it_agrees_with_the_check_on_rules_between_fields(check: dict[str, Any], config: dict[str, Any]) -> None:
    assert check_schema(CHECKED, [check]) == []
    accepts(plugin(CHECKED, [check]), config)


def nested(fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    records = st.dictionaries(st.sampled_from("abc"), fields, max_size=3).map(
        lambda named: {"type": "record", "fields": [{name: field} for name, field in named.items()]}
    )
    lists = st.builds(lambda kind, field: {"type": kind, "elements": field}, st.sampled_from(["array", "set"]), fields)
    maps = fields.map(lambda field: {"type": "map", "keys": STRING, "values": field})
    flagged = st.builds(lambda field, required: {**field, "required": required}, records | lists | maps, st.booleans())
    return flagged


any_field = st.recursive(
    st.sampled_from([field for field in FIELDS if field["type"] not in ("set", "record")])
    | st.just({"type": "string", "default": "a", "required": True})
    | st.just({"type": "integer", "required": True}),
    nested,
    max_leaves=6,
)
any_value = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from([1.5, "a", "b", ""]),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.sampled_from("abc"), values, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), any_field, max_size=3), any_value)
def test_it_agrees_with_the_check_on_any_schema_and_any_value(fields: dict[str, Any], config: Any) -> None:
    schema = [{name: field} for name, field in fields.items()]
    assert check_schema(schema) == []
    if isinstance(config, dict):
        accepts(plugin(schema), config)


def test_where_a_set_has_a_rule_about_its_length_the_json_schema_wants_no_repetition() -> None:
    field = {"type": "set", "elements": STRING, "len_max": 2}
    assert json_schema(plugin([{"f": field}]))["properties"]["f"]["uniqueItems"] is True
    assert "uniqueItems" not in json_schema(plugin([{"f": {"type": "set", "elements": STRING}}]))["properties"]["f"]


def test_that_a_string_is_a_regular_expression_is_a_format() -> None:
    properties = json_schema(plugin([{"f": {"type": "string", "is_regex": True}}]))["properties"]
    assert properties["f"]["format"] == "regex"
