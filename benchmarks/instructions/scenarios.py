"""The scenarios: what is counted, how often, and how far it may drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import turns, wire
from .turns import Turn
from .wire import BINARY, TEXT


class Scenario(NamedTuple):
    """What is counted.

    Attributes:
        name: as the recorded figures know it.
        operation: what one operation is.
        turns: how often the turn runs in the shorter of the two runs; the longer has twice as many.
        each: operations a turn.
        make: makes the turn.
        margin: the share by which the count may be over the recorded one.
    """

    name: str
    operation: str
    turns: int
    each: int
    make: Callable[[], Turn]
    margin: float


COMPILED, COPYING, PYTHON = 0.02, 0.03, 0.02
"""Margins: of compiled code, where buffers are copied and grow, and of Python code. The same code counts up to 0.7 %
more or less where something else has changed: another place for an object, another length of a path."""

_64 = wire.ascii_text(64)
_16K = wire.ascii_text(16384)
_1M = bytes(2**20)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("relay-64", "64 B frame relayed unseen", 400, 8, turns.relayed(64, 8), COMPILED),
    Scenario("relay-125", "125 B frame relayed unseen", 400, 8, turns.relayed(125, 8), COMPILED),
    Scenario("relay-126", "126 B frame relayed unseen", 400, 8, turns.relayed(126, 8), COMPILED),
    Scenario("relay-65536", "64 KiB frame relayed unseen", 400, 3, turns.relayed(65536, 3), COMPILED),
    Scenario("hook-binary-64", "64 B binary frame, hook changes nothing", 200, 8, turns.seen(_64, BINARY, 8), COMPILED),
    Scenario("hook-text-64", "64 B text frame, hook changes nothing", 200, 8, turns.seen(_64, TEXT, 8), COMPILED),
    Scenario("hook-binary-16k", "16 KiB binary frame, hook keeps it", 30, 8, turns.seen(_16K, BINARY, 8), COPYING),
    Scenario("hook-binary-1m", "1 MiB binary frame, in reads of 256 KiB", 4, 1, turns.seen(_1M, BINARY, 1), COPYING),
    Scenario("utf8-ascii-16k", "16 KiB ASCII text, hook changes nothing", 20, 8, turns.seen(_16K, TEXT, 8), COPYING),
    Scenario(
        "utf8-multibyte-16k", "16 KiB text of 1 to 4 bytes a character", 4, 8,
        turns.seen(wire.multibyte_text(16384), TEXT, 8), COPYING,
    ),
    Scenario("edit-64", "64 B binary frame, hook changes it", 200, 8, turns.edited(64, 8), COMPILED),
    Scenario("edit-16k", "16 KiB binary frame, hook changes it", 20, 8, turns.edited(16384, 8), COPYING),
    Scenario("joined-4x64", "text of four 64 B fragments, joined for a hook", 100, 4, turns.joined, COPYING),
    Scenario("plugins-1", "64 B text frame, one plugin reads it", 100, 8, turns.plugins(1), PYTHON),
    Scenario("plugins-5", "64 B text frame, five plugins read it", 50, 8, turns.plugins(5), PYTHON),
    Scenario("conduit-8x64", "read of eight 64 B frames, socket to socket", 400, 1, turns.conduit(None), COMPILED),
    Scenario("conduit-hook-8x64", "the same, hook changes nothing", 200, 1, turns.conduit(turns.same), COMPILED),
    Scenario("opening-request", "a browser's request read and checked", 40, 1, turns.opening_request, PYTHON),
    Scenario("upstream-request", "the upstream's request made", 40, 1, turns.upstream_request, PYTHON),
    Scenario("upstream-answer", "the upstream's 101 read and verified", 40, 1, turns.upstream_answer, PYTHON),
    Scenario("switching-protocols", "the client's 101 made", 40, 1, turns.switching, PYTHON),
    Scenario("session", "a session with a hook made", 100, 1, turns.session, PYTHON),
)  # fmt: skip
"""All of them, in the order of the report."""


def named(names: list[str] | None) -> list[Scenario]:
    """Those of the given names, all for None, in the order of the report."""
    return [one for one in SCENARIOS if names is None or one.name in names]
