"""`python -m benchmarks`: reads the flags, makes the run, prints the report, keeps the result."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from . import cpu, machine, native, peers, report, rounds
from .errors import BenchmarkError
from .results import Results, Spread
from .scenarios import SECTIONS, SIZES, Plan, parse_size

RESULTS = Path(__file__).parent / "results"


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        document = _shown(arguments.show) if arguments.show else _measured(arguments)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmarks: interrupted, nothing is kept", file=sys.stderr)
        return 130
    print(report.render(document, arguments.markdown))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: short rounds, three of them")
    parser.add_argument("--only", type=_names(peers.STARTS), metavar="PEER,...", help=f"of {', '.join(peers.STARTS)}")
    parser.add_argument("--sizes", type=_sizes, metavar="SIZE,...", help="message sizes (default: 64,1k,16k,1m)")
    parser.add_argument("--sections", type=_names(SECTIONS), metavar="NAME,...", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--rounds", type=_positive, help="rounds (default: 7; quick: 3)")
    parser.add_argument("--text", action="store_true", help="send text messages instead of binary ones")
    parser.add_argument("--idle", type=_positive, metavar="N", help="idle connections (default: 2000; quick: 1000)")
    parser.add_argument("--cpu", type=int, help="the CPU that all processes share (default: the last one)")
    parser.add_argument("--markdown", action="store_true", help="print the report as Markdown")
    parser.add_argument("--no-install", action="store_true", help="never install nginx, even as root on Debian")
    parser.add_argument("--no-save", action="store_true", help="write no file to benchmarks/results/")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the report of an earlier result instead")
    return parser


def _names(known: Any) -> Any:
    def parse(text: str) -> list[str]:
        given = [name.strip() for name in text.split(",") if name.strip()]
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(known)}")
        return [name for name in known if name in given]

    return parse


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({parse_size(size) for size in text.split(",")}))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 and above")
    return int(text)


def _plan(arguments: argparse.Namespace) -> Plan:
    quick = arguments.quick
    plan = Plan(
        rounds=arguments.rounds or (3 if quick else 7),
        seconds=0.12 if quick else 0.5,
        sizes=arguments.sizes or tuple(SIZES.values()),
        text=arguments.text,
        sections=tuple(arguments.sections or SECTIONS),
        setup_count=100 if quick else 400,
        idle_rounds=1 if quick else 3,
        idle_connections=arguments.idle or (1000 if quick else 2000),
    )
    if plan.idle_connections <= plan.idle_baseline:
        raise BenchmarkError(f"--idle {plan.idle_connections}: must be more than the baseline of {plan.idle_baseline}")
    return plan


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    if sys.platform != "linux":
        raise BenchmarkError("the benchmarks need Linux: epoll, CPU clocks of other processes, /proc")
    plan, names = _plan(arguments), arguments.only or list(peers.STARTS)
    started = datetime.now().astimezone()
    versions = {"python": machine.python_version(), **peers.prepare(names, install=not arguments.no_install)}
    for name in native.PROGRAMS:
        native.program(name)
    # Two sockets for each idle connection in the proxy, and some for the rest.
    cpu.allow_open_files(2 * plan.idle_connections + 200)
    described = machine.describe(cpu.pin(arguments.cpu))
    with tempfile.TemporaryDirectory(prefix="framegate-benchmarks-") as folder:
        results = rounds.run(plan, names, Path(folder), say=lambda line: print(line, file=sys.stderr, flush=True))
    document = {
        "started_at": started.isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        "commit": machine.commit(),
        "machine": described,
        "versions": versions,
        "plan": asdict(plan),
        **_figures(results),
    }
    if not arguments.no_save:
        _save(document, RESULTS / f"{started:%Y-%m-%d-%H%M%S}.json")
    return document


def _figures(results: Results) -> dict[str, Any]:
    elsewhere = Spread.of(results.elsewhere) if results.elsewhere else Spread(0, 0, 0)
    return {"elsewhere": elsewhere._asdict(), "rows": results.as_json(report.BASES)}


def _save(document: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"kept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}", file=sys.stderr)


def _shown(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"--show {path}: {error}") from None
    return document


if __name__ == "__main__":
    sys.exit(main())
