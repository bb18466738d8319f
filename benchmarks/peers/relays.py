"""The relays that people write by hand, each a program of its own in `relays/`."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import BenchmarkError
from ..processes import Server
from .kinds import Peer, Site

RELAYS = Path(__file__).resolve().parent.parent / "relays"


def needing(*libraries: str) -> Callable[[bool], dict[str, str]]:
    def prepare(install: bool) -> dict[str, str]:
        return {name: _version(name) for name in (*libraries, "uvloop")}

    return prepare


def start(name: str, site: Site) -> Peer:
    argv = [sys.executable, str(RELAYS / f"relay_{name}.py"), f"ws://127.0.0.1:{site.upstream_port}"]
    if site.deflate:
        argv.append("--deflate")
    server = Server(name, argv, site.folder / "output.log")
    return Peer(name, server.announced_port(), server)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        raise BenchmarkError(f"the relay needs {name}: pip install {name}, or leave it out with --only") from None
