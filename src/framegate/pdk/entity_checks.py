"""Rules between the fields of a record: ``{"at_least_one_of": ["a", "b.c"]}`` and its kin.

A field counts as given where its value, defaults included, is neither null nor an empty string, list or mapping.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


def at(record: Any, path: str) -> Any:
    """The value at a dotted path, or None."""
    for name in path.split("."):
        if not isinstance(record, Mapping):
            return None
        record = record.get(name)
    return record


def is_given(record: Mapping[str, Any], path: str) -> bool:
    """Whether the field at a dotted path counts as given."""
    value = at(record, path)
    # 0 and False are values.
    return not (value is None or (isinstance(value, (str, list, tuple, Mapping)) and not value))


def _at_least_one_of(names: Sequence[str], given: Sequence[str]) -> str | None:
    return None if given else f"at least one of {', '.join(names)} is required"


def _only_one_of(names: Sequence[str], given: Sequence[str]) -> str | None:
    if len(given) == 1:
        return None
    return f"exactly one of {', '.join(names)} is required, not {' and '.join(given) or 'none of them'}"


def _mutually_exclusive(names: Sequence[str], given: Sequence[str]) -> str | None:
    return None if len(given) < 2 else f"only one of {', '.join(names)} may be given, not {' and '.join(given)}"


def _mutually_required(names: Sequence[str], given: Sequence[str]) -> str | None:
    missing = [name for name in names if name not in given]
    if not given or not missing:
        return None
    return f"{', '.join(names)} belong together: {' and '.join(missing)} not given"


CHECKS: Final = {
    "at_least_one_of": _at_least_one_of,
    "only_one_of": _only_one_of,
    "mutually_exclusive": _mutually_exclusive,
    "mutually_required": _mutually_required,
}
"""By name."""


def broken_check(check: Mapping[str, Sequence[str]], record: Mapping[str, Any], wrong: Collection[Any]) -> str | None:
    """What is wrong with a complete record by one check, or None.

    Args:
        check: one name and the fields that it is about.
        record: the record.
        wrong: the record's fields that have faults of their own: a check that is about one of them says nothing.
    """
    ((kind, names),) = check.items()
    if any(name.split(".")[0] in wrong for name in names):
        return None
    return CHECKS[kind](names, [name for name in names if is_given(record, name)])
