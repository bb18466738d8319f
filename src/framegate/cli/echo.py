"""``framegate echo``: a plain echo upstream, to try a proxy against."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from ssl import SSLContext

import click

from framegate.cli import _flags
from framegate.cli._addresses import Listen
from framegate.cli._console import start_log
from framegate.cli._runner import Listener, Server, run, serve
from framegate.cli._tls import server_context
from framegate.echo import serve_echo


@click.command()
@_flags.listen_flag(required=True)
@_flags.tls_flags
@_flags.log_level_flag
def echo(listens: tuple[Listen, ...], tls_cert: str | None, tls_key: str | None, log_level: str | None) -> int:
    """Send back what comes: texts, binaries and fragments as they are; pings and closes are answered."""
    context = server_context(tls_cert, tls_key)
    start_log(log_level or "info")
    listeners = [Listener(listen, tls_cert is not None, _opener(listen, context)) for listen in listens]
    return run(serve(listeners))


def _opener(listen: Listen, context: SSLContext | None) -> Callable[[], AbstractAsyncContextManager[Server]]:
    return lambda: serve_echo(**listen.place(), ssl=context)
