"""An extension of Griffe, which reads docstrings for the site: reStructuredText in them becomes Markdown.

That is so little that two rules do it: roles become code, and the colons before an indented block go.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_COLONS = re.compile(r"(\S?)::$", re.M)
_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`(?P<short>~)?(?P<name>[\w.]+)`")


def as_markdown(text: str) -> str:
    """The text of a docstring. Of a name behind ``~`` the last part is left, as Sphinx shows it."""
    text = _ROLE.sub(lambda found: f"`{found['name'].rpartition('.')[2] if found['short'] else found['name']}`", text)
    return _COLONS.sub(lambda found: f"{found[1]}:" if found[1] else "", text)


class Docstrings(griffe.Extension):
    """Rewrites every docstring."""

    def on_instance(self, *, obj: griffe.Object, **others: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
