"""A whole gateway for one test: its file and its plugins written to a folder, loaded, and served over real sockets.

Plugins are written as source text with :func:`plugin`. What they see they tell with ``note`` and ``attempt``, and the
test reads it in ``Served.notes``.
"""

from __future__ import annotations

import asyncio
import contextlib
import textwrap
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from framegate.config.load import load
from framegate.errors import PDKError
from framegate.gateway.handler import Gateway
from framegate.gateway.serving import listening
from framegate.pdk.catalog import Catalog
from tests.kit import frames, heads, raw, tls
from tests.kit.heads import Head
from tests.kit.raw import PATIENCE, RawPeer, RawUpstream, Script

SIDES = ("client", "upstream")

FINE = "no PDKError"

_notes: list[Any] = []

_PRELUDE = """\
import asyncio
import time

from framegate.pdk import PDKError
from tests.kit.served import attempt, note, tried
"""


def note(*what: Any) -> None:
    """For plugins: let the test know; a single thing is noted as it is, several as a tuple."""
    _notes.append(what[0] if len(what) == 1 else what)


def tried(call: Callable[..., Any], *args: Any, **named: Any) -> str:
    """For plugins: the message of the ``PDKError`` of a call, or ``FINE``."""
    try:
        call(*args, **named)
    except PDKError as error:
        return str(error)
    return FINE


def attempt(call: Callable[..., Any], *args: Any, **named: Any) -> None:
    """For plugins: note what :func:`tried` says."""
    note(tried(call, *args, **named))


def plugin(*, priority: int = 0, schema: str = "()", head: str = "", **phases: str) -> str:
    """The source of a plugin.

    Args:
        priority: its priority.
        schema: the source of its ``Schema``.
        head: source of the module, before the class.
        phases: the body of each phase, which has ``self`` and ``kong``; one with ``await`` becomes an ``async def``.
    """
    parts = [_PRELUDE, textwrap.dedent(head), f"Schema = {schema}\nversion = '1.0'\npriority = {priority}\n"]
    parts.append("class Plugin:\n    def __init__(self, config):\n        self.config = config\n")
    for phase, body in phases.items():
        start = "async def" if "await " in body else "def"
        parts.append(
            f"    {start} {phase}(self, kong):\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
        )
    return "\n".join(parts) + "\n"


class Talk:
    """One session through the gateway, between raw peers.

    Attributes:
        client, upstream: the peers.
    """

    def __init__(self, client: RawPeer, upstream: RawPeer) -> None:
        self.client = client
        self.upstream = upstream

    def ends(self, side: str) -> tuple[RawPeer, RawPeer]:
        """The peer of this side, and the other one."""
        return (self.client, self.upstream) if side == "client" else (self.upstream, self.client)

    async def closes(self) -> tuple[tuple[int | None, str], tuple[int | None, str]]:
        """The close frames that client and upstream are sent now."""
        return await self.client.recv_close(), await self.upstream.recv_close()

    async def bye(self) -> None:
        """The client ends the session in order."""
        self.client.send(frames.close(1000))
        await self.upstream.recv_close()
        self.upstream.send(frames.close(1000))
        await self.client.recv_close()


class Served:
    """A running gateway.

    Attributes:
        gateway, server, port: what serves, and where.
        origin: the upstream of its service.
        notes: what the plugins have noted.
        secure: whether clients speak TLS.
    """

    def __init__(self, gateway: Gateway, server: Any, origin: RawUpstream, secure: bool) -> None:
        self.gateway = gateway
        self.server = server
        self.port: int = server.port
        self.origin = origin
        self.notes = _notes
        self.secure = secure
        self._talks = 0

    def _tls(self) -> dict[str, Any]:
        return {"ssl": tls.client_context(), "server_hostname": "localhost"} if self.secure else {}

    @asynccontextmanager
    async def talk(self, target: str = "/", *, upstream: RawUpstream | None = None, **how: Any) -> AsyncIterator[Talk]:
        """A session whose opening handshakes are done; it has ended for the gateway when the context is left.

        Args:
            upstream: where the gateway connects to, instead of the service's usual upstream.
            how: as for :func:`tests.kit.raw.connected`.
        """
        async with raw.connected(self.port, target, **self._tls(), **how) as client:
            peer = await (upstream or self.origin).accepted()
            self._talks += 1
            try:
                yield Talk(client, peer)
            finally:
                self._talks -= 1
                await peer.release()
                await client.release()
        await self.idle()

    async def asked(self, request: bytes | None = None, **how: Any) -> tuple[Head, bytes]:
        """The refusal that a client gets; ``how`` as for :func:`tests.kit.heads.upgrade_request`."""
        async with raw.dialled(self.port, **self._tls()) as client:
            client.send_raw(request or heads.upgrade_request(**how))
            head = await client.recv_head()
            assert head.status != 101, head
            return head, await client.rest()

    async def upstream_head(self, target: str = "/", **how: Any) -> Head:
        """What the upstream is asked for a client's request."""
        async with self.talk(target, **how) as talk:
            return talk.upstream.head

    async def serves_on(self, target: str = "/") -> None:
        """A new client is let in, and what it says comes through."""
        async with self.talk(target) as talk:
            talk.client.send(frames.text("still there?"))
            assert await talk.upstream.recv() == frames.text("still there?")
            await talk.bye()

    async def noted(self, *what: Any, patience: float = PATIENCE) -> None:
        """Wait until the notes are exactly these."""
        with contextlib.suppress(TimeoutError):
            await self.notes_come(len(what), patience)
        assert _notes == list(what), f"noted: {_notes}"

    async def notes_come(self, count: int, patience: float = PATIENCE) -> None:
        """Wait until there are so many notes."""
        async with asyncio.timeout(patience):
            while len(_notes) < count:
                await asyncio.sleep(0.002)

    async def idle(self) -> None:
        """Wait until the sessions that the test has left are over, their ``ws_close`` included."""
        async with asyncio.timeout(PATIENCE):
            while len(self.server._handling) > self._talks:
                await asyncio.sleep(0.002)


