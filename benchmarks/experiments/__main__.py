"""``python -m benchmarks.experiments NAME``: one of them, measured in turn, printed as a table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import cpu
from benchmarks.errors import BenchmarkError

from .catalogue import NAMES, about, missing, run
from .plan import Plan


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        reason = missing(arguments.name)
        if reason is not None:
            raise BenchmarkError(f"{arguments.name} cannot run here: {reason}")
        cpu.allow_open_files(4096)
        cpu.pin(arguments.cpu)
        with tempfile.TemporaryDirectory(prefix="framegate-experiment-") as folder:
            plan = Plan(arguments.rounds, arguments.seconds, Path(folder), tuple(arguments.beside or ()))
            figures = run(arguments.name, plan)
    except BenchmarkError as error:
        print(f"experiments: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("experiments: interrupted", file=sys.stderr)
        return 130
    print(figures.table(arguments.markdown))
    return 0


def _parser() -> argparse.ArgumentParser:
    known = "\n".join(f"  {name:10} {about(name)}" for name in NAMES)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.experiments",
        description=f"What was tried for speed, measured again.\n\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=NAMES, metavar="NAME", help="which one")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, in each of which all ways take their turn (5)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement under load (0.5)")
    parser.add_argument("--cpu", type=int, help="the CPU that all processes share (default: the last one)")
    parser.add_argument(
        "--beside", type=Path, action="append", metavar="TREE",
        help="for setup: another source tree with its modules built in place; the first one is compared with",
    )  # fmt: skip
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
