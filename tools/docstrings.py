"""An extension of Griffe, which reads docstrings for the site: roles such as ``:meth:`close``` become code."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`(?P<short>~)?(?P<name>[\w.]+)`")


def plain(text: str) -> str:
    """The text with the names of its roles alone; of a name behind ``~`` the last part, as Sphinx shows it."""
    return _ROLE.sub(lambda found: f"`{found['name'].rpartition('.')[2] if found['short'] else found['name']}`", text)


class Roles(griffe.Extension):
    """Rewrites every docstring."""

    def on_instance(self, *, obj: griffe.Object, **others: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = plain(obj.docstring.value)
