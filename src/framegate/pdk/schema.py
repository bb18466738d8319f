"""Checks a plugin's configuration against its ``Schema`` and fills in the defaults.

It knows no file and no line: a fault has a path within the configuration. The ``Schema`` is taken as sound;
:mod:`framegate.pdk.schema_check` sees to that.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from framegate.pdk.entity_checks import broken_check
from framegate.pdk.plugin import PluginType
from framegate.pdk.schema_rules import did_you_mean, first_broken, is_finite, is_integer, shown

Path = tuple[str | int, ...]
MISSING: Final = object()
"""In place of a value that was not given."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a configuration.

    Attributes:
        path: where, as names and indexes from the outermost.
        message: what is wrong, to stand behind the place.
        hint: the mend, or None.
    """

    path: Path
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        place = f"{dotted(self.path)}: " if self.path else ""
        return place + self.message + (f" ({self.hint})" if self.hint else "")


def dotted(path: Iterable[str | int]) -> str:
    """A path as people write it: ``client.text.schema``, ``access[1]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def split_path(text: str) -> Path:
    """The path that :func:`dotted` wrote."""
    parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", text)
    return tuple(int(index) if index else name for index, name in parts)


def fields_of(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The fields of a record by name."""
    return {name: field for entry in record["fields"] for name, field in entry.items()}


def config_record(plugin: PluginType) -> dict[str, Any]:
    """The configuration of a plugin as one record of the schema language."""
    return {"type": "record", "required": True, "fields": plugin.schema, "entity_checks": plugin.entity_checks}


def complete(plugin: PluginType, config: Mapping[str, Any] | None) -> tuple[dict[str, Any], list[Fault]]:
    """Check a configuration and fill in what it leaves out.

    As in Kong, a field that is not given has its default; without one, a required record is made of the defaults of its
    fields, and any other field that is not required is None. Records that are given are filled in the same way. A list
    of type ``set`` loses what is in it twice.

    Args:
        plugin: the plugin, with a sound schema.
        config: what was written; None is empty.

    Returns:
        The complete configuration, a copy with nothing of ``config`` in it, and all faults; where there are any, it is
        not fit for use.
    """
    filler = _Filler()
    given = {} if config is None else config
    value = filler.fill(config_record(plugin), given, ())
    return value if isinstance(value, dict) else {}, filler.faults


def completed(field: Mapping[str, Any], value: Any, path: Path = ()) -> tuple[Any, list[Fault]]:
    """The same for the value of one field; :data:`MISSING` stands for one that is not given."""
    filler = _Filler()
    return filler.fill(field, value, path), filler.faults


class _Filler:
    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fill(self, field: Mapping[str, Any], value: Any, path: Path) -> Any:
        if value is MISSING:
            return self._missing(field, path)
        if value is None:
            if field.get("required"):
                self._fault(path, "is required and must not be null")
            return None
        kind = field["type"]
        text, has_type = _KINDS[kind]
        if not has_type(value):
            self._fault(path, f"must be {text}, not {_named(field, value)}", _mend(kind, value))
            return None
        return self._checked(field, self._inside(field, value, path), path)

    def _missing(self, field: Mapping[str, Any], path: Path) -> Any:
        if field.get("default") is not None:
            return self.fill(field, copy.deepcopy(field["default"]), path)
        if not field.get("required"):
            return None
        if field["type"] == "record":
            return self._record(field, {}, path)
        self._fault(path, f"is required: {_KINDS[field['type']][0]}")
        return None

    def _inside(self, field: Mapping[str, Any], value: Any, path: Path) -> Any:
        match field["type"]:
            case "integer":
                return int(value)
            case "array":
                return self._elements(field, value, path)
            case "set":
                return list(_once(self._elements(field, value, path)))
            case "map":
                return self._map(field, value, path)
            case "record":
                return self._record(field, value, path)
        return value

    def _elements(self, field: Mapping[str, Any], values: Iterable[Any], path: Path) -> list[Any]:
        element = {**field["elements"], "required": True}
        return [self.fill(element, value, (*path, index)) for index, value in enumerate(values)]

    def _map(self, field: Mapping[str, Any], entries: Mapping[Any, Any], path: Path) -> dict[Any, Any]:
        filled = {}
        for name, value in entries.items():
            at = (*path, name if isinstance(name, str) else str(name))
            key, faults = completed({**field["keys"], "required": True}, name, at)
            self.faults += [Fault(fault.path, f"its key {fault.message}", fault.hint) for fault in faults]
            filled[key] = self.fill({**field["values"], "required": True}, value, at)
        return filled

    def _record(self, record: Mapping[str, Any], given: Mapping[Any, Any], path: Path) -> dict[str, Any]:
        fields = fields_of(record)
        for name in given:
            if name not in fields:
                self._fault((*path, str(name)), "there is no such field", _known(name, fields))
        before = len(self.faults)
        filled = {name: self.fill(field, given.get(name, MISSING), (*path, name)) for name, field in fields.items()}
        wrong = {fault.path[len(path)] for fault in self.faults[before:] if len(fault.path) > len(path)}
        for check in record.get("entity_checks") or ():
            text = broken_check(check, filled, wrong)
            if text is not None:
                self._fault(path, text)
        return filled

    def _checked(self, field: Mapping[str, Any], value: Any, path: Path) -> Any:
        broken = first_broken(field, value)
        if broken is not None:
            name, text = broken
            if name == "len_min" and not value and field.get(name, 1) == 1:
                message = "must not be empty"
            elif name == "contains":
                message = f"must be {text}"
            else:
                message = f"must be {text}, not {len(value) if name.startswith('len_') else _named(field, value)}"
            self._fault(path, message, did_you_mean(value, field.get("one_of") or ()))
        return value

    def _fault(self, path: Path, message: str, hint: str | None = None) -> None:
        self.faults.append(Fault(path, message, hint))


_KINDS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "string": ("a string", lambda value: isinstance(value, str)),
    "number": ("a number", is_finite),
    "integer": ("a whole number", is_integer),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "array": ("a list", lambda value: isinstance(value, (list, tuple))),
    "set": ("a list", lambda value: isinstance(value, (list, tuple))),
    "map": ("a mapping", lambda value: isinstance(value, Mapping)),
    "record": ("a mapping", lambda value: isinstance(value, Mapping)),
}


def _named(field: Mapping[str, Any], value: Any) -> str:
    # Secrets stay out of error messages.
    return "the value given" if field.get("encrypted") and isinstance(value, (str, int, float)) else shown(value)


def _mend(kind: str, value: Any) -> str | None:
    if kind == "string" and isinstance(value, (bool, int, float)):
        return "put it in quotes"
    if kind in ("array", "set") and isinstance(value, str):
        return "put it in brackets"
    if isinstance(value, str) and kind in ("integer", "number", "boolean") and _reads_as(kind, value):
        return "leave out the quotes"
    return None


def _reads_as(kind: str, text: str) -> bool:
    if kind == "boolean":
        return text in ("true", "false")
    return re.fullmatch(r"-?\d+" + (r"(\.\d+)?" if kind == "number" else ""), text, re.ASCII) is not None


def _known(name: Any, fields: Mapping[str, Any]) -> str:
    if not fields:
        return "it has none"
    return did_you_mean(str(name), fields) or f"there are: {', '.join(fields)}"


def _once(values: list[Any]) -> Iterator[Any]:
    hashed: set[Any] = set()
    others: list[Any] = []
    for value in values:
        try:
            seen = value in hashed
            hashed.add(value)
        except TypeError:
            seen = value in others
            others.append(value)
        if not seen:
            yield value
