"""What runs under valgrind: each scenario in a child of its own, so that none sees what another has left behind.

The children begin in one and the same state. ``getsid``, which nothing else calls, is the mark between two runs:
callgrind writes its counters down and begins anew there. The first of its files holds what came before, the second the
shorter run, the third the longer one. Standard output tells which child ran what.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from itertools import repeat

from .scenarios import Scenario, named
from .turns import Turn

MARK = "getsid"
"""The C function that callgrind waits for; :func:`os.getsid` calls it."""


def _ballast() -> object:
    """Fill the holes that the imports have left in the memory: their places and sizes are others on every machine and
    after every change, and with them what has to be copied when a buffer grows. The result is to be kept.
    """
    pairs = [object() for _ in range(2**15)], [index + 0.5 for index in range(2**14)]
    sizes = [size - 33 for size in range(48, 513, 16) for _ in range(2**19 // size)]
    of_pools = len(sizes)
    sizes += [size for size in range(500, 1024, 16) for _ in range(2**18 // size)]
    sizes += [2**power for power in range(20, 9, -1) for _ in range(2 ** (21 - power))]
    # Made whole beforehand: a list that grows leaves holes itself.
    blocks: list[bytes | None] = [None] * len(sizes)
    for index, size in enumerate(sizes):
        blocks[index] = bytes(size)
    # Half of the small blocks are given back, so that no turn needs the very last one of a pool.
    for index in range(0, of_pools, 2):
        blocks[index] = None
    del pairs[0][::2], pairs[1][::2]
    return pairs, sizes, blocks


def _run(turn: Turn, turns: int) -> None:
    for _ in repeat(None, turns):
        turn()


def _child(scenario: Scenario) -> None:
    turn = scenario.make()
    _run(turn, max(scenario.turns // 2, 2))
    os.getsid(0)
    _run(turn, scenario.turns)
    os.getsid(0)
    _run(turn, 2 * scenario.turns)
    os.getsid(0)


def _fork(scenario: Scenario) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _child(scenario)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main(names: list[str]) -> int:
    # A collection would come at another place whenever anything makes one object more.
    ballast = _ballast()
    gc.disable()
    gc.freeze()
    for scenario in named(names or None):
        pid = _fork(scenario)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(scenario.name, pid, status, flush=True)
    del ballast
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