@asynccontextmanager
async def served(
    folder: Path,
    plugins: Mapping[str, str] | None = None,
    *,
    use: Sequence[Mapping[str, Any]] | None = None,
    gateway: Mapping[str, Any] | None = None,
    service: Mapping[str, Any] | None = None,
    route: Mapping[str, Any] | None = None,
    script: Script | None = None,
    origin: Mapping[str, Any] | None = None,
    secure: bool = False,
    **sections: Any,
) -> AsyncIterator[Served]:
    """A gateway in front of an upstream that the test scripts.

    Args:
        folder: where file and plugins are written.
        plugins: the source of each plugin by its file's stem.
        use: the file's ``plugins``; by default each of ``plugins`` once, for everything.
        gateway: further entries of the file's section.
        service, route: further fields of the one service ``main`` and its one route ``main``, which takes every path.
        script: what the upstream answers; by default it accepts.
        origin: further arguments of the upstream's listener.
        secure: clients speak TLS.
        sections: further sections of the file; ``services`` are added to the one that is there.
    """
    _notes.clear()
    async with raw.raw_upstream(script, **(origin or {})) as upstream:
        file = _write(folder, plugins or {}, use, upstream, gateway, service, route, secure, sections)
        # Only a test that says itself which plugins run can mean bundled ones; to look for them takes its time.
        find = partial(Catalog.find, bundled=use is not None, entry_points=False)
        found = load(file, catalog=find, environment={})
        assert found.config is not None, "\n".join(map(str, found.problems))
        gate = Gateway(found.config)
        async with listening(gate, found.config.gateway.listen[0]) as server:
            try:
                yield Served(gate, server, upstream, secure)
            finally:
                await server.drain(timeout=0.05)


def _write(
    folder: Path,
    plugins: Mapping[str, str],
    use: Sequence[Mapping[str, Any]] | None,
    upstream: RawUpstream,
    gateway: Mapping[str, Any] | None,
    service: Mapping[str, Any] | None,
    route: Mapping[str, Any] | None,
    secure: bool,
    sections: dict[str, Any],
) -> Path:
    home = folder / "plugins"
    home.mkdir(exist_ok=True)
    for name, source in plugins.items():
        (home / f"{name}.py").write_text(source, encoding="utf-8")
    listen: dict[str, Any] = {"address": "127.0.0.1:0"}
    if secure:
        listen["tls"] = _certificate(folder)
    main = {
        "name": "main",
        "protocol": "wss" if upstream.secure else "ws",
        "host": "127.0.0.1",
        "port": upstream.port,
        "routes": [{"name": "main", "paths": ["/"], **(route or {})}],
        **(service or {}),
    }
    content = {
        "_format_version": "3.0",
        "gateway": {"listen": [listen], "plugin_paths": ["plugins"], **(gateway or {})},
        **sections,
        "services": [main, *sections.get("services", ())],
        "plugins": list(use) if use is not None else [{"name": name.replace("_", "-")} for name in plugins],
    }
    file = folder / "gateway.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


def _certificate(folder: Path) -> dict[str, str]:
    leaf = tls.authority().issue_cert("localhost", "127.0.0.1")
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    (folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    return {"cert": "cert.pem", "key": "key.pem"}
