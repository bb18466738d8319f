"""Values with references to the request in them, such as ``Bearer $(query_params.token)``.

A reference is looked up, never computed: the expressions in Lua that Kong takes here are refused when the configuration
is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from framegate.pdk.kong import Kong

_REFERENCE: Final = re.compile(r"\$\(([^()]*)\)")
_FORM: Final = re.compile(
    r"""\s* (?P<source>\w+)
        (?: \. (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
          | \[ \s* (?P<quote>["']) (?P<key>[^"']+) (?P=quote) \s* \]
          | \[ \s* (?P<index>[0-9]{1,3}) \s* \] )
        (?: \s+ or \s+ (?P<quoted>["']) (?P<other>[^"']*) (?P=quoted) )? \s*""",
    re.VERBOSE,
)
_WAY_OUT: Final = "for anything else, write a pre-function"


class BadTemplate(ValueError):
    """A value that cannot be used; the text tells why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A part of the request that stands in a value.

    Attributes:
        source: one of :data:`SOURCES`.
        key: the name, or the number of a capture, in it.
        other: what stands there where there is none.
    """

    source: str
    key: str | int
    other: str

    def value(self, kong: Kong) -> str:
        """What it leads to; of several values the first."""
        value = SOURCES[self.source](kong, self.key)
        return self.other if value is None or value is True else str(value)


class Template:
    """A value.

    Args:
        text: what was written.

    Attributes:
        text: the same.
        is_fixed: whether no reference is in it.

    Raises:
        BadTemplate: something in it looks like a reference and is none.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = _parts(text)
        self.is_fixed = not self._parts

    def render(self, kong: Kong, encode: Callable[[Reference, str], str] | None = None) -> str:
        """The value for one request, as text; bytes of the request that are not UTF-8 are surrogates in it.

        Args:
            kong: the connection.
            encode: what to make of what a reference leads to.
        """
        if self.is_fixed:
            return self.text
        return "".join(part if isinstance(part, str) else _looked_up(part, kong, encode) for part in self._parts)


def _looked_up(reference: Reference, kong: Kong, encode: Callable[[Reference, str], str] | None) -> str:
    value = reference.value(kong)
    return value if encode is None else encode(reference, value)


def _parts(text: str) -> list[str | Reference]:
    parts: list[str | Reference] = []
    end = 0
    for found in _REFERENCE.finditer(text):
        parts += [text[end : found.start()], _reference(found)]
        end = found.end()
    if "$(" in _REFERENCE.sub("", text):
        raise BadTemplate(f"'$(' without a reference like $(headers.host); {_WAY_OUT}")
    return [*parts, text[end:]] if parts else []


def _reference(found: re.Match[str]) -> Reference:
    form = _FORM.fullmatch(found[1])
    if form is None:
        raise BadTemplate(f"{found[0]} is no reference like $(headers.name) or $(query_params['name']); {_WAY_OUT}")
    if form["source"] not in SOURCES:
        raise BadTemplate(f"{found[0]}: there are {', '.join(SOURCES)}; {_WAY_OUT}")
    if form["index"] is not None and form["source"] != "uri_captures":
        raise BadTemplate(f"{found[0]}: only uri_captures has numbers")
    key = form["name"] or form["key"] if form["index"] is None else int(form["index"])
    return Reference(form["source"], key, form["other"] or "")


def _header(kong: Kong, name: Any) -> str | None:
    value = kong.request.get_header(name)
    return None if value is None else value.encode("latin-1").decode(errors="surrogateescape")


def _captured(kong: Kong, key: Any) -> str | None:
    captures = kong.request.get_uri_captures()
    if isinstance(key, str):
        return captures.named.get(key)
    # Lua counts from 1.
    return captures.unnamed[key - 1] if 1 <= key <= len(captures.unnamed) else None


SOURCES: Final[Mapping[str, Callable[[Kong, Any], Any]]] = {
    "headers": _header,
    "query_params": lambda kong, name: kong.request.get_query_arg(name),
    "uri_captures": _captured,
    "shared": lambda kong, name: getattr(kong.ctx.shared, name),
}
"""By the names that Kong gives them."""
