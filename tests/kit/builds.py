"""The hot modules in both builds, side by side in one process."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from framegate import _build

NAMES = ("pure", "compiled") if _build.COMPILED else ("pure",)
"""The builds that are here. Without a compiled one, or where the pure one is asked for, there is one to test."""


class Build:
    """One build: ``pure`` is the plain sources, ``compiled`` their twins made from the same sources."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def module(self, pure_name: str) -> ModuleType:
        return import_module(pure_name + ("_c" if self.name == "compiled" else ""))

    @property
    def octets(self) -> ModuleType:
        return self.module("framegate.codec._octets")

    @property
    def Parser(self) -> Any:
        return self.module("framegate.codec._parser").Parser

    @property
    def Lane(self) -> Any:
        return self.module("framegate.session._lane").Lane

    @property
    def tcp(self) -> ModuleType:
        return self.module("framegate.transport._tcp")
