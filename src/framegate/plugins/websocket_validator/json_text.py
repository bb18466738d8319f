"""Reads JSON that a stranger has sent: what parsers disagree about is refused, and nothing is unbounded.

Two parsers that read the same text differently are a way around any check, so here a text has one meaning or none.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 128
"""Most arrays and objects within each other: far below where a validator that recurses runs out of stack."""

_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class NotJSON(ValueError):
    """The text is not JSON as it is taken here.

    Attributes:
        position: where it was noticed, as ``line 3, column 14``, or None.
    """

    def __init__(self, message: str, position: str | None = None) -> None:
        super().__init__(message)
        self.position = position


def read(data: str | bytes) -> Any:
    """The value of a JSON text (RFC 8259), with these rules where the RFC leaves room:

    - bytes are UTF-8, without a byte order mark;
    - a name stands once in an object;
    - numbers are finite: no NaN, no Infinity, nothing beyond what a double holds, integers of up to 4,300 digits;
    - strings are Unicode text: an escaped surrogate has its other half beside it;
    - arrays and objects nest at most :data:`MAX_DEPTH` deep.

    Raises:
        NotJSON: it is none, or breaks one of the rules.
    """
    try:
        text = data if isinstance(data, str) else data.decode()
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJSON(error.msg, f"line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise NotJSON("not UTF-8", f"byte {error.start}") from None
    except RecursionError:
        raise NotJSON("nested too deeply") from None
    except NotJSON:
        raise
    except ValueError:  # int() limits how many digits it converts
        raise NotJSON("an integer has too many digits") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise NotJSON("nested too deeply")
    if "\\u" in text and _ESCAPED_SURROGATE.search(text) and not _is_unicode(value):
        raise NotJSON("a string holds half of a surrogate pair")
    return value


def _depth(value: Any) -> int:
    """How deep containers nest in ``value``; it stops counting beyond the limit."""
    depth = 0
    level = [value] if isinstance(value, (dict, list)) else []
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return depth


def _is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJSON("a name stands twice in an object")
    return found


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJSON("a number is too large")
    return number


def _constant(text: str) -> NoReturn:
    raise NotJSON(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
