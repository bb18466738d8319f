"""``framegate run``: the gateway."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framegate.cli import _flags
from framegate.cli._console import say, start_log
from framegate.cli.check import WRONG, plugin_path_flag

if TYPE_CHECKING:
    from framegate.operate.lifecycle import Crew
    from framegate.operate.source import Source


@click.command("run")
@click.argument("file")
@plugin_path_flag
@click.option(
    "--workers",
    envvar=_flags.envvar("workers"),
    type=click.IntRange(min=1, max=1024),
    help="How many processes serve; with several, one more keeps them alive.  [default: what the file says]",
)
@_flags.log_level_flag
def run(file: str, plugin_paths: tuple[Path, ...], workers: int | None, log_level: str | None) -> int:
    """Serve the gateway that FILE (YAML or JSON) describes. A file that is wrong is told as by framegate check.

    SIGHUP reads it again; SIGTERM and SIGINT drain, a second one stops at once.
    """
    from framegate.observe.status import attached
    from framegate.operate.lifecycle import Lifecycle
    from framegate.operate.lifecycle import run as run_to_the_end
    from framegate.operate.signals import EarlySignals
    from framegate.operate.source import Source
    from framegate.operate.systemd import Notifier

    early = EarlySignals()
    source = Source(file, plugin_paths)
    first = source.read()
    for line in (*first.problems, *first.warnings):
        click.echo(line, err=True)
    if first.config is None:
        return WRONG
    start_log(log_level or first.config.gateway.log_level, first.config.gateway.log_format)
    notifier = Notifier.of(os.environ)

    async def serve() -> int:
        crew = _crew(source, first.config.gateway.workers if workers is None else workers, log_level)  # type: ignore[union-attr]
        life = Lifecycle(crew, source, first, say=say, notifier=notifier, attachments=[attached])
        if early.hung_up:
            life.reload("SIGHUP")
        return await life.run()

    return run_to_the_end(serve)


def _crew(source: Source, workers: int, level: str | None) -> Crew:
    from framegate.operate.alone import Alone
    from framegate.operate.supervisor import Supervisor
    from framegate.operate.systemd import passed_sockets

    passed = passed_sockets(os.environ)
    if workers == 1:
        return Alone(source, passed, level)
    return Supervisor(source, workers, passed, level)
