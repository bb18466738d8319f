"""The ways in which framegate relays, and the pairs of peers between which it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOOK = Path(__file__).resolve().parent / "hook.py"
# Section 9 sends messages of 16 MiB, over the default limits of what is read or joined.
UNLIMITED = ("--client-max-frame-size", "none", "--upstream-max-frame-size", "none")


@dataclass(frozen=True)
class Mode:
    """One set of flags of `framegate proxy`.

    Args:
        compressed: permessage-deflate is negotiated with the client.
        reads: payloads are looked at, so that framegate checks texts by itself.
    """

    name: str
    meaning: str
    flags: tuple[str, ...]
    compressed: bool = False
    reads: bool = True


_MODES = (
    Mode("plain", "nothing is inspected", ("--compression", "off"), reads=False),
    Mode(
        "hook",
        "a hook reads every frame and returns it unchanged",
        ("--compression", "off", "--hook", f"{HOOK}:unchanged", *UNLIMITED),
    ),
    Mode(
        "aggregation",
        "the fragments of every message are joined",
        ("--compression", "off", "--aggregate", *UNLIMITED),
    ),
    Mode(
        "terminate",
        "permessage-deflate on each leg by itself: inflated, a hook reads it unchanged, deflated again",
        ("--compression", "terminate", "--hook", f"{HOOK}:unchanged", *UNLIMITED),
        compressed=True,
    ),
    Mode(
        "pass",
        "permessage-deflate agreed from end to end, compressed frames relayed as they are",
        ("--compression", "pass"),
        compressed=True,
        reads=False,
    ),
)
MODES = {mode.name: mode for mode in _MODES}


@dataclass(frozen=True)
class Pair:
    """Two peers, one of them the test suite's fuzzer. `fuzzer` says on which leg it stands: "client" or "upstream"."""

    name: str
    title: str
    fuzzer: str


STRICT = Pair("strict", "fuzzing client, Autobahn's echo as the upstream", "client")
SLOPPY = Pair("sloppy", "fuzzing client, an echo upstream that checks nothing", "client")
SERVER = Pair("server", "fuzzing server as the upstream, Autobahn's client", "upstream")
PAIRS = (STRICT, SLOPPY, SERVER)


def flags(pair: Pair, mode: Mode) -> tuple[str, ...]:
    """The mode's flags. Behind the echo that checks nothing, a plain relay is told to check texts."""
    return (*mode.flags, "--validate-utf8") if pair is SLOPPY and not mode.reads else mode.flags


def counts(pair: Pair, mode: Mode) -> bool:
    """Whether the pair says anything in the mode: the sloppy echo has no compression to pass."""
    return not (pair is SLOPPY and mode.name == "pass")
