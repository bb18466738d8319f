"""Fills the parts between markers of docs/benchmarks.md, so that no figure there outlives the result it came from."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..errors import BenchmarkError
from ..peers import MEANINGS
from .catalogue import CATALOGUE
from .run import Run
from .shapes import Chart

CHART = re.compile(r"<!-- chart (?P<name>\S+) -->\n.*?<!-- end of chart -->", re.DOTALL)
RESULT = re.compile(r"<!-- result -->\n.*?<!-- end of result -->", re.DOTALL)
KEPT_AS = re.compile(r"<!-- result -->\n[^\n]*\]\((?P<file>[^)]+\.json)\)")


def page(text: str, run: Run, charts: dict[str, Chart], result: str, folder: str) -> str:
    """The page with its parts made anew; `result` and `folder` are the paths from the page to the file and the SVGs."""
    text = RESULT.sub(lambda _: f"<!-- result -->\n{_described(run, result)}\n<!-- end of result -->", text)
    return CHART.sub(lambda found: _block(found["name"], charts, folder), text)


def result_of(file: Path) -> Path:
    """The result that the page was made from. Raises BenchmarkError when the page names none."""
    found = KEPT_AS.search(file.read_text())
    if found is None:
        raise BenchmarkError(f"{file}: names no result; run `python -m benchmarks.charts RESULT.json`")
    return file.parent / found["file"]


def path_from(page_file: Path, target: Path) -> str:
    return Path(os.path.relpath(target.resolve(), page_file.resolve().parent)).as_posix()


def _block(name: str, charts: dict[str, Chart], folder: str) -> str:
    needs = {entry.name: entry.needs for entry in CATALOGUE}
    if name not in needs:
        raise BenchmarkError(f"the page asks for a chart '{name}'; there are {', '.join(needs)}")
    chart = charts.get(name)
    if chart is None:
        inside = f"This result has no rows for it: it needs {needs[name]}."
    else:
        inside = f"![{chart.title}]({folder}/{name}.svg)\n\n{chart.says}"
    return f"<!-- chart {name} -->\n{inside}\n<!-- end of chart -->"


def _described(run: Run, result: str) -> str:
    document = run.document
    versions = "; ".join(f"{name}: {version}" for name, version in document["versions"].items())
    machine, plan, elsewhere = document["machine"], document["plan"], document["elsewhere"]
    measured = {peer for peers in run.results.series.values() for names in peers.values() for peer in names}
    peers = [f"- `{peer}`: {meaning}" for peer, meaning in MEANINGS.items() if peer in measured]
    lines = [
        f"Made from [`{Path(result).name}`]({result}), measured {str(document['started_at'])[:10]} at commit "
        f"`{document['commit']}` with `{document['command']}` on {machine['cpu_model']} with {machine['cpus']} CPUs, "
        f"{machine['kernel']}: {plan['rounds']} interleaved rounds of {plan['seconds']} s. Other processes had "
        f"{elsewhere['median']:.1%} of the CPU's time (in the worst window {elsewhere['high']:.1%}). "
        f"Versions: {versions}.",
        "",
        *peers,
    ]
    return "\n".join(lines)
