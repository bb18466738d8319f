"""Plugins that wait: their lane waits with them and keeps its order, everything else goes on."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.kit import heads, raw
from tests.kit.frames import binary, close, cont, ping, pong, text
from tests.kit.served import SIDES, plugin, served

pytestmark = pytest.mark.usefixtures("loop_kind")

OTHER = {"client": "upstream", "upstream": "client"}


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    """Whose frames the plugins are for."""
    return request.param


def waiting_for(word: str) -> str:
    """A frame phase that waits a little on the frames with this payload."""
    return f"""
    data, typ, status = getattr(kong.websocket, self.side).get_frame()
    if data in ({word!r}, {word.encode()!r}):
        note("waits")
        await asyncio.sleep(0.02)
    note(data)
    """


def of_side(side: str, body: str, **more: object) -> str:
    body = body.replace("getattr(kong.websocket, self.side)", f"kong.websocket.{side}")
    return plugin(**{f"ws_{side}_frame": body}, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("slow", ["text", "ping", "binary"])
async def test_a_lane_whose_plugin_waits_keeps_its_order(side: str, slow: str, tmp_path: Path) -> None:
    sent = {"text": text("text"), "ping": ping("ping"), "binary": binary(b"binary"), "pong": pong("pong")}
    order = [sent[slow], *(frame for name, frame in sent.items() if name != slow), close(1000, "end")]
    async with served(tmp_path, {"one": of_side(side, waiting_for(slow))}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(*order)
        assert await other.recv_many(5) == order, "control frames included"


async def test_the_other_lane_goes_on_while_one_waits(side: str, tmp_path: Path) -> None:
    head = "go = asyncio.Event()"
    body = "note('in')\nawait go.wait()"
    sources = {
        "one": plugin(head=head, **{f"ws_{side}_frame": body, f"ws_{OTHER[side]}_frame": "note('passes')\ngo.set()"})
    }
    async with served(tmp_path, sources) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("waits"))
        await gate.noted("in")
        other.send(text("passes"))
        assert await end.recv() == text("passes")
        assert await other.recv() == text("waits")
    assert gate.notes == ["in", "passes"]


@pytest.mark.parametrize("kinds", list(itertools.product(("sync", "async"), repeat=3)), ids="-".join)
async def test_async_and_sync_plugins_mix_in_any_order(side: str, kinds: tuple[str, ...], tmp_path: Path) -> None:
    sources = {}
    for number, kind in enumerate(kinds):
        frames = f"kong.websocket.{side}"
        body = f"data = {frames}.get_frame()[0]\n" + ("await asyncio.sleep(0)\n" if kind == "async" else "")
        body += f"{frames}.set_frame_data(data + '{number}')\nnote({frames}.get_frame()[0])"
        sources[f"p{number}"] = plugin(priority=10 - number, **{f"ws_{side}_frame": body})
    async with served(tmp_path, sources) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("a"), text("b"))
        assert await other.recv_many(2) == [text("a012"), text("b012")]
    assert gate.notes == ["a0", "a01", "a012", "b0", "b01", "b012"]


@pytest.mark.parametrize("decision", ["drop_frame", "close"])
async def test_what_an_async_plugin_decides_skips_the_later_ones(side: str, decision: str, tmp_path: Path) -> None:
    sources = {
        "first": of_side(side, f"await asyncio.sleep(0)\nkong.websocket.{side}.{decision}()", priority=2),
        "second": of_side(side, "note('second')", priority=1),
    }
    async with served(tmp_path, sources) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("x"), text("y"))
        if decision == "close":
            assert await talk.closes() == ((1000, ""), (1000, ""))
        else:
            await other.silent(0.02)
    assert gate.notes == []


async def test_an_async_plugin_holds_one_frame_at_a_time(side: str, tmp_path: Path) -> None:
    body = f"""
    data = kong.websocket.{side}.get_frame()[0]
    self.running = getattr(self, "running", 0) + 1
    await asyncio.sleep(0.001)
    note(data, self.running)
    self.running -= 1
    """
    async with served(tmp_path, {"one": of_side(side, body)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(*(text(str(number)) for number in range(5)))
        await other.recv_many(5)
    assert gate.notes == [(str(number), 1) for number in range(5)]


async def test_fragments_are_joined_while_a_plugin_waits(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": of_side(side, waiting_for("slow"))}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("slow"), text("jo", fin=False), cont("in", fin=False), cont("ed", fin=True))
        assert await other.recv_many(2) == [text("slow"), text("joined")]


async def test_what_was_sent_before_its_sender_left_still_passes(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": of_side(side, waiting_for("slow"))}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("slow"), text("behind it"))
        end.half_close()
        assert await other.recv_many(2) == [text("slow"), text("behind it")]
        code = 1001 if side == "client" else 1014
        assert (await other.recv_close())[0] == code


async def test_a_waiting_plugin_is_cancelled_when_its_session_is_over(side: str, tmp_path: Path) -> None:
    body = """
    note("in")
    try:
        await asyncio.sleep(60)
    finally:
        note("cancelled")
    """
    async with served(tmp_path, {"one": of_side(side, body, ws_close="note('closed')")}) as gate:
        async with gate.talk() as talk:
            end, other = talk.ends(side)
            end.send(text("x"))
            await gate.noted("in")
            other.send(close(1000))
            await end.recv_close()
            end.reset()
            other.reset()
            await gate.notes_come(3)
        assert sorted(gate.notes[1:]) == ["cancelled", "closed"]


async def test_a_session_whose_plugin_waits_can_be_closed_from_the_other_side(side: str, tmp_path: Path) -> None:
    other_side = OTHER[side]
    phases = {f"ws_{side}_frame": "note('in')\nawait asyncio.sleep(60)"}
    phases[f"ws_{other_side}_frame"] = f"kong.websocket.{other_side}.close(1008, 'no')"
    async with served(tmp_path, {"one": plugin(**phases)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("x"))
        await gate.noted("in")
        other.send(text("close it"))
        assert await other.recv_close() == (1008, "no")
        assert await end.recv_close() == (1001, "")


# The phases of the connection


async def test_async_phases_run_one_after_the_other(tmp_path: Path) -> None:
    def body(name: str) -> str:
        return f"note('{name} begins')\nawait asyncio.sleep(0.002)\nnote('{name} ends')"

    phases = ("rewrite", "ws_handshake", "ws_close")
    plugins = {
        name: plugin(priority=p, **{ph: body(f"{name} {ph}") for ph in phases}) for name, p in (("a", 2), ("b", 1))
    }
    async with served(tmp_path, plugins) as gate, gate.talk():
        pass
    assert gate.notes == [f"{name} {ph} {what}" for ph in phases for name in "ab" for what in ("begins", "ends")]


async def test_an_async_certificate_phase_is_awaited_before_the_client_is_shown_one(tmp_path: Path) -> None:
    phases = {"certificate": "await asyncio.sleep(0.005)\nnote(kong.request.get_host())", "rewrite": "note('rewrite')"}
    async with served(tmp_path, {"one": plugin(**phases)}, secure=True) as gate, gate.talk():
        assert gate.notes == ["localhost", "rewrite"]


async def test_an_async_handshake_may_wait_and_then_decide(tmp_path: Path) -> None:
    body = """
    await asyncio.sleep(0.005)
    if kong.request.get_query_arg("who") != "ann":
        kong.response.exit(401, {"message": "who?"})
    kong.service.request.set_header("x-who", "ann")
    """
    async with served(tmp_path, {"one": plugin(ws_handshake=body)}) as gate:
        head, refused = await gate.asked()
        assert (head.status, refused) == (401, b'{"message":"who?"}')
        assert (await gate.upstream_head("/?who=ann")).get("x-who") == "ann"


async def test_nothing_goes_to_the_upstream_while_the_handshake_phase_waits(tmp_path: Path) -> None:
    head = "go = asyncio.Event()"
    phases = {
        "ws_handshake": "note('in')\nawait go.wait()",
        "ws_client_frame": "note(kong.websocket.client.get_frame()[0])",
    }
    body = "go.set()\nkong.response.exit(404)"
    release = "if kong.request.get_path() == '/release':\n" + "".join(f"    {line}\n" for line in body.splitlines())
    async with served(tmp_path, {"one": plugin(head=head, rewrite=release, **phases)}) as gate:
        async with raw.dialled(gate.port) as client:
            client.send_raw(heads.upgrade_request() + client.encode(text("early")))
            await gate.noted("in")
            assert gate.origin.connections == 0
            await gate.asked(target="/release")
            assert (await client.recv_head()).status == 101
            upstream = await gate.origin.accepted()
            assert await upstream.recv() == text("early")
        await upstream.release()
        assert gate.notes == ["in", "early"]


async def test_connections_do_not_wait_for_each_other_s_plugins(tmp_path: Path) -> None:
    body = "if kong.request.get_path() == '/slow':\n    note('slow')\n    await asyncio.sleep(60)"
    async with served(tmp_path, {"one": plugin(ws_handshake=body)}) as gate:
        async with raw.dialled(gate.port) as slow:
            slow.send_raw(heads.upgrade_request("/slow"))
            await gate.noted("slow")
            async with gate.talk() as talk:
                talk.client.send(text("x"))
                assert await talk.upstream.recv() == text("x")
                await gate.server.drain(timeout=0.02)
            await slow.gone()


@pytest.mark.parametrize("result", ["later(kong)", "asyncio.ensure_future(later(kong))"])
async def test_a_plain_def_may_return_an_awaitable(side: str, result: str, tmp_path: Path) -> None:
    head = f"""
    async def later(kong):
        await asyncio.sleep(0)
        kong.websocket.{side}.set_frame_data("later")
    """
    async with served(tmp_path, {"one": of_side(side, f"return {result}", head=head)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("x"), text("y"))
        assert await other.recv_many(2) == [text("later"), text("later")]
