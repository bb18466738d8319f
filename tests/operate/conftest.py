"""The upstream that the gateways of these tests have, and the place where they run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import started
from tests.operate.rig import Place


@pytest.fixture(scope="session")
def echo() -> Iterator[str]:
    """The URL of an echo upstream that runs as a process of its own."""
    with started("echo", "--listen", "127.0.0.1:0") as program:
        yield program.urls[0]


@pytest.fixture
def place(tmp_path: Path, echo: str) -> Place:
    """A folder for a gateway's file, in front of the echo."""
    return Place(tmp_path, echo)
