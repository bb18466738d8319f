"""``framegate schema``: prints the JSON Schema of the gateway's file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from framegate.cli.check import OK, WRONG, finder, plugin_path_flag


@click.command()
@click.argument("file", required=False)
@plugin_path_flag
def schema(file: str | None, plugin_paths: tuple[Path, ...]) -> int:
    """Print the JSON Schema of the gateway's file, for editors.

    With FILE, the plugins in its plugin_paths are described too; nothing else of it needs to be right.
    """
    from framegate.config.file_schema import json_schema
    from framegate.config.load import plugin_folders

    catalog = finder(plugin_paths)([] if file is None else plugin_folders(file))
    for fault in catalog.faults:
        click.echo(" ".join(str(fault).split()), err=True)
    if catalog.faults:
        return WRONG
    click.echo(json.dumps(json_schema(catalog), indent=2, ensure_ascii=False))
    return OK
