"""A plugin's configuration is checked by its Schema as a whole: every fault with its path, and defaults filled in."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.pdk.plugin import PluginType
from framegate.pdk.schema import Fault, complete, dotted, split_path

UUID = "0b1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"


def plugin(*schema: dict[str, Any], checks: tuple[dict[str, Any], ...] = ()) -> PluginType:
    return PluginType("sample", object, schema, checks)


def completed(config: Any, *schema: dict[str, Any], checks: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    value, faults = complete(plugin(*schema, checks=checks), config)
    assert faults == []
    return value


def faults(config: Any, *schema: dict[str, Any], checks: tuple[dict[str, Any], ...] = ()) -> list[str]:
    return [str(fault) for fault in complete(plugin(*schema, checks=checks), config)[1]]


def value(given: Any, **field: Any) -> Any:
    return completed({"f": given}, {"f": field})["f"]


def fault(given: Any, **field: Any) -> str:
    (only,) = faults({"f": given}, {"f": field})
    return only.removeprefix("f: ")


# Defaults


def test_a_field_that_is_not_given_has_its_default_or_is_none() -> None:
    schema = ({"greeting": {"type": "string", "default": "hello"}}, {"limit": {"type": "integer"}})
    assert completed({}, *schema) == {"greeting": "hello", "limit": None}
    assert completed(None, *schema) == {"greeting": "hello", "limit": None}


def test_what_is_given_stands() -> None:
    assert completed({"f": "bye"}, {"f": {"type": "string", "default": "hello"}}) == {"f": "bye"}


def test_null_stands_against_a_default() -> None:
    assert completed({"f": None}, {"f": {"type": "string", "default": "hello"}}) == {"f": None}


def test_null_is_no_value_for_a_required_field() -> None:
    assert fault(None, type="string", required=True, default="x") == "is required and must not be null"


def test_a_default_is_copied_for_each_configuration() -> None:
    kind = plugin({"f": {"type": "array", "elements": {"type": "string"}, "default": ["a"]}})
    complete(kind, {})[0]["f"].append("b")
    assert complete(kind, {})[0] == {"f": ["a"]}


def test_nothing_of_the_given_configuration_is_shared() -> None:
    given = {"f": {"a": ["x"]}}
    field = {"type": "map", "keys": {"type": "string"}, "values": {"type": "array", "elements": {"type": "string"}}}
    completed(given, {"f": field})["f"]["a"].append("y")
    assert given == {"f": {"a": ["x"]}}


RECORD = [{"a": {"type": "string", "default": "A"}}, {"b": {"type": "integer"}}]


def test_a_record_that_is_given_is_filled_in() -> None:
    assert value({"b": 1}, type="record", fields=RECORD) == {"a": "A", "b": 1}
    assert value({}, type="record", fields=RECORD) == {"a": "A", "b": None}


def test_a_required_record_that_is_not_given_is_made_of_the_defaults_of_its_fields() -> None:
    assert completed({}, {"f": {"type": "record", "required": True, "fields": RECORD}}) == {"f": {"a": "A", "b": None}}


def test_a_record_that_is_neither_given_nor_required_is_none() -> None:
    assert completed({}, {"f": {"type": "record", "fields": RECORD}}) == {"f": None}


def test_the_default_of_a_record_is_filled_in_too() -> None:
    assert completed({}, {"f": {"type": "record", "fields": RECORD, "default": {"b": 2}}}) == {"f": {"a": "A", "b": 2}}


def test_records_in_lists_and_maps_are_filled_in() -> None:
    record = {"type": "record", "fields": RECORD}
    assert value([{}], type="array", elements=record) == [{"a": "A", "b": None}]
    assert value({"k": {}}, type="map", keys={"type": "string"}, values=record) == {"k": {"a": "A", "b": None}}


# Types


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("string", "x"),
        ("number", 1),
        ("number", 1.5),
        ("number", 10**400),
        ("integer", 0),
        ("integer", -(2**70)),
        ("boolean", False),
    ],
)
def test_a_value_of_its_type_is_taken(kind: str, given: Any) -> None:
    assert value(given, type=kind) == given


def test_a_whole_float_is_an_integer() -> None:
    assert repr(value(5.0, type="integer")) == "5"


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("string", 5, "must be a string, not 5 (put it in quotes)"),
        ("string", True, "must be a string, not true (put it in quotes)"),
        ("string", ["x"], "must be a string, not a list"),
        ("string", {"a": 1}, "must be a string, not a mapping"),
        ("string", b"x", "must be a string, not a bytes"),
        ("number", True, "must be a number, not true"),
        ("number", "1.5", 'must be a number, not "1.5" (leave out the quotes)'),
        ("number", float("inf"), "must be a number, not Infinity"),
        ("number", float("nan"), "must be a number, not NaN"),
        ("integer", True, "must be a whole number, not true"),
        ("integer", 1.5, "must be a whole number, not 1.5"),
        ("integer", "15", 'must be a whole number, not "15" (leave out the quotes)'),
        ("integer", "x", 'must be a whole number, not "x"'),
        ("boolean", 1, "must be true or false, not 1"),
        ("boolean", "true", 'must be true or false, not "true" (leave out the quotes)'),
        ("boolean", "yes", 'must be true or false, not "yes"'),
    ],
)
def test_a_value_of_another_type_is_a_fault_with_its_mend(kind: str, given: Any, said: str) -> None:
    assert fault(given, type=kind) == said


def test_a_single_value_is_no_list() -> None:
    assert fault("x", type="array", elements={"type": "string"}) == 'must be a list, not "x" (put it in brackets)'
    assert fault({"a": 1}, type="set", elements={"type": "string"}) == "must be a list, not a mapping"


def test_a_list_is_no_mapping() -> None:
    assert fault([], type="record", fields=[]) == "must be a mapping, not an empty list"
    assert fault(1, type="map", keys={"type": "string"}, values={"type": "string"}) == "must be a mapping, not 1"


def test_the_configuration_itself_must_be_a_mapping() -> None:
    assert faults(["x"]) == ["must be a mapping, not a list"]


def test_a_long_value_is_shown_in_part() -> None:
    said = fault("x" * 1000, type="integer")
    assert len(said) < 100 and said.endswith('..."')


def test_a_secret_is_not_shown() -> None:
    assert fault("hunter2", type="string", encrypted=True, len_min=20) == "must be at least 20 characters long, not 7"
    assert "hunter2" not in fault("hunter2", type="string", encrypted=True, match="^x")


# Lists, sets, maps


def test_every_element_is_checked_and_named_by_its_index() -> None:
    said = faults({"f": ["x", 1, None]}, {"f": {"type": "array", "elements": {"type": "string"}}})
    assert said == ["f[1]: must be a string, not 1 (put it in quotes)", "f[2]: is required and must not be null"]


def test_a_set_loses_what_is_in_it_twice_and_keeps_the_order() -> None:
    assert value(["b", "a", "b"], type="set", elements={"type": "string"}) == ["b", "a"]
    records = {"type": "record", "fields": [{"a": {"type": "integer"}}]}
    assert value([{"a": 1}, {"a": 2}, {"a": 1}], type="set", elements=records) == [{"a": 1}, {"a": 2}]


def test_the_length_of_a_set_is_what_is_left_of_it() -> None:
    said = fault(["a", "a"], type="set", elements={"type": "string"}, len_min=2)
    assert said == "must be at least 2 elements long, not 1"


def test_keys_and_values_of_a_map_are_checked() -> None:
    field = {"type": "map", "keys": {"type": "string", "match": "^x-"}, "values": {"type": "integer"}}
    assert faults({"f": {"x-a": "1", "b": 2, "x-c": None}}, {"f": field}) == [
        'f.x-a: must be a whole number, not "1" (leave out the quotes)',
        'f.b: its key must be a string that matches ^x-, not "b"',
        "f.x-c: is required and must not be null",
    ]


# Records


def test_an_unknown_field_is_told_the_nearest() -> None:
    schema = ({"greeting": {"type": "string"}}, {"limit": {"type": "integer"}})
    assert faults({"greting": "x"}, *schema) == ["greting: there is no such field (did you mean 'greeting'?)"]
    assert faults({"xyz": "x"}, *schema) == ["xyz: there is no such field (there are: greeting, limit)"]


def test_a_plugin_without_fields_says_so() -> None:
    assert faults({"x": 1}) == ["x: there is no such field (it has none)"]


def test_a_key_that_is_no_string_is_no_field() -> None:
    assert faults({True: 1}, {"on": {"type": "integer"}}) == ["True: there is no such field (there are: on)"]


def test_a_required_field_that_is_not_given_says_what_it_is() -> None:
    record = {"type": "record", "fields": [{"a": {"type": "string", "required": True}}]}
    assert faults({}, {"n": {"type": "integer", "required": True}}) == ["n: is required: a whole number"]
    assert faults({"r": {}}, {"r": record}) == ["r.a: is required: a string"]
    assert faults({}, {"r": record}) == []
    assert faults({}, {"r": {**record, "required": True}}) == ["r.a: is required: a string"]


def test_all_faults_come_at_once_with_their_paths() -> None:
    schema = (
        {"one": {"type": "integer", "required": True}},
        {"two": {"type": "record", "fields": [{"in": {"type": "array", "elements": {"type": "boolean"}}}]}},
        {"three": {"type": "string"}},
    )
    found = complete(plugin(*schema), {"two": {"in": [True, 0], "typo": 1}, "three": 3, "four": 4})[1]
    assert [fault.path for fault in found] == [("four",), ("one",), ("two", "typo"), ("two", "in", 1), ("three",)]


# Rules, at the limit and beyond it


@pytest.mark.parametrize(
    ("field", "right", "wrong", "said"),
    [
        ({"type": "string"}, "x", "", "must not be empty"),
        ({"type": "string", "len_min": 0}, "", 0, "must be a string, not 0 (put it in quotes)"),
        ({"type": "string", "len_min": 3}, "abc", "ab", "must be at least 3 characters long, not 2"),
        ({"type": "string", "len_max": 1}, "é", "éé", "must be at most 1 character long, not 2"),
        ({"type": "string", "len_eq": 2}, "ab", "abc", "must be exactly 2 characters long, not 3"),
        ({"type": "string", "len_eq": 0}, "", "a", "must be exactly 0 characters long, not 1"),
        ({"type": "string", "one_of": ["draft4", "x"]}, "x", "draft", "must be one of"),
        ({"type": "string", "not_one_of": ["a", "b"]}, "c", "b", 'must be none of "a", "b", not "b"'),
        ({"type": "string", "eq": "a"}, "a", "b", 'must be "a", not "b"'),
        ({"type": "string", "ne": "a"}, "b", "a", 'must be other than "a", not "a"'),
        ({"type": "string", "match": "b+"}, "abba", "aa", 'must be a string that matches b+, not "aa"'),
        ({"type": "string", "not_match": "b"}, "aa", "ab", 'must be a string that does not match b, not "ab"'),
        ({"type": "string", "starts_with": "/"}, "/a", "a/", 'must be a string that starts with "/", not "a/"'),
        ({"type": "string", "uuid": True}, UUID, UUID[:-1], f'must be a UUID, not "{UUID[:-1]}"'),
        ({"type": "string", "uuid": True}, UUID.upper(), UUID + "\n", f'must be a UUID, not "{UUID}\\n"'),
        ({"type": "string", "is_regex": True}, "a+", "(", 'must be a regular expression, not "("'),
        ({"type": "integer", "between": [1, 65535]}, 65535, 65536, "must be between 1 and 65535, not 65536"),
        ({"type": "integer", "between": [1, 65535]}, 1, 0, "must be between 1 and 65535, not 0"),
        ({"type": "number", "gt": 0}, 0.1, 0, "must be greater than 0, not 0"),
        ({"type": "integer", "one_of": [0, 2]}, 2, 1, "must be one of 0, 2, not 1"),
        ({"type": "boolean", "eq": True}, True, False, "must be true, not false"),
        (
            {"type": "array", "elements": {"type": "string"}, "len_min": 1},
            ["x"],
            [],
            "must not be empty",
        ),
        (
            {"type": "array", "elements": {"type": "integer"}, "len_max": 1},
            [1],
            [1, 2],
            "must be at most 1 element long, not 2",
        ),
        (
            {"type": "array", "elements": {"type": "string"}, "contains": "a"},
            ["b", "a"],
            ["b"],
            'must be a list with "a" in it',
        ),
        (
            {"type": "map", "keys": {"type": "string"}, "values": {"type": "integer"}, "len_max": 1},
            {"a": 1},
            {"a": 1, "b": 2},
            "must be at most 1 entry long, not 2",
        ),
    ],
)
def test_a_rule_holds_at_its_limit_and_is_a_fault_beyond(field: Any, right: Any, wrong: Any, said: str) -> None:
    assert value(right, **field) == right
    assert fault(wrong, **field).startswith(said)


def test_a_value_that_is_not_among_the_choice_is_told_the_nearest() -> None:
    said = fault("draft-4", type="string", one_of=["draft4", "none"])
    assert said == "must be one of \"draft4\", \"none\", not \"draft-4\" (did you mean 'draft4'?)"


def test_an_attribute_that_is_false_or_none_is_no_rule() -> None:
    assert value("x", type="string", uuid=False, is_regex=False, match=None) == "x"


def test_a_default_that_is_filled_in_is_checked_no_less() -> None:
    assert faults({}, {"f": {"type": "string", "default": "", "required": True}}) == ["f: must not be empty"]


# Rules between fields

PAIR = ({"a": {"type": "string", "len_min": 0}}, {"b": {"type": "array", "elements": {"type": "string"}}})
NESTED = ({"r": {"type": "record", "fields": list(PAIR)}}, {"c": {"type": "integer"}})


@pytest.mark.parametrize(
    ("check", "right", "wrong", "said"),
    [
        ("at_least_one_of", {"a": "x"}, {}, "at least one of a, b is required"),
        ("at_least_one_of", {"a": "x", "b": ["y"]}, {"a": "", "b": []}, "at least one of a, b is required"),
        ("only_one_of", {"a": "x"}, {}, "exactly one of a, b is required, not none of them"),
        ("only_one_of", {"b": ["y"]}, {"a": "x", "b": ["y"]}, "exactly one of a, b is required, not a and b"),
        ("mutually_exclusive", {}, {"a": "x", "b": ["y"]}, "only one of a, b may be given, not a and b"),
        ("mutually_required", {}, {"a": "x"}, "a, b belong together: b not given"),
        ("mutually_required", {"a": "x", "b": ["y"]}, {"b": ["y"]}, "a, b belong together: a not given"),
    ],
)
def test_a_rule_between_fields(check: str, right: Any, wrong: Any, said: str) -> None:
    completed(right, *PAIR, checks=({check: ["a", "b"]},))
    assert faults(wrong, *PAIR, checks=({check: ["a", "b"]},)) == [said]


def test_a_rule_between_fields_reaches_into_records() -> None:
    checks = ({"at_least_one_of": ["r.a", "c"]},)
    completed({"r": {"a": "x"}}, *NESTED, checks=checks)
    assert faults({"r": {}}, *NESTED, checks=checks) == ["at least one of r.a, c is required"]


def test_zero_and_false_count_as_given() -> None:
    schema = ({"n": {"type": "integer"}}, {"b": {"type": "boolean"}})
    completed({"n": 0}, *schema, checks=({"at_least_one_of": ["n", "b"]},))
    completed({"b": False}, *schema, checks=({"at_least_one_of": ["n", "b"]},))


def test_a_default_counts_as_given() -> None:
    completed({}, {"a": {"type": "string", "default": "x"}}, checks=({"at_least_one_of": ["a"]},))


def test_a_rule_about_a_field_with_a_fault_of_its_own_says_nothing() -> None:
    said = faults({"a": 1}, *PAIR, checks=({"at_least_one_of": ["a", "b"]},))
    assert said == ["a: must be a string, not 1 (put it in quotes)"]


def test_a_record_may_have_rules_between_its_own_fields() -> None:
    record = {"type": "record", "fields": list(PAIR), "entity_checks": [{"only_one_of": ["a", "b"]}]}
    assert faults({"r": {}}, {"r": record}) == ["r: exactly one of a, b is required, not none of them"]
    assert faults({}, {"r": record}) == []


# Paths


def test_a_path_is_written_with_dots_and_brackets_and_read_again() -> None:
    assert dotted(("client", "text", 0, "type")) == "client.text[0].type"
    assert split_path("client.text[0].type") == ("client", "text", 0, "type")
    assert split_path("access[1]") == ("access", 1)


def test_a_fault_reads_as_one_line() -> None:
    assert str(Fault(("a", 1), "is wrong", "mend it")) == "a[1]: is wrong (mend it)"
    assert str(Fault((), "is wrong")) == "is wrong"
