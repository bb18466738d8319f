"""`docs/conformance.md`: the counts of every section, mode and pair next to the direct run, and each exception."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .cases import SECTIONS, order, section
from .compare import ALLOWED, Finding
from .modes import MODES, PAIRS, Mode, Pair
from .suite import Cases, Run

DIRECT = "direct"
WORDS = {
    "OK": "OK",
    "NON-STRICT": "non-strict",
    "INFORMATIONAL": "informational",
    "UNIMPLEMENTED": "unimplemented",
    "FAILED BY CLIENT": "closed by the client",
    "WRONG CODE": "wrong code",
    "UNCLEAN": "unclean",
    "FAILED": "failed",
    "MISSING": "missing",
}
INTRODUCTION = """\
# Conformance

Autobahn's WebSocket test suite, run through `framegate proxy` on both legs: its fuzzer as the client, before Autobahn's
own echo and before an echo that checks nothing, and its fuzzer as the upstream. Every case is compared with a run of
the same peers without a proxy. A case that is worse through framegate, in the messages or in how the connection is
closed, fails the run, unless it stands under [Exceptions](#exceptions). With the echo that checks nothing, whatever
fails counts as framegate's failure, even where the direct run fails as well.
"""
HOW = """\
## How to run it

```
make conformance          # all cases, in all modes: two to three hours, most of it in 12 and 13
make conformance-quick    # three minutes: the core through the fuzzing client, samples of the rest
.venv/bin/python -m conformance --modes plain,hook --cases core,9.*
```

`--cases` takes cases (`6.4.1`), patterns (`9.*`) and the groups `core` (sections 1 to 7 and 10), `core-sample` and
`sample` (14 cases of 12 and 13). `--no-report` leaves this file alone, `--keep` keeps the suite's own pages in
`conformance/reports/`. Sections 12 and 13 count in the modes with compression only. The suite is a Python 2.7 program:
it is installed from PyPI, with exact pins, into `conformance/.venv27`; `PYTHON27` names the interpreter. Exit status:
0 nothing is worse, 1 something is, 2 the run cannot be trusted, 3 no Python 2.7 (for the quick run that is nothing to
do: 0).
"""
SLOPPY_NOTE = """\
The echo checks nothing, so that each check seen here is framegate's own; `plain` therefore runs with `--validate-utf8`.
The direct run shows what the echo lets through."""


@dataclass
class Document:
    """All that was run. `runs` holds, for each pair, the direct run under "direct" and the others under their modes."""

    date: str
    command: str
    versions: Sequence[str]
    runs: Mapping[str, Mapping[str, Run]]
    findings: Sequence[Finding]
    left_out: Sequence[str] = field(default=())


def render(document: Document) -> str:
    """The page, in Markdown."""
    parts = [
        INTRODUCTION,
        _about(document),
        HOW,
        _modes(document),
        *(_pair(pair, document.runs[pair.name]) for pair in PAIRS if pair.name in document.runs),
        _failures([finding for finding in document.findings if finding.reason is None]),
        _exceptions([finding for finding in document.findings if finding.reason is not None]),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def counted(words: Iterable[str]) -> str:
    """ "16 OK, 1 non-strict": best first; nothing gives an empty text."""
    counts = Counter(WORDS.get(word, word.lower()) for word in words)
    ranks = list(WORDS.values())
    ranked = sorted(counts, key=lambda word: (ranks.index(word) if word in ranks else len(ranks), word))
    return ", ".join(f"{counts[word]} {word}" for word in ranked)


def _about(document: Document) -> str:
    failures = sum(finding.reason is None for finding in document.findings)
    judged = sum(len(run.cases) for runs in document.runs.values() for name, run in runs.items() if name != DIRECT)
    verdict = f"**{failures} worse than direct**" if failures else "none worse than direct, exceptions aside"
    lines = [
        f"Run on {document.date}: {judged:,} cases through framegate, {verdict}.",
        "",
        f"- Command: `{document.command}`",
        *(f"- {version}" for version in document.versions),
        *(f"- Not run: {sentence}" for sentence in document.left_out),
    ]
    return "\n".join(lines)


def _modes(document: Document) -> str:
    used = [mode for mode in MODES.values() if any(mode.name in runs for runs in document.runs.values())]
    return "\n".join(["## Modes", "", *(f"- **{mode.name}**: {mode.meaning}." for mode in used)])


def _pair(pair: Pair, runs: Mapping[str, Run]) -> str:
    names = [DIRECT, *(name for name in MODES if name in runs)]
    sections = sorted({section(case) for run in runs.values() for case in run.cases})
    note = f"{SLOPPY_NOTE}\n\n" if pair.name == "sloppy" else ""
    rows = [
        *(
            _row(f"{number} {SECTIONS[number]}", [_section(runs[name].cases, number) for name in names])
            for number in sections
        ),
        _row("**all, messages**", [counted(case.behavior for case in runs[name].cases.values()) for name in names]),
        _row("**all, closing**", [counted(case.close for case in runs[name].cases.values()) for name in names]),
        _row("seconds", [f"{runs[name].seconds:.0f}" for name in names]),
    ]
    head = f"## {pair.title[0].upper()}{pair.title[1:]}\n\n{note}"
    return head + "\n".join([_row("section", names), _row("---", ["---"] * len(names)), *rows])


def _section(cases: Cases, number: int) -> str:
    return counted(case.behavior for name, case in cases.items() if section(name) == number) or "not run"


def _row(title: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([title, *cells])} |"


def _failures(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    return "\n".join(["## Worse than direct", "", *(f"- {finding}" for finding in findings)])


def _exceptions(findings: Sequence[Finding]) -> str:
    lines = ["## Exceptions", ""]
    for allowed in ALLOWED:
        reason = textwrap.fill(allowed.reason, 120, break_long_words=False, break_on_hyphens=False)
        lines += [
            f"{', '.join(allowed.patterns)} may be {WORDS[allowed.behavior]}, closed as in the direct run:",
            "",
            reason,
            "",
        ]
    if not findings:
        return "\n".join([*lines, "None was used in this run."])
    lines += ["Used in this run:", "", "| pair | mode | cases |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(_used(pair, mode, findings) for pair, mode in _places(findings))])


def _places(findings: Sequence[Finding]) -> list[tuple[Pair, Mode]]:
    return list(dict.fromkeys((finding.pair, finding.mode) for finding in findings))


def _used(pair: Pair, mode: Mode, findings: Sequence[Finding]) -> str:
    cases = sorted((found.case for found in findings if (found.pair, found.mode) == (pair, mode)), key=order)
    return f"| {pair.title} | {mode.name} | {', '.join(cases)} |"
