"""What plugins want done to a list of header fields, applied once when the list is known."""

from __future__ import annotations

from collections.abc import Iterable

from framegate.handshake import checked_headers

Pairs = list[tuple[str, str]]


class HeaderEdits:
    """Edits by name, without regard to case.

    Every name that was touched maps to the values that it shall have (none where it is removed), or to further ones.
    """

    __slots__ = ("_added", "_edits")

    def __init__(self) -> None:
        self._edits: dict[str, tuple[str, list[str]]] = {}
        # Fields beside those that the list has, whatever they are.
        self._added: list[tuple[str, str]] = []

    def __bool__(self) -> bool:
        return bool(self._edits or self._added)

    def set(self, name: str, value: str) -> None:
        """Exactly one field of this name, with this value.

        Raises:
            TypeError, ValueError: the name or value may not stand in a head, or the name is the handshake's own.
        """
        ((name, value),) = checked_headers([(name, value)], where="header")
        self._put(name, [value])

    def add(self, name: str, value: str, present: Iterable[str] | None = None) -> None:
        """One more field of this name.

        Args:
            name: the name.
            value: the value.
            present: the values that the list has so far; None where they are not known yet.
        """
        ((name, value),) = checked_headers([(name, value)], where="header")
        if name.lower() not in self._edits:
            if present is None:
                self._added.append((name, value))
                return
            self._put(name, list(present))
        self._edits[name.lower()][1].append(value)

    def clear(self, name: str) -> None:
        """No field of this name."""
        self._put(name, [])

    def pairs(self) -> Pairs:
        """The fields that the list shall have, beside what it keeps."""
        return [*((name, value) for name, values in self._edits.values() for value in values), *self._added]

    def names(self) -> frozenset[str]:
        """The names, in lower case, of which the list keeps nothing."""
        return frozenset(self._edits)

    def values(self, name: str) -> list[str] | None:
        """The values that ``name`` shall have, or None where it was not touched."""
        edit = self._edits.get(name.lower())
        return None if edit is None else list(edit[1])

    def apply(self, fields: Iterable[tuple[str, str]]) -> Pairs:
        """``fields`` with the edits done."""
        return [*((name, value) for name, value in fields if name.lower() not in self._edits), *self.pairs()]

    def _put(self, name: str, values: list[str]) -> None:
        self._edits[name.lower()] = (name, values)
        self._added = [pair for pair in self._added if pair[0].lower() != name.lower()]
