"""Reads a file as a document: YAML, or JSON where its name ends in ``.json``."""

from __future__ import annotations

from pathlib import Path

from framegate.config.document import Document
from framegate.config.json_reader import read_json
from framegate.config.problems import Problems
from framegate.config.yaml_reader import read_yaml


def read_document(path: Path, problems: Problems, content: bytes | None = None) -> Document | None:
    """The content of a file, which is a mapping.

    Args:
        path: the file.
        problems: to add to.
        content: what it holds, where that is known already.

    Returns:
        None where it cannot be used at all; ``problems`` tells why.
    """
    text = _text(path, problems, content)
    if text is None:
        return None
    before = len(problems.errors)
    document = (read_json if path.suffix.lower() == ".json" else read_yaml)(text, problems)
    if isinstance(document.data, dict):
        return document
    if len(problems.errors) == before:
        _complain(document, problems)
    return None


def _complain(document: Document, problems: Problems) -> None:
    begin = 'begin with _format_version: "3.0"'
    if document.data is None:
        problems.at_line(1, "the file is empty", begin)
    else:
        kind = "a list" if isinstance(document.data, list) else "a single value"
        problems.at_line(document.line(()), f"the file must be a mapping at its top, not {kind}", begin)


def _text(path: Path, problems: Problems, content: bytes | None) -> str | None:
    try:
        content = path.read_bytes() if content is None else content
    except OSError as error:
        problems.at_line(None, f"cannot be read: {error.strerror}")
        return None
    except ValueError:
        problems.at_line(None, "cannot be read: its name holds a NUL character")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        octet = content[error.start]
        problems.at_line(line, f"the file is not UTF-8: octet 0x{octet:02x}", "save it as UTF-8")
        return None
