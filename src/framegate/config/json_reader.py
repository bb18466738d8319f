"""Reads JSON (RFC 8259) and keeps the lines, which Python's own reader does not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json import decoder
from typing import Any

from framegate.config.document import Document, Path, dotted
from framegate.config.problems import Problems

_scan: Callable[[str, int], tuple[str, int]] = getattr(decoder, "scanstring")  # noqa: B009  # it is in no stub
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}


def read_json(text: str, problems: Problems) -> Document:
    """Read a document; what is wrong with its syntax goes to ``problems``, with the line."""
    reader = _Reader(text, problems)
    try:
        return reader.read()
    except json.JSONDecodeError as error:
        # What ends too early is noticed behind the last line.
        last = len(text.splitlines()) or 1
        problems.at_line(min(error.lineno, last), f"not JSON: {error.msg}, at column {error.colno}")
    except RecursionError:
        problems.at_line(1, "not JSON that can be read: it is nested too deeply")
    except OverflowError:
        problems.at_line(1, "it holds too many values")
    return Document()


class _Reader:
    def __init__(self, text: str, problems: Problems) -> None:
        self.text = text
        self.problems = problems
        self.document = Document()
        self.position = 0
        self._line = 1
        self._counted = 0

    def read(self) -> Document:
        self.skip()
        if self.position == len(self.text):
            return self.document
        self.document.data = self.value((), self.line())
        self.skip()
        if self.position < len(self.text):
            raise self.refusal("something stands behind the end")
        return self.document

    def value(self, path: Path, line: int) -> Any:
        self.document.put(path, line)
        match self.text[self.position : self.position + 1]:
            case "{":
                return self.mapping(path)
            case "[":
                return self.sequence(path)
            case '"':
                return self.string()
        return self.word(path)

    def mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not self.at_end_of("}", first=not values):
            line = self.line()
            if self.text[self.position : self.position + 1] != '"':
                raise self.refusal("a name in double quotes is missing")
            name = self.string()
            self.skip()
            self.take(":")
            self.skip()
            if name in values:
                what = f"{dotted((*path, name))}: is there already, in line {self.document.lines[*path, name]}"
                self.problems.at_line(line, what, "merge or rename one")
            values[name] = self.value((*path, name), line)
        return values

    def sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not self.at_end_of("]", first=not values):
            values.append(self.value((*path, len(values)), self.line()))
        return values

    def at_end_of(self, closing: str, *, first: bool) -> bool:
        """Step over the opening bracket or a comma, or over the closing bracket."""
        if first:
            self.position += 1
        self.skip()
        if self.text.startswith(closing, self.position):
            self.position += 1
            return True
        if not first:
            self.take(",")
            self.skip()
        return False

    def string(self) -> str:
        text, self.position = _scan(self.text, self.position + 1)
        return text

    def word(self, path: Path) -> Any:
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.position):
                self.position += len(word)
                self.document.texts[path] = word
                return value
        found = _NUMBER.match(self.text, self.position)
        if found is None:
            raise self.refusal("a value is missing")
        self.position = found.end()
        self.document.texts[path] = found[0]
        return float(found[0]) if found[1] or found[2] else int(found[0])

    def take(self, mark: str) -> None:
        if not self.text.startswith(mark, self.position):
            raise self.refusal(f"{mark!r} is missing")
        self.position += 1

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.position)
        assert found is not None
        self.position = found.end()

    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.position)
        self._counted = self.position
        return self._line

    def refusal(self, what: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(what, self.text, self.position)
