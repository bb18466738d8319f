"""What lives how long: ``kong.ctx``, a plugin's object, and the one ``ws_close`` of a session."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.kit import heads, raw
from tests.kit.frames import Frame, close, cont, text
from tests.kit.raw import Script
from tests.kit.served import plugin, served

CLOSED = "r = kong.websocket.session()\nnote(r.ended_by, r.why)"


# ws_close


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("client closes", ("client", "close")),
        ("upstream closes", ("upstream", "close")),
        ("client leaves", ("client", "eof")),
        ("client resets", ("client", "eof")),
        ("upstream leaves", ("upstream", "eof")),
        ("upstream resets", ("upstream", "eof")),
        ("client breaks a rule", ("client", "protocol")),
    ],
)
async def test_ws_close_runs_once_for_every_ending(
    ending: str, told: tuple[str, str], loop_kind: str, tmp_path: Path
) -> None:
    async with served(tmp_path, {"one": plugin(ws_close=CLOSED)}) as gate:
        async with gate.talk() as talk:
            who, _, what = ending.partition(" ")
            end, other = talk.ends(who)
            if what == "closes":
                end.send(close(1000))
                await other.recv_close()
                other.send(close(1000))
                await end.recv_close()
            elif what == "leaves":
                end.close()
                await other.recv_close()
            elif what == "resets":
                end.reset()
                await other.recv_close()
            else:
                end.send(cont("of nothing", fin=True))
                await other.recv_close()
        assert gate.notes == [told]
        await asyncio.sleep(0.01)
        assert gate.notes == [told]


async def test_ws_close_has_the_finished_record(tmp_path: Path) -> None:
    body = """
    r = kong.websocket.session()
    note(r.client.frames, r.client.messages, r.client.bytes, r.upstream.frames, r.upstream.messages)
    note(r.client.close_received, r.client.close_sent, r.upstream.close_received, r.upstream.close_sent)
    note(r.duration > 0, r is kong.websocket.session())
    """
    async with served(tmp_path, {"one": plugin(ws_close=body)}) as gate:
        async with gate.talk() as talk:
            talk.client.send(text("abc", fin=False), cont("d", fin=True))
            await talk.upstream.recv_many(2)
            talk.client.send(close(4000, "x"))
            await talk.upstream.recv_close()
            talk.upstream.send(close(4000, "y"))
            await talk.client.recv_close()
    assert gate.notes == [(3, 1, 7, 1, 0), ((4000, "x"), (4000, "y"), (4000, "y"), (4000, "x")), (True, True)]


@pytest.mark.parametrize(
    ("script", "status"),
    [
        (raw.answer(heads.response("403 Forbidden", b"no")), 403),
        (raw.answer(heads.response("200 OK", b"hello")), 502),
        (raw.answer(b""), 502),
        (raw.accept(accept="wrong"), 502),
    ],
    ids=["refused", "no 101", "hung up", "a wrong 101"],
)
async def test_ws_close_does_not_run_where_the_upstream_does_not_let_in(
    script: Script, status: int, tmp_path: Path
) -> None:
    async with served(tmp_path, {"one": plugin(ws_close=CLOSED)}, script=script) as gate:
        head, _ = await gate.asked()
        await gate.idle()
        assert (head.status, gate.notes) == (status, [])


@pytest.mark.parametrize("phase", ["rewrite", "ws_handshake"])
@pytest.mark.parametrize(("body", "status"), [("kong.response.exit(401)", 401), ("raise KeyError('x')", 500)])
async def test_ws_close_does_not_run_where_a_plugin_does_not_let_in(
    phase: str, body: str, status: int, tmp_path: Path
) -> None:
    async with served(tmp_path, {"one": plugin(ws_close=CLOSED, **{phase: body})}) as gate:
        head, _ = await gate.asked()
        await gate.idle()
        assert (head.status, gate.notes) == (status, [])


async def test_ws_close_does_not_run_for_a_malformed_request_or_without_a_route(tmp_path: Path) -> None:
    async with served(tmp_path, {"one": plugin(ws_close=CLOSED)}, route={"paths": ["/known"]}) as gate:
        assert (await gate.asked(replace={"Sec-WebSocket-Key": "short"}))[0].status == 400
        assert (await gate.asked(replace={"Upgrade": None}))[0].status == 426
        assert (await gate.asked(target="/unknown"))[0].status == 404
        await gate.idle()
        assert gate.notes == []


async def test_ws_close_does_not_run_for_a_client_that_leaves_during_the_handshake(tmp_path: Path) -> None:
    plugins = {"one": plugin(ws_handshake="note('in')\nawait asyncio.sleep(0.1)", ws_close=CLOSED)}
    async with served(tmp_path, plugins) as gate:
        async with raw.dialled(gate.port) as client:
            client.send_raw(heads.upgrade_request())
            await gate.noted("in")
        await gate.idle()
        assert gate.notes == ["in"]


async def test_ws_close_runs_for_sessions_that_a_drain_ends(loop_kind: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": plugin(ws_close=CLOSED)}) as gate, gate.talk() as talk:
        draining = asyncio.ensure_future(gate.server.drain())
        assert await talk.closes() == ((1001, ""), (1001, ""))
        for peer in (talk.client, talk.upstream):
            peer.send(close(1001))
            peer.half_close()
        await draining
        assert gate.notes == [("proxy", "drain")]


async def test_ws_close_runs_for_sessions_that_a_drain_cuts_off(loop_kind: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": plugin(ws_close="await asyncio.sleep(0.01)\n" + CLOSED)}) as gate:
        async with gate.talk():
            await gate.server.drain(timeout=0.02)
            await gate.gateway.close()
            assert gate.notes == [("proxy", "drain")]


@pytest.mark.parametrize("sent", [text("x", fin=False), cont("y", fin=True)][:1])
async def test_a_plugin_with_ws_close_alone_leaves_frames_as_they_are(sent: Frame, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": plugin(ws_close="pass")}) as gate, gate.talk() as talk:
        for side in ("client", "upstream"):
            end, other = talk.ends(side)
            end.send(sent)
            assert await other.recv() == sent, "not joined"
            end.send(cont(b"\xff", fin=True))
            assert await other.recv() == cont(b"\xff", fin=True), "not read either"


# ctx

NOTE_CTX = "note(kong.ctx.{kind}.word)\nkong.ctx.{kind}.word = (kong.ctx.{kind}.word or '') + {letter!r}"


def writing(kind: str, letters: str, **more: int) -> str:
    phases = ("certificate", "rewrite", "ws_handshake", "ws_client_frame", "ws_upstream_frame", "ws_close")
    bodies = {phase: NOTE_CTX.format(kind=kind, letter=letter) for phase, letter in zip(phases, letters, strict=True)}
    return plugin(**bodies, **more)


@pytest.mark.parametrize("kind", ["shared", "plugin"])
async def test_what_is_kept_in_ctx_lives_as_long_as_the_connection(kind: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": writing(kind, "crhfus")}, secure=True) as gate:
        for _ in range(2):
            gate.notes.clear()
            async with gate.talk() as talk:
                talk.client.send(text("x"))
                await talk.upstream.recv()
                talk.upstream.send(text("x"))
                await talk.client.recv()
            assert gate.notes == [None, "c", "cr", "crh", "crhf", "crhfu"], "and no longer"


async def test_two_connections_at_once_have_each_their_own_ctx(tmp_path: Path) -> None:
    body = "note(kong.ctx.shared.name, kong.ctx.plugin.name)"
    start = "kong.ctx.shared.name = kong.ctx.plugin.name = kong.request.get_path()"
    async with (
        served(tmp_path, {"one": plugin(ws_handshake=start, ws_client_frame=body)}) as gate,
        gate.talk("/a") as first,
        gate.talk("/b") as second,
    ):
        for talk in (first, second, first):
            talk.client.send(text("x"))
            await talk.upstream.recv()
        assert gate.notes == [("/a", "/a"), ("/b", "/b"), ("/a", "/a")]


async def test_shared_is_for_all_plugins_and_plugin_for_one_configuration(tmp_path: Path) -> None:
    sets = "kong.ctx.shared.x = 'shared'\nkong.ctx.plugin.x = 'own'"
    reads = "note(kong.ctx.shared.x, kong.ctx.plugin.x)"
    plugins = {
        "first": plugin(priority=2, ws_handshake=sets, ws_close=reads),
        "second": plugin(priority=1, ws_handshake=reads),
    }
    async with served(tmp_path, plugins) as gate, gate.talk():
        pass
    assert gate.notes == [("shared", None), ("shared", "own")]


async def test_two_configurations_of_one_plugin_have_two_contexts(tmp_path: Path) -> None:
    both = "note(kong.ctx.plugin.x, kong.ctx.shared.x)\nkong.ctx.plugin.x = kong.ctx.shared.x = self.config['mark']"
    source = plugin(schema="({'mark': {'type': 'string'}},)", rewrite=both, ws_handshake=both, ws_close=both)
    use = [
        {"name": "one", "config": {"mark": "global"}},
        {"name": "one", "config": {"mark": "route"}, "route": "main"},
    ]
    async with served(tmp_path, {"one": source}, use=use) as gate, gate.talk():
        pass
    assert gate.notes == [(None, None), (None, "global"), ("route", "route")]


async def test_an_attribute_that_was_deleted_is_none_again(tmp_path: Path) -> None:
    body = """
    for space in (kong.ctx.shared, kong.ctx.plugin):
        space.x = 1
        del space.x
        del space.never
        note(space.x, space.never)
    """
    async with served(tmp_path, {"one": plugin(ws_handshake=body)}) as gate, gate.talk():
        assert gate.notes == [(None, None), (None, None)]


async def test_a_plugin_s_object_is_made_once_for_each_configuration(tmp_path: Path) -> None:
    body = "self.count = getattr(self, 'count', 0) + 1\nnote(self.config['mark'], self.count)"
    source = plugin(schema="({'mark': {'type': 'string'}},)", ws_handshake=body)
    services = [{"name": "aside", "url": "ws://127.0.0.1:9", "routes": [{"name": "side", "paths": ["/side"]}]}]
    use = [
        {"name": "one", "config": {"mark": "a"}, "service": "main"},
        {"name": "one", "config": {"mark": "b"}, "service": "aside"},
    ]
    async with served(tmp_path, {"one": source}, use=use, services=services) as gate:
        async with gate.talk():
            pass
        await gate.asked(target="/side")
        async with gate.talk():
            pass
    assert gate.notes == [("a", 1), ("b", 1), ("a", 2)]
