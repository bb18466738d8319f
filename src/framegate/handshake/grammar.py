"""The grammar of HTTP fields, and the only place where a field line is written.

Owns tokens, field names and values, comma lists and the serialising of a field. Everything that goes out in a head
passes :func:`field_line` or :func:`check_fields`, so CR, LF and NUL cannot get into a header, whoever supplied it. It
knows neither requests nor answers, nor which fields matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

HeaderPairs: TypeAlias = Iterable[tuple[str, str]]
HeaderSource: TypeAlias = Mapping[str, str] | HeaderPairs

# RFC 9110, section 5.6.2: token = 1*tchar.
TCHAR = r"!#$%&'*+\-.^_`|~0-9A-Za-z"
# RFC 9110, section 5.5: visible characters, obs-text, and space and tab between them. No other control character.
VALUE_CHAR = r"\t\x20-\x7e\x80-\xff"
OWS = " \t"

_TOKEN = re.compile(f"[{TCHAR}]+")
_VALUE = re.compile(f"[{VALUE_CHAR}]*")
# Many of them at once, a line each: one match costs less than the calls for each.
_TOKENS = re.compile(rf"[{TCHAR}]+(?:\n[{TCHAR}]+)*+")
_VALUES = re.compile(rf"[{VALUE_CHAR}\n]*+")
# RFC 3986, section 3.2.2, without the sub-delims, which no host has and which lists of hosts would trip over.
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%\-]+)(?::[0-9]{0,5})?")
# RFC 9112, section 3.2.1: origin-form. A fragment never goes on the wire; whatever else is visible comes from browsers.
_ORIGIN_FORM = re.compile(r"/[\x21\x22\x24-\x7e]*")


def is_token(text: str) -> bool:
    """Whether ``text`` is a token (RFC 9110, section 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """Whether ``text`` is the value of a Host field: a name or address, and maybe a port."""
    return _HOST.fullmatch(text) is not None


def is_origin_form(text: str) -> bool:
    """Whether ``text`` is a request target in origin-form: ``/path?query``, without a fragment."""
    return _ORIGIN_FORM.fullmatch(text) is not None


def is_field_text(text: str) -> bool:
    """Whether ``text`` may stand in a field value or a reason phrase: latin-1, no control character but tab."""
    return _VALUE.fullmatch(text) is not None


def pairs(headers: HeaderSource) -> HeaderPairs:
    """The ``(name, value)`` pairs of a mapping, of a multi-mapping, or of what is pairs already."""
    return headers.items() if hasattr(headers, "items") else headers


def check_field(name: str, value: str) -> None:
    """Raise a ValueError that names the field unless both can stand in a head."""
    if not is_token(name):
        raise ValueError(f"header name {name!r} is not a token (letters, digits and !#$%&'*+-.^_`|~)")
    if not is_field_text(value):
        raise ValueError(f"header {name}: a value may not hold {_culprit(value)}")


def check_fields(fields: Sequence[tuple[str, str]]) -> None:
    """:func:`check_field` for each of them."""
    if not fields:
        return
    names, values = zip(*fields, strict=True)
    breaks = len(fields) - 1
    all_names, all_values = "\n".join(names), "\n".join(values)
    if (
        _TOKENS.fullmatch(all_names)
        and _VALUES.fullmatch(all_values)
        and all_names.count("\n") == breaks
        and all_values.count("\n") == breaks
    ):
        return
    for name, value in fields:
        check_field(name, value)


def field_lines(fields: Iterable[tuple[str, str]]) -> bytes:
    """The lines of fields that :func:`check_fields` has passed."""
    return "".join([f"{name}: {value.strip(OWS)}\r\n" for name, value in fields]).encode("latin-1")


def _culprit(value: str) -> str:
    wrong = next(char for char in value if not is_field_text(char))
    if ord(wrong) > 0xFF:
        return f"{wrong!r}, which is not latin-1: encode it, for example by percent-encoding"
    names = {"\r": "CR", "\n": "LF", "\0": "NUL"}
    return names.get(wrong, f"the control character {wrong!r}")


def field_line(name: str, value: str) -> bytes:
    """``name: value`` and its CRLF, as latin-1.

    Raises:
        ValueError: the name is not a token, or the value holds a control character or what is not latin-1.
    """
    check_field(name, value)
    return f"{name}: {value.strip(OWS)}\r\n".encode("latin-1")


def list_members(values: Iterable[str]) -> Iterator[str]:
    """The members of a comma list that is spread over ``values``, in order; empty ones are skipped.

    RFC 9110, section 5.6.1.2: "a recipient MUST parse and ignore a reasonable number of empty list elements".
    """
    for value in values:
        for member in value.split(","):
            if stripped := member.strip(OWS):
                yield stripped


def has_member(values: Iterable[str], token: str) -> bool:
    """Whether the comma list ``values`` has ``token`` (given in lower case) in any case."""
    for value in values:
        lowered = value.lower()
        if lowered == token or (token in lowered and token in list_members((lowered,))):
            return True
    return False
