"""A plugin's ``Schema`` as JSON Schema (draft 2020-12), for editors and other programs.

It accepts what :func:`framegate.pdk.schema.complete` accepts, but for two things that it cannot say: a ``set`` with a
rule about its length has nothing in it twice, and that a string shall be a regular expression is only a ``format``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from framegate.pdk.entity_checks import EMPTY, is_given
from framegate.pdk.plugin import PluginType
from framegate.pdk.schema import MISSING, completed, config_record, fields_of
from framegate.pdk.schema_rules import RULES, rules_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_TYPES = {"array": "array", "set": "array", "map": "object", "record": "object"}


def json_schema(plugin: PluginType) -> Schema:
    """The JSON Schema of the plugin's ``config``, with descriptions and defaults."""
    return {"$schema": DIALECT, "title": f"{plugin.name} config", **field_schema(config_record(plugin))}


def field_schema(field: Mapping[str, Any]) -> Schema:
    """The JSON Schema of one field, given that it is there."""
    schema = {**_notes(field), "type": _TYPES.get(field["type"], field["type"]), **_parts(field)}
    for name, argument in rules_of(field).items():
        _add(schema, RULES[name].keywords(field["type"], argument))
    if field["type"] == "set" and any(name.startswith("len_") for name in rules_of(field)):
        schema["uniqueItems"] = True
    if not field.get("required"):
        _allow_null(schema)
    return schema


def _notes(field: Mapping[str, Any]) -> Schema:
    notes = {}
    if "description" in field:
        notes["description"] = field["description"]
    if field.get("default") is not None:
        notes["default"] = completed(field, MISSING)[0]
    return notes


def _parts(field: Mapping[str, Any]) -> Schema:
    match field["type"]:
        case "array" | "set":
            return {"items": field_schema({**field["elements"], "required": True})}
        case "map":
            return {
                "propertyNames": field_schema({**field["keys"], "required": True}),
                "additionalProperties": field_schema({**field["values"], "required": True}),
            }
        case "record":
            return _record(field)
    return {}


def _record(record: Mapping[str, Any]) -> Schema:
    fields = fields_of(record)
    schema: Schema = {"properties": {name: field_schema(field) for name, field in fields.items()}}
    required = [name for name, field in fields.items() if completed(field, MISSING)[1]]
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    for check in record.get("entity_checks") or ():
        ((kind, names),) = check.items()
        checked = _check(kind, [_is_given(record, name.split(".")) for name in names])
        _add(schema, checked if record.get("required") else {"anyOf": [{"type": "null"}, checked]})
    return schema


def _check(kind: str, given: Sequence[Schema]) -> Schema:
    match kind:
        case "at_least_one_of":
            return {"anyOf": list(given)}
        case "only_one_of":
            return {"oneOf": list(given)}
        case "mutually_exclusive":
            pairs = [[one, other] for index, one in enumerate(given) for other in given[index + 1 :]]
            return {"not": {"anyOf": [{"allOf": pair} for pair in pairs]}} if pairs else {}
    return {"anyOf": [{"allOf": list(given)}, {"not": {"anyOf": list(given)}}]}


def _is_given(record: Mapping[str, Any], path: Sequence[str]) -> Schema:
    """What a record must be for the field at ``path`` to count as given."""
    name, rest = path[0], path[1:]
    field = fields_of(record)[name]
    if rest:
        inner = {"type": "object", **_is_given(field, rest)}
    elif field["type"] == "record" and fields_of(field):
        # A record that is given is filled in, and so not empty.
        inner = {"type": "object"}
    else:
        inner = {"not": {"enum": list(EMPTY)}}
    schema: Schema = {"properties": {name: inner}}
    default = {name: completed(field, MISSING)[0]}
    if not is_given(default, ".".join(path)):
        schema["required"] = [name]
    return schema


def _add(schema: Schema, keywords: Schema) -> None:
    """Put keywords into a schema; where one is there already, beside it."""
    for name, value in keywords.items():
        if name in schema:
            schema.setdefault("allOf", []).append({name: value})
        else:
            schema[name] = value


def _allow_null(schema: Schema) -> None:
    schema["type"] = [schema["type"], "null"]
    for keywords in (schema, *schema.get("allOf", ())):
        if "enum" in keywords:
            keywords["enum"] = [*keywords["enum"], None]
