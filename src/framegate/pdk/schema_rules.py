"""The attributes of Kong's schema language that say what a value may be, beyond its type.

Each knows the types that it goes with, what its own argument must be, whether a value breaks it, and its keywords in
JSON Schema. What a field, a default or a plugin is, stands elsewhere.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from framegate._rules import nearest

NUMBERS: Final = ("integer", "number")
LISTS: Final = ("array", "set")
SCALARS: Final = ("string", "number", "integer", "boolean")
TYPES: Final = (*SCALARS, *LISTS, "map", "record")
SIZED: Final = ("string", *LISTS, "map")

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "array": ("elements",),
    "set": ("elements",),
    "map": ("keys", "values"),
    "record": ("fields",),
}
"""What a type must say of its parts."""

_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Rule:
    """One attribute.

    Attributes:
        types: the types of field that may have it.
        argument: what its argument must be, or None where the one given is right.
        expected: what a value must be, or None where this one is right.
        keywords: the same in JSON Schema.
    """

    types: tuple[str, ...]
    argument: Callable[[Any], str | None]
    expected: Callable[[Any, Any], str | None]
    keywords: Callable[[str, Any], dict[str, Any]]


def shown(value: Any) -> str:
    """A value as a message names it: as JSON, and not at any length."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if not isinstance(value, (str, int, float)):
        return f"a {type(value).__name__}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 4] + '..."'


def listed(values: Any) -> str:
    """Values in one line."""
    return ", ".join(shown(value) for value in values)


def did_you_mean(name: Any, valid: Any) -> str | None:
    """A hint with the nearest valid name, or None where none resembles it."""
    names = [each for each in valid if isinstance(each, str)]
    return (nearest(name, names) if isinstance(name, str) else "").removeprefix(", ") or None


def is_number(value: Any) -> bool:
    """Whether it is a number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Whether it is a number other than the infinities and NaN."""
    return is_number(value) and (isinstance(value, int) or math.isfinite(value))


