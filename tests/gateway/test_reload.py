"""Reloads within one process: what counts as a change, whom it reaches, and what is left of the old configuration."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from framegate.gateway.site import Key, Opened, Site, Swap
from framegate.listeners import open_listeners
from framegate.operate.source import Source
from tests.kit import frames, heads, raw
from tests.kit.raw import RawPeer

TAG = """\
Schema = ({"word": {"type": "string", "required": True}},)
version = "1.0"
priority = %d

class Plugin:
    def __init__(self, config):
        self.word = config["word"]

    def ws_handshake(self, kong):
        kong.ctx.plugin.began = self.word

    async def slow(self, kong):
        pass

    def ws_client_frame(self, kong):
        data, typ, status = kong.websocket.client.get_frame()
        if typ == "text":
            kong.websocket.client.set_frame_data(f"{data}|{self.word}{kong.router.get_service()['name']}")

    def ws_close(self, kong):
        print("closed", self.word, kong.ctx.plugin.began)
"""


class Town:
    """A site, and the file that it serves."""

    def __init__(self, folder: Path, upstream: str) -> None:
        self.folder = folder
        self.upstream = upstream
        (folder / "plugins").mkdir()
        self.plugin("tag")
        self.source = Source(str(folder / "gateway.yaml"))
        self.site = Site(self._open)

    def plugin(self, name: str, source: str = TAG % 10) -> None:
        (self.folder / "plugins" / f"{name}.py").write_text(source)

    async def _open(self, key: Key, listen: Any) -> Opened:
        return Opened(await open_listeners(listen.host, listen.port, listen.path, None))

    async def serve(self, **sections: Any) -> Swap:
        """Serve a file with these sections beside its one service."""
        config = {"name": "tag", "config": {"word": sections.pop("word", "a")}}
        service = {
            "name": "main",
            "url": self.upstream,
            "routes": [{"name": "main", "paths": ["/"]}],
            "plugins": [config],
            **sections.pop("service", {}),
        }
        gateway = {"listen": ["127.0.0.1:0"], "plugin_paths": ["plugins"], **sections.pop("gateway", {})}
        content = {"_format_version": "3.0", "gateway": gateway, "services": [service], **sections}
        attempt = self.source.read(yaml.safe_dump(content).encode())
        assert attempt.config is not None, attempt.problems
        try:
            return self.site.commit(await self.site.prepare(attempt.config))
        finally:
            self.source.forget(self.site.packages())

    @property
    def port(self) -> int:
        (server,) = self.site.servers.values()
        assert server.port is not None
        return server.port

    @asynccontextmanager
    async def talk(self, origin: raw.RawUpstream) -> AsyncIterator[tuple[RawPeer, RawPeer]]:
        async with raw.connected(self.port) as client:
            upstream = await origin.accepted()
            yield client, upstream
            await client.release()
            await upstream.release()


@asynccontextmanager
async def town(folder: Path, script: Any = None) -> AsyncIterator[tuple[Town, raw.RawUpstream]]:
    async with raw.raw_upstream(script) as origin:
        place = Town(folder, origin.url)
        await place.serve()
        try:
            yield place, origin
        finally:
            async with asyncio.timeout(15):
                for server in place.site.servers.values():
                    await server.drain(timeout=0.05)
                await place.site.drain()


async def passes(client: RawPeer, upstream: RawPeer, said: str, comes: str) -> None:
    client.send(frames.text(said))
    assert await upstream.recv() == frames.text(comes)


async def test_a_session_whose_handshake_is_under_way_is_served_by_the_new_configuration(tmp_path: Path) -> None:
    dialled, go_on = asyncio.Event(), asyncio.Event()
    accept = raw.accept()

    async def slowly(peer: RawPeer) -> None:
        dialled.set()
        await go_on.wait()
        await accept(peer)

    async with town(tmp_path, slowly) as (place, origin), raw.dialled(place.port) as client:
        client.send_raw(heads.upgrade_request())
        await dialled.wait()
        await place.serve(word="b")
        go_on.set()
        assert (await client.recv_head()).status == 101
        upstream = await origin.accepted()
        await passes(client, upstream, "x", "x|bmain")
        await client.release()
        await upstream.release()


async def test_a_handshake_that_is_under_way_when_its_route_vanishes_ends_with_1012(tmp_path: Path) -> None:
    dialled, go_on = asyncio.Event(), asyncio.Event()
    accept = raw.accept()

    async def slowly(peer: RawPeer) -> None:
        dialled.set()
        await go_on.wait()
        await accept(peer)

    async with town(tmp_path, slowly) as (place, origin), raw.dialled(place.port) as client:
        client.send_raw(heads.upgrade_request())
        await dialled.wait()
        await place.serve(service={"routes": [{"name": "other", "paths": ["/"]}]})
        go_on.set()
        assert (await client.recv_head()).status == 101
        assert await client.recv_close() == (1012, "service restart")
        upstream = await origin.accepted()
        assert await upstream.recv_close() == (1001, "")
        await client.release()
        await upstream.release()


async def test_plugins_see_the_new_entities_and_keep_their_context(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with town(tmp_path) as (place, origin):
        async with place.talk(origin) as (client, upstream):
            await passes(client, upstream, "x", "x|amain")
            swap = await place.serve(word="b")
            assert (swap.kept, swap.rebound, swap.ended) == (0, 1, 0)
            await passes(client, upstream, "y", "y|bmain")
        async with asyncio.timeout(5):
            while place.site.sessions:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
    assert capsys.readouterr().out.splitlines() == ["closed b a"]


async def test_a_second_plugin_takes_its_place_by_priority(tmp_path: Path) -> None:
    async with town(tmp_path) as (place, origin), place.talk(origin) as (client, upstream):
        place.plugin("first", TAG % 20)
        await place.serve(plugins=[{"name": "first", "config": {"word": "1"}}])
        await passes(client, upstream, "x", "x|1main|amain")


async def test_a_removed_plugin_sees_no_frame_any_more(tmp_path: Path) -> None:
    async with town(tmp_path) as (place, origin), place.talk(origin) as (client, upstream):
        await passes(client, upstream, "x", "x|amain")
        swap = await place.serve(service={"plugins": []})
        assert [str(change) for change in swap.changes] == ["plugin 'tag' of service 'main' removed"]
        await passes(client, upstream, "y", "y")


@pytest.mark.parametrize(
    ("sections", "changes"),
    [
        ({}, []),
        ({"word": "b"}, ["plugin 'tag' of service 'main' changed"]),
        ({"service": {"retries": 1}}, ["service 'main' changed"]),
        ({"service": {"tags": ["x"]}}, ["service 'main' changed"]),
        (
            {"upstreams": [{"name": "pool", "targets": [{"target": "127.0.0.1:1"}]}]},
            ["upstream 'pool' added"],
        ),
        ({"consumers": [{"username": "ann"}]}, ["consumer 'ann' added"]),
        ({"gateway": {"log_level": "error"}}, ["option gateway.log_level changed"]),
        ({"gateway": {"options": {"idle_timeout": 5000}}}, ["option options.idle_timeout added"]),
    ],
)
async def test_what_has_changed_is_told_by_kind_and_name(
    tmp_path: Path, sections: dict[str, Any], changes: list[str]
) -> None:
    async with town(tmp_path) as (place, _):
        assert [str(change) for change in (await place.serve(**sections)).changes] == changes


async def test_lines_that_move_are_no_change(tmp_path: Path) -> None:
    async with town(tmp_path) as (place, origin), place.talk(origin) as (client, upstream):
        swap = await place.serve(_comment="a line more", _info={"defaults": {}})
        assert (swap.changes, swap.kept) == ((), 1)
        await passes(client, upstream, "x", "x|amain")


async def test_the_size_of_one_target_is_a_change_of_its_upstream(tmp_path: Path) -> None:
    def pool(weight: int) -> list[dict[str, Any]]:
        return [{"name": "pool", "targets": [{"target": "127.0.0.1:1", "weight": weight}]}]

    async with town(tmp_path) as (place, _):
        await place.serve(upstreams=pool(1))
        assert [str(change) for change in (await place.serve(upstreams=pool(2))).changes] == ["upstream 'pool' changed"]
        assert (await place.serve(upstreams=pool(2))).changes == ()


async def test_what_was_let_in_by_the_kernel_before_the_end_is_answered(tmp_path: Path) -> None:
    async with town(tmp_path) as (place, _):
        with socket.create_connection(("127.0.0.1", place.port)) as client:
            client.sendall(heads.upgrade_request())
            # No turn of the loop between: the client waits in the kernel's queue.
            await place.site.drain()
            client.settimeout(5)
            assert client.recv(4096).startswith(b"HTTP/1.1 503 ")


async def test_old_configurations_and_the_code_of_their_plugins_are_let_go(tmp_path: Path) -> None:
    async with town(tmp_path) as (place, _):
        first = weakref.ref(place.site.gateway)
        before = {name for name in sys.modules if name.startswith("framegate_plugins_")}
        for number in range(5):
            place.plugin("tag", f"{TAG % 10}\n# {number}\n")
            await place.serve()
        after = {name for name in sys.modules if name.startswith("framegate_plugins_")}
        assert len(after) == len(before)
        await asyncio.sleep(0.01)
        gc.collect()
        assert first() is None


async def test_the_code_of_a_plugin_whose_reload_failed_is_let_go_too(tmp_path: Path) -> None:
    async with town(tmp_path) as (place, _):
        before = {name for name in sys.modules if name.startswith("framegate_plugins_")}
        with pytest.raises(OSError):
            await place.serve(gateway={"listen": ["192.0.2.1:1"]})
        assert {name for name in sys.modules if name.startswith("framegate_plugins_")} == before
