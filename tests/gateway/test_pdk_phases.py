"""Which function of ``kong`` may be called in which phase; in another one it tells where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest

from framegate.pdk.phases import PHASES
from tests.kit.frames import close, text
from tests.kit.served import FINE, SIDES, plugin, served

OWN_PHASE = {"client": "ws_client_frame", "upstream": "ws_upstream_frame"}

ARGUMENTS = {
    "get_frame": "",
    "set_frame_data": "'x'",
    "set_status": "1001",
    "drop_frame": "",
    "close": "1000, 'x'",
    "set_max_payload_size": "100",
}


async def tried_everywhere(folder: Path, call: str, *, last: str = "client", on_close: bool = False) -> dict[str, str]:
    """What a call comes to in each phase of one session.

    Args:
        call: the source of the call.
        last: the side that sends the last frame, after one of the other side has passed.
        on_close: whether that one is a close frame.
    """
    bodies = {phase: f"note('{phase}', tried(lambda: {call}))" for phase in PHASES}
    async with served(folder, {"caller": plugin(**bodies)}, secure=True) as gate:
        async with gate.talk() as talk:
            end, other = talk.ends(last)
            other.send(text("one"))
            await end.recv()
            end.send(close(1000) if on_close else text("two"))
            await gate.notes_come(len(PHASES) - 1)
    assert len(gate.notes) == len(PHASES)
    return dict(gate.notes)


@pytest.mark.parametrize("function", ARGUMENTS)
@pytest.mark.parametrize("side", SIDES)
async def test_a_function_of_a_side_works_in_the_phases_that_its_error_names(
    side: str, function: str, tmp_path: Path
) -> None:
    name = f"kong.websocket.{side}.{function}"
    own = OWN_PHASE[side]
    allowed = ("ws_handshake", own) if function == "set_max_payload_size" else (own,)
    call = f"{name}({ARGUMENTS[function]})"
    said = await tried_everywhere(tmp_path, call, last=side, on_close=function == "set_status")
    assert said == {
        phase: FINE if phase in allowed else f"{name} may be called in {' and '.join(allowed)}, not in {phase}"
        for phase in PHASES
    }


async def test_inject_works_in_both_frame_phases(tmp_path: Path) -> None:
    said = await tried_everywhere(tmp_path, "kong.websocket.inject('upstream', 'ping', b'x')", last="upstream")
    rule = "kong.websocket.inject may be called in ws_client_frame and ws_upstream_frame, not in "
    assert said == {phase: FINE if phase.endswith("_frame") else rule + phase for phase in PHASES}


async def test_session_works_in_the_frame_phases_and_in_ws_close(tmp_path: Path) -> None:
    said = await tried_everywhere(tmp_path, "kong.websocket.session()")
    rule = "kong.websocket.session may be called in ws_client_frame and ws_upstream_frame and ws_close, not in "
    before = ("certificate", "rewrite", "ws_handshake")
    assert said == {phase: rule + phase if phase in before else FINE for phase in PHASES}


@pytest.mark.parametrize(
    "call",
    [
        "service.set_target('127.0.0.1', 1)",
        "service.set_timeouts(1, 1, 1)",
        "service.set_retries(1)",
        "service.request.set_header('x-a', 'b')",
        "service.request.add_header('x-a', 'b')",
        "service.request.clear_header('x-a')",
        "service.request.set_path('/')",
        "service.request.set_query({})",
        "response.set_header('x-a', 'b')",
        "response.add_header('x-a', 'b')",
        "response.exit(400)",
        "client.authenticate(None, {'id': 'x'})",
    ],
)
async def test_what_concerns_request_and_answer_works_before_the_answer(call: str, tmp_path: Path) -> None:
    bodies = {phase: f"note('{phase}', tried(lambda: kong.{call}))" for phase in PHASES if phase not in BEFORE}
    async with served(tmp_path, {"caller": plugin(**bodies)}, secure=True) as gate:
        async with gate.talk() as talk:
            talk.client.send(text("one"))
            await talk.upstream.recv()
            talk.upstream.send(text("two"))
            await talk.client.recv()
    name = f"kong.{call.partition('(')[0]}"
    assert dict(gate.notes) == {
        phase: f"{name} may be called in rewrite and ws_handshake, not in {phase}"
        for phase in PHASES
        if phase not in BEFORE
    }


BEFORE = ("rewrite", "ws_handshake")


@pytest.mark.parametrize(
    "call",
    [
        "request.get_header('host')",
        "request.get_path()",
        "client.get_ip()",
        "client.get_consumer()",
        "router.get_route()",
        "router.get_service()",
        "ctx.shared.anything",
        "ctx.plugin.anything",
        "log.debug('x')",
        "ip.is_trusted('127.0.0.1')",
        "node.get_id()",
    ],
)
async def test_the_other_nouns_work_in_every_phase(call: str, tmp_path: Path) -> None:
    said = await tried_everywhere(tmp_path, f"kong.{call}")
    assert said == dict.fromkeys(PHASES, FINE)


async def test_every_phase_of_a_connection_comes_in_its_order(tmp_path: Path) -> None:
    bodies = {phase: f"note('{phase}')" for phase in PHASES}
    async with served(tmp_path, {"caller": plugin(**bodies)}, secure=True) as gate, gate.talk() as talk:
        await talk.bye()
    assert gate.notes == [*PHASES[:3], "ws_client_frame", "ws_upstream_frame", "ws_close"]


async def test_a_plain_client_has_no_certificate_phase(tmp_path: Path) -> None:
    bodies = {phase: f"note('{phase}')" for phase in PHASES}
    async with served(tmp_path, {"caller": plugin(**bodies)}) as gate, gate.talk() as talk:
        await talk.bye()
    assert gate.notes == [*PHASES[1:3], "ws_client_frame", "ws_upstream_frame", "ws_close"]
