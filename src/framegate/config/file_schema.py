"""The JSON Schema (draft 2020-12) of the gateway's file, for editors and other programs.

It says of one value, or of one entity, what the loader says. What holds between entities it cannot say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from framegate.config.environment import REFERENCE
from framegate.config.model.file import KINDS, File
from framegate.config.plugin_configs import Catalog
from framegate.config.unserved import ENTITIES, FIELDS
from framegate.pdk.json_schema import DIALECT
from framegate.pdk.json_schema import json_schema as plugin_schema

Schema = dict[str, Any]

_ENVIRONMENT: Final = {"$ref": "#/$defs/environment"}
_CONSTRAINTS: Final = frozenset({"allOf", "const", "enum", "format", "maxLength", "minLength", "pattern"})
_NULLABLE: Final = frozenset({"Gateway", *(model.__name__ for model in KINDS.values())})
_OWNERS: Final = {
    "routes": "service",
    "targets": "upstream",
    "keyauth_credentials": "consumer",
    "basicauth_credentials": "consumer",
    "jwt_secrets": "consumer",
    "acls": "consumer",
    "snis": "certificate",
}
"""What an entity at the top of the file must refer to."""


def json_schema(catalog: Catalog) -> Schema:
    """The schema of the whole file, with the configuration of each plugin that there is."""
    schema = File.model_json_schema(by_alias=True)
    definitions: Schema = schema.pop("$defs")
    _clean(schema)
    _clean(definitions)
    for kind, owner in _OWNERS.items():
        schema["properties"][kind]["items"] |= _given(owner)
    _allow_null(schema)
    for name, definition in definitions.items():
        if name in _NULLABLE:
            _allow_null(definition)
    _allow_nulls_of_others(schema, definitions)
    _add_rules(definitions)
    _add_plugins(definitions, catalog)
    for part in (schema, *definitions.values()):
        _allow_environment(part)
    definitions["environment"] = {
        "type": "string",
        "pattern": REFERENCE,
        "description": "A reference to the environment: {vault://env/NAME} or {vault://env/NAME/KEY}.",
    }
    title = "The gateway's file"
    return {"$schema": DIALECT, "title": title, **schema, "$defs": dict(sorted(definitions.items()))}


def _clean(schema: Any) -> None:
    """Take out what a reader has no use for: titles made of names, notes for the reference page, empty defaults.

    Descriptions become Markdown, which is what editors show.
    """
    for inner in _dicts(schema):
        for name in ("x-origin", "x-unit"):
            inner.pop(name, None)
        if isinstance(inner.get("title"), str):
            del inner["title"]
        if isinstance(inner.get("description"), str):
            inner["description"] = inner["description"].replace("``", "`")
        if "patternProperties" in inner:
            inner.setdefault("additionalProperties", False)
        if "default" in inner and inner["default"] in (None, [], {}):
            del inner["default"]


def _dicts(value: Any) -> Iterator[Schema]:
    if isinstance(value, dict):
        yield value
        for inner in list(value.values()):
            yield from _dicts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _dicts(inner)


def _allow_null(definition: Schema) -> None:
    """A field that may be left out may be null too."""
    for name, field in definition["properties"].items():
        if name not in definition.get("required", ()) and {"type": "null"} not in field.get("anyOf", ()):
            definition["properties"][name] = _either(field, {"type": "null"})


def _allow_nulls_of_others(schema: Schema, definitions: Schema) -> None:
    """What Kong's tools write as null, and is not served here otherwise."""
    # As a pattern, for editors offer what stands among the properties.
    schema["patternProperties"] = {_pattern(list(ENTITIES)): {"type": "null"}}
    for kind, names in FIELDS.items():
        definitions[KINDS[kind].__name__]["patternProperties"] = {_pattern(list(names)): {"type": "null"}}


def _either(schema: Schema, other: Schema) -> Schema:
    notes: Schema = {name: schema[name] for name in ("description", "default") if name in schema}
    rest = {name: value for name, value in schema.items() if name not in notes}
    return {**notes, "anyOf": [*_choices(rest), other]}


def _choices(schema: Schema) -> list[Schema]:
    if list(schema) != ["anyOf"]:
        return [schema]
    return [choice for inner in schema["anyOf"] for choice in _choices(inner)]


def _allow_environment(schema: Schema) -> None:
    """Let a reference stand wherever there is a rule about a text."""
    _each_value(schema, lambda inner: _either(inner, _ENVIRONMENT) if _is_ruled_text(inner) else inner)


def _is_ruled_text(schema: Schema) -> bool:
    types = schema.get("type", [])
    return "string" in ([types] if isinstance(types, str) else types) and not _CONSTRAINTS.isdisjoint(schema)


def _each_value(schema: Schema, change: Callable[[Schema], Schema]) -> None:
    """Change the schemas of all values inside, but not those of conditions."""
    for name in ("properties", "patternProperties"):
        for key, inner in schema.get(name, {}).items():
            if isinstance(inner, dict):
                _each_value(inner, change)
                schema[name][key] = change(inner)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            _each_value(schema[name], change)
            schema[name] = change(schema[name])
    if "anyOf" in schema and schema.keys() <= {"anyOf", "description", "default"}:
        for index, inner in enumerate(schema["anyOf"]):
            _each_value(inner, change)
            schema["anyOf"][index] = change(inner)


def _given(*names: str) -> Schema:
    """These fields are there and not empty."""
    return {"required": list(names), "properties": {name: {"not": {"enum": [None, [], {}]}} for name in names}}


def _add_rules(definitions: Schema) -> None:
    definitions["Service"]["anyOf"] = [_given("url"), _given("protocol", "host")]
    definitions["Route"]["anyOf"] = [_given(name) for name in ("hosts", "paths", "headers", "snis")]
    definitions["Consumer"]["anyOf"] = [_given("username"), _given("custom_id")]
    definitions["Certificate"]["anyOf"] = [
        _given("cert_alt", "key_alt"),
        {"not": {"anyOf": [_given("cert_alt"), _given("key_alt")]}},
    ]
    uses_secret = {"properties": {"algorithm": {"enum": [None, "HS256", "HS384", "HS512"]}}}
    definitions["JwtSecret"] |= {"if": uses_secret, "then": _given("secret"), "else": _given("rsa_public_key")}


def _add_plugins(definitions: Schema, catalog: Catalog) -> None:
    plugin = definitions["Plugin"]
    names = sorted(catalog.names())
    plugin["properties"]["name"] = {
        "description": plugin["properties"]["name"]["description"],
        "anyOf": [{"enum": names}, {"type": "string", "pattern": _pattern(names)}],
    }
    plugin["allOf"] = []
    for found in sorted(catalog, key=lambda found: found.name):
        schema = {name: value for name, value in plugin_schema(found).items() if name != "$schema"}
        key = f"config of {found.name}"
        definitions[key] = schema
        reference = {"$ref": f"#/$defs/{key.replace(' ', '%20')}"}
        needs_something = not {"required", "anyOf", "oneOf", "allOf"}.isdisjoint(schema)
        config = reference if needs_something else {"anyOf": [reference, {"type": "null"}]}
        then: Schema = {"properties": {"config": config}}
        if needs_something:
            then["required"] = ["config"]
        condition = {"properties": {"name": {"pattern": _pattern([found.name])}}, "required": ["name"]}
        plugin["allOf"].append({"if": condition, "then": then})
    if not plugin["allOf"]:
        del plugin["allOf"]


def _pattern(names: list[str]) -> str:
    alternatives = "|".join(re.sub("-", "[-_]", name) for name in names)
    return f"^({alternatives})$"
