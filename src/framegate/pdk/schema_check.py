"""Checks what a plugin's author wrote as ``Schema`` and ``entity_checks``.

Whatever passes here, the other modules of the schema take without a further look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framegate.pdk.entity_checks import CHECKS
from framegate.pdk.schema import Fault, Path, completed, fields_of
from framegate.pdk.schema_rules import NEEDS, RULES, TYPES, did_you_mean, is_regex, shown

FLAGS: Final = ("required", "encrypted", "referenceable")
ATTRIBUTES: Final = ("type", *FLAGS, "default", "description", *RULES, "elements", "keys", "values", "fields")

ELSEWHERE: Final[Mapping[str, str]] = {
    "auto": "give it a default, or fill it in where the plugin is made",
    "custom_validator": "check it in __init__ and raise framegate.pdk.FieldError",
    "foreign": "take the entity's name as a string and look it up with kong.db",
    "function": "take it as a string",
}
"""What Kong has and a plugin here says in another way."""

_CHECK = '{"at_least_one_of": ["a", "b"]}'
_FORM = 'a tuple of one dict a field, as in ({"greeting": {"type": "string"}},)'


def check_schema(schema: Any, entity_checks: Any = ()) -> list[Fault]:
    """All that is wrong with a plugin's ``Schema`` and ``entity_checks``.

    The path of a fault begins with ``"Schema"`` or ``"entity_checks"`` and goes on with names of fields and attributes.
    """
    checker = _Checker()
    checker.fields(schema, ("Schema",))
    if not checker.faults:
        checker.entity_checks(entity_checks, {"fields": schema}, ("entity_checks",))
    return checker.faults


class _Checker:
    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fields(self, fields: Any, path: Path) -> None:
        if not isinstance(fields, (list, tuple)):
            comma = isinstance(fields, Mapping) and len(fields) == 1
            hint = "mind the comma: (x) is no tuple, (x,) is" if comma else None
            self._fault(path, f"must be {_FORM}, not {shown(fields)}", hint)
            return
        seen: set[str] = set()
        for index, entry in enumerate(fields):
            if not (isinstance(entry, Mapping) and len(entry) == 1 and all(isinstance(name, str) for name in entry)):
                self._fault((*path, index), f"must be a dict of one field, {_entry(entry)}", "one dict a field")
                continue
            ((name, field),) = entry.items()
            if name in seen:
                self._fault((*path, name), "is there twice")
            seen.add(name)
            self.field(field, (*path, name))

    def field(self, field: Any, path: Path) -> None:
        if not isinstance(field, Mapping):
            self._fault(path, f'must be a dict with a "type", not {shown(field)}')
            return
        kind = field.get("type")
        if not isinstance(kind, str) or kind not in TYPES:
            self._wrong_type(kind, path)
            return
        before = len(self.faults)
        for name, argument in field.items():
            self._attribute(kind, name, argument, (*path, name))
        for name in NEEDS.get(kind, ()):
            if name not in field:
                self._fault(path, f'a field of type "{kind}" needs "{name}"')
        if kind == "record" and len(self.faults) == before:
            self.entity_checks(field.get("entity_checks", ()), field, (*path, "entity_checks"))
        if len(self.faults) == before and field.get("default") is not None:
            for fault in completed({**field, "required": True}, field["default"], (*path, "default"))[1]:
                self._fault(fault.path, f"the default breaks the field's own rule: {fault.message}", fault.hint)

    def _wrong_type(self, kind: Any, path: Path) -> None:
        if kind is None:
            self._fault(path, 'needs a "type"', f"one of {', '.join(TYPES)}")
        else:
            hint = ELSEWHERE.get(kind) if isinstance(kind, str) else None
            hint = hint or did_you_mean(kind, TYPES) or f"one of {', '.join(TYPES)}"
            self._fault((*path, "type"), f"there is no type {shown(kind)}", hint)

    def _attribute(self, kind: str, name: Any, argument: Any, path: Path) -> None:
        if name in NEEDS.get(kind, ()):
            if name == "fields":
                self.fields(argument, path)
            else:
                self.field(argument, path)
        elif name in RULES:
            self._rule(kind, name, argument, path)
        elif name in FLAGS:
            if not isinstance(argument, bool):
                self._fault(path, f"must be True or False, not {shown(argument)}")
        elif name == "description":
            if not isinstance(argument, str):
                self._fault(path, f"must be a string, not {shown(argument)}")
        elif name in ATTRIBUTES:
            if name not in ("type", "default"):
                self._not_for(kind, name, [each for each, parts in NEEDS.items() if name in parts], path)
        elif not (name == "entity_checks" and kind == "record"):
            hint = ELSEWHERE.get(name) or did_you_mean(name, ATTRIBUTES) or f"there are {', '.join(ATTRIBUTES)}"
            self._fault(path, f"there is no attribute {shown(name)}", hint)

    def _rule(self, kind: str, name: str, argument: Any, path: Path) -> None:
        rule = RULES[name]
        if kind not in rule.types:
            self._not_for(kind, name, rule.types, path)
            return
        if argument is None:
            return
        needed = rule.argument(argument)
        if needed is not None:
            lua = name in ("match", "not_match") and isinstance(argument, str) and not is_regex(argument)
            self._fault(path, f"must be {needed}, not {shown(argument)}", "Python's, not Lua's" if lua else None)

    def _not_for(self, kind: str, name: str, types: Any, path: Path) -> None:
        self._fault(path, f'a field of type "{kind}" has no "{name}"', f"{name} is for {', '.join(types)}")

    def entity_checks(self, checks: Any, record: Mapping[str, Any], path: Path) -> None:
        if not isinstance(checks, (list, tuple)):
            self._fault(path, f"must be a list, as in [{_CHECK}], not {shown(checks)}")
            return
        for index, check in enumerate(checks):
            at = (*path, index)
            if not (isinstance(check, Mapping) and len(check) == 1):
                self._fault(at, f"must be a dict of one check, as in {_CHECK}, {_entry(check)}")
                continue
            ((kind, names),) = check.items()
            if kind not in CHECKS:
                self._fault(at, f"there is no check {shown(kind)}", did_you_mean(kind, CHECKS) or _there_are(CHECKS))
            elif not (isinstance(names, (list, tuple)) and names and all(isinstance(name, str) for name in names)):
                self._fault((*at, kind), f"must be a list of fields, not {shown(names)}")
            else:
                self._known_fields(names, record, (*at, kind))

    def _known_fields(self, names: Any, record: Mapping[str, Any], path: Path) -> None:
        for name in names:
            inside: Mapping[str, Any] = record
            for part in name.split("."):
                fields = fields_of(inside) if "fields" in inside else {}
                if part not in fields:
                    self._fault(path, f"there is no field {shown(name)}", did_you_mean(part, fields))
                    break
                inside = fields[part]

    def _fault(self, path: Path, message: str, hint: str | None = None) -> None:
        self.faults.append(Fault(path, message, hint))


def _entry(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"not {' and '.join(str(name) for name in value) or 'an empty one'}"
    return f"not {shown(value)}"


def _there_are(names: Any) -> str:
    return f"there are {', '.join(names)}"
