"""Entities on their way from the file to the configuration: what was written, where, and how far it is sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from framegate.config.document import Path
from framegate.config.model.entity import Entity
from framegate.config.model.file import KINDS


@dataclass(slots=True, eq=False)
class Draft:
    """One entity of the file.

    Attributes:
        kind: such as ``"services"``.
        path: where it stands.
        line: the same.
        fields: what it says, with defaults; a field that is wrong has its default, or None.
        wrong: the fields that are wrong or missing, which has been told.
        parent: the entity that it stands in.
        parent_field: the field by which it would refer to that one.
        references: the entities that its fields refer to, as far as they are there.
        id: its id, once all are known.
    """

    kind: str
    path: Path
    line: int
    fields: Any
    wrong: set[str]
    parent: Draft | None = None
    parent_field: str | None = None
    references: dict[str, list[Draft]] = field(default_factory=dict)
    id: str = ""

    @property
    def model(self) -> type[Entity]:
        """The model of its kind."""
        return KINDS[self.kind]

    def is_sound(self, *fields: str) -> bool:
        """Whether nothing is wrong with these fields."""
        return self.wrong.isdisjoint(fields)

    def refers(self, name: str) -> bool:
        """Whether it belongs to what ``name`` would refer to, by its place or by reference; or tried to."""
        return self.parent_field == name or getattr(self.fields, name) is not None or name in self.wrong

    def one(self, name: str) -> Draft | None:
        """The entity that ``name`` refers to, or None."""
        found = self.references.get(name)
        return found[0] if found else None


class Drafts:
    """All entities of a file by kind, in the order of the file."""

    def __init__(self) -> None:
        self._by_kind: dict[str, list[Draft]] = {kind: [] for kind in KINDS}

    def add(self, draft: Draft) -> None:
        """Add an entity."""
        self._by_kind[draft.kind].append(draft)

    def sort(self) -> None:
        """Put the entities of each kind into the order of the file, nested or not."""
        for drafts in self._by_kind.values():
            drafts.sort(key=lambda draft: draft.line)

    def of(self, kind: str) -> list[Draft]:
        """The entities of a kind."""
        return self._by_kind[kind]

    def __iter__(self) -> Iterator[Draft]:
        for drafts in self._by_kind.values():
            yield from drafts
