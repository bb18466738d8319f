"""Reads YAML 1.1 and keeps the lines.

Knows YAML alone: what the values mean is decided elsewhere. Beside plain YAML it refuses keys that come twice, and tags
that make objects. Dates and numbers to the base of sixty are texts, which is what ``1:20`` or ``2024-01-31`` mean here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from framegate.config.document import MAX_VALUES, Document, Path, dotted
from framegate.config.problems import Problems

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALARS = yaml.constructor.SafeConstructor()
_TAG = "tag:yaml.org,2002:"
_TEXTS: Final = frozenset({"str", "timestamp", "value", "merge"})


def read_yaml(text: str, problems: Problems) -> Document:
    """Read a document; what is wrong with its syntax goes to ``problems``, with the line."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line, what, mend = _syntax(error)
        # What ends too early is noticed behind the last line.
        problems.at_line(None if line is None else min(line, len(text.splitlines()) or 1), what, mend)
        return Document()
    except yaml.YAMLError as error:
        # The reader refuses characters before anything has a line.
        # Its position counts octets or characters, as it pleases; the character itself is beyond doubt.
        place = text.find(chr(getattr(error, "character", 0)))
        line = text.count("\n", 0, max(place, 0)) + 1
        problems.at_line(line, "not YAML: it holds a character that may not be printed", "take it out, or escape it")
        return Document()
    except RecursionError:
        problems.at_line(1, "not YAML that can be read: it is nested too deeply")
        return Document()
    builder = _Builder(problems)
    return builder.build(root)


def _syntax(error: yaml.MarkedYAMLError) -> tuple[int | None, str, str | None]:
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else mark.line + 1
    what = " ".join(filter(None, (error.context, error.problem)))
    mend = None
    if "single document" in what:
        what, mend = "it holds a second document", "take out the line ---"
    elif "\\t" in what or "tab" in what:
        mend = "indent with spaces, not tabs"
    elif "mapping values are not allowed" in what:
        mend = "quote a text that holds ': ', and indent the fields of one mapping alike"
    elif "undefined alias" in what:
        mend = "an anchor, &name, stands before the alias that uses it"
    return line, f"not YAML: {what}", mend


class _Builder:
    def __init__(self, problems: Problems) -> None:
        self.document = Document()
        self.problems = problems
        self.within: set[int] = set()

    def build(self, root: Node | None) -> Document:
        if root is None:
            return self.document
        try:
            self.document.data = self.value(root, (), root.start_mark.line + 1)
        except OverflowError:
            self.problems.at_line(1, f"its aliases stand for more than {MAX_VALUES} values", "write fewer of them")
        except RecursionError:
            self.problems.at_line(1, "not YAML that can be read: it is nested too deeply")
        return self.document

    def value(self, node: Node, path: Path, line: int) -> Any:
        self.document.put(path, line)
        if isinstance(node, ScalarNode):
            return self.scalar(node, path, line)
        if node.tag != _TAG + ("map" if isinstance(node, MappingNode) else "seq"):
            self.problems.at_line(line, f"the tag {_shown(node.tag)} is not understood", "take it out")
            return None
        if id(node) in self.within:
            self.problems.at_line(line, "an alias holds itself", "write out what is meant")
            return None
        self.within.add(id(node))
        try:
            return self.mapping(node, path) if isinstance(node, MappingNode) else self.sequence(node, path)
        finally:
            self.within.discard(id(node))

    def sequence(self, node: Node, path: Path) -> list[Any]:
        return [
            self.value(item, (*path, index), item.start_mark.line + 1)  # an alias has the line of its anchor
            for index, item in enumerate(node.value)
        ]

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        entries: dict[str, tuple[Node, int]] = {}
        for name, value, line in self.own(node):
            if name in entries:
                what = f"{dotted((*path, name))}: is there already, in line {entries[name][1]}"
                self.problems.at_line(line, what, "merge or rename one")
            else:
                entries[name] = (value, line)
        for name, value, line in self.merged(node):
            entries.setdefault(name, (value, line))
        return {name: self.value(value, (*path, name), line) for name, (value, line) in entries.items()}

    def own(self, node: MappingNode) -> Iterator[tuple[str, Node, int]]:
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                self.problems.at_line(line, "a mapping or list cannot be the name of a field", "quote it")
            elif key.tag != _TAG + "merge":
                yield key.value, value, line

    def merged(self, node: MappingNode, depth: int = 0) -> Iterator[tuple[str, Node, int]]:
        """What ``<<`` brings in: of several mappings the first that has a name decides."""
        for key, value in node.value:
            if key.tag != _TAG + "merge":
                continue
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                if isinstance(source, MappingNode) and depth < 50:
                    yield from self.own(source)
                    yield from self.merged(source, depth + 1)
                else:
                    line = key.start_mark.line + 1
                    self.problems.at_line(line, "<< takes a mapping, or a list of them", "as in <<: *name")

    def scalar(self, node: ScalarNode, path: Path, line: int) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if kind in _TEXTS or (kind in ("int", "float") and ":" in node.value):
            return node.value
        if kind == "null":
            self.document.texts[path] = node.value
            return None
        try:
            if kind == "bool":
                value: Any = _SCALARS.construct_yaml_bool(node)
            elif kind == "int":
                value = _SCALARS.construct_yaml_int(node)
            elif kind == "float":
                value = _SCALARS.construct_yaml_float(node)
            else:
                raise ValueError
        except (ValueError, KeyError, IndexError):
            self.problems.at_line(line, f"the tag {_shown(node.tag)} is not understood here", "take it out")
            return None
        self.document.texts[path] = node.value
        return value


def _shown(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag
