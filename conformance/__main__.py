"""`python -m conformance`: Autobahn's test suite through framegate on both legs, next to a run without a proxy."""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from . import cases, install, peers, report
from .compare import Finding, compare
from .errors import ConformanceError, NoPython27
from .modes import MODES, Mode
from .plan import Plan
from .suite import Run, Suite

PAGE = peers.ROOT / "docs" / "conformance.md"
KEPT = peers.HERE / "reports"
WORSE, UNTRUSTED, NO_PYTHON27, INTERRUPTED = 1, 2, 3, 130


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except NoPython27 as error:
        print(f"conformance: {'not run: ' if arguments.quick else ''}{error}", file=sys.stderr)
        return 0 if arguments.quick else NO_PYTHON27
    except ConformanceError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return UNTRUSTED
    except KeyboardInterrupt:
        print("conformance: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("--modes", type=_modes, metavar="MODE,...", help=f"of {', '.join(MODES)} (default: all)")
    groups = ", ".join(name for name in cases.GROUPS if name != "*")
    parser.add_argument("--cases", type=_cases, metavar="CASE,...", help=f"as 1.1.1, 1.*, {groups} (default: all)")
    parser.add_argument("--quick", action="store_true", help="some minutes: the core, and samples of the rest")
    parser.add_argument("--no-report", action="store_true", help=f"leave {PAGE.relative_to(peers.ROOT)} alone")
    parser.add_argument(
        "--keep", action="store_true", help=f"keep the suite's pages in {KEPT.relative_to(peers.ROOT)}/"
    )
    return parser


def _modes(text: str) -> tuple[Mode, ...]:
    given = [name.strip() for name in text.split(",") if name.strip()]
    for name in given:
        if name not in MODES:
            raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(MODES)}")
    return tuple(mode for name, mode in MODES.items() if name in given)


def _cases(text: str) -> tuple[str, ...]:
    try:
        return cases.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _run(arguments: argparse.Namespace) -> int:
    started = datetime.now(UTC)
    versions = [peers.framegate_version(), _suite_version(), _machine()]
    python = install.installed()
    with ExitStack() as stack:
        folder = KEPT if arguments.keep else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="framegate-")))
        suite = Suite(python, folder)
        modes, left_out = _negotiated(suite, arguments.modes or tuple(MODES.values()))
        plan = Plan(modes, arguments.cases, arguments.quick)
        runs, findings = _all(suite, plan)
    if not runs:
        raise ConformanceError("none of the cases counts in any of the modes")
    document = report.Document(
        date=f"{started:%Y-%m-%d} (UTC)",
        command=shlex.join(["python", "-m", "conformance", *sys.argv[1:]]),
        versions=versions,
        runs=runs,
        findings=findings,
        left_out=[*left_out, *_not_chosen(plan)],
    )
    if not arguments.no_report:
        PAGE.write_text(report.render(document))
        print(f"conformance: wrote {PAGE.relative_to(peers.ROOT)}")
    return _verdict(findings)


def _negotiated(suite: Suite, modes: tuple[Mode, ...]) -> tuple[tuple[Mode, ...], list[str]]:
    """The modes that do what they are named for, and a sentence on each of the others."""
    possible = tuple(mode for mode in modes if not mode.compressed or suite.negotiates(mode))
    left_out = [
        f"mode {mode.name}: this framegate does not negotiate permessage-deflate with it"
        for mode in modes
        if mode not in possible
    ]
    for sentence in left_out:
        print(f"conformance: left out: {sentence}", flush=True)
    return possible, left_out


def _all(suite: Suite, plan: Plan) -> tuple[dict[str, dict[str, Run]], list[Finding]]:
    runs: dict[str, dict[str, Run]] = {}
    findings: list[Finding] = []
    for pair in plan.pairs():
        direct = suite.run(pair, None, plan.direct(pair))
        runs[pair.name] = {report.DIRECT: direct}
        _say(pair.name, report.DIRECT, direct)
        for mode in plan.modes:
            patterns = plan.cases(pair, mode)
            if patterns:
                run = runs[pair.name][mode.name] = suite.run(pair, mode, patterns)
                _say(pair.name, mode.name, run)
                findings += compare(pair, mode, direct.cases, run.cases)
    return runs, findings


def _say(pair: str, mode: str, run: Run) -> None:
    behavior = report.counted(case.behavior for case in run.cases.values())
    print(f"{pair:7} {mode:12} {len(run.cases):4} cases in {run.seconds:5.0f} s: {behavior}", flush=True)


def _not_chosen(plan: Plan) -> list[str]:
    ran = {pattern for pair in plan.pairs() for pattern in plan.direct(pair)}
    touched = {cases.section(pattern) for pattern in ran}
    untouched = [str(section) for section in cases.SECTIONS if section not in touched]
    in_part = [str(section) for section in sorted(touched) if f"{section}.*" not in ran]
    return [
        *([f"section {', '.join(untouched)}"] if untouched else []),
        *([f"section {', '.join(in_part)} beyond the cases chosen"] if in_part else []),
    ]


def _verdict(findings: list[Finding]) -> int:
    failures = [finding for finding in findings if finding.reason is None]
    for finding in failures:
        print(f"worse than direct: {finding}")
    print(f"conformance: {len(failures)} worse than direct, {len(findings) - len(failures)} more are allowed")
    return WORSE if failures else 0


def _suite_version() -> str:
    pins = install.SUITE_PINS
    return f"autobahntestsuite {pins['autobahntestsuite']}, autobahn {pins['autobahn']}, Twisted {pins['Twisted']}"


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}"


if __name__ == "__main__":
    sys.exit(main())
