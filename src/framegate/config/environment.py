"""References to the environment: ``{vault://env/NAME}`` and ``{vault://env/NAME/KEY}``, in place of any text.

The format's notation for secrets that live elsewhere; of its vaults the environment is the one that is served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from framegate._rules import nearest
from framegate.config.document import Path
from framegate.config.problems import Problems

REFERENCE: Final = r"^\{vault://[^{}]+\}$"
"""What a reference looks like."""

NOTES: Final = frozenset({"_comment", "_ignore", "_info"})
"""What nobody reads, and so nothing is looked up for."""

_PARTS = re.compile(r"\{vault://(?P<vault>[^/?#{}]+)(?:/(?P<name>[^/?#{}]*))?(?:/(?P<key>[^?#{}]*))?(?P<rest>[^{}]*)\}")


def resolve_references(data: Any, environment: Mapping[str, str], problems: Problems) -> Any:
    """``data`` with every reference replaced by what the environment holds; what is missing there is a problem."""
    return _resolved(data, (), environment, problems)


def variable_of(name: str) -> str:
    """The variable that a reference to ``name`` reads."""
    return name.upper().replace("-", "_")


def _resolved(value: Any, path: Path, environment: Mapping[str, str], problems: Problems) -> Any:
    if isinstance(value, dict):
        return {
            name: inner if name in NOTES else _resolved(inner, (*path, name), environment, problems)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_resolved(inner, (*path, index), environment, problems) for index, inner in enumerate(value)]
    if isinstance(value, str) and re.match(REFERENCE, value):
        try:
            return _looked_up(value, environment)
        except _Refused as refused:
            problems.at(path, refused.message, refused.hint)
            return UNSET
    if isinstance(value, str) and "{vault://" in value:
        problems.at(path, "a reference stands in a longer text", "let the variable hold the whole text")
    return value


class _Unset(str):
    """Stands in for a reference that led nowhere: that has been told, and nothing more can be said about it."""

    __slots__ = ()


UNSET: Final = _Unset()


class _Refused(Exception):
    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def _looked_up(reference: str, environment: Mapping[str, str]) -> str:
    parts = _PARTS.fullmatch(reference)
    if parts is None or not parts["name"] or parts["rest"] or parts["key"] == "":
        raise _Refused(f"{reference} is no reference", "write {vault://env/NAME} or {vault://env/NAME/KEY}")
    if parts["vault"] != "env":
        raise _Refused(f"the vault {parts['vault']!r} is not served", "env is: {vault://env/NAME}")
    variable = variable_of(parts["name"])
    text = environment.get(variable)
    if text is None:
        raise _Refused(f"the environment variable {variable} is not set{nearest(variable, environment)}")
    return text if parts["key"] is None else _picked(text, variable, parts["key"])


def _picked(text: str, variable: str, key: str) -> str:
    # Messages do not show the variable's value: it is a secret.
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise _Refused(f"the environment variable {variable} holds no JSON object, of which {key!r} could be picked")
    if key not in values:
        raise _Refused(f"the JSON object in the environment variable {variable} has no {key!r}{nearest(key, values)}")
    value = values[key]
    return value if isinstance(value, str) else json.dumps(value)
