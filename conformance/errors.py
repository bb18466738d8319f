"""The errors of a conformance run: a run that says nothing ends, with a sentence and no traceback."""

from __future__ import annotations


class ConformanceError(Exception):
    """A run that could not be made, or whose result cannot be trusted. The message names the peer and what happened."""


class NoPython27(ConformanceError):
    """The test suite needs Python 2.7, and none was found."""
