"""What the program runs on: which event loop, and how its memory is looked after."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, or None, which is asyncio's own, where uvloop is not installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def settle_memory() -> None:
    """Tell the garbage collector that what is loaded now stays, and to look less often.

    Sessions leave no cycles, so there is next to nothing to find, and each look costs as much as what lives. So 10,000
    new objects start one (CPython's default is 700).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
