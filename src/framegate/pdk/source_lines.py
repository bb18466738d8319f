"""Where in a Python file something is written, for messages about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def line_of(file: str | Path, name: str, *keys: str) -> int | None:
    """The line of a name at the top of a file, or of the last string among ``keys`` that is found behind it.

    Args:
        file: the file.
        name: a class or an assigned name.
        keys: strings in what is assigned, each behind the one before, such as the fields and attributes of a
            ``Schema``.

    Returns:
        None where the file cannot be read or does not have the name.
    """
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    node = next((node for node in tree.body if name in _names(node)), None)
    if node is None:
        return None
    place = (node.lineno, node.col_offset)
    strings = sorted(_strings(node))
    for key in keys:
        place = next((at for at, text in strings if at > place and text == key), place)
    return place[0]


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _strings(node: ast.AST) -> Iterator[tuple[tuple[int, int], str]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield (part.lineno, part.col_offset), part.value
