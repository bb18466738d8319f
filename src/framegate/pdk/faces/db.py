"""``kong.db``."""

from __future__ import annotations

from framegate._rules import nearest
from framegate.errors import PDKError
from framegate.pdk.entities import Entities, Entity
from framegate.pdk.faces._checks import a_str, wrong_type

KINDS = (
    "services",
    "routes",
    "upstreams",
    "targets",
    "consumers",
    "keyauth_credentials",
    "basicauth_credentials",
    "jwt_secrets",
    "acls",
    "plugins",
    "certificates",
    "snis",
    "ca_certificates",
)
"""The kinds that are known even where the configuration holds none of them."""


class Table:
    """The entities of one kind, as read-only mappings with the file's field names."""

    __slots__ = ("_entities", "_kind")

    def __init__(self, entities: Entities, kind: str) -> None:
        self._entities = entities
        self._kind = kind

    def select(self, id: str) -> Entity | None:
        """The entity with this id, or None.

        Raises:
            PDKError: ``id`` is not a str.

        Phases: every phase.
        Source: as ``kong.db.<kind>:select`` of Kong's data access objects.
        """
        return self._entities.first(self._kind, "id", a_str(f"kong.db.{self._kind}.select", "id", id))

    def select_by(self, field: str, value: str | int | bool) -> Entity | None:
        """The first entity whose ``field`` is ``value``, or None.

        Args:
            field: its name, such as ``"username"``.
            value: for a reference to another entity, such as ``consumer``, that one's id.

        Raises:
            PDKError: ``field`` is not a str, or ``value`` no str, int or bool.

        Phases: every phase.
        Source: as ``kong.db.<kind>:select_by_<field>`` of Kong's data access objects, for any field.
        """
        found = self._find("select_by", field, value)
        return found[0] if found else None

    def each_by(self, field: str, value: str | int | bool) -> tuple[Entity, ...]:
        """All entities whose ``field`` is ``value``, in the file's order; arguments as for ``select_by``.

        Raises:
            PDKError: ``field`` is not a str, or ``value`` no str, int or bool.

        Phases: every phase.
        Source: as ``kong.db.<kind>:each_for_<field>`` of Kong's data access objects, for any field.
        """
        return self._find("each_by", field, value)

    def each(self) -> tuple[Entity, ...]:
        """All entities, in the file's order.

        Phases: every phase.
        Source: as ``kong.db.<kind>:each`` of Kong's data access objects.
        """
        return self._entities.all(self._kind)

    def _find(self, name: str, field: str, value: object) -> tuple[Entity, ...]:
        function = f"kong.db.{self._kind}.{name}"
        a_str(function, "field", field)
        if not isinstance(value, (str, int)):
            raise wrong_type(function, "value", "a str, an int or a bool", value)
        return self._entities.find(self._kind, field, value)


class DB:
    """What the configuration holds: one attribute a kind of entity, such as ``kong.db.consumers``."""

    __slots__ = ("_entities",)

    def __init__(self, entities: Entities) -> None:
        self._entities = entities

    def __getattr__(self, kind: str) -> Table:
        if kind.startswith("_"):
            raise AttributeError(kind)
        if kind not in KINDS and kind not in self._entities:
            known = nearest(kind, (*KINDS, *self._entities))
            raise PDKError(f"kong.db.{kind}: there is no such kind of entity{known}")
        return Table(self._entities, kind)
