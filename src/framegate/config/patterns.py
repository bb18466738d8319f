"""Regular expressions of routes: written for PCRE, run by Python.

Owns the translation of what the two spell differently. It knows no routes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

from framegate.config.encoding import normalise_encoding, percent_encoded

_POSIX_CLASSES = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r"\s",
    "upper": "A-Z",
    "word": r"\w",
    "xdigit": "0-9A-Fa-f",
}

# The first alternatives keep what looks like syntax, but is escaped, in a set or a comment, from the later ones.
_TOKEN = re.compile(
    r"""
      \\k[<{'](?P<reference>\w+)[>}']
    | (?P<end>\\z)
    | (?P<escape>\\.)
    | (?P<set>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])
    | (?P<comment>\(\?\#[^)]*\))
    | \(\?(?:<(?![=!])(?P<angled>\w+)>|'(?P<quoted>\w+)')
    | (?P<triplet>%[0-9A-Fa-f]{2})
    | (?P<beyond>[^\x00-\x7f])
    | (?P<open>\()
    | (?P<shut>\))
    | (?P<bar>\|)
    """,
    re.VERBOSE | re.DOTALL,
)
_POSIX_CLASS = re.compile(r"\[:(\^?)(\w+):\]")
_LITERALS = re.compile(r"(?:[A-Za-z0-9/_\-~!@%&=:;,']|\\[^A-Za-z0-9\s])*")
_LAST_LITERAL = re.compile(r"(?:\\.|.)\Z", re.DOTALL)


def path_pattern(pattern: str) -> re.Pattern[str]:
    """Compile what stands behind the ``~`` of a route's path; a path is matched from its first character.

    Named groups may be written ``(?<name>...)``, ``(?'name'...)`` or ``(?P<name>...)``, POSIX classes such as
    ``[[:digit:]]`` are understood, and character classes mean ASCII, as in PCRE. As paths are matched in their normal
    form, percent-encodings and characters beyond ASCII are brought into it, except within ``[...]``.

    Raises:
        ValueError: Python cannot compile it; the message says what and where.
    """
    return _compiled(pattern, _for_path)


def header_pattern(pattern: str) -> re.Pattern[str]:
    """Compile what stands behind the ``~*`` of a header's value; it is searched for, upper and lower case alike.

    Raises:
        ValueError: as for :func:`path_pattern`.
    """
    return _compiled(pattern, _in_python, re.IGNORECASE)


def _compiled(pattern: str, spell: Callable[[re.Match[str]], str], flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            # Of "[a--b]" Python says that a later version may read it otherwise: no news for who writes a path.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(_TOKEN.sub(spell, pattern), flags | re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern!r} is no regular expression that Python understands: {error}") from error


def _for_path(token: re.Match[str]) -> str:
    if token["triplet"]:
        normal = normalise_encoding(token[0])
        return normal if normal.startswith("%") else re.escape(normal)
    if token["beyond"]:
        return f"(?:{percent_encoded(token[0])})"
    return _in_python(token)


def _in_python(token: re.Match[str]) -> str:
    kind = token.lastgroup
    if kind in ("angled", "quoted"):
        return f"(?P<{token[kind]}>"
    if kind == "reference":
        return f"(?P={token[kind]})"
    if kind == "end":
        return r"\Z"
    if kind == "set":
        return _POSIX_CLASS.sub(_posix, token[0])
    return token[0]


def _posix(match: re.Match[str]) -> str:
    negated, name = match.groups()
    if negated or name not in _POSIX_CLASSES:
        raise re.error(f"the class {match[0]} has no counterpart")
    return _POSIX_CLASSES[name]


def literal_prefix(compiled: re.Pattern[str]) -> str:
    """What each path that ``compiled`` matches begins with, as far as that is easily told."""
    pattern = compiled.pattern
    if _has_top_level_alternatives(pattern):
        return ""
    found = _LITERALS.match(pattern)
    literals = found[0] if found is not None else ""
    if pattern[len(literals) : len(literals) + 1] in ("*", "?", "{", "+"):
        literals = _LAST_LITERAL.sub("", literals)
    return re.sub(r"\\(.)", r"\1", literals, flags=re.DOTALL)


def _has_top_level_alternatives(pattern: str) -> bool:
    depth = 0
    for token in _TOKEN.finditer(pattern):
        kind = token.lastgroup
        if kind in ("open", "angled", "quoted"):
            depth += 1
        elif kind == "shut":
            depth -= 1
        elif kind == "bar" and depth == 0:
            return True
    return False
