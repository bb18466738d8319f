"""The plugin development kit: what a plugin is given, and the errors that tell its author of mistakes.

A plugin works with the ``kong`` object that its phases are given (:class:`framegate.pdk.kong.Kong`) and imports from
here what it needs beside that.
"""

from framegate.errors import PDKError
from framegate.pdk.kong import Kong
from framegate.pdk.plugin import FieldError, resolve_path

__all__ = ["FieldError", "Kong", "PDKError", "resolve_path"]
