"""Flags: one for each option of the tables in :mod:`framegate.options`, and the ones that several commands share.

Every flag reads the environment too, as ``FRAMEGATE_`` and its name in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import click
from click.core import ParameterSource

from framegate._rules import Rule, Table, nearest
from framegate.cli._addresses import Listen, parse_listen
from framegate.cli._console import LEVELS
from framegate.config.addresses import FORMS

SIZES = {"": 1, "b": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
METAVARS = {"seconds": "SECONDS", "bytes": "SIZE", "count": "COUNT", "code": "CODE"}
NUMBERS = {"seconds": ("seconds", ""), "bytes": ("a size", " (as 65536, 64KiB, 1MiB)"), "count": ("a whole number", "")}
Command = Callable[..., Any]
SHORT = {"aggregate_fragments": ("--aggregate",)}


def envvar(name: str) -> str:
    """The environment's name of a flag."""
    return "FRAMEGATE_" + name.upper().replace("-", "_")


def dashed(name: str) -> str:
    """The flag of an option."""
    return "--" + name.replace("_", "-")


class Reader:
    """Reads what was written for one option as a word, a number or a size, and checks it by the option's rule."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __call__(self, ctx: click.Context, param: click.Parameter, text: str | None) -> Any:
        if text is None or param.name is None:
            return None
        word = text.strip().lower()
        if word == "none" and self.rule.none:
            return None
        try:
            return self.rule.check(param.name, word if word in self.rule.words else self._number(word))
        except (TypeError, ValueError):
            origin = f" (from {envvar(param.name)})" if _from_environment(ctx, param.name) else ""
            hint = nearest(word, self.rule.words)
            raise click.UsageError(f"{dashed(param.name)} must be {self._text()}, not {text!r}{hint}{origin}") from None

    def _number(self, word: str) -> float:
        match self.rule.kind:
            case "seconds":
                return float(word)
            case "bytes":
                return read_size(word)
        return int(word)

    def _text(self) -> str:
        words = [*self.rule.words, *(["none"] if self.rule.none else [])]
        if self.rule.kind == "code":
            words.append(self.rule.text)
        elif self.rule.kind != "choice":
            number, examples = NUMBERS[self.rule.kind]
            words.append(f"{number} {'>' if self.rule.above else '>='} {self.rule.least}{examples}")
        return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


class FlagType(click.types.BoolParamType):
    """A boolean; the environment may also say ``none`` where the option has a third state."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and value.strip().lower() == "none" and self.rule.none:
            return None
        return super().convert(value, param, ctx)


def read_size(text: str) -> int:
    """A number of bytes: digits, and KiB, MiB or GiB behind them. Raises ValueError."""
    found = re.fullmatch(r"(\d+)\s*([a-z]*)", text.strip().lower(), re.ASCII)
    if found is None or found[2] not in SIZES:
        raise ValueError(f"{text!r} is not a size")
    return int(found[1]) * SIZES[found[2]]


def show_size(size: int) -> str:
    """The shortest way to write a number of bytes so that :func:`read_size` reads it."""
    unit = next(unit for unit in ("GiB", "MiB", "KiB", "") if size % SIZES[unit.lower()] == 0) if size else ""
    return f"{size // SIZES[unit.lower()]}{unit}"


def table_flags(*tables: type[Table]) -> Callable[[Command], Command]:
    """A decorator that gives a command a flag for each option of the tables, but for hooks."""
    flags = [
        _flag(name, rule, table.defaults()[name])
        for table in tables
        for name, rule in table.rules().items()
        if rule.kind != "hook"
    ]

    def decorate(command: Command) -> Command:
        for flag in reversed(flags):
            command = flag(command)
        return command

    return decorate


def chosen(ctx: click.Context, *tables: type[Table]) -> dict[str, Any]:
    """The options of the tables that were given, by flag or by environment; the others keep the library's defaults."""
    names = [name for table in tables for name in table.rules() if name in ctx.params]
    return {name: ctx.params[name] for name in names if _from_environment(ctx, name) or _from_flag(ctx, name)}


def as_flags(message: str, *tables: type[Table]) -> str:
    """A message of the library with the names of options written as flags."""
    names = "|".join(name for table in tables for name in table.rules())
    return re.sub(rf"\b(?:{names})\b", lambda found: dashed(found[0]), message)


def _flag(name: str, rule: Rule, default: Any) -> Callable[[Command], Command]:
    shown = f"{rule.help}.  [{_default_text(rule, default)}]"
    if rule.kind == "flag":
        names = (f"{dashed(name)}/--no-{dashed(name)[2:]}", *SHORT.get(name, ()))
        return click.option(*names, name, type=FlagType(rule), default=None, envvar=envvar(name), help=shown)
    kinds = [METAVARS[rule.kind]] if rule.kind in METAVARS else []
    metavar = "|".join([*rule.words, *(["none"] if rule.none else []), *kinds])
    return click.option(
        dashed(name), name, callback=Reader(rule), default=None, envvar=envvar(name), metavar=metavar, help=shown
    )


def _default_text(rule: Rule, default: Any) -> str:
    text = f"none: {rule.none}" if rule.none else ""
    if default is None:
        return f"default: {text}"
    if isinstance(default, bool):
        value = "on" if default else "off"
    elif rule.kind == "bytes" and isinstance(default, int):
        value = show_size(default)
    else:
        value = f"{default:g}" if isinstance(default, float) else str(default)
    return "; ".join(filter(None, (f"default: {value}", text)))


def _from_environment(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.ENVIRONMENT


def _from_flag(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def listen_flag(**more: Any) -> Callable[[Command], Command]:
    """``--listen``, which can be given several times; its variable separates addresses by spaces."""
    return click.option(
        "--listen",
        "listens",
        callback=_read_listens,
        multiple=True,
        envvar=envvar("listen"),
        metavar="ADDRESS",
        help=f"Where to listen: {FORMS}; port 0 takes a free one. Can be given several times.",
        **more,
    )


def _read_listens(ctx: click.Context, param: click.Parameter, texts: Sequence[str]) -> tuple[Listen, ...]:
    listens = []
    for text in texts:
        try:
            listens.append(parse_listen(text))
        except ValueError as error:
            raise click.UsageError(f"--listen {text}: {error}") from None
    return tuple(listens)


def tls_flags(command: Command) -> Command:
    """``--tls-cert`` and ``--tls-key`` of a listener."""
    key_help = "The certificate's key, where its own file has none (PEM)."
    command = click.option("--tls-key", envvar=envvar("tls_key"), metavar="FILE", help=key_help)(command)
    cert_help = "Serve wss with this certificate chain (PEM)."
    return click.option("--tls-cert", envvar=envvar("tls_cert"), metavar="FILE", help=cert_help)(command)


log_level_flag = click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    default=None,
    envvar=envvar("log_level"),
    help="What to log to standard error.  [default: info; debug together with --debug]",
)
