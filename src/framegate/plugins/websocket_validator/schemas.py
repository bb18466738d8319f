"""Makes a check of messages out of a JSON Schema; nothing that a schema refers to is ever fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import jsonschema_rs

from framegate.plugins.websocket_validator.json_text import NotJSON, read

DRAFTS: Final[Mapping[str, type[jsonschema_rs.Validator]]] = {
    "draft4": jsonschema_rs.Draft4Validator,
    "draft6": jsonschema_rs.Draft6Validator,
    "draft7": jsonschema_rs.Draft7Validator,
    "draft2019-09": jsonschema_rs.Draft201909Validator,
    "draft2020-12": jsonschema_rs.Draft202012Validator,
}
"""By the name that the configuration gives them."""

MAX_EXPLAINED: Final = 4096
"""Longest message, in characters or bytes, of which the log tells what of the schema it breaks. Finding it out takes an
error object for all that is wrong in some parts of a message: for a long one seconds, and hundreds of megabytes."""

_NAMED: Final = {
    "http://json-schema.org/draft-04/schema": "draft4",
    "http://json-schema.org/draft-06/schema": "draft6",
    "http://json-schema.org/draft-07/schema": "draft7",
    "https://json-schema.org/draft/2019-09/schema": "draft2019-09",
    "https://json-schema.org/draft/2020-12/schema": "draft2020-12",
}

Check = Callable[[str | bytes], "Refusal | None"]


class Refusal:
    """Why a message is refused.

    Attributes:
        reason: for the peer.
        detail: for the operator: what of the schema was broken; nothing of the message is in it.
    """

    __slots__ = ("detail", "reason")

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail


class BadSchema(ValueError):
    """The schema cannot be used; the text tells where in it, and why."""


def check_of(draft: str, schema: str) -> Check:
    """The check that a schema makes.

    Args:
        draft: a name of :data:`DRAFTS`.
        schema: the schema, as JSON.

    Raises:
        BadSchema: it is not JSON, not a schema of that draft, or refers to what is not in it.
    """
    validator = _validator(draft, _document(draft, schema))
    is_valid = validator.is_valid

    def check(data: str | bytes) -> Refusal | None:
        try:
            value = read(data)
        except NotJSON as error:
            return Refusal("message is not valid JSON", str(error))
        if is_valid(value):
            return None
        short = len(data) <= MAX_EXPLAINED
        detail = _broken(validator, value) if short else f"over {MAX_EXPLAINED} bytes, so it is not told where"
        return Refusal("message does not match its schema", detail)

    return check


def _document(draft: str, schema: str) -> Any:
    try:
        document = read(schema)
    except NotJSON as error:
        place = f"{error.position}: " if error.position else ""
        raise BadSchema(f"not valid JSON: {place}{error}") from None
    if isinstance(document, bool) and draft != "draft4":
        return document
    if not isinstance(document, dict):
        raise BadSchema("a JSON Schema is an object")
    said = document.get("$schema")
    named = _NAMED.get(said.rstrip("#")) if isinstance(said, str) else None
    if named is not None and named != draft:
        raise BadSchema(f"its $schema says {named}, its type {draft}: make them the same")
    return document


def _validator(draft: str, document: Any) -> jsonschema_rs.Validator:
    try:
        return DRAFTS[draft](document, offline=True)
    except jsonschema_rs.ValidationError as error:
        place = f"{_pointer(error.instance_path)}: " if error.instance_path else ""
        if "not present in a registry" in error.message:
            mend = "nothing is fetched: put what is referred to into the schema"
            raise BadSchema(f"{place}{error.message}; {mend}") from None
        raise BadSchema(f"not a schema of {draft}: {place}{error.message}") from None


def _broken(validator: jsonschema_rs.Validator, value: Any) -> str:
    try:
        # Stops at the first error; iter_errors() would make all of them before it gives the first.
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        # The path in the schema is the operator's; the path in the message, and its values, are the peer's.
        return _pointer(error.schema_path)
    return "it does not hold"


def _pointer(path: list[str | int]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
