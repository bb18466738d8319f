"""The library's tables of options as models: the same names and rules, with times in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic_core import core_schema

from framegate._rules import MAX_INT, Rule, Table
from framegate.config.model.fields import Model, field, refusal, shown
from framegate.options import ProxyOptions, ServerLimits

LIKELY_SECONDS: Final = frozenset({"ping_interval", "idle_timeout", "recv_timeout", "max_lifetime"})
"""Times of which fewer than :data:`LEAST_LIKELY` milliseconds are a mistake: whoever wrote them meant seconds."""

LEAST_LIKELY: Final = 100
"""In milliseconds; a tenth of the shortest time in seconds that makes sense."""

_NOT_HERE: Final = {"on_frame": "a plugin takes its place: write its ws_client_frame or ws_upstream_frame"}
_CODES: Final = ((1000, 1003), (1007, 1014), (3000, 4999))


@dataclass(frozen=True, slots=True)
class OptionRule:
    """A rule of the library, for a value of the file.

    Attributes:
        name: the option.
        rule: the library's rule.
    """

    name: str
    rule: Rule

    @property
    def is_time(self) -> bool:
        """Whether the file has milliseconds and the library seconds."""
        return self.rule.kind == "seconds"

    @property
    def least(self) -> int:
        """The smallest number allowed in the file."""
        if not self.is_time:
            return self.rule.least
        if self.name in LIKELY_SECONDS:
            return LEAST_LIKELY
        return 1 if self.rule.above else self.rule.least * 1000

    @property
    def text(self) -> str:
        """The rule in words, in the words of the file."""
        text = self.rule.text
        for old, new in (("None", "null"), ("True", "true"), ("False", "false"), ("an int", "a whole number")):
            text = text.replace(old, new)
        if self.is_time:
            text = text.rsplit("a number of seconds", 1)[0] + f"a whole number of milliseconds >= {self.least}"
        return text

    def converted(self, value: Any) -> Any:
        """What the library is given."""
        return value / 1000 if self.is_time and value is not None else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.checked)

    def checked(self, value: Any) -> Any:
        if self.is_time and value is not None:
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not self.least <= value <= MAX_INT:
                raise refusal(f"must be {self.text}, not {shown(value)}", self._mend(value) if whole else None)
            return value
        try:
            self.rule.check(self.name, value)
        except (TypeError, ValueError):
            raise refusal(f"must be {self.text}, not {shown(value)}") from None
        return value

    def _mend(self, value: int) -> str | None:
        if 0 < value < LEAST_LIKELY and self.name in LIKELY_SECONDS:
            return f"times in this file are milliseconds: write {value * 1000} for {value} seconds"
        return None

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        choices: list[dict[str, Any]] = [{"enum": list(self.rule.words)}] if self.rule.words else []
        match self.rule.kind:
            case "flag":
                choices.append({"type": "boolean"})
            case "code":
                choices += [{"type": "integer", "minimum": least, "maximum": most} for least, most in _CODES]
            case "seconds" | "bytes" | "count":
                choices.append({"type": "integer", "minimum": self.least, "maximum": MAX_INT})
        if self.rule.none:
            choices.append({"type": "null"})
        return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _model(name: str, table: type[Table], description: str) -> type[Model]:
    fields: dict[str, Any] = {}
    for option, rule in table.rules().items():
        if option not in _NOT_HERE:
            kind = OptionRule(option, rule)
            default = table.defaults()[option]
            fields[option] = (Annotated[Any, kind], _field(kind, default))
    return create_model(name, __base__=Model, __doc__=description, **fields)


def _field(kind: OptionRule, default: Any) -> Any:
    rule = kind.rule
    unit = "ms" if kind.is_time else "bytes" if rule.kind == "bytes" else ""
    description = f"{rule.help}; null: {rule.none}." if rule.none else f"{rule.help}."
    shown_default = int(default * 1000) if kind.is_time and default is not None else default
    return field(shown_default, origin=rule.origin, unit=unit, description=description)


Options: type[Model] = _model("Options", ProxyOptions, "The options of all sessions; times in milliseconds.")
Limits: type[Model] = _model(
    "Limits", ServerLimits, "The limits of each listener, and how it drains; times in milliseconds."
)


def as_table_options(model: Model | None) -> dict[str, Any]:
    """What the file says, as the library's tables take it: only what was written, times in seconds."""
    if model is None:
        return {}
    return {
        name: _rule_of(type(model), name).converted(getattr(model, name)) for name in sorted(model.model_fields_set)
    }


def _rule_of(model: type[Model], name: str) -> OptionRule:
    return next(mark for mark in model.model_fields[name].metadata if isinstance(mark, OptionRule))