def is_integer(value: Any) -> bool:
    """Whether it is a whole number, as 5 and 5.0 are."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def is_regex(text: Any) -> bool:
    """Whether it is a regular expression."""
    try:
        re.compile(text)
    except (re.error, TypeError, OverflowError, RecursionError):
        return False
    return True


def _literally(text: str) -> str:
    # re.escape puts backslashes where JSON Schema's dialect of regular expressions refuses them.
    return re.sub(r"[\\^$.*+?()\[\]{}|]", r"\\\g<0>", text)


def _among(values: Any, value: Any) -> bool:
    # Python takes True for 1.
    return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in values)


def _needs(right: Callable[[Any], bool], text: str) -> Callable[[Any], str | None]:
    return lambda argument: None if right(argument) else text


def _needs_scalars(values: Any) -> str | None:
    right = isinstance(values, (list, tuple)) and values and all(isinstance(v, (str, int, float)) for v in values)
    return None if right else "a list of strings, numbers or booleans"


def _needs_limits(limits: Any) -> str | None:
    pair = isinstance(limits, (list, tuple)) and len(limits) == 2 and all(map(is_number, limits))
    return None if pair and limits[0] <= limits[1] else "two numbers, the lower one first"


_a_size = _needs(lambda n: isinstance(n, int) and not isinstance(n, bool) and n >= 0, "a whole number >= 0")
_a_scalar = _needs(lambda v: isinstance(v, (str, int, float)), "a string, number or boolean")
_a_string = _needs(lambda v: isinstance(v, str), "a string")
_a_pattern = _needs(is_regex, "a regular expression")
_a_boolean = _needs(lambda v: isinstance(v, bool), "True or False")

_SIZES = {"string": "Length", "array": "Items", "set": "Items", "map": "Properties"}


def _size_keywords(*bounds: str) -> Callable[[str, int], dict[str, Any]]:
    return lambda kind, size: {bound + _SIZES[kind]: size for bound in bounds}


def _length(value: Any, size: int, words: str) -> str:
    one, many = ("character", "characters") if isinstance(value, str) else ("element", "elements")
    if isinstance(value, Mapping):
        one, many = "entry", "entries"
    return f"{words} {size} {one if size == 1 else many} long"


RULES: Final[Mapping[str, Rule]] = {
    "eq": Rule(
        SCALARS,
        _a_scalar,
        lambda value, wanted: None if _among([wanted], value) else shown(wanted),
        lambda _, wanted: {"enum": [wanted]},
    ),
    "ne": Rule(
        SCALARS,
        _a_scalar,
        lambda value, refused: f"other than {shown(refused)}" if _among([refused], value) else None,
        lambda _, refused: {"not": {"const": refused}},
    ),
    "not_one_of": Rule(
        SCALARS,
        _needs_scalars,
        lambda value, refused: f"none of {listed(refused)}" if _among(refused, value) else None,
        lambda _, refused: {"not": {"enum": list(refused)}},
    ),
    "one_of": Rule(
        SCALARS,
        _needs_scalars,
        lambda value, choice: None if _among(choice, value) else f"one of {listed(choice)}",
        lambda _, choice: {"enum": list(choice)},
    ),
    "gt": Rule(
        NUMBERS,
        _needs(is_number, "a number"),
        lambda value, limit: None if value > limit else f"greater than {limit}",
        lambda _, limit: {"exclusiveMinimum": limit},
    ),
    "between": Rule(
        NUMBERS,
        _needs_limits,
        lambda value, limits: None if limits[0] <= value <= limits[1] else f"between {limits[0]} and {limits[1]}",
        lambda _, limits: {"minimum": limits[0], "maximum": limits[1]},
    ),
    "uuid": Rule(
        ("string",),
        _a_boolean,
        lambda value, wanted: None if not wanted or re.fullmatch(_UUID[1:-1], value) else "a UUID",
        lambda _, wanted: {"pattern": _UUID, "maxLength": 36} if wanted else {},
    ),
    "is_regex": Rule(
        ("string",),
        _a_boolean,
        lambda value, wanted: None if not wanted or is_regex(value) else "a regular expression",
        lambda _, wanted: {"format": "regex"} if wanted else {},
    ),
    "len_eq": Rule(
        SIZED,
        _a_size,
        lambda value, size: None if len(value) == size else _length(value, size, "exactly"),
        _size_keywords("min", "max"),
    ),
    "len_min": Rule(
        SIZED,
        _a_size,
        lambda value, size: None if len(value) >= size else _length(value, size, "at least"),
        _size_keywords("min"),
    ),
    "len_max": Rule(
        SIZED,
        _a_size,
        lambda value, size: None if len(value) <= size else _length(value, size, "at most"),
        _size_keywords("max"),
    ),
    "starts_with": Rule(
        ("string",),
        _a_string,
        lambda value, start: None if value.startswith(start) else f"a string that starts with {shown(start)}",
        lambda _, start: {"pattern": "^" + _literally(start)},
    ),
    "not_match": Rule(
        ("string",),
        _a_pattern,
        lambda value, pattern: f"a string that does not match {pattern}" if re.search(pattern, value) else None,
        lambda _, pattern: {"not": {"type": "string", "pattern": pattern}},
    ),
    "match": Rule(
        ("string",),
        _a_pattern,
        lambda value, pattern: None if re.search(pattern, value) else f"a string that matches {pattern}",
        lambda _, pattern: {"pattern": pattern},
    ),
    "contains": Rule(
        LISTS,
        _a_scalar,
        lambda value, wanted: None if _among(value, wanted) else f"a list with {shown(wanted)} in it",
        lambda _, wanted: {"contains": {"const": wanted}},
    ),
}
"""By name, in the order in which they are checked."""


def rules_of(field: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of a field with their arguments, in the order in which they are checked.

    As in Kong, a string is not empty where its field does not say ``len_min`` or ``len_eq``.
    """
    rules = {name: field[name] for name in RULES if field.get(name) is not None}
    if field["type"] == "string" and "len_min" not in rules and "len_eq" not in rules:
        rules["len_min"] = 1
    return rules


def first_broken(field: Mapping[str, Any], value: Any) -> tuple[str, str] | None:
    """The first rule that ``value``, which has the type of its field, breaks: its name, and what the value must be."""
    for name, argument in rules_of(field).items():
        text = RULES[name].expected(value, argument)
        if text is not None:
            return name, text
    return None
