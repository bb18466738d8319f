"""The upstreams that all peers lead to."""

from __future__ import annotations

from pathlib import Path

from .. import native
from ..processes import Server
from .kinds import Peer


def start_echo(folder: Path, deflate: bool = False) -> Peer:
    """Sends every frame back; with `deflate` it agrees to permessage-deflate where that is offered."""
    return _started("echo upstream", [str(native.program("echo")), *(["--deflate"] if deflate else [])], folder)


def start_fan_out(folder: Path) -> Peer:
    """Sends each message of one client to all."""
    return _started("fan-out upstream", [str(native.program("fanout"))], folder)


def _started(name: str, argv: list[str], folder: Path) -> Peer:
    server = Server(name, argv, folder / f"{name.replace(' ', '-')}.log")
    return Peer(name, server.announced_port(), server)
