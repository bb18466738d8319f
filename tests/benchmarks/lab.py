"""Where the tests of the benchmarks measure: a short load, and servers that misbehave."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from benchmarks import load
from benchmarks.peers.kinds import PLAIN, Peer
from benchmarks.processes import Server
from benchmarks.scenarios import Scenario

HERE = Path(__file__).parent
SHORT = 0.02

needs_a_compiler = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None, reason="needs Linux and a C compiler"
)


def scenario(setting: str = PLAIN, size: int = 64) -> Scenario:
    return Scenario(size, 2, 2, setting=setting)


def short_run(peer: Peer, upstream: Peer, setting: str = PLAIN, size: int = 64) -> load.Measured:
    return load.measure_trips(peer, upstream, scenario(setting, size), SHORT)


def misbehaving(how: str, folder: Path) -> Peer:
    """A server that is taken for an echo and does what `how` says."""
    server = Server("the liar", [sys.executable, str(HERE / "liar.py"), how], folder / "liar.log")
    return Peer("the liar", server.announced_port(), server)
