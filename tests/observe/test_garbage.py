"""Counting keeps nothing of a session alive: its objects go with it, and wait for no garbage collection."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path

import pytest

from framegate.connection import ClientConnection
from framegate.gateway.live import LiveSession
from framegate.pdk.exchange import Exchange
from tests.gateway.test_serving_endings import settled
from tests.kit.served import plugin, served

KINDS = (ClientConnection, Exchange, LiveSession)


def alive() -> Counter[str]:
    return Counter(type(found).__name__ for found in gc.get_objects() if isinstance(found, KINDS))


@pytest.mark.parametrize("phase", ["ws_client_frame", "ws_close"])
async def test_nothing_of_a_session_is_left(tmp_path: Path, phase: str) -> None:
    body = "kong.websocket.client.get_frame()" if phase == "ws_client_frame" else "pass"
    async with served(tmp_path, {"looks": plugin(**{phase: body})}) as gate:
        await gate.serves_on()
        await settled(gate)
        gc.collect()
        before = alive()
        gc.disable()
        try:
            for _ in range(5):
                await gate.serves_on()
            await settled(gate)
            assert alive() == before
        finally:
            gc.enable()
