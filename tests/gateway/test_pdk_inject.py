"""Messages of a plugin's own, the record of the session, and what a plugin may do that has outlived its call."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.kit.frames import binary, close, cont, ping, pong, text
from tests.kit.served import FINE, SIDES, plugin, served

pytestmark = pytest.mark.usefixtures("loop_kind")

OTHER = {"client": "upstream", "upstream": "client"}


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    """Whose frame phase it is."""
    return request.param


def of_side(side: str, body: str, **more: Any) -> str:
    return plugin(**{f"ws_{side}_frame": body}, **more)


ON_GO = "if kong.websocket.{side}.get_frame()[0] == 'go':\n    "


# inject


@pytest.mark.parametrize(
    ("typ", "data", "got"),
    [
        ("text", "'grüße'", text("grüße")),
        ("text", "b'bytes'", text("bytes")),
        ("text", "''", text("")),
        ("binary", r"b'\xff'", binary(b"\xff")),
        ("binary", "'ü'", binary("ü".encode())),
        ("ping", "b'x' * 125", ping("x" * 125)),
        ("pong", "b''", pong()),
    ],
)
async def test_what_is_injected_goes_out_before_the_frame_in_flight(
    side: str, typ: str, data: str, got: Any, tmp_path: Path
) -> None:
    body = ON_GO.format(side=side) + f"kong.websocket.inject('{OTHER[side]}', '{typ}', {data})"
    async with served(tmp_path, {"one": of_side(side, body)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("before"), text("go"), text("behind"))
        assert await other.recv_many(4) == [text("before"), got, text("go"), text("behind")]


async def test_a_message_can_be_injected_toward_the_side_that_spoke(side: str, tmp_path: Path) -> None:
    body = ON_GO.format(side=side) + f"kong.websocket.inject('{side}', 'text', 'heard you')"
    async with served(tmp_path, {"one": of_side(side, body)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("go"))
        assert await end.recv() == text("heard you")
        assert await other.recv() == text("go")


async def test_several_injected_messages_keep_their_order(side: str, tmp_path: Path) -> None:
    calls = [f"kong.websocket.inject('{OTHER[side]}', 'text', '{number}')" for number in range(3)]
    async with served(tmp_path, {"one": of_side(side, "\n".join(calls))}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("x"))
        assert await other.recv_many(4) == [text("0"), text("1"), text("2"), text("x")]


async def test_a_dropped_frame_can_be_replaced_by_an_injected_one(side: str, tmp_path: Path) -> None:
    body = f"kong.websocket.inject('{OTHER[side]}', 'binary', b'instead')\nkong.websocket.{side}.drop_frame()"
    async with served(tmp_path, {"one": of_side(side, body)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("x"), text("y"))
        assert await other.recv_many(2) == [binary(b"instead")] * 2


async def test_a_message_can_be_injected_before_a_close_frame(side: str, tmp_path: Path) -> None:
    body = f"kong.websocket.inject('{OTHER[side]}', 'text', 'last words')"
    async with served(tmp_path, {"one": of_side(side, body)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(close(1000))
        assert await other.recv_many(2) == [text("last words"), close(1000)]


async def test_no_plugin_sees_what_is_injected(side: str, tmp_path: Path) -> None:
    frames = {f"ws_{one}_frame": f"note('{one}', kong.websocket.{one}.get_frame()[0])" for one in SIDES}
    inject = "\n".join(f"kong.websocket.inject('{to}', 'text', 'unseen')" for to in SIDES)
    plugins = {"first": of_side(side, inject, priority=2), "second": plugin(priority=1, **frames)}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("x"))
        await other.recv_many(2)
        assert await end.recv() == text("unseen")
    assert gate.notes == [(side, "x")]


async def test_the_pong_to_an_injected_ping_is_consumed(side: str, tmp_path: Path) -> None:
    frames = {f"ws_{one}_frame": f"note(kong.websocket.{one}.get_frame()[1:2])" for one in SIDES}
    inject = ON_GO.format(side=side) + f"kong.websocket.inject('{OTHER[side]}', 'ping', b'ours')"
    plugins = {"first": of_side(side, inject, priority=2), "second": plugin(priority=1, **frames)}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("go"))
        assert await other.recv_many(2) == [ping("ours"), text("go")]
        other.send(pong("ours"), pong("ours"), pong("own"))
        assert await end.recv_many(2) == [pong("ours"), pong("own")], "one pong answers one ping"
    assert gate.notes == [("text",), ("pong",), ("pong",)]


async def test_a_data_message_waits_for_the_end_of_one_that_streams_and_a_ping_does_not(tmp_path: Path) -> None:
    inject = "\n".join(f"kong.websocket.inject('client', '{typ}', b'{typ}')" for typ in ("text", "ping"))
    async with served(tmp_path, {"one": of_side("client", inject)}) as gate, gate.talk() as talk:
        talk.upstream.send(text("one ", fin=False))
        assert await talk.client.recv() == text("one ", fin=False)
        talk.client.send(text("x"))
        assert await talk.client.recv() == ping("ping")
        talk.upstream.send(cont("two", fin=True))
        assert await talk.client.recv_many(2) == [cont("two", fin=True), text("text")]


async def test_the_result_of_inject_may_be_awaited(side: str, tmp_path: Path) -> None:
    body = f"await kong.websocket.inject('{OTHER[side]}', 'text', 'first')\nnote('awaited')"
    async with served(tmp_path, {"one": of_side(side, body)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("x"))
        assert await other.recv_many(2) == [text("first"), text("x")]
    assert gate.notes == ["awaited"]


@pytest.mark.parametrize(
    "arguments",
    [
        "'nobody', 'text', 'x'",
        "None, 'text', 'x'",
        "'client', 'close', b''",
        "'client', 'continuation', b''",
        "'client', 'Text', 'x'",
        "'client', None, 'x'",
        r"'client', 'text', b'\xff'",
        r"'client', 'text', '\ud800'",
        "'client', 'text', None",
        "'client', 'text', 7",
        "'client', 'ping', b'x' * 126",
        "'client', 'pong', 'ü' * 63",
    ],
)
async def test_what_cannot_be_sent_cannot_be_injected(arguments: str, tmp_path: Path) -> None:
    async with (
        served(tmp_path, {"one": of_side("upstream", f"attempt(kong.websocket.inject, {arguments})")}) as gate,
        gate.talk() as talk,
    ):
        talk.upstream.send(text("x"))
        assert await talk.client.recv() == text("x")
    (said,) = gate.notes
    assert said.startswith("kong.websocket.inject: ")
    assert said != "kong.websocket.inject: "


async def test_nothing_can_be_injected_after_a_close(side: str, tmp_path: Path) -> None:
    attempts = "".join(f"attempt(kong.websocket.inject, '{to}', 'text', 'x')\n" for to in SIDES)
    async with (
        served(tmp_path, {"one": of_side(side, f"kong.websocket.{side}.close(1008)\n{attempts}")}) as gate,
        gate.talk() as talk,
    ):
        end, other = talk.ends(side)
        end.send(text("x"))
        assert await end.recv_close() == (1008, "")
        assert await other.recv_close() == (1001, "")
    assert gate.notes == [f"kong.websocket.inject: the {to} has been sent a close frame" for to in SIDES]


# session


async def test_the_record_counts_while_the_session_runs(side: str, tmp_path: Path) -> None:
    body = f"""
    r = kong.websocket.session()
    own = getattr(r, '{side}')
    note(own.frames, own.messages, own.bytes, own.dropped, own.changed, r.ended_by)
    data = kong.websocket.{side}.get_frame()[0]
    if data == 'drop':
        kong.websocket.{side}.drop_frame()
    elif data == 'change':
        kong.websocket.{side}.set_frame_data('changed')
    """
    async with served(tmp_path, {"one": of_side(side, body)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("drop"), text("change"), ping("p"), text("last"))
        await other.recv_many(3)
    assert gate.notes == [
        (1, 1, 4, 0, 0, None),
        (2, 2, 10, 1, 0, None),
        (3, 2, 11, 1, 1, None),
        (4, 3, 15, 1, 1, None),
    ]


# What outlives its call

BACKGROUND = """
async def later(kong, frames):
    await go.wait()
    note(tried(frames.get_frame), tried(frames.set_frame_data, "x"), tried(frames.drop_frame), tried(frames.close))
    note(tried(frames.set_max_payload_size, 10))
    note(tried(kong.websocket.inject, "client", "text", "from behind"))
    await over.wait()
    note(tried(kong.websocket.inject, "client", "text", "too late"), tried(frames.close))

