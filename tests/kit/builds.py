"""The hot modules in both builds, side by side in one process."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from framegate import _build

NAMES = ("pure", "compiled")


class Build:
    """One build: ``pure`` is the plain sources, ``compiled`` their twins made from the same sources."""

    def __init__(self, name: str) -> None:
        if name == "compiled" and not _build.COMPILED:
            pytest.skip(f"the compiled build does not run: {_build.REASON}")
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
