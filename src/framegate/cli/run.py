"""``framegate run``: the gateway."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framegate.cli import _flags
from framegate.cli._addresses import Listen
from framegate.cli._console import start_log
from framegate.cli._runner import Listener, serve
from framegate.cli._runner import run as run_to_the_end
from framegate.cli.check import WRONG, load_or_complain, plugin_path_flag

if TYPE_CHECKING:
    from framegate.config.configuration import Configuration

NO_RELOAD = "this version reads its file once; restart it to serve what has changed"


@click.command("run")
@click.argument("file")
@plugin_path_flag
@click.option(
    "--workers",
    envvar=_flags.envvar("workers"),
    type=click.IntRange(min=1),
    help="How many processes serve; this version serves with one.  [default: what the file says]",
)
@_flags.log_level_flag
def run(file: str, plugin_paths: tuple[Path, ...], workers: int | None, log_level: str | None) -> int:
    """Serve the gateway that FILE (YAML or JSON) describes. A file that is wrong is told as by framegate check."""
    config = load_or_complain(file, plugin_paths)
    if config is None:
        return WRONG
    wanted = config.gateway.workers if workers is None else workers
    if wanted != 1:
        raise click.UsageError(f"workers: this version serves with one process, not {wanted}; leave it out or say 1")
    start_log(log_level or config.gateway.log_level)
    return run_to_the_end(serve(_listeners(config), on_hang_up=NO_RELOAD))


def _listeners(config: Configuration) -> list[Listener]:
    from framegate.gateway.handler import Gateway
    from framegate.gateway.serving import listening

    gateway = Gateway(config)
    return [
        Listener(Listen(listen.host, listen.port, listen.path), listen.tls, partial(listening, gateway, listen))
        for listen in config.gateway.listen
    ]
