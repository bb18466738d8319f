"""The command line of the fuzzers."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from fuzzing.runner import replay, run
from fuzzing.targets import TARGETS


def main() -> int:
    """Run one fuzzer, or all in turn; exit status 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzzing", description="Random cases, and what must not happen.")
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, for each target")
    parser.add_argument("--seed", type=int, help="the first seed; the same seeds make the same cases")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="try one kept case instead")
    chosen = parser.parse_args()
    targets = list(TARGETS.values()) if chosen.target == "all" else [TARGETS[chosen.target]]
    if chosen.replay:
        replay(targets[0], chosen.replay)
        return 0
    seed = int.from_bytes(os.urandom(4), "big") if chosen.seed is None else chosen.seed
    found = 0
    for target in targets:
        print(f"{target.name}: from seed {seed}", flush=True)
        outcome = run(target, seed=seed, seconds=chosen.seconds)
        print(f"{target.name}: {outcome}", flush=True)
        found += len(outcome.failures or ())
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
