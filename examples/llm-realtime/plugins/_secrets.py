"""Finds secrets in text: e-mail addresses, card numbers, telephone numbers, and whatever patterns are configured.

Knows nothing of events and connections.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

# No part of these can take the same characters in two ways, so that no text makes them slow.
EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]++@(?:[\w-]++\.)+[A-Za-z]{2,}")
# The lookahead consumes nothing: a number that fails the checksum does not hide one that begins within it.
CARD = re.compile(r"(?<!\d)(?=(\d{13,19}(?!\d)|\d{4}([ .-])(?:\d{4}\2\d{4}\2\d{4}|\d{6}\2\d{4,5})(?!\d)))", re.ASCII)
# With its country, or as North America writes it; local numbers look like any other number.
PHONE = re.compile(
    r"(?<![\d+])(?:(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){6,13}|\(?[2-9]\d\d\)?[ .-]?[2-9]\d\d[ .-]\d{4})(?!\d)", re.ASCII
)
KINDS = ("email", "card", "phone")

IN_NUMBERS = "0123456789+() ./-"
MOST_HELD = 512

Span = tuple[int, int, str]
"""Where a secret begins and ends, and what kind it is."""


class Secrets:
    """What counts as a secret.

    Args:
        kinds: some of :data:`KINDS`.
        patterns: regular expressions of further ones, by the name that stands in their place.

    Raises:
        re.error: a pattern is none.
    """

    def __init__(self, kinds: Iterable[str], patterns: Mapping[str, str]) -> None:
        own = {"email": EMAIL, "phone": PHONE}
        self._cards = "card" in kinds
        self._patterns = {kind: own[kind] for kind in kinds if kind in own}
        self._patterns |= {name: re.compile(pattern) for name, pattern in patterns.items()}

    def spans(self, text: str) -> list[Span]:
        """Where secrets stand, in their order; those that overlap are one."""
        merged: list[Span] = []
        for start, end, kind in sorted(self._each(text), key=lambda span: (span[0], -span[1])):
            if merged and start < merged[-1][1]:
                first, before, name = merged.pop()
                start, end, kind = first, max(before, end), name
            merged.append((start, end, kind))
        return merged

    def _each(self, text: str) -> Iterator[Span]:
        for kind, pattern in self._patterns.items():
            yield from ((*found.span(), kind) for found in pattern.finditer(text) if found[0])
        if self._cards:
            yield from ((*found.span(1), "card") for found in CARD.finditer(text) if passes_luhn(found[1]))

    def redact(self, text: str, found: Counter[str]) -> str:
        """The text with ``[kind]`` in the place of each secret, which is counted in ``found``."""
        return replaced(text, self.spans(text), found)


class Stream:
    """Text that comes in pieces: what may yet turn out to be a secret is held back until that is known.

    What comes out, joined, is what :meth:`Secrets.redact` makes of the whole text.

    Args:
        secrets: what counts as one.
        hold: how many characters are held back at least.
    """

    def __init__(self, secrets: Secrets, hold: int = 0) -> None:
        self._secrets = secrets
        self._hold = hold
        self._held = ""

    def feed(self, piece: str, found: Counter[str]) -> str:
        """What of the text so far can go out."""
        text = self._held + piece
        spans = self._secrets.spans(text)
        cut = unfinished(text[: max(0, len(text) - self._hold)])
        cut = max(cut, len(text) - MOST_HELD)
        # A secret stays whole.
        cut = next((start for start, end, _ in spans if start < cut < end), cut)
        self._held = text[cut:]
        return replaced(text[:cut], [span for span in spans if span[1] <= cut], found)

    def rest(self, found: Counter[str]) -> str:
        """What was held back: no more text will come."""
        text, self._held = self._held, ""
        return self._secrets.redact(text, found)


def replaced(text: str, spans: Iterable[Span], found: Counter[str]) -> str:
    """The text with ``[kind]`` in the place of each span."""
    pieces, position = [], 0
    for start, end, kind in spans:
        pieces += [text[position:start], f"[{kind}]"]
        position = end
        found[kind] += 1
    return "".join((*pieces, text[position:]))


def unfinished(text: str) -> int:
    """Where that begins which more text could make a secret: the last word, and the number that it may belong to."""
    word = next((at for at in range(len(text), 0, -1) if text[at - 1].isspace()), 0)
    number = len(text.rstrip(IN_NUMBERS))
    number += len(text[number:]) - len(text[number:].lstrip(") ./-"))
    return min(word, number)


def passes_luhn(number: str) -> bool:
    """Whether the digits have the checksum of a card number (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in reversed(number) if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
