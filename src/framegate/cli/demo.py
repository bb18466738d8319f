"""``framegate demo``: an echo upstream with a gateway in front of it whose plugin shows, and what to type to see it."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from framegate.cli import _flags
from framegate.cli._addresses import Listen
from framegate.cli._console import say, start_log
from framegate.cli._runner import STOP, Listener, Server, run, serve
from framegate.config import configuration as config
from framegate.config.configuration import Configuration, Gateway, PluginConfig, Route, Service
from framegate.echo import serve_echo
from framegate.gateway.handler import Gateway as GatewayOf
from framegate.gateway.serving import listening
from framegate.pdk.entities import Entities
from framegate.pdk.kong import Kong
from framegate.pdk.plugin import PluginType, instantiate

DEFAULT = Listen("127.0.0.1", 9000)
MARK = "  [seen by framegate]"


class Plugin:
    """Hides a word on the way to the upstream, leaves a mark on the way back."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.word = config["word"]

    def ws_client_frame(self, kong: Kong) -> None:
        data, typ, status = kong.websocket.client.get_frame()
        if typ == "text":
            kong.websocket.client.set_frame_data(data.replace(self.word, "*" * len(self.word)))

    def ws_upstream_frame(self, kong: Kong) -> None:
        data, typ, status = kong.websocket.upstream.get_frame()
        if typ == "text":
            kong.websocket.upstream.set_frame_data(data + MARK)


def configuration(upstream_port: int) -> Configuration:
    """What a file would say: one service, one route for every path, the plugin above on it."""
    service = Service("demo-service", "echo", "ws", "127.0.0.1", upstream_port)
    route = Route("demo-route", "everything", service, paths=("/",))
    found = PluginType("demo", Plugin, source=__file__)
    plugin = PluginConfig(instantiate(found, "demo-plugin", {"word": "secret"}), "demo", route=route)
    entities = Entities({"services": [{"id": service.id}], "routes": [{"id": route.id}]})
    return Configuration(
        Path(__file__), Gateway(), services=(service,), routes=(route,), plugins=(plugin,), entities=entities
    )


def what_to_try(url: str) -> str:
    """The page that the demo prints."""
    if find_spec("websockets") is None:
        client = f"npx wscat -c {url}        (or: pip install websockets; python -m websockets {url})"
    else:
        client = f"{sys.executable} -m websockets {url}"
    return f"""
  client  <-->  framegate at {url}  <-->  an echo server
                (a gateway with one route and one plugin)

In another terminal:

  {client}

Type   my secret plan
Expect my ****** plan{MARK}

The plugin hides the word on the way to the upstream and leaves the mark on the way back.
It is the class Plugin in
  {__file__}
Ctrl-C ends the demo.
"""


@click.command()
@_flags.listen_flag()
@_flags.log_level_flag
def demo(listens: tuple[Listen, ...], log_level: str | None) -> int:
    """Start an echo upstream and a gateway with a visible plugin, and print what to try."""
    for listen in listens:
        if listen.path is not None:
            raise click.UsageError(f"--listen {listen}: the demo suggests clients that need HOST:PORT")
    start_log(log_level or "warning")
    return run(_demo(listens or (DEFAULT,)))


async def _demo(listens: Sequence[Listen]) -> int:
    async with serve_echo("127.0.0.1", 0) as upstream:
        assert upstream.port is not None
        gateway = GatewayOf(configuration(upstream.port))
        listeners = [Listener(listen, False, partial(_serving, gateway, listen)) for listen in listens]
        # Whoever closes the terminal has ended the demo.
        return await serve(listeners, ready=partial(_print_what_to_try, listens[0]), stop_on=(*STOP, signal.SIGHUP))


def _print_what_to_try(listen: Listen, servers: Sequence[Server]) -> None:
    print(what_to_try(listen.url(servers[0].port, tls=False)), flush=True)


@asynccontextmanager
async def _serving(gateway: GatewayOf, listen: Listen) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(_listening(gateway, listen))
        except OSError as error:
            if listen is not DEFAULT or error.errno != errno.EADDRINUSE:
                raise
            say(f"{listen} is in use; taking a free port instead")
            server = await stack.enter_async_context(_listening(gateway, replace(listen, port=0)))
        yield server


def _listening(gateway: GatewayOf, listen: Listen) -> AbstractAsyncContextManager[Server]:
    return listening(gateway, config.Listen(listen.host, listen.port))
