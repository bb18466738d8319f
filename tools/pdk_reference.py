"""Writes the functions into docs/pdk.md from their docstrings: ``python tools/pdk_reference.py``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_type_hints

from framegate.pdk._frames import FrameFace
from framegate.pdk.faces.db import DB, KINDS, Table
from framegate.pdk.kong import Kong
from framegate.pdk.websocket import WebSocket

PAGE = Path(__file__).parent.parent / "docs" / "pdk.md"
BEGIN, END = "<!-- functions -->", "<!-- end of functions -->"

# What the sources have short names for.
_ALIASES = {
    "Entity": "Mapping[str, Any]",
    "Query": "dict[str, str | bool | list[str | bool]]",
    "_query.Argument": "str | bool",
    "Argument": "str | bool",
}
_ALIAS = re.compile(r"\b(?:" + "|".join(map(re.escape, _ALIASES)) + r")\b")
_SECTION = re.compile(r"(Args|Raises|Phases|Source): *(.*)")


class Function(NamedTuple):
    """One function, or attribute, of a face.

    Attributes:
        name: the whole name, such as ``kong.request.get_header``.
        shown: as it is called, such as ``get_header(name: str) -> str | None``.
        owner: the class that has it.
        member: its name there.
        sections: of its docstring: ``""`` for the text, ``Args``, ``Raises``, ``Phases``, ``Source``.
    """

    name: str
    shown: str
    owner: type
    member: str
    sections: dict[str, list[str]]


def faces() -> Iterator[tuple[tuple[str, ...], type]]:
    """Each face with its names, in the order of the page."""
    yield ("kong.websocket.client", "kong.websocket.upstream"), FrameFace
    yield ("kong.websocket",), WebSocket
    for noun, prop in vars(Kong).items():
        if isinstance(prop, property):
            yield from _with_inner(f"kong.{noun}", get_type_hints(prop.fget)["return"])


def _with_inner(name: str, face: type) -> Iterator[tuple[tuple[str, ...], type]]:
    if face is DB:
        yield tuple(f"kong.db.{kind}" for kind in KINDS), Table
        return
    yield (name,), face
    for member, inner in _inner_faces(face):
        yield (f"{name}.{member}",), inner


def _inner_faces(face: type) -> Iterator[tuple[str, type]]:
    for member, prop in vars(face).items():
        inner = get_type_hints(prop.fget)["return"] if isinstance(prop, property) else None
        if inner is not None and inner.__module__.startswith("framegate.pdk.faces."):
            yield member, inner


def functions(names: tuple[str, ...], face: type) -> Iterator[Function]:
    """The functions of a face, in the order of its source."""
    inner = dict(_inner_faces(face))
    for member, value in vars(face).items():
        if (member.startswith("_") and member != "__call__") or member in inner or isinstance(value, str):
            continue
        if not (inspect.isfunction(value) or isinstance(value, property)):
            continue
        itself = member == "__call__"
        name = names[0] if itself else f"{names[0]}.{member}"
        shown = member if isinstance(value, property) else (name if itself else member) + _signature(value)
        yield Function(name, shown, face, member, sections(inspect.getdoc(value) or ""))


def _signature(function: object) -> str:
    assert callable(function)
    signature = inspect.signature(function)
    shown = [_parameter(parameter) for parameter in list(signature.parameters.values())[1:]]
    returns = _annotation(signature.return_annotation)
    return f"({', '.join(shown)})" + ("" if returns == "None" else f" -> {returns}")


def _parameter(parameter: inspect.Parameter) -> str:
    stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{stars}{parameter.name}: {_annotation(parameter.annotation)}{default}"


def _annotation(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return _ALIAS.sub(lambda alias: _ALIASES[alias[0]], text)


def sections(docstring: str) -> dict[str, list[str]]:
    """A docstring's lines by section; ``Phases`` and ``Source`` end with their paragraph, as the text may go on."""
    found: dict[str, list[str]] = {"": []}
    current = ""
    for line in docstring.splitlines():
        if match := _SECTION.fullmatch(line):
            current = match[1]
            found[current] = [match[2]] if match[2] else []
        elif not line and current in ("Phases", "Source"):
            current = ""
        else:
            found[current].append(line)
    return found


def _markdown(lines: list[str]) -> str:
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", "\n".join(lines).strip())
    return text.replace("``", "`")


def _paragraph(lines: list[str]) -> str:
    return " ".join(_markdown(lines).split())


def _items(lines: list[str]) -> list[str]:
    """``name: text`` with its continuation lines, as one item each."""
    items: list[str] = []
    for line in filter(str.strip, inspect.cleandoc("\n".join(["", *lines])).splitlines()):
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        else:
            items.append(line)
    return [re.sub(r"^([\w, ]+):", r"`\1`:", _markdown([item])) for item in items]


def entry(function: Function) -> str:
    """One function, as Markdown."""
    parts = function.sections
    lines = [f"#### `{function.shown}`", "", _markdown(parts[""])]
    for title in ("Args", "Raises"):
        if items := _items(parts.get(title, [])):
            lines += ["", *(f"- {'raises ' if title == 'Raises' else ''}{item}" for item in items)]
    phases, source = (_paragraph(parts.get(title, [])).rstrip(".") for title in ("Phases", "Source"))
    return "\n".join([*lines, "", f"*Phases*: {phases}. *Source*: {source}."])


def chapter(names: tuple[str, ...], face: type) -> str:
    """One face, as Markdown."""
    title = ", ".join(f"`{name}`" for name in names)
    about = _markdown(re.split(r"\n\n?(?:Args|Attributes):", inspect.getdoc(face) or "")[0].splitlines())
    return "\n\n".join([f"### {title}", about, *(entry(function) for function in functions(names, face))])


def page(text: str) -> str:
    """The page with its functions made anew."""
    made = "\n\n".join(chapter(names, face) for names, face in faces())
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{made}\n\n{END}", text, flags=re.S)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
