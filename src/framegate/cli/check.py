"""``framegate check``: tells everything that is wrong with the gateway's file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framegate.cli._flags import envvar

if TYPE_CHECKING:
    from framegate.config.configuration import Configuration
    from framegate.config.load import FindPlugins

OK = 0
WRONG = 2

plugin_path_flag = click.option(
    "--plugin-path",
    "plugin_paths",
    type=click.Path(file_okay=False, path_type=Path),
    multiple=True,
    envvar=envvar("plugin_path"),
    metavar="FOLDER",
    help="One more folder with plugins, beside those that the file names. Can be given several times.",
)


@click.command()
@click.argument("file")
@plugin_path_flag
def check(file: str, plugin_paths: tuple[Path, ...]) -> int:
    """Check the gateway's FILE: exit status 0, or 2 with a line for each thing that is wrong."""
    config = load_or_complain(file, plugin_paths)
    if config is None:
        return WRONG
    click.echo(f"{file}: ok ({summary(config)})")
    return OK


def load_or_complain(file: str, plugin_paths: Sequence[Path]) -> Configuration | None:
    """What ``file`` describes, or None where something is wrong; each thing is told on standard error."""
    from framegate.config.load import load

    loaded = load(file, catalog=finder(plugin_paths))
    for fault in (*loaded.problems, *loaded.warnings):
        click.echo(" ".join(str(fault).split()), err=True)
    return loaded.config


def finder(more: Sequence[Path]) -> FindPlugins:
    """What finds the plugins in the folders that a file names, and in ``more``."""
    from framegate.pdk.catalog import Catalog

    return lambda folders: Catalog.find([*folders, *more])


def summary(config: Configuration) -> str:
    """What a file holds, in a few words."""
    counts = {
        "service": len(config.services),
        "route": len(config.routes),
        "upstream": len(config.upstreams),
        "consumer": len(config.consumers),
        "plugin": len(config.plugins),
    }
    return ", ".join(
        f"{count} {name}{'' if count == 1 else 's'}"
        for name, count in counts.items()
        if count or name in ("service", "route")
    )
