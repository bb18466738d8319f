"""Writes the option tables of docs/library.md from the options themselves: ``python tools/options_table.py``."""

from __future__ import annotations

import re
from pathlib import Path

from framegate._rules import Table
from framegate.options import ProxyOptions, ServerLimits

PAGE = Path(__file__).parent.parent / "docs" / "library.md"


def table(options: type[Table]) -> str:
    """A Markdown table of the options: name, default, values, meaning, where the default comes from."""
    defaults = options.defaults()
    lines = ["| option | default | takes | meaning | the default's origin |", "| --- | --- | --- | --- | --- |"]
    for name, rule in options.rules().items():
        default = defaults[name]
        shown = f'"{default}"' if isinstance(default, str) else str(default).removesuffix(".0")
        meaning = f"{rule.help}; None: {rule.none}" if rule.none else rule.help
        lines.append(f"| `{name}` | {shown} | {rule.text} | {meaning} | {rule.origin} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its tables made anew."""
    for name, options in (("proxy", ProxyOptions), ("server", ServerLimits)):
        begin, end = f"<!-- {name} options -->", f"<!-- end of {name} options -->"
        text = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{table(options)}\n{end}", text, flags=re.S)  # noqa: B023
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
