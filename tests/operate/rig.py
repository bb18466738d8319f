"""A gateway that runs as a process of its own, its file that a test rewrites, and clients that count what comes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.cli.program import PATIENCE, Program, started

PLUGIN = """\
Schema = ({"word": {"type": "string", "required": True}},)
version = "1.0"
priority = 10
MARK = ""

class Plugin:
    def __init__(self, config):
        self.word = config["word"]

    def ws_client_frame(self, kong):
        data, typ, status = kong.websocket.client.get_frame()
        if typ == "text":
            kong.websocket.client.set_frame_data(self.word + MARK + data)
"""

ANY = '"127.0.0.1:0"'


class Place:
    """A folder with a gateway's file and the plugin ``tag``, which puts its word before each text of the client.

    Args:
        folder: where to write.
        upstream: the URL of the upstream.
    """

    def __init__(self, folder: Path, upstream: str) -> None:
        self.folder = folder
        self.upstream = upstream
        self.file = folder / "gateway.yaml"
        (folder / "plugins").mkdir()
        self.plugin()

    def plugin(self, source: str = PLUGIN, name: str = "tag") -> None:
        """Write a plugin."""
        (self.folder / "plugins" / f"{name}.py").write_text(source)

    def text(
        self,
        *,
        word: str | None = "A:",
        listen: str = ANY,
        gateway: str = "",
        route: str = "main",
        upstream: str | None = None,
        more: str = "",
    ) -> str:
        """The text of a file.

        Args:
            word: of the plugin; None is a route without a plugin.
            listen: the addresses.
            gateway: further lines of the section, each indented by two spaces.
            route: the name of the one route.
            upstream: of its service, in place of the usual one.
            more: further lines at the end.
        """
        plugins = "" if word is None else f'  plugins: [{{name: tag, config: {{word: "{word}"}}}}]\n'
        return (
            f'_format_version: "3.0"\ngateway:\n  listen: [{listen}]\n  plugin_paths: [plugins]\n{gateway}'
            f"services:\n- name: main\n  url: {upstream or self.upstream}\n"
            f"  routes: [{{name: {route}, paths: [/]}}]\n{plugins}{more}"
        )

    def write(self, **how: Any) -> str:
        """Write the file, in one step; returns its name."""
        return self.put(self.text(**how))

    def put(self, text: str) -> str:
        """Write a text as the file, in one step."""
        new = self.file.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.file)
        return str(self.file)


@contextmanager
def running(*words: str, listeners: int = 1, env: Mapping[str, str] = {}) -> Iterator[Program]:
    """``framegate run``, ready."""
    with started("run", *words, listeners=listeners, env=env) as program:
        yield program


def talking(url: str, **options: Any) -> connect:
    return connect(url, proxy=None, open_timeout=PATIENCE, compression=None, ping_interval=None, **options)


async def seen(program: Program, text: str, count: int = 1) -> list[str]:
    """Wait for lines of the log."""
    return await asyncio.to_thread(program.log.matching, text, count)


async def ended(program: Program) -> int:
    """Wait for the exit status."""
    return await asyncio.to_thread(program.status)


async def answer(url: str, message: str = "hello") -> str:
    """What comes back on a new connection."""
    async with talking(url) as peer:
        await peer.send(message)
        return str(await peer.recv())


async def reloaded(program: Program, count: int = 1) -> str:
    """Send SIGHUP and wait for the ``count``-th reload that went well; returns its line."""
    program.send(signal.SIGHUP)
    return (await seen(program, ": reloaded, generation", count))[-1]


async def refused(program: Program, count: int = 1) -> list[str]:
    """Send SIGHUP and wait for the ``count``-th reload that failed; returns the log's errors."""
    program.send(signal.SIGHUP)
    await seen(program, "not reloaded", count)
    return await seen(program, " ERROR ")


def workers_of(program: Program) -> list[int]:
    """The process ids of its children."""
    pid = program._process.pid
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
            except OSError:
                continue
            if int(status.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return sorted(found)


async def gone(pid: int, patience: float = PATIENCE) -> None:
    """Wait for the end of a process that is not our child."""
    deadline = time.monotonic() + patience
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Chatter:
    """A client that says numbers, and wants each of them back once, in order, behind one of the words.

    Attributes:
        count: how many have come back.
        words: the words that were before them, each at its first appearance.
    """

    def __init__(self, peer: ClientConnection, words: tuple[str, ...]) -> None:
        self.peer = peer
        self.count = 0
        self.words: list[str] = []
        self._allowed = words
        self._stop = False

    async def chat(self, in_flight: int = 4) -> None:
        """Say numbers until :meth:`stop`, with some in flight; then wait for all of them."""
        said = 0
        while not self._stop or self.count < said:
            while not self._stop and said - self.count < in_flight:
                await self.peer.send(str(said))
                said += 1
            async with asyncio.timeout(PATIENCE):
                echo = str(await self.peer.recv())
            word = next((word for word in self._allowed if echo == f"{word}{self.count}"), None)
            assert word is not None, f"{echo!r} is not {self.count} behind one of {self._allowed}"
            if word not in self.words:
                self.words.append(word)
            self.count += 1

    def stop(self) -> None:
        """Say nothing more."""
        self._stop = True


@asynccontextmanager
async def chattering(url: str, count: int, *words: str) -> AsyncIterator[list[Chatter]]:
    """Clients that chat while the block runs; each must get everything back."""
    peers = [await talking(url) for _ in range(count)]
    chatters = [Chatter(peer, words) for peer in peers]
    tasks = [asyncio.create_task(chatter.chat()) for chatter in chatters]
    try:
        yield chatters
        for chatter in chatters:
            chatter.stop()
        await asyncio.gather(*tasks)
        assert all(chatter.count for chatter in chatters)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for peer in peers:
            await peer.close()
