"""A page in Chromium, framegate, and an echo of ``websockets``."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets.asyncio.server
from websockets.exceptions import ConnectionClosed

import framegate
from tests.interop.chromium import missing, visit

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.patience(90),
]

DEFLATE = "permessage-deflate"
SAID = "what is said again and again; "
OCTETS = list(range(256))


def shout(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    # Chromium sends long messages in fragments.
    changes = origin == "client" and typ in ("text", "continuation") and payload != b"close me"
    return payload.upper() if changes else payload


@asynccontextmanager
async def through(closes: list[Any], **options: Any) -> AsyncIterator[str]:
    """The URL of a gateway before an echo that notes how its sessions end."""

    async def echo(connection: websockets.asyncio.server.ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                if message == "close me":
                    await connection.close(4002, "as asked")
                else:
                    await connection.send(message)
        closes.append((connection.close_code, connection.close_reason))

    serving = websockets.asyncio.server.serve(echo, "127.0.0.1", 0, subprotocols=["chat"])  # type: ignore[list-item]
    async with serving as upstream:
        url = f"ws://127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
        async with framegate.reverse_proxy(url, "127.0.0.1", 0, **options) as server:
            yield f"ws://127.0.0.1:{server.port}/room"


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        ({"compression": "terminate", "on_frame": shout}, DEFLATE),
        ({"compression": "auto", "on_frame": shout, "aggregate_fragments": True}, DEFLATE),
        ({"compression": "off", "on_frame": shout}, ""),
    ],
    ids=["terminated", "terminated and joined", "off"],
)
async def test_a_hook_edits_what_a_page_says(options: dict[str, Any], selected: str, tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        *({"text": f"{SAID}{number}", "times": 30} for number in range(10)),
        {"text": ""},
        {"text": "grün €"},
        {"bytes": OCTETS},
        {"text": "ab", "times": 1 << 18},
        {"close": [4001, "grün €"]},
    ]
    closes: list[Any] = []
    async with through(closes, **options) as url:
        result = await visit(url, steps, tmp_path)
    assert "error" not in result
    assert result["opened"] == {"extensions": selected, "protocol": "chat"}
    assert result["heard"] == [
        *(f"{SAID}{number}".upper() * 30 for number in range(10)),
        "",
        "GRüN €",
        OCTETS,
        "AB" * (1 << 18),
    ]
    assert result["closed"] == {"code": 4001, "reason": "grün €", "clean": True}
    assert closes == [(4001, "grün €")]


async def test_compressed_messages_pass_between_page_and_upstream(tmp_path: Path) -> None:
    steps = [{"text": SAID, "times": 30}, {"bytes": OCTETS}, {"text": SAID, "times": 30}, {"close": [1000, ""]}]
    async with through([]) as url:
        result = await visit(url, steps, tmp_path)
    # The upstream's own answer, windows and all.
    assert result["opened"]["extensions"].startswith(f"{DEFLATE}; ")
    assert result["heard"] == [SAID * 30, OCTETS, SAID * 30]
    assert result["closed"] == {"code": 1000, "reason": "", "clean": True}


async def test_a_page_hears_the_upstreams_close_code_and_reason(tmp_path: Path) -> None:
    async with through([], on_frame=shout) as url:
        result = await visit(url, [{"text": SAID}, {"text": "close me"}], tmp_path)
    assert result["heard"] == [SAID.upper()]
    assert result["closed"] == {"code": 4002, "reason": "as asked", "clean": True}


async def test_a_page_that_says_too_much_is_1009(tmp_path: Path) -> None:
    async with through([], on_frame=shout, client_max_frame_size=1000) as url:
        result = await visit(url, [{"text": "a", "times": 1000}, {"text": "a", "times": 1001}], tmp_path)
    assert result["heard"] == ["A" * 1000]
    assert result["closed"] == {"code": 1009, "reason": "Payload Too Large", "clean": True}
