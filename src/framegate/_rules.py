"""What an option may be: its kind, its range, and the words that tell a user about it; and tables made of such options.

A rule checks a value, names itself in the error, and carries what the command line and the documentation print. Which
options there are is none of its business: those tables are in :mod:`framegate.options`.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

Kind = Literal["seconds", "bytes", "count", "flag", "choice", "code", "hook"]

MAX_INT = 2**63 - 1
"""The most that a size or count may be: the longest payload a frame header can announce (RFC 6455, section 5.2)."""

_SENDABLE_CODES = "a close code that may be sent (1000-1003, 1007-1014, 3000-4999)"
_NUMBERS = ("seconds", "bytes", "count")


def may_be_sent(code: int) -> bool:
    """Whether a close frame may carry this code (RFC 6455, section 7.4, and the registry that it opens)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint for a name that is not valid: ``", did you mean 'x'?"``, or nothing where no valid name resembles it."""
    found = difflib.get_close_matches(name, list(valid), n=1)
    return f", did you mean {found[0]!r}?" if found else ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one option may be.

    Attributes:
        kind: ``"seconds"`` (float), ``"bytes"`` or ``"count"`` (int), ``"flag"`` (bool), ``"choice"`` (one of
            ``words``), ``"code"`` (a close code) or ``"hook"`` (a callable).
        help: what the option does, as a sentence without its full stop.
        origin: where the default comes from.
        least: the smallest number allowed.
        above: ``least`` itself is not allowed, only what is above it.
        none: what None means; None is refused where this is empty.
        words: the strings allowed beside numbers, or the only ones for a choice.
    """

    kind: Kind
    help: str
    origin: str
    least: int = 0
    above: bool = False
    none: str = ""
    words: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The rule in words, as in ``"auto", None or an int >= 1``."""
        parts = [f'"{word}"' for word in self.words]
        if self.none:
            parts.append("None")
        if self.kind in _NUMBERS:
            number = "a number of seconds" if self.kind == "seconds" else "an int"
            parts.append(f"{number} {'>' if self.above else '>='} {self.least}")
        else:
            parts += {"flag": ["True", "False"], "code": [_SENDABLE_CODES], "hook": ["a callable"]}.get(self.kind, [])
        return " or ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))

    def check(self, name: str, value: Any) -> Any:
        """The value as the program uses it: a float for seconds, else as it is.

        Raises:
            TypeError: it has a type that the option never takes.
            ValueError: the type is right and the value is out of range, or NaN or infinite.
        """
        if value is None and self.none:
            return None
        if isinstance(value, str) and self.words:
            if value not in self.words:
                raise ValueError(self._refusal(name, value) + nearest(value, self.words))
            return value
        if not self._has_type(value):
            raise TypeError(self._refusal(name, value))
        if self.kind in ("flag", "hook"):
            return value
        if not (may_be_sent(value) if self.kind == "code" else self._in_range(value)):
            raise ValueError(self._refusal(name, value))
        return float(value) if self.kind == "seconds" else int(value)

    def _has_type(self, value: Any) -> bool:
        match self.kind:
            case "flag":
                return isinstance(value, bool)
            case "hook":
                return callable(value)
            case "choice":
                return False
        # True and False are ints to Python, and a mistake to whoever wrote a number's name before them.
        return isinstance(value, (int, float) if self.kind == "seconds" else int) and not isinstance(value, bool)

    def _in_range(self, value: float) -> bool:
        if not (math.isfinite(value) and value <= MAX_INT):
            return False
        return value > self.least if self.above else value >= self.least

    def _refusal(self, name: str, value: Any) -> str:
        most = f" and <= {MAX_INT}" if isinstance(value, int) and value > MAX_INT and self.kind in _NUMBERS else ""
        return f"{name} must be {self.text}{most}, not {value!r}"


def option(default: Any, kind: Kind, help: str, origin: str, **more: Any) -> Any:
    """A field of a :class:`Table`: its default and its rule."""
    return dataclasses.field(default=default, metadata={"rule": Rule(kind, help, origin, **more)})


class Table:
    """Base of the frozen dataclasses whose fields are options: an instance that breaks a rule cannot exist."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if value is not item.default:
                object.__setattr__(self, item.name, item.metadata["rule"].check(item.name, value))
        self._check_together()

    def _check_together(self) -> None:
        """Rules between options; raises ValueError."""

    @classmethod
    def rules(cls) -> dict[str, Rule]:
        """The rule of each option, by name, in the order of the table."""
        return {item.name: item.metadata["rule"] for item in dataclasses.fields(cls)}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The default of each option, by name."""
        return {item.name: item.default for item in dataclasses.fields(cls)}

    @classmethod
    def of(cls, **options: Any) -> Self:
        """Check options and keep them. Without any it is the one shared instance of the defaults.

        Raises:
            TypeError: an option is unknown (the nearest valid name is given) or has a type that it never takes.
            ValueError: an option is out of range, or two options contradict each other.
        """
        if not options:
            shared: Self = _defaults(cls)  # type: ignore[arg-type]  # a class is hashable
            return shared
        refuse_unknown(options, cls.__dataclass_fields__)
        return cls(**options)


@functools.cache
def _defaults(table: Callable[[], Any]) -> Any:
    return table()


def refuse_unknown(options: Mapping[str, Any], valid: Iterable[str]) -> None:
    """Raise TypeError for the first name that is not valid, with the nearest one that is."""
    known = set(valid)
    for name in options:
        if name not in known:
            raise TypeError(f"unknown option {name!r}{nearest(name, known)}")
