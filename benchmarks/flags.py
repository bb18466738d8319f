"""The flags of `python -m benchmarks`, and the plan that they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from .errors import BenchmarkError
from .peers import KINDS
from .plans import DEFAULT, FULL, QUICK, SECTIONS, Plan
from .scenarios import parse_size

DESCRIPTION = "What forwarding WebSocket frames costs: framegate beside tunnels, relays and inspecting proxies."


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=DESCRIPTION)
    how_long = made.add_mutually_exclusive_group()
    how_long.add_argument(
        "--quick", action="store_true", help="about a minute: short rounds, three of them, fewer peers"
    )
    how_long.add_argument("--full", action="store_true", help="everything: all peers and sections, about half an hour")
    made.add_argument("--only", type=_names(KINDS), metavar="PEER,...", help=f"of {', '.join(KINDS)}")
    made.add_argument("--sizes", type=_sizes, metavar="SIZE,...", help="message sizes (default: 64,1k,16k,1m)")
    made.add_argument("--sections", type=_names(SECTIONS), metavar="NAME,...", help=f"of {', '.join(SECTIONS)}")
    made.add_argument("--rounds", type=_positive, help="rounds (default: 7; full: 5; quick: 3)")
    made.add_argument("--text", action="store_true", help="send text messages instead of binary ones")
    made.add_argument(
        "--idle", type=_positive, metavar="N", help="idle connections (default: 2000; full: 10000; quick: 1000)"
    )
    made.add_argument("--cpu", type=int, help="the CPU that all processes share (default: the last one)")
    made.add_argument("--markdown", action="store_true", help="print the report as Markdown")
    made.add_argument("--no-install", action="store_true", help="never install a peer or library, even as root")
    made.add_argument("--no-save", action="store_true", help="write no file to benchmarks/results/")
    made.add_argument("--show", type=Path, metavar="FILE", help="print the report of an earlier result instead")
    return made


def plan(arguments: argparse.Namespace) -> Plan:
    """The quick, full or default plan, with what the other flags say instead."""
    made = QUICK if arguments.quick else FULL if arguments.full else DEFAULT
    made = replace(made, text=arguments.text)
    if arguments.rounds:
        made = replace(made, rounds=arguments.rounds)
    if arguments.only:
        made = replace(made, peers=tuple(arguments.only))
    if arguments.sections:
        made = replace(made, sections=tuple(arguments.sections))
    if arguments.idle:
        made = replace(made, idle_connections=arguments.idle)
    if arguments.sizes:
        sizes = arguments.sizes
        made = replace(made, sizes=sizes, latency_sizes=sizes, tls_sizes=sizes, deflate_sizes=sizes)
    if made.idle_connections <= made.idle_baseline:
        raise BenchmarkError(f"--idle {made.idle_connections}: must be more than the baseline of {made.idle_baseline}")
    return made


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        given = [name.strip() for name in text.split(",") if name.strip()]
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(known)}")
        return [name for name in known if name in given]

    return parse


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({parse_size(size) for size in text.split(",")}))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 and above")
    return int(text)
