"""Stands in for the ``cython`` module where Cython is not installed.

The hot modules ask it one question, ``cython.compiled``; a module that asks is not compiled.
"""

from __future__ import annotations

compiled = False
