"""`python -m benchmarks`: reads the flags, makes the run, prints the report, keeps the result."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from . import cpu, flags, machine, native, peers, report, sections
from .bench import Bench
from .errors import BenchmarkError
from .plans import Plan
from .results import Results, Spread

RESULTS = Path(__file__).parent / "results"


def main(argv: list[str] | None = None) -> int:
    arguments = flags.parser().parse_args(argv)
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


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    if sys.platform != "linux":
        raise BenchmarkError("the benchmarks need Linux: epoll, CPU clocks of other processes, /proc")
    started = datetime.now().astimezone()
    plan, fewer = _fitting(flags.plan(arguments), insist=arguments.idle is not None)
    insist, install = arguments.only is not None, not arguments.no_install
    versions, left_out = peers.prepare(list(plan.peers), install, insist)
    for name in ("echo", "fanout", "load"):
        native.program(name)
    cpus = os.sched_getaffinity(0)
    described = machine.describe(cpu.pin(arguments.cpu))
    with tempfile.TemporaryDirectory(prefix="framegate-benchmarks-") as folder:
        names = [name for name in plan.peers if name not in left_out]
        insist_on_sections = arguments.sections is not None
        bench = Bench(plan, names, Path(folder), say, cpus, install, insist_on_sections, left_out=left_out | fewer)
        sections.run(bench)
    document = {
        "started_at": started.isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        "commit": machine.commit(),
        "machine": described,
        "versions": {"python": machine.python_version(), **versions},
        "plan": asdict(plan),
        "left_out": bench.left_out,
        "seconds_in_all": round((datetime.now().astimezone() - started).total_seconds()),
        **_figures(bench.results),
    }
    if not arguments.no_save:
        _save(document, RESULTS / f"{started:%Y-%m-%d-%H%M%S}.json")
    return document


def _fitting(plan: Plan, insist: bool) -> tuple[Plan, dict[str, str]]:
    """Allow as many open files as the plan needs, or cut its idle connections, with a word about it."""
    try:
        raised = cpu.allow_open_files(plan.open_files)
    except BenchmarkError as error:
        fitting = plan.within(cpu.hard_limit())
        if insist or fitting.idle_connections == plan.idle_connections:
            raise
        cpu.allow_open_files(fitting.open_files)
        what, why = f"{plan.idle_connections} idle connections", f"{error}; measured {fitting.idle_connections} instead"
        say(f"without {what}: {why}")
        return fitting, {what: why}
    if raised is not None:
        say(raised)
    return plan, {}


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _figures(results: Results) -> dict[str, Any]:
    elsewhere = Spread.of(results.elsewhere) if results.elsewhere else Spread(0, 0, 0)
    return {"elsewhere": elsewhere._asdict(), "rows": results.as_json(report.BASES)}


def _save(document: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    say(f"kept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def _shown(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"--show {path}: {error}") from None
    return document


if __name__ == "__main__":
    sys.exit(main())
