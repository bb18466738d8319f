"""Query strings as the nginx world reads and writes them: an argument without ``=`` is True."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote_plus

from framegate.pdk.faces._checks import a_str, one_or_several, translated, wrong_type

Argument = str | bool
Query = dict[str, "Argument | list[Argument]"]


def pieces(query: str) -> Iterator[tuple[str, str, Argument]]:
    """Each argument: as it came, its name, its value. One without a name is skipped."""
    for piece in query.split("&"):
        name, equals, value = piece.partition("=")
        if name:
            yield piece, unquote_plus(name), unquote_plus(value) if equals else True


def arguments(query: str, most: int) -> Query:
    """The values of the first ``most`` arguments by name; a list where a name came more than once."""
    found: Query = {}
    for (_, name, value), _ in zip(pieces(query), range(most), strict=False):
        before = found.get(name)
        if before is None:
            found[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            found[name] = [before, value]
    return found


def without(query: str, name: str) -> str:
    """``query`` without the arguments called ``name``; what is left stays as it came."""
    return "&".join(piece for piece in query.split("&") if unquote_plus(piece.partition("=")[0]) != name)


def encoded(function: str, args: object) -> str:
    """The query for ``args``: sorted by name, percent-encoded, True bare, False left out."""
    if not isinstance(args, Mapping):
        raise wrong_type(function, "args", "a mapping", args)
    written = {a_str(function, "an argument's name", name): value for name, value in args.items()}
    with translated(function):  # a str that is not Unicode text cannot be encoded
        return "&".join(part for name in sorted(written) for part in _parts(function, name, written[name]))


def _parts(function: str, name: str, value: object) -> Iterator[str]:
    for one in one_or_several(value):
        if isinstance(one, str):
            yield f"{quote(name, safe='')}={quote(one, safe='')}"
        elif not isinstance(one, bool):
            raise wrong_type(function, f"the value of {name!r}", "a str, a bool or a list of them", one)
        elif one:
            yield quote(name, safe="")
