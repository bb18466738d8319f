"""`python -m benchmarks.charts [RESULT.json]`: draws the charts of a kept result, and fills the page beside them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import BenchmarkError
from .catalogue import CATALOGUE
from .drawing import render
from .page import page, path_from
from .run import Run, load
from .shapes import Chart
from .summary import filled

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
OUT = HERE.parent.parent / "docs" / "charts"
PAGE = "benchmarks.md"
README = HERE.parent.parent / "README.md"


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        draw(arguments.result or _newest(), arguments.out)
    except (BenchmarkError, OSError) as error:
        print(f"benchmarks.charts: {error}", file=sys.stderr)
        return 1
    return 0


def draw(result: Path, out: Path) -> None:
    """Write `out`/NAME.svg for each chart that `result` has rows for, and the page beside `out` if there is one."""
    run = load(result)
    charts = charts_of(run)
    out.mkdir(parents=True, exist_ok=True)
    for entry in CATALOGUE:
        file = out / f"{entry.name}.svg"
        if entry.name in charts:
            file.write_text(render(charts[entry.name]), encoding="utf-8")
        else:
            # A picture of an earlier result beside those of this one would pass for one of them.
            file.unlink(missing_ok=True)
            print(f"benchmarks.charts: no {file.name}: {result.name} lacks {entry.needs}", file=sys.stderr)
    text = out.parent / PAGE
    if text.exists():
        made = page(text.read_text(encoding="utf-8"), run, charts, path_from(text, result), path_from(text, out))
        text.write_text(filled(made, run), encoding="utf-8")
    if out == OUT:
        README.write_text(filled(README.read_text(encoding="utf-8"), run), encoding="utf-8")


def charts_of(run: Run) -> dict[str, Chart]:
    """The charts that the result has rows for, by name."""
    made = ((entry.name, entry.chart(run)) for entry in CATALOGUE)
    return {name: chart for name, chart in made if chart is not None}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.charts", description=__doc__)
    parser.add_argument("result", type=Path, nargs="?", metavar="RESULT.json", help="default: the newest in results/")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="default: docs/charts")
    return parser


def _newest() -> Path:
    kept = sorted(RESULTS.glob("*.json"))
    if not kept:
        raise BenchmarkError("no result is kept yet: run `python -m benchmarks`")
    return kept[-1]


if __name__ == "__main__":
    sys.exit(main())
