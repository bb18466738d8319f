"""Options of sessions at three levels: the gateway's, a service's and a route's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kit.frames import close, text
from tests.kit.served import served

IDLE = {"idle_timeout": 150}
PATIENT = {"idle_timeout": 60_000}


async def ends_as_idle(tmp_path: Path, **levels: Any) -> bool:
    """Whether a session in which nobody speaks is over soon."""
    async with served(tmp_path, **levels) as gate, gate.talk() as talk:
        try:
            return await talk.closes() == ((1001, ""), (1001, ""))
        except TimeoutError:
            return False


@pytest.mark.parametrize(
    "levels",
    [
        {"gateway": {"options": IDLE}},
        {"service": {"options": IDLE}},
        {"route": {"options": IDLE}},
        {"service": {"options": IDLE, "read_timeout": 60_000}},
        {"gateway": {"options": PATIENT}, "service": {"options": IDLE}},
        {"gateway": {"options": PATIENT}, "service": {"options": PATIENT}, "route": {"options": IDLE}},
        {"service": {"read_timeout": 60_000}, "route": {"options": IDLE}},
    ],
    ids=["gateway", "service", "route", "over Kong's time", "over gateway", "over both", "route over Kong's time"],
)
async def test_the_nearest_level_holds(levels: dict[str, Any], tmp_path: Path) -> None:
    assert await ends_as_idle(tmp_path, **levels)


async def test_null_at_a_nearer_level_takes_a_limit_away(tmp_path: Path) -> None:
    async with served(tmp_path, gateway={"options": IDLE}, route={"options": {"idle_timeout": None}}) as gate:
        async with gate.talk() as talk:
            await talk.client.silent(0.4)
            talk.client.send(text("still here"))
            assert await talk.upstream.recv() == text("still here")


async def test_what_a_route_leaves_out_is_the_service_s(tmp_path: Path) -> None:
    levels = {"service": {"options": {"client_max_frame_size": 4}}, "route": {"options": PATIENT}}
    async with served(tmp_path, **levels) as gate, gate.talk() as talk:
        talk.client.send(text("12345"))
        assert await talk.client.recv_close() == (1009, "Payload Too Large")
        assert await talk.upstream.recv_close() == (1001, "")


async def test_pings_of_our_own_may_be_a_route_s_alone(tmp_path: Path) -> None:
    async with served(tmp_path, route={"options": {"ping_interval": 100, "ping_timeout": 60_000}}) as gate:
        async with gate.talk() as talk:
            for peer in (talk.client, talk.upstream):
                assert (await peer.recv()).opcode == 0x9
            talk.client.send(close(1000))
