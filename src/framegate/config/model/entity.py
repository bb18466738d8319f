"""What all entities have, and how one stands in for another: references, and nesting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from framegate.config.model.fields import Model, Text, Uuid, field, refusal


class Entity(Model):
    """Base of the entities."""

    named_by: ClassVar[str | None] = None
    """The field by which others may refer to it, beside its id."""

    unique: ClassVar[tuple[str, ...]] = ()
    """Fields of which no two entities of the kind may have the same value."""

    id: Uuid | None = field(None, origin="made of the kind and the name")
    """A UUID, by which others may refer to it."""
    created_at: float | None = field(None, unit="s")
    """When it was made, in seconds since the epoch."""
    updated_at: float | None = field(None, unit="s")
    """When it was last changed, in seconds since the epoch; no effect."""
    tags: list[Text] = field([], origin="Kong")
    """Words to find it by; no effect."""
    comment: str | None = field(None, alias="_comment")
    """For people; no effect."""
    ignore: list[Any] = field([], alias="_ignore")
    """For tools; no effect."""

    @classmethod
    def references(cls) -> Iterator[tuple[str, Reference]]:
        """The fields that refer to other entities."""
        return _marked(cls, Reference)

    @classmethod
    def nested(cls) -> Iterator[tuple[str, Nested]]:
        """The fields that hold entities of their own; the field's name is their kind."""
        return _marked(cls, Nested)


@dataclass(frozen=True, slots=True)
class Nested:
    """Marks a list of entities that belong to the one that they stand in.

    Attributes:
        parent: the field by which they would refer to it.
    """

    parent: str

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        json = handler(schema)
        return {**json, "items": {**json["items"], "properties": {self.parent: {"type": "null"}}}}


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks a field that names another entity: its name or id, or a mapping of one of them.

    Attributes:
        kind: the kind of the other.
        key: its field that may be used beside its id.
        many: a list of references.
    """

    kind: str
    key: str | None = "name"
    many: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields of which a mapping may have one."""
        return ("id",) if self.key is None else ("id", "name") if self.key == "name" else ("id", "name", self.key)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        one = core_schema.no_info_plain_validator_function(self.checked)
        return core_schema.list_schema(one, strict=True) if self.many else one

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        text = {"type": "string", "minLength": 1}
        mapping = {
            "type": "object",
            "properties": {key: text for key in self.keys},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        one = {"anyOf": [text, mapping]}
        return {"type": "array", "items": one} if self.many else one

    def checked(self, value: Any) -> Any:
        if isinstance(value, str) and value:
            return value
        if isinstance(value, dict) and len(value) == 1:
            ((key, name),) = value.items()
            if key in self.keys and isinstance(name, str) and name:
                return value
        keys = " or ".join(self.keys)
        raise refusal(f"must name an entry of {self.kind} by its {keys}", "write it as a text, in quotes if need be")


def _marked(model: type[Model], mark: type[Any]) -> Iterator[tuple[str, Any]]:
    for name, info in model.model_fields.items():
        for found in info.metadata:
            if isinstance(found, mark):
                yield name, found


ServiceReference = Annotated[Any, Reference("services")]
RouteReference = Annotated[Any, Reference("routes")]
ConsumerReference = Annotated[Any, Reference("consumers", "username")]
UpstreamReference = Annotated[Any, Reference("upstreams")]
CertificateReference = Annotated[Any, Reference("certificates", None)]
AuthorityReferences = Annotated[Any, Reference("ca_certificates", None, many=True)]
