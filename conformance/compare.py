"""What is worse through framegate than without it, and which of that is allowed, for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .cases import matches, order
from .modes import SLOPPY, Mode, Pair
from .suite import MISSING, Case, Cases

# From best to worst. Informational cases are those that the suite does not judge.
BEHAVIOR = (("OK", "INFORMATIONAL"), ("NON-STRICT",), ("UNIMPLEMENTED",), ("FAILED",), (MISSING,))
CLOSE = (("OK", "INFORMATIONAL"), ("FAILED BY CLIENT",), ("WRONG CODE",), ("UNCLEAN",), ("FAILED",), (MISSING,))


@dataclass(frozen=True)
class Allowed:
    """Cases that may be worse than direct, as far as `behavior`, for a reason; their closing may not."""

    patterns: tuple[str, ...]
    behavior: str
    reason: str


ALLOWED = (
    Allowed(
        ("3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"),
        "NON-STRICT",
        "A legal race. The fuzzer sends a valid message and then, without a pause, a frame that breaks the protocol. "
        "framegate fails the connection as soon as it has read that frame (RFC 6455, section 7.1.7), and may have done "
        "so before the echo of the first message is back from the other leg. The suite takes both as passed: OK with "
        "the echo, NON-STRICT without it. Which of the cases it is differs from run to run.",
    ),
)


@dataclass(frozen=True)
class Finding:
    """A case that is worse through framegate. `reason` says why that is allowed; without one, it is a failure."""

    pair: Pair
    mode: Mode
    case: str
    direct: Case
    proxied: Case
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.pair.name}, {self.mode.name}, {self.case}: {self.proxied}; direct: {self.direct}"


def compare(pair: Pair, mode: Mode, direct: Cases, proxied: Cases) -> list[Finding]:
    """All cases that are worse through framegate, in order.

    Behind the sloppy echo a FAILED counts even where the direct run fails too: what is checked there, framegate checks.
    """
    return list(_findings(pair, mode, direct, proxied))


def _findings(pair: Pair, mode: Mode, direct: Cases, proxied: Cases) -> Iterator[Finding]:
    for case in sorted(proxied, key=order):
        before, after = direct.get(case, Case("OK", "OK")), proxied[case]
        failed = pair is SLOPPY and "FAILED" in (after.behavior, after.close)
        if failed or is_worse(after, before):
            yield Finding(pair, mode, case, before, after, _reason(case, before, after))


def is_worse(case: Case, than: Case) -> bool:
    return _rank(case.behavior, BEHAVIOR) > _rank(than.behavior, BEHAVIOR) or _closing_is_worse(case, than)


def _closing_is_worse(case: Case, than: Case) -> bool:
    return _rank(case.close, CLOSE) > _rank(than.close, CLOSE)


def _rank(word: str, ranks: tuple[tuple[str, ...], ...]) -> int:
    return next((rank for rank, words in enumerate(ranks) if word in words), len(ranks))


def _reason(case: str, before: Case, after: Case) -> str | None:
    for allowed in ALLOWED:
        if (
            after.behavior == allowed.behavior
            and not _closing_is_worse(after, before)
            and any(matches(case, pattern) for pattern in allowed.patterns)
        ):
            return allowed.reason
    return None
