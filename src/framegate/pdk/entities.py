"""The entities of a configuration, as plugins look them up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

Entity = Mapping[str, Any]


def frozen(value: Any) -> Any:
    """``value`` with every mapping and list in it read-only."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(inner) for key, inner in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(frozen(inner) for inner in value)
    return value


class Entities:
    """Read-only entities by kind, such as ``"consumers"`` and ``"keyauth_credentials"``.

    Args:
        by_kind: the entities of each kind, with the file's field names. A reference to another entity is a mapping with
            its ``id``.
    """

    def __init__(self, by_kind: Mapping[str, Iterable[Entity]] | None = None) -> None:
        self._by_kind: dict[str, tuple[Entity, ...]] = {
            kind: tuple(frozen(entity) for entity in entities) for kind, entities in (by_kind or {}).items()
        }
        self._indexes: dict[tuple[str, str], dict[Any, tuple[Entity, ...]]] = {}

    def all(self, kind: str) -> tuple[Entity, ...]:
        """Every entity of ``kind``; none where the kind is unknown."""
        return self._by_kind.get(kind, ())

    def find(self, kind: str, field: str, value: Any) -> tuple[Entity, ...]:
        """The entities of ``kind`` whose ``field`` is ``value``; for a reference such as ``consumer``, its ``id``."""
        index = self._indexes.get((kind, field))
        if index is None:
            index = self._indexes[kind, field] = _indexed(self.all(kind), field)
        return index.get(value, ())

    def first(self, kind: str, field: str, value: Any) -> Entity | None:
        """The first of :meth:`find`, or None."""
        found = self.find(kind, field, value)
        return found[0] if found else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_kind)


def _indexed(entities: Iterable[Entity], field: str) -> dict[Any, tuple[Entity, ...]]:
    index: dict[Any, tuple[Entity, ...]] = {}
    for entity in entities:
        value = entity.get(field)
        if isinstance(value, Mapping):
            value = value.get("id")
        if value is not None and not isinstance(value, tuple):
            index[value] = (*index.get(value, ()), entity)
    return index
