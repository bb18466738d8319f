"""Which cases there are, and which are chosen: patterns as the test suite knows them, and two names for groups."""

from __future__ import annotations

import re
from collections.abc import Iterable

SECTIONS = {
    1: "framing",
    2: "pings and pongs",
    3: "reserved bits",
    4: "opcodes",
    5: "fragmentation",
    6: "UTF-8",
    7: "closing",
    9: "limits and performance",
    10: "automatic fragmentation",
    12: "compression, parameters by default",
    13: "compression, other parameters",
}
COMPRESSION = (12, 13)
"""Sections that count only where permessage-deflate is negotiated."""

GROUPS = {
    "core": tuple(f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 10)),
    "sample": (
        *("12.1.1", "12.1.2", "12.1.3", "12.1.4", "12.2.4", "12.4.11", "12.5.4"),
        *("13.1.4", "13.2.4", "13.3.4", "13.4.4", "13.5.4", "13.6.4", "13.7.4"),
    ),
    "core-sample": ("1.*", "2.*", "3.*", "4.*", "5.*", "6.4.*", "7.1.*", "7.3.*", "10.*"),
    "*": tuple(f"{section}.*" for section in SECTIONS),
}
_PATTERN = re.compile(r"(\d+)(\.\d+)*(\.\*)?")


def parse(text: str) -> tuple[str, ...]:
    """The patterns in a list with commas, groups written out. `ValueError` for what is neither."""
    patterns: list[str] = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        found = _PATTERN.fullmatch(word)
        if word not in GROUPS and (found is None or int(found.group(1)) not in SECTIONS):
            raise ValueError(f"'{word}' is no case: write 1.1.1, 1.* or one of {', '.join(GROUPS)}")
        patterns += GROUPS.get(word, (word,))
    if not patterns:
        raise ValueError("no case is named")
    return union([patterns])


def union(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """All patterns, each once, in order."""
    return tuple(dict.fromkeys(pattern for patterns in lists for pattern in patterns))


def without_compression(patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(pattern for pattern in patterns if section(pattern) not in COMPRESSION)


def section(case: str) -> int:
    return int(case.partition(".")[0])


def order(case: str) -> list[int]:
    """The key that sorts 2.10 behind 2.9."""
    return [int(part) for part in case.split(".")]


def matches(case: str, pattern: str) -> bool:
    """Whether the case is the pattern's, or one of them if it ends in `.*`."""
    return case == pattern or (pattern.endswith(".*") and case.startswith(pattern[:-1]))
