"""A Schema that its author got wrong is refused with the field, the rule and the mend."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.pdk.schema_check import check_schema

STRING = {"type": "string"}


def said(schema: Any, checks: Any = ()) -> list[str]:
    return [str(fault) for fault in check_schema(schema, checks)]


def of_field(**field: Any) -> str:
    (only,) = said([{"f": field}])
    return only.removeprefix("Schema.f")


def test_a_sound_schema_has_no_faults() -> None:
    record = {"type": "record", "fields": [{"a": STRING}], "entity_checks": [{"at_least_one_of": ["a"]}]}
    fields = (
        {"greeting": {"type": "string", "default": "hello", "required": True, "description": "What to say"}},
        {"secret": {"type": "string", "encrypted": True, "referenceable": True}},
        {"limit": {"type": "integer", "between": [1, 10], "default": 3}},
        {"names": {"type": "set", "elements": {"type": "string", "len_min": 2}, "default": ["ab"]}},
        {"r": {**record, "default": {"a": "x"}}},
        {"m": {"type": "map", "keys": STRING, "values": record}},
    )
    assert said(fields, [{"mutually_exclusive": ["r.a", "limit"]}]) == []
    assert said([]) == [] == said(())


def test_the_forgotten_comma_is_told() -> None:
    (only,) = said({"greeting": STRING})
    assert only.startswith("Schema: must be a tuple of one dict a field") and "mind the comma" in only


@pytest.mark.parametrize("schema", [None, "x", 5, {"a": STRING, "b": STRING}])
def test_a_schema_is_a_tuple_or_list(schema: Any) -> None:
    (only,) = said(schema)
    assert only.startswith("Schema: must be a tuple of one dict a field") and "comma" not in only


def test_each_entry_has_one_name() -> None:
    rule = "Schema[0]: must be a dict of one field, not"
    assert said([{"a": STRING, "b": STRING}]) == [f"{rule} a and b (one dict a field)"]
    assert said([{}]) == [f"{rule} an empty one (one dict a field)"]
    assert said(["a"]) == [f'{rule} "a" (one dict a field)']


def test_a_field_is_there_once() -> None:
    assert said([{"a": STRING}, {"a": STRING}]) == ["Schema.a: is there twice"]


def test_a_field_is_a_dict_with_a_type() -> None:
    assert said([{"a": "string"}]) == ['Schema.a: must be a dict with a "type", not "string"']
    assert of_field() == ': needs a "type" (one of string, number, integer, boolean, array, set, map, record)'


def test_an_unknown_type_is_told_the_nearest() -> None:
    assert of_field(type="strng") == ".type: there is no type \"strng\" (did you mean 'string'?)"
    assert of_field(type="foreign").endswith("(take the entity's name as a string and look it up with kong.db)")
    assert of_field(type=str).startswith(".type: there is no type a type (one of string")


def test_an_unknown_attribute_is_told_the_nearest() -> None:
    said = of_field(type="string", requird=True)
    assert said == ".requird: there is no attribute \"requird\" (did you mean 'required'?)"
    assert of_field(type="string", custom_validator=len).endswith("raise framegate.pdk.FieldError)")
    assert of_field(type="string", zzz=1).startswith('.zzz: there is no attribute "zzz" (there are type, required')


@pytest.mark.parametrize(("kind", "part"), [("array", "elements"), ("set", "elements"), ("record", "fields")])
def test_a_type_says_what_its_parts_are(kind: str, part: str) -> None:
    assert of_field(type=kind) == f': a field of type "{kind}" needs "{part}"'


def test_a_map_says_what_its_keys_and_values_are() -> None:
    assert said([{"m": {"type": "map", "keys": STRING}}]) == ['Schema.m: a field of type "map" needs "values"']


def test_an_attribute_stands_at_a_type_that_has_it() -> None:
    said = of_field(type="string", between=[1, 2])
    assert said == '.between: a field of type "string" has no "between" (between is for integer, number)'
    assert of_field(type="string", elements=STRING).endswith("(elements is for array, set)")
    assert of_field(type="record", fields=[], len_min=1).endswith("(len_min is for string, array, set, map)")


@pytest.mark.parametrize(
    ("attribute", "argument", "rule"),
    [
        ("required", "yes", 'must be True or False, not "yes"'),
        ("encrypted", 1, "must be True or False, not 1"),
        ("description", 5, "must be a string, not 5"),
        ("len_min", -1, "must be a whole number >= 0, not -1"),
        ("len_max", True, "must be a whole number >= 0, not true"),
        ("len_eq", 1.5, "must be a whole number >= 0, not 1.5"),
        ("one_of", [], "must be a list of strings, numbers or booleans, not an empty list"),
        ("one_of", "abc", 'must be a list of strings, numbers or booleans, not "abc"'),
        ("not_one_of", [[]], "must be a list of strings, numbers or booleans, not a list"),
        ("match", "(", "must be a regular expression, not \"(\" (Python's, not Lua's)"),
        ("not_match", 5, "must be a regular expression, not 5"),
        ("starts_with", 5, "must be a string, not 5"),
        ("uuid", "true", 'must be True or False, not "true"'),
        ("eq", [], "must be a string, number or boolean, not an empty list"),
    ],
)
def test_the_argument_of_an_attribute_is_checked(attribute: str, argument: Any, rule: str) -> None:
    assert of_field(type="string", **{attribute: argument}) == f".{attribute}: {rule}"


@pytest.mark.parametrize("limits", [[2, 1], [1], [1, 2, 3], "12", [1, "2"], 5, [False, True]])
def test_limits_are_two_numbers_in_order(limits: Any) -> None:
    said_of_it = of_field(type="integer", between=limits)
    assert said_of_it.startswith(".between: must be two numbers, the lower one first, not")
    assert said([{"f": {"type": "integer", "between": [1, 1]}}]) == []


def test_a_default_obeys_the_rules_of_its_field() -> None:
    assert of_field(type="integer", default="5").startswith(
        ".default: the default breaks the field's own rule: must be a whole number"
    )
    assert of_field(type="string", default="").endswith("must not be empty")
    assert said([{"f": {"type": "string", "default": "", "len_min": 0}}]) == []
    record = {"type": "record", "fields": [{"a": {"type": "string", "required": True}}]}
    assert said([{"r": {**record, "default": {}}}]) == [
        "Schema.r.default.a: the default breaks the field's own rule: is required: a string"
    ]


def test_faults_deep_inside_have_their_whole_path() -> None:
    inner = {"type": "record", "fields": [{"text": {"type": "strin"}}]}
    assert [fault.path for fault in check_schema([{"client": {"type": "array", "elements": inner}}])] == [
        ("Schema", "client", "elements", "fields", "text", "type")
    ]


def test_all_faults_come_at_once() -> None:
    assert len(said([{"a": {"type": "x"}}, {"b": {"type": "string", "len_min": -1, "zzz": 1}}, "c"])) == 4


@pytest.mark.parametrize(
    ("checks", "rule"),
    [
        ("x", 'entity_checks: must be a list, as in [{"at_least_one_of": ["a", "b"]}], not "x"'),
        (
            [{"only_one_of": ["a"], "mutually_required": ["a"]}],
            'entity_checks[0]: must be a dict of one check, as in {"at_least_one_of": ["a", "b"]}, '
            "not only_one_of and mutually_required",
        ),
        ([{"only_one": ["a"]}], "entity_checks[0]: there is no check \"only_one\" (did you mean 'only_one_of'?)"),
        ([{"only_one_of": "a"}], 'entity_checks[0].only_one_of: must be a list of fields, not "a"'),
        ([{"only_one_of": []}], "entity_checks[0].only_one_of: must be a list of fields, not an empty list"),
        (
            [{"only_one_of": ["first", "frist"]}],
            "entity_checks[0].only_one_of: there is no field \"frist\" (did you mean 'first'?)",
        ),
        ([{"only_one_of": ["first.x"]}], 'entity_checks[0].only_one_of: there is no field "first.x"'),
    ],
)
def test_rules_between_fields_are_checked(checks: Any, rule: str) -> None:
    assert said([{"first": STRING}], checks) == [rule]


def test_rules_within_a_record_are_checked() -> None:
    record = {"type": "record", "fields": [{"a": STRING}], "entity_checks": [{"only_one_of": ["b"]}]}
    assert said([{"r": record}]) == ['Schema.r.entity_checks[0].only_one_of: there is no field "b"']
