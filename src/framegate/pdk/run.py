"""Runs plugins: phases one after the other, and the chains that become a lane's hook.

Which plugins run is decided elsewhere; here they run in the order given. It knows no sockets and no gateway.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable
from typing import Any

from framegate._build import pick
from framegate.pdk.exchange import Exchange
from framegate.pdk.exit import Exit
from framegate.pdk.failure import PluginFailure, Watch
from framegate.pdk.kong import Kong
from framegate.pdk.phases import FRAME_PHASE_OF, WS_HANDSHAKE
from framegate.pdk.plugin import PluginInstance
from framegate.pdk.watched import Watched
from framegate.pdk.websocket import WebSocket

_frames = pick("framegate.pdk._frames")


def kong_for(exchange: Exchange, plugin: PluginInstance, phase: str) -> Kong:
    """What one call of ``plugin`` is given."""
    return Kong(exchange, plugin, phase, WebSocket(exchange, phase))


async def run_phase(phase: str, exchange: Exchange, plugins: Iterable[PluginInstance], watch: Watch) -> Exit | None:
    """Run ``phase`` of each plugin that has it.

    Args:
        phase: not a frame phase.
        exchange: the connection.
        plugins: in their order; taken one by one, so that a plugin can decide who comes after it.
        watch: who is told of slow plugins.

    Returns:
        The answer of the plugin that ended the phase, or None.

    Raises:
        PluginFailure: a plugin has raised.
    """
    try:
        for plugin in plugins:
            if phase in plugin.phases:
                await _call(phase, exchange, plugin, watch)
    except Exit as exit:
        exchange.answered = True
        return exit
    exchange.answered = phase == WS_HANDSHAKE
    return None


async def run_each(
    phase: str, exchange: Exchange, plugins: Iterable[PluginInstance], watch: Watch
) -> list[PluginFailure]:
    """:meth:`run_phase` for a phase that nothing ends early: every plugin runs; the failures are returned."""
    failures = []
    for plugin in plugins:
        if phase in plugin.phases:
            try:
                await _call(phase, exchange, plugin, watch)
            except PluginFailure as failure:
                failures.append(failure)
    return failures


async def _call(phase: str, exchange: Exchange, plugin: PluginInstance, watch: Watch) -> None:
    kong = kong_for(exchange, plugin, phase)
    before = time.monotonic()
    try:
        result = plugin.method(phase)(kong)
        taken = time.monotonic() - before
        if watch.limit and taken > watch.limit:
            watch.slow(plugin.name, phase, taken)
        if hasattr(result, "__await__"):
            result = await _awaited(plugin.name, phase, result, watch)
            taken = time.monotonic() - before
        durations = watch.durations(plugin.name, phase)
        if durations is not None:
            durations.add(taken)
        if result is not None:
            watch.useless(plugin.name, phase, result)
    except (Exit, KeyboardInterrupt):
        raise
    except BaseException as error:
        if _is_our_own_cancellation(error):
            raise
        raise PluginFailure(plugin.name, phase, error) from error


async def _awaited(plugin: str, phase: str, awaitable: Awaitable[Any], watch: Watch) -> Any:
    if not watch.limit:
        return await awaitable
    watched = Watched(awaitable)
    try:
        return await watched
    finally:
        if watched.longest > watch.limit:
            watch.slow(plugin, phase, watched.longest)


def _is_our_own_cancellation(error: BaseException) -> bool:
    # A plugin may raise CancelledError too, or let one of a task of its own escape.
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def chain(side: str, exchange: Exchange, plugins: Iterable[PluginInstance], watch: Watch) -> Any | None:
    """The hook that runs the frame phase of ``side``; None where no plugin has it.

    Args:
        side: the sender, ``"client"`` or ``"upstream"``.
        exchange: the connection; its ``link`` must be there when the first frame comes.
        plugins: in their order.
        watch: who is told of slow plugins.
    """
    phase = FRAME_PHASE_OF[side]
    steps = [_step(side, phase, exchange, plugin, watch) for plugin in plugins if phase in plugin.phases]
    return _frames.Chain(phase, steps, watch, _finish).on_frame if steps else None


def _step(side: str, phase: str, exchange: Exchange, plugin: PluginInstance, watch: Watch) -> Any:
    def fresh() -> tuple[Kong, Any]:
        kong = kong_for(exchange, plugin, phase)
        return kong, getattr(kong.websocket, side)

    durations = watch.durations(plugin.name, phase)
    return _frames.Step(plugin.name, plugin.method(phase), fresh, not plugin.is_async(phase), durations)


async def _finish(chain: Any, awaitable: Awaitable[Any], index: int) -> Any:
    step = chain.steps[index - 1]
    face = step.face
    try:
        result = await _awaited(step.plugin, chain.phase, awaitable, chain.watch)
    except BaseException as error:
        chain.awaited(face)
        if isinstance(error, KeyboardInterrupt) or _is_our_own_cancellation(error):
            raise
        raise PluginFailure(step.plugin, chain.phase, error) from error
    chain.time_awaited(step)
    if result is not None:
        chain.watch.useless(step.plugin, chain.phase, result)
    if not chain.awaited(face):
        return chain.verdict()
    verdict = chain.run(index)
    return await verdict if hasattr(verdict, "__await__") else verdict
