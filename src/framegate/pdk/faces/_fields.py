"""Header fields as plugins pass them: values of several types, one or many, all checked before any has an effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from framegate.errors import PDKError
from framegate.handshake import checked_headers
from framegate.pdk.faces._checks import a_str, broken, one_or_several, wrong_type
from framegate.pdk.header_edits import HeaderEdits

Scalar: TypeAlias = str | int | float | bool
FieldValue: TypeAlias = Scalar | Sequence[Scalar]


def field_name(function: str, name: object) -> str:
    """``name``, if plugins may touch fields of this name."""
    return _checked(function, a_str(function, "a header's name", name), [""])


def field_values(function: str, name: object, value: object) -> list[str]:
    """The values of the fields to send: none for an empty sequence, ``true`` and ``false`` for a bool."""
    name = a_str(function, "a header's name", name)
    values = [_text(function, name, one) for one in one_or_several(value)]
    _checked(function, name, values or [""])
    return values


def all_fields(function: str, headers: object) -> dict[str, list[str]]:
    """The values by name, names in alphabetical order."""
    if not isinstance(headers, Mapping):
        raise wrong_type(function, "headers", "a mapping", headers)
    checked = {name: field_values(function, name, value) for name, value in headers.items()}
    return {name: checked[name] for name in sorted(checked, key=str.lower)}


def set_fields(edits: HeaderEdits, name: str, values: Sequence[str]) -> None:
    """Let the fields of ``name`` be exactly these; none for no values."""
    edits.clear(name)
    for value in values:
        edits.add(name, value)


def _text(function: str, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise wrong_type(function, f"the value of {name}", "a str, a number, a bool or a list of them", value)


def _checked(function: str, name: str, values: Sequence[str]) -> str:
    try:
        checked_headers([(name, value) for value in values], where=function)
    except ValueError as error:
        raise PDKError(str(error)) from None
    return name


def only_value(function: str, name: str, values: Sequence[str]) -> str:
    """The one value of a field that stands in a request exactly once."""
    if len(values) != 1:
        raise broken(function, f"{name} has exactly one value, not {len(values)}")
    return values[0]
