"""``close()``: which side is told what, what omitted arguments mean, and what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kit.frames import Frame, binary, close, cont, ping, text
from tests.kit.served import FINE, SIDES, plugin, served

both_loops = pytest.mark.usefixtures("loop_kind")


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    """Whose frame phase closes; each rule holds for both."""
    return request.param


def closing(side: str, arguments: str, **more: Any) -> str:
    return plugin(**{f"ws_{side}_frame": f"kong.websocket.{side}.close({arguments})"}, **more)


@pytest.mark.parametrize(
    ("arguments", "own", "peer"),
    [
        ("", (1000, ""), (1000, "")),
        ("1000, 'bye'", (1000, "bye"), (1000, "bye")),
        ("1001, 'bye'", (1001, "bye"), (1001, "bye")),
        ("message='bye'", (1000, "bye"), (1000, "bye")),
        ("1008, 'no'", (1008, "no"), (1001, "")),
        ("4000, 'no'", (4000, "no"), (1001, "")),
        ("1009, 'a', 1001, 'b'", (1009, "a"), (1001, "b")),
        ("1008, 'no', 3000", (1008, "no"), (3000, "")),
        ("1000, 'bye', 1000", (1000, "bye"), (1000, "")),
        ("1000, 'bye', 4999", (1000, "bye"), (4999, "")),
        ("1000, 'bye', None, 'for you'", (1000, "bye"), (1000, "for you")),
        ("1008, 'no', None, 'for you'", (1008, "no"), (1001, "for you")),
        ("peer_status=1012, peer_message='b'", (1000, ""), (1012, "b")),
        ("1000, 'x' * 123, 1000, 'y' * 123", (1000, "x" * 123), (1000, "y" * 123)),
    ],
)
async def test_the_first_pair_goes_to_the_function_s_own_side(
    side: str, arguments: str, own: tuple[int, str], peer: tuple[int, str], tmp_path: Path
) -> None:
    async with served(tmp_path, {"one": closing(side, arguments)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("go"))
        assert await end.recv_close() == own
        assert await other.recv_close() == peer, "and nothing before it: the frame in flight is not forwarded"


@pytest.mark.parametrize("sent", [binary(b"x"), ping("x"), close(1000, "my own")], ids=repr)
async def test_any_frame_can_be_answered_with_a_close(side: str, sent: Frame, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": closing(side, "1008, 'no'")}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(sent)
        assert await end.recv_close() == (1008, "no")
        assert await other.recv_close() == (1001, "")


@pytest.mark.parametrize(
    "arguments",
    [
        *(f"{status}" for status in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)),
        *(f"1000, '', {status}" for status in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)),
        "1000, 'x' * 124",
        "1000, 'ü' * 62",
        "1000, 'x' * 124, 1000, ''",
        "1000, '', 1000, 'x' * 124",
        "1000, '', None, 'x' * 124",
        r"1000, '\ud800'",
        "'1000'",
        "1000.0",
        "None",
        "1000, b'x'",
        "1000, None",
        "1000, '', '1000'",
        "1000, '', 1000, b'x'",
        "True",
    ],
)
async def test_what_may_not_be_sent_is_refused_and_nothing_is_sent(side: str, arguments: str, tmp_path: Path) -> None:
    body = f"attempt(lambda: kong.websocket.{side}.close({arguments}))"
    async with served(tmp_path, {"one": plugin(**{f"ws_{side}_frame": body})}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("go"))
        assert await other.recv() == text("go"), "the plugin went on, and so does the frame"
        other.send(text("back"))
        assert await end.recv() == text("back")
    (said,) = gate.notes
    assert said.startswith(f"kong.websocket.{side}.close: ")


async def test_a_refused_close_that_the_plugin_does_not_catch_is_its_failure(
    side: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path, {"one": closing(side, "1005")}) as gate:
        async with gate.talk() as talk:
            talk.ends(side)[0].send(text("go"))
            assert await talk.closes() == ((1011, ""), (1011, ""))
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert f"plugin 'one' in ws_{side}_frame failed" in line
    assert "1005" in line
    assert "one.py:" in line, "the plugin's own line is named"


@both_loops
async def test_later_plugins_do_not_run_and_nothing_more_is_relayed(side: str, tmp_path: Path) -> None:
    plugins = {
        "first": closing(side, "1008", priority=2),
        "second": plugin(ws_client_frame="note('client')", ws_upstream_frame="note('upstream')", priority=1),
    }
    async with served(tmp_path, plugins) as gate:
        async with gate.talk() as talk:
            end, other = talk.ends(side)
            end.send(text("go"), text("more"), binary(b"and more"))
            await talk.closes()
            other.send(text("too late"), close(1001))
            end.send(text("too late"), close(1008))
            await end.ended()
            await other.ended()
        assert gate.notes == []


@both_loops
async def test_messages_that_had_passed_stand_before_the_close_frame(side: str, tmp_path: Path) -> None:
    body = f"if kong.websocket.{side}.get_frame()[0] == 'go':\n    kong.websocket.{side}.close()"
    async with served(tmp_path, {"one": plugin(**{f"ws_{side}_frame": body})}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("one"), ping("two"), text("go"), text("never"))
        assert await other.recv_many(3) == [text("one"), ping("two"), close(1000)]


@both_loops
async def test_the_other_side_s_unfinished_message_ends_with_the_close_frame(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": closing(side, "1000, 'bye'")}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        other.send(text("half", fin=False))
        assert await end.recv() == text("half", fin=False)
        end.send(text("go"))
        assert await end.recv_close() == (1000, "bye")
        other.send(cont("too late", fin=True))
        assert await other.recv_close() == (1000, "bye")


@both_loops
async def test_close_works_in_an_async_plugin_and_sends_at_once(side: str, tmp_path: Path) -> None:
    head = "gone = asyncio.Event()"
    body = f"kong.websocket.{side}.close(1008, 'no')\nnote('closed')\nawait gone.wait()"
    async with served(tmp_path, {"one": plugin(head=head, **{f"ws_{side}_frame": body})}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("go"))
        assert await end.recv_close() == (1008, "no")
        assert await other.recv_close() == (1001, "")
        await gate.noted("closed")
        end.send(close(1008))
        other.send(close(1001))
        await end.ended()
        await other.ended()


@both_loops
async def test_a_second_close_of_the_other_frame_phase_changes_nothing(tmp_path: Path) -> None:
    phases = {
        "ws_client_frame": "note('waits')\nawait go.wait()\nattempt(kong.websocket.client.close, 4000, 'second')",
        "ws_upstream_frame": "kong.websocket.upstream.close(1000, 'first')\ngo.set()",
    }
    plugins = {"one": plugin(head="go = asyncio.Event()", **phases)}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        talk.client.send(text("slow"))
        await gate.noted("waits")
        talk.upstream.send(text("fast"))
        assert await talk.closes() == ((1000, "first"), (1000, "first"))
        await gate.noted("waits", FINE)
        talk.client.send(close(1000))
        talk.upstream.send(close(1000))
        await talk.client.ended()
        await talk.upstream.ended()


@both_loops
async def test_the_record_says_that_a_policy_has_ended_the_session(side: str, tmp_path: Path) -> None:
    close_note = "r = kong.websocket.session()\nnote(r.ended_by, r.why, r.client.close_sent, r.upstream.close_sent)"
    async with served(tmp_path, {"one": closing(side, "1008, 'no'", ws_close=close_note)}) as gate:
        async with gate.talk() as talk:
            talk.ends(side)[0].send(text("go"))
            await talk.closes()
    told = {side: (1008, "no")}
    assert gate.notes == [("proxy", "policy", told.get("client", (1001, "")), told.get("upstream", (1001, "")))]
