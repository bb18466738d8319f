"""The command line: one file a command; what they share is in the files that begin with an underscore.

It owns flags, the environment, signals and exit statuses. Everything else is the library's: no command does what a
program that imports framegate could not do.
"""

from __future__ import annotations

from framegate.cli._main import main

__all__ = ["main"]
