"""``framegate proxy``: the library's reverse proxy, with a flag for each of its options."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import click

import framegate
from framegate._rules import Table
from framegate.cli import _flags
from framegate.cli._addresses import Listen
from framegate.cli._console import start_log
from framegate.cli._hook import load_hook
from framegate.cli._runner import Listener, Server, run, serve
from framegate.cli._tls import server_context, upstream_context
from framegate.errors import ConfigError
from framegate.handshake.uri import parse_upstream_url
from framegate.options import ProxyOptions, ServerLimits, split_options

TABLES: tuple[type[Table], ...] = (ProxyOptions, ServerLimits)


@click.command(epilog="Every flag is also in the environment: FRAMEGATE_LISTEN is --listen, and so on.")
@click.argument("url")
@_flags.listen_flag(required=True)
@click.option(
    "--hook",
    envvar=_flags.envvar("hook"),
    metavar="FILE.py:NAME",
    help="The hook: a function (origin, typ, payload, last, code), which may be async.",
)
@_flags.tls_flags
@click.option(
    "--upstream-ca",
    envvar=_flags.envvar("upstream_ca"),
    metavar="FILE",
    help="Authorities to trust for a wss upstream, instead of the system's (PEM).",
)
@click.option(
    "--upstream-insecure/--no-upstream-insecure",
    envvar=_flags.envvar("upstream_insecure"),
    default=False,
    help="Take any certificate of a wss upstream.",
)
@click.option(
    "--preserve-host/--no-preserve-host",
    envvar=_flags.envvar("preserve_host"),
    default=False,
    help="Send the client's Host to the upstream instead of the upstream's own.",
)
@_flags.log_level_flag
@_flags.table_flags(*TABLES)
@click.pass_context
def proxy(
    ctx: click.Context,
    /,
    url: str,
    listens: tuple[Listen, ...],
    hook: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    upstream_ca: str | None,
    upstream_insecure: bool,
    preserve_host: bool,
    log_level: str | None,
    **options: Any,
) -> int:
    """Relay WebSocket connections to the upstream at URL (ws:// or wss://).

    The client's path and query are appended to the URL's.
    """
    arguments: dict[str, Any] = {
        "ssl": server_context(tls_cert, tls_key),
        "preserve_host": preserve_host,
        "upstream_options": _upstream_options(url, upstream_ca, insecure=upstream_insecure),
        **_checked_options(ctx, hook),
    }
    start_log(log_level or ("debug" if options["debug"] else "info"))
    listeners = [Listener(listen, tls_cert is not None, _opener(url, listen, arguments)) for listen in listens]
    return run(serve(listeners))


def _upstream_options(url: str, ca: str | None, *, insecure: bool) -> dict[str, Any] | None:
    try:
        tls = parse_upstream_url(url).secure
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if not tls and (ca is not None or insecure):
        flag = "--upstream-insecure" if insecure else "--upstream-ca"
        raise click.UsageError(f"{flag} needs a wss:// upstream, not {url!r}")
    context = upstream_context(ca, insecure=insecure)
    return None if context is None else {"ssl": context}


def _checked_options(ctx: click.Context, hook: str | None) -> dict[str, Any]:
    options = _flags.chosen(ctx, *TABLES)
    if hook is not None:
        options["on_frame"] = load_hook(hook)
    try:
        split_options(options)
    except ValueError as error:
        raise ConfigError(_flags.as_flags(str(error), *TABLES)) from None
    return options


def _opener(url: str, listen: Listen, arguments: dict[str, Any]) -> Callable[[], AbstractAsyncContextManager[Server]]:
    return lambda: framegate.reverse_proxy(url, **listen.place(), **arguments)
