"""Writes the commands into docs/reference/cli.md from click: ``python tools/cli_reference.py``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from framegate.cli._main import framegate

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"
BEGIN, END = "<!-- commands -->", "<!-- end of commands -->"


def reference() -> str:
    """All commands, in the order of ``framegate --help``."""
    with framegate.make_context("framegate", ["--"]) as parent:
        return "\n\n".join(command(name, framegate.commands[name], parent) for name in framegate.list_commands(parent))


def command(name: str, one: click.Command, parent: click.Context) -> str:
    """One command: how it is called, what it does, and a table of its flags."""
    with click.Context(one, info_name=name, parent=parent) as context:
        usage = " ".join(part for part in one.collect_usage_pieces(context) if part)
        flags = [option for option in one.get_params(context) if isinstance(option, click.Option)]
        lines = [
            f"## framegate {name}",
            "",
            f"```text\nframegate {name} {usage}\n```",
            "",
            _paragraphs(one.help or ""),
            "",
            "| flag | in the environment | meaning |",
            "| --- | --- | --- |",
            *(row(option) for option in flags if "--help" not in option.opts),
        ]
    return "\n".join(lines) if len(lines) > 8 else "\n".join(lines[:5])


def row(option: click.Option) -> str:
    """One flag. Where it takes a value, the value's form stands behind it."""
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    form = "" if option.is_flag else _form(option)
    variable = f"`{option.envvar}`" if option.envvar else ""
    meaning = " ".join((option.help or "").split())
    required = " Required." if option.required else ""
    return f"| {names}{form} | {variable} | {_cell(meaning)}{required} |"


def _form(option: click.Option) -> str:
    if option.metavar:
        return f" `{_cell(option.metavar)}`"
    if isinstance(option.type, click.Choice):
        return f" `{_cell('|'.join(map(str, option.type.choices)))}`"
    return f" `{option.type.name.upper().replace(' RANGE', '')}`"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def page(text: str) -> str:
    """The page with its commands made anew."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n\n{reference()}\n\n{END}", text, flags=re.S)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
