"""``framegate demo``: an echo upstream with a proxy in front of it whose hook shows, and what to type to see it."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

import click

import framegate
from framegate.cli import _flags
from framegate.cli._addresses import Listen
from framegate.cli._console import say, start_log
from framegate.cli._runner import STOP, Listener, Server, run, serve
from framegate.echo import serve_echo

DEFAULT = Listen("127.0.0.1", 9000)
MARK = b"  [seen by framegate]"


def on_frame(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    """Hide a word on the way to the upstream, leave a mark on the way back."""
    if typ != "text":
        return payload
    if origin == "client":
        return payload.replace(b"secret", b"******")
    return payload + MARK


def what_to_try(url: str) -> str:
    """The page that the demo prints."""
    if find_spec("websockets") is None:
        client = f"npx wscat -c {url}        (or: pip install websockets; python -m websockets {url})"
    else:
        client = f"{sys.executable} -m websockets {url}"
    expected = on_frame("upstream", "text", on_frame("client", "text", b"my secret plan", True, None), True, None)
    return f"""
  client  <-->  framegate at {url}  <-->  an echo server

In another terminal:

  {client}

Type   my secret plan
Expect {expected.decode()}

The proxy's hook hides the word on the way to the upstream and leaves the mark on the way back.
It is the function on_frame in
  {__file__}
Ctrl-C ends the demo.
"""


@click.command()
@_flags.listen_flag()
@_flags.log_level_flag
def demo(listens: tuple[Listen, ...], log_level: str | None) -> int:
    """Start an echo upstream and a proxy with a visible hook, and print what to try."""
    for listen in listens:
        if listen.path is not None:
            raise click.UsageError(f"--listen {listen}: the demo suggests clients that need HOST:PORT")
    start_log(log_level or "warning")
    return run(_demo(listens or (DEFAULT,)))


async def _demo(listens: Sequence[Listen]) -> int:
    async with serve_echo("127.0.0.1", 0) as upstream:
        url = f"ws://127.0.0.1:{upstream.port}"
        listeners = [Listener(listen, False, partial(_proxy, url, listen)) for listen in listens]
        # Whoever closes the terminal has ended the demo.
        return await serve(listeners, ready=partial(_print_what_to_try, listens[0]), stop_on=(*STOP, signal.SIGHUP))


def _print_what_to_try(listen: Listen, servers: Sequence[Server]) -> None:
    print(what_to_try(listen.url(servers[0].port, tls=False)), flush=True)


@asynccontextmanager
async def _proxy(upstream: str, listen: Listen) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(_reverse_proxy(upstream, listen))
        except OSError as error:
            if listen is not DEFAULT or error.errno != errno.EADDRINUSE:
                raise
            say(f"{listen} is in use; taking a free port instead")
            server = await stack.enter_async_context(_reverse_proxy(upstream, replace(listen, port=0)))
        yield server


def _reverse_proxy(upstream: str, listen: Listen) -> AbstractAsyncContextManager[Server]:
    proxy: AbstractAsyncContextManager[Server] = framegate.reverse_proxy(
        upstream, **listen.place(), on_frame=on_frame, aggregate_fragments=True
    )
    return proxy
