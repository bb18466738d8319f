"""Writes the tables of docs/operations/metrics.md from the program's own: ``python tools/metrics_reference.py``."""

from __future__ import annotations

import re
from pathlib import Path

from framegate.observe import catalogue
from framegate.observe.catalogue import Definition

PAGE = Path(__file__).parent.parent / "docs" / "operations" / "metrics.md"

TABLES = {
    "workers": catalogue.OF_WORKERS,
    "whole": catalogue.OF_THE_WHOLE,
    "processes": catalogue.OF_PROCESSES,
}

MERGED = {
    "sum": "sum",
    "min": "smallest",
    "worker": "one each, label `worker`",
    "once": "",
}


def table(name: str) -> str:
    """A Markdown table of some metrics."""
    lines = ["| metric | type | labels | of several workers | meaning |", "| --- | --- | --- | --- | --- |"]
    lines += [row(definition) for definition in TABLES[name]]
    return "\n".join(lines)


def row(definition: Definition) -> str:
    """One metric."""
    labels = ", ".join(f"`{label}`" for label in definition.labels)
    cells = [f"`{definition.name}`", definition.kind, labels, MERGED[definition.merging], definition.help]
    return "| " + " | ".join(cells) + " |"


def buckets(name: str) -> str:
    """The upper bounds of a histogram's buckets."""
    return ", ".join(f"{bound:g}" for bound in getattr(catalogue, name))


def page(text: str) -> str:
    """The page with its tables made anew."""
    text = re.sub(
        r"<!-- metrics of (\w+) -->.*?<!-- end -->",
        lambda found: f"<!-- metrics of {found[1]} -->\n{table(found[1])}\n<!-- end -->",
        text,
        flags=re.S,
    )
    return re.sub(
        r"<!-- buckets (\w+) -->.*?<!-- end -->",
        lambda found: f"<!-- buckets {found[1]} -->{buckets(found[1])}<!-- end -->",
        text,
        flags=re.S,
    )


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
