"""The five operations on header fields and query arguments, in the order in which they are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, unquote_plus

from framegate.pdk import FieldError
from framegate.pdk.kong import Kong
from framegate.plugins._header_check import check_header
from framegate.plugins.request_transformer.templates import BadTemplate, Template

OPERATIONS: Final = ("remove", "rename", "replace", "add", "append")
"""In their order."""

Edit = tuple[str, Template]
Fields = dict[str, list[str]]


def read_edits(config: Mapping[str, Any], what: str, check: Callable[[str, Edit], None]) -> dict[str, list[Edit]]:
    """The entries of each operation on ``what``, as pairs of a name and a value or new name.

    Args:
        config: the configuration.
        what: ``"headers"`` or ``"querystring"``.
        check: raises ValueError for a pair that cannot be used; it is told the operation.

    Raises:
        FieldError: an entry cannot be used.
    """
    edits: dict[str, list[Edit]] = {}
    for operation in OPERATIONS:
        for index, entry in enumerate((config[operation] or {}).get(what) or ()):
            name, _, value = entry.partition(":")
            try:
                edit = (name.strip(), Template(value.strip() if what == "headers" else value))
                _check_form(operation, edit)
                check(operation, edit)
            except ValueError as error:
                raise FieldError(f"{operation}.{what}[{index}]", str(error)) from None
            edits.setdefault(operation, []).append(edit)
    return edits


def check_field(operation: str, edit: Edit) -> None:
    """Raise ValueError for a header field that cannot be changed, or not in this way."""
    name, value = edit
    if name.lower() == "host":
        if operation != "replace":
            raise ValueError("Host can only be replaced")
        if value.is_fixed:
            check_header("Host", value.text)
        return
    check_header(name, as_field(value.text) if value.is_fixed and operation != "rename" else "")
    if operation == "rename":
        if value.text.lower() == "host":
            raise ValueError("Host can only be replaced")
        check_header(value.text)


def check_argument(operation: str, edit: Edit) -> None:
    """Any name and value can stand in a query, encoded."""


def _check_form(operation: str, edit: Edit) -> None:
    name, value = edit
    if not name:
        raise BadTemplate("there is no name before the colon")
    if operation == "remove" and value.text:
        raise BadTemplate("a name alone: what is removed has no value")
    if operation != "remove" and not value.text:
        what, form = ("new name", "NAME:NEW-NAME") if operation == "rename" else ("value", "NAME:VALUE")
        raise BadTemplate(f"there is no {what}: write {form}")
    if operation in ("remove", "rename") and not value.is_fixed:
        raise BadTemplate("a reference can stand in a value, not in a name")


def as_field(text: str) -> str:
    """Text as the value of a header field, which is written as latin-1, and goes out as UTF-8."""
    return text.encode(errors="surrogateescape").decode("latin-1")


def edit_headers(edits: Mapping[str, Sequence[Edit]], fields: Fields, kong: Kong) -> dict[str, list[str]]:
    """What becomes of the fields that are touched: their values by name, none where a field is removed.

    Args:
        edits: the entries by operation.
        fields: the values by name in lower case, as they are before.
        kong: the connection.
    """
    touched: dict[str, list[str]] = {}

    def set_values(name: str, values: list[str]) -> None:
        fields[name.lower()] = values
        for other in [other for other in touched if other.lower() == name.lower()]:
            del touched[other]
        touched[name] = values

    for name, _ in edits.get("remove", ()):
        if fields.get(name.lower()):
            set_values(name, [])
    for name, new in edits.get("rename", ()):
        if values := fields.get(name.lower()):
            set_values(name, [])
            set_values(new.text, values)
    for name, value in edits.get("replace", ()):
        if fields.get(name.lower()) or name.lower() == "host":
            set_values(name, [as_field(value.render(kong))])
    for name, value in edits.get("add", ()):
        if not fields.get(name.lower()):
            set_values(name, [as_field(value.render(kong))])
    for name, value in edits.get("append", ()):
        set_values(name, [*fields.get(name.lower(), ()), as_field(value.render(kong))])
    return touched


def edit_query(edits: Mapping[str, Sequence[Edit]], query: str, kong: Kong) -> str:
    """The query that comes of ``query``; arguments that are not touched stay as they came."""
    pieces = [(unquote_plus(piece.partition("=")[0]), piece) for piece in query.split("&") if piece]

    def without(name: str) -> list[tuple[str, str]]:
        return [(other, piece) for other, piece in pieces if other != name]

    def has(name: str) -> bool:
        return any(other == name for other, _ in pieces)

    for name, _ in edits.get("remove", ()):
        pieces = without(name)
    for name, new in edits.get("rename", ()):
        if has(name) and new.text != name:
            pieces = without(new.text)
            pieces = [_renamed(entry, new.text) if entry[0] == name else entry for entry in pieces]
    for name, value in edits.get("replace", ()):
        if has(name):
            first = next(index for index, (other, _) in enumerate(pieces) if other == name)
            pieces[first] = (name, _piece(name, value.render(kong)))
            pieces = [entry for index, entry in enumerate(pieces) if entry[0] != name or index == first]
    for name, value in edits.get("add", ()):
        if not has(name):
            pieces.append((name, _piece(name, value.render(kong))))
    for name, value in edits.get("append", ()):
        pieces.append((name, _piece(name, value.render(kong))))
    return "&".join(piece for _, piece in pieces)


def _piece(name: str, value: str) -> str:
    return f"{quote(name, safe='')}={quote(value, safe='', errors='surrogateescape')}"


def _renamed(entry: tuple[str, str], name: str) -> tuple[str, str]:
    _, equals, value = entry[1].partition("=")
    return name, quote(name, safe="") + equals + value