go, over = asyncio.Event(), asyncio.Event()
"""

KINDS = ["sync", "async"]


def starting(side: str, kind: str) -> str:
    """A plugin whose first call leaves a task behind."""
    wait = "await asyncio.sleep(0)\n" if kind == "async" else ""
    body = f"""{wait}
data = kong.websocket.{side}.get_frame()[0]
if data == 'start':
    self.task = asyncio.ensure_future(later(kong, kong.websocket.{side}))
elif data == 'go':
    go.set()
"""
    return of_side(side, body, head=BACKGROUND, ws_close="over.set()\nawait self.task")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_task_that_a_plugin_leaves_behind_reaches_no_frame_but_may_inject(
    side: str, kind: str, tmp_path: Path
) -> None:
    async with served(tmp_path, {"one": starting(side, kind)}) as gate:
        async with gate.talk() as talk:
            end, other = talk.ends(side)
            end.send(text("start"))
            assert await other.recv() == text("start")
            end.send(text("go"), text("unharmed"))
            await gate.notes_come(3)
            assert await talk.client.recv() in (text("from behind"), text("go"), text("unharmed"))
        names = ("get_frame", "set_frame_data", "drop_frame", "close", "set_max_payload_size")
        phase = f"ws_{side}_frame"
        over = f"{phase} is over for this frame; it was called after the plugin had returned"
        said = [f"kong.websocket.{side}.{name}: {over}" for name in names]
        assert gate.notes[:3] == [tuple(said[:4]), said[4], FINE]
        late, closed = gate.notes[3]
        assert late.startswith("kong.websocket.inject: ")
        assert closed == said[3]


async def test_what_is_left_behind_cannot_touch_a_later_frame_that_waits(side: str, tmp_path: Path) -> None:
    head = """
    async def meddle(frames):
        await asyncio.sleep(0.005)
        attempt(frames.set_frame_data, "meddled")

    async def look(self, kong, frames):
        if frames.get_frame()[0] == "start":
            self.task = asyncio.ensure_future(meddle(frames))
        else:
            await asyncio.sleep(0.02)
    """
    for body in ("return look(self, kong, kong.websocket.{})", "await look(self, kong, kong.websocket.{})"):
        async with served(tmp_path, {"one": of_side(side, body.format(side), head=head)}) as gate:
            async with gate.talk() as talk:
                end, other = talk.ends(side)
                end.send(text("start"), text("waits"))
                assert await other.recv_many(2) == [text("start"), text("waits")]
            (said,) = gate.notes
            assert said.startswith(f"kong.websocket.{side}.set_frame_data: ")


async def test_kong_of_the_handshake_reaches_nothing_once_the_session_runs(tmp_path: Path) -> None:
    phases = {
        "ws_handshake": "self.kong = kong.websocket",
        "ws_client_frame": "attempt(self.kong.client.get_frame)\nattempt(self.kong.inject, 'client', 'text', 'x')",
    }
    async with served(tmp_path, {"one": plugin(**phases)}) as gate, gate.talk() as talk:
        talk.client.send(text("x"))
        assert await talk.upstream.recv() == text("x")
    assert [said.endswith("not in ws_handshake") for said in gate.notes] == [True, True]


async def test_a_timer_of_a_plugin_can_talk_to_an_idle_session(tmp_path: Path) -> None:
    body = """
    if kong.websocket.client.get_frame()[0] == "subscribe":
        loop = asyncio.get_running_loop()
        for tick in range(3):
            loop.call_later(0.002 * (tick + 1), kong.websocket.inject, "client", "text", f"tick {tick}")
    """
    async with served(tmp_path, {"one": plugin(ws_client_frame=body)}) as gate, gate.talk() as talk:
        talk.client.send(text("subscribe"))
        assert await talk.client.recv_many(3) == [text(f"tick {tick}") for tick in range(3)]
        await asyncio.sleep(0)
