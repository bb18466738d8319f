"""``python -m benchmarks.instructions``: counts, and checks against the recorded figures, or records them anew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.errors import BenchmarkError

from . import figures, valgrind, verdict
from .figures import Entry
from .scenarios import SCENARIOS, named
from .verdict import Verdict


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except BenchmarkError as error:
        print(f"instructions: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("instructions: interrupted, nothing is recorded", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--record", action="store_true", help="write the new figures for this kind of Python")
    what.add_argument("--show", action="store_true", help="print the counts, check nothing")
    parser.add_argument("--only", type=_names, metavar="NAME,...", help=", ".join(one.name for one in SCENARIOS))
    parser.add_argument("--figures", type=Path, default=figures.FILE, metavar="FILE", help="the recorded figures")
    parser.add_argument("--no-install", action="store_true", help="never install valgrind, even as root on Debian")
    return parser


def _names(text: str) -> list[str]:
    known = [one.name for one in SCENARIOS]
    given = [name.strip() for name in text.split(",") if name.strip()]
    for name in given:
        if name not in known:
            raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(known)}")
    return given


def _run(arguments: argparse.Namespace) -> int:
    # First, so that a broken file does not wait for the counting.
    entries = figures.load(arguments.figures)
    key = figures.key()
    entry = entries.get(key)
    if entry is None and not arguments.record and not arguments.show:
        print(
            f"NOT CHECKED: no figures are recorded for {key}, only for {', '.join(entries) or 'nothing'}. "
            f"To record them: {verdict.RECORD}"
        )
        return 0
    program = valgrind.find(install=not arguments.no_install)
    made_with = figures.made_with(valgrind.version(program))
    verdicts = _counted(program, arguments.only, entry)
    print(f"{key}, instructions of one operation\n{verdict.table(verdicts)}")
    if arguments.show:
        return 0
    if arguments.record:
        _record(arguments, entries, key, Entry(made_with, {one.name: one.now for one in verdicts}))
        return 0
    assert entry is not None
    for line in verdict.told(verdicts, verdict.differences(entry.made_with, made_with)):
        print(line)
    return 1 if any(one.fails for one in verdicts) else 0


def _counted(program: str, only: list[str] | None, entry: Entry | None) -> list[Verdict]:
    chosen = named(only)
    runs = valgrind.count(program, [one.name for one in chosen])
    recorded = entry.instructions if entry is not None else {}
    return [
        Verdict(
            one.name,
            one.operation,
            runs[one.name].per_operation(one.turns * one.each),
            recorded.get(one.name),
            one.margin,
        )
        for one in chosen
    ]


def _record(arguments: argparse.Namespace, entries: dict[str, Entry], key: str, counted: Entry) -> None:
    kept = entries[key].instructions if arguments.only and key in entries else {}
    entries[key] = Entry(counted.made_with, kept | counted.instructions)
    figures.save(arguments.figures, entries)
    print(f"recorded in {arguments.figures}: {len(counted.instructions)} figures for {key}")


if __name__ == "__main__":
    sys.exit(main())
