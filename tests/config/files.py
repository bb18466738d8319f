"""Files for the loader: what one is loaded to, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from framegate.config.configuration import Configuration
from framegate.config.load import Loaded, load
from framegate.pdk.catalog import Catalog
from framegate.pdk.plugin import FieldError, PluginType

HEAD = '_format_version: "3.0"\n'
"""The first line, so that what follows begins in line 2."""


class Greeter:
    """A plugin that looks at frames, and dislikes some greetings."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        if config["greeting"] == "boo":
            raise FieldError("greeting", "is rude")
        if config["greeting"] == "crash":
            raise RuntimeError("no idea")

    def ws_client_frame(self, kong: object) -> None: ...


class Closer:
    """A plugin that looks at nothing."""

    def __init__(self, config: Mapping[str, Any]) -> None: ...

    def ws_close(self, kong: object) -> None: ...


GREETER = PluginType(
    "greeter-plugin",
    Greeter,
    schema=(
        {"greeting": {"type": "string", "default": "hello", "len_min": 2, "description": "What to say"}},
        {"loud": {"type": "boolean", "default": False}},
        {"times": {"type": "array", "elements": {"type": "integer", "between": [1, 9]}}},
    ),
)
CLOSER = PluginType("closer", Closer, schema=({"target": {"type": "string", "required": True}},))
PLUGINS = (GREETER, CLOSER)


def catalog(folders: Sequence[Path] = ()) -> Catalog:
    """The plugins of the tests, whatever folders are asked for."""
    return Catalog(PLUGINS)


def loaded(
    folder: Path, text: str, *, environment: Mapping[str, str] | None = None, name: str = "gateway.yaml"
) -> Loaded:
    """What a file with this text is loaded to."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return load(file, catalog=catalog, environment=environment or {})


def config(folder: Path, text: str, **more: Any) -> Configuration:
    """The configuration of a file with which nothing is wrong, its first line left out."""
    found = loaded(folder, HEAD + text, **more)
    assert [str(problem) for problem in found.problems] == []
    assert found.config is not None
    return found.config


def complaints(folder: Path, text: str, **more: Any) -> list[str]:
    """What is said about a file, as ``LINE: message``, its first line left out."""
    return whole_complaints(folder, HEAD + text, **more)


def whole_complaints(folder: Path, text: str, *, name: str = "gateway.yaml", **more: Any) -> list[str]:
    """The same for a whole file."""
    found = loaded(folder, text, name=name, **more)
    assert found.config is None
    assert all(problem.path == str(folder / name) for problem in found.problems)
    return [str(problem).removeprefix(f"{folder / name}:").lstrip() for problem in found.problems]


def complaint(folder: Path, text: str, **more: Any) -> str:
    """The one thing that is said."""
    found = complaints(folder, text, **more)
    assert len(found) == 1, found
    return found[0]
