"""The numbers for the compiled modules are the numbers of the plain ones."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from framegate.codec import constants
from framegate.session import signals


def _ints(module: ModuleType) -> dict[str, int]:
    return {name: value for name, value in vars(module).items() if name.isupper() and isinstance(value, int)}


@pytest.mark.parametrize("module", [constants, signals], ids=lambda module: module.__name__)
def test_a_pxd_repeats_the_numbers_of_its_module(module: ModuleType) -> None:
    assert module.__file__ is not None
    pxd = Path(module.__file__).with_suffix(".pxd").read_text()
    repeated = {name: int(value, 0) for name, value in re.findall(r"^ +(\w+) = (\S+)$", pxd, re.MULTILINE)}
    assert repeated == {name: value for name, value in _ints(module).items() if name in repeated}
    assert repeated == _ints(module)


def test_every_opcode_has_one_name() -> None:
    assert {name: opcode for opcode, name in constants.TYPE_NAMES.items()} == constants.OPCODES
    assert sorted(constants.OPCODES.values()) == [0x0, 0x1, 0x2, 0x8, 0x9, 0xA]
