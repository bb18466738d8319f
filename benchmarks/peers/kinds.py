"""What a peer is: how a kind of it is started, and one that runs. Knows none by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..certificates import Certificate
from ..processes import Server

# The settings that a peer is measured in. All can be measured in the plain one.
PLAIN = "plain"
TLS = "TLS"
DEFLATE = "deflate"
WORKERS = "workers"

MIB = 1024 * 1024


@dataclass(frozen=True)
class Site:
    """What a peer is started for. `folder` is its own and exists."""

    upstream_port: int
    folder: Path
    certificate: Certificate | None = None
    deflate: bool = False
    workers: int = 1
    connections: int = 2000
    largest: int = MIB


@dataclass(frozen=True)
class Peer:
    """A running way to the upstream. `server` is None for the direct one; `last` is the byte that its edit leaves."""

    name: str
    port: int
    server: Server | None = None
    last: str | None = None
    certificate: Certificate | None = None

    def check(self) -> None:
        if self.server is not None:
            self.server.check()

    def check_soon(self) -> None:
        if self.server is not None:
            self.server.check_soon()

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()


Start = Callable[[str, Site], Peer]


@dataclass(frozen=True)
class Kind:
    """A way from the load generator to the upstream that can be started.

    `prepare` makes sure that it can be, is told whether it may install packages, and returns versions by name.
    `largest` is the largest message that it is measured with.
    """

    name: str
    meaning: str
    start: Start
    prepare: Callable[[bool], dict[str, str]]
    also: frozenset[str] = frozenset()
    largest: int | None = None

    def can(self, setting: str) -> bool:
        return setting == PLAIN or setting in self.also
