"""A plugin that keeps the ``kong`` of its handshake and uses it when that is decided."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.kit.frames import close, text
from tests.kit.served import plugin, served

CHANGES = (
    "kong.service.set_retries(1)",
    "kong.service.set_target('127.0.0.1', 1)",
    "kong.service.set_timeouts(1, 1, 1)",
    "kong.service.request.set_header('x', 'y')",
    "kong.service.request.set_path('/x')",
    "kong.response.set_header('x', 'y')",
    "kong.response.exit(403)",
    "kong.client.authenticate({'id': 'x'}, None)",
    "kong.websocket.client.set_max_payload_size(1)",
    "kong.websocket.upstream.set_max_payload_size(1)",
)


@pytest.mark.parametrize("change", CHANGES)
async def test_nothing_of_the_handshake_can_be_changed_when_it_is_decided(change: str, tmp_path: Path) -> None:
    function = change.partition("(")[0]
    arguments = change.removeprefix(function)[1:-1]
    keeps = plugin(
        ws_handshake="kong.ctx.shared.kept = kong",
        ws_client_frame=f"kept = kong.ctx.shared.kept\nattempt(kept{function.removeprefix('kong')}, {arguments})",
    )
    async with served(tmp_path, {"one": keeps}) as gate, gate.talk() as talk:
        talk.client.send(text("now"))
        assert await talk.upstream.recv() == text("now")
        (said,) = gate.notes
        assert said.startswith(f"{function}: ws_handshake is over"), said


async def test_what_was_planned_can_still_be_looked_at(tmp_path: Path) -> None:
    keeps = plugin(
        ws_handshake="kong.service.request.set_header('x-team', 'red')\nkong.ctx.shared.kept = kong",
        ws_client_frame="note(kong.ctx.shared.kept.service.request.get_header('x-team'))",
    )
    async with served(tmp_path, {"one": keeps}) as gate, gate.talk() as talk:
        talk.client.send(text("now"))
        await gate.noted("red")


async def test_a_refusal_decides_the_handshake_too(tmp_path: Path) -> None:
    late = """
        async def later():
            await asyncio.sleep(0)
            attempt(kong.response.set_header, 'x', 'y')
        kong.ctx.shared.task = asyncio.ensure_future(later())
        kong.response.exit(403)
    """
    async with served(tmp_path, {"one": plugin(ws_handshake=late)}) as gate:
        head, _ = await gate.asked()
        assert head.status == 403
        await gate.noted(
            "kong.response.set_header: ws_handshake is over; it was called after the handshake had been decided"
        )


async def test_a_text_that_is_not_utf_8_is_its_senders_fault_whatever_the_options_say(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reads = plugin(ws_client_frame="note(kong.websocket.client.get_frame())")
    options = {"options": {"validate_utf8": False}}
    with caplog.at_level(logging.ERROR):
        async with served(tmp_path, {"one": reads}, gateway=options) as gate, gate.talk() as talk:
            talk.client.send(text(b"\xff"))
            assert await talk.closes() == ((1007, ""), (1001, ""))
            assert gate.notes == []
    assert caplog.messages == []


async def test_a_tls_client_that_leaves_behind_its_close_frame_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with served(tmp_path, {"one": plugin(ws_close="note('over')")}, secure=True) as gate:
        async with gate.talk() as talk:
            talk.client.send(close(1000))
            assert await talk.upstream.recv_close() == (1000, "")
            await talk.client.release()
            talk.upstream.send(close(1000))
            await talk.upstream.release()
            # Less than the lingering time-out, which would end it too.
            await gate.noted("over", patience=3.0)
