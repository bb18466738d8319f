"""``framegate plugins``: which plugins there are, and what each can be configured with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from framegate.cli import _flags
from framegate.cli._console import say
from framegate.errors import ConfigError
from framegate.pdk.catalog import Catalog
from framegate.pdk.plugin import PluginType
from framegate.pdk.schema_rules import did_you_mean, rules_of, shown

BROKEN = 2


@click.command()
@click.argument("what", required=False, metavar="[NAME|FILE]")
@click.option(
    "--plugin-path",
    "folders",
    multiple=True,
    type=click.Path(),
    envvar=_flags.envvar("plugin_path"),
    metavar="FOLDER",
    help="A folder with plugins. Can be given several times.",
)
@click.option("--schema", "name", metavar="NAME", help="Print the fields of one plugin's configuration.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def plugins(what: str | None, folders: tuple[str, ...], name: str | None, as_json: bool) -> int:
    """List the plugins, or the fields of the plugin NAME.

    FILE is a gateway's file, whose plugin_paths are searched too.
    """
    file, name = _told_apart(what, name)
    catalog = Catalog.find([*_folders_of(file), *(Path(folder) for folder in folders)])
    chosen = list(catalog) if name is None else [_named(catalog, name)]
    if as_json:
        click.echo(json.dumps([dump(plugin) for plugin in chosen], indent=2, default=dict))
    else:
        click.echo("\n".join(overview(chosen) if name is None else fields_page(chosen[0])))
    for fault in catalog.faults:
        say(str(fault))
    return BROKEN if catalog.faults else 0


def dump(plugin: PluginType) -> dict[str, Any]:
    """A plugin as Kong's plugin servers describe theirs."""
    config: dict[str, Any] = {"type": "record", "fields": list(plugin.schema)}
    if plugin.entity_checks:
        config["entity_checks"] = list(plugin.entity_checks)
    return {
        "Name": plugin.name,
        "Phases": list(plugin.phases),
        "Priority": plugin.priority,
        "Version": plugin.version,
        "Schema": {"name": plugin.name, "fields": [{"config": config}]},
        "Source": plugin.source,
    }


def overview(found: Iterable[PluginType]) -> list[str]:
    """A table of plugins."""
    rows = [(p.name, p.version or "-", str(p.priority), " ".join(p.phases), p.source) for p in found]
    return table(("name", "version", "priority", "phases", "source"), rows)


def fields_page(plugin: PluginType) -> list[str]:
    """What a plugin can be configured with."""
    title = f"{plugin.name} {plugin.version or ''}".rstrip()
    head = [f"{title}, priority {plugin.priority}, {', '.join(plugin.phases)} ({plugin.source})", ""]
    rows = list(_rows(plugin.schema, ""))
    if not rows:
        return [*head, "It has no fields."]
    lines = table(("field", "type", "default", "rule", "description"), rows)
    checks = [(kind.replace("_", " "), names) for check in plugin.entity_checks for kind, names in check.items()]
    return [*head, *lines, *([""] if checks else []), *(f"{kind}: {', '.join(names)}" for kind, names in checks)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with aligned columns."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _told_apart(what: str | None, name: str | None) -> tuple[str | None, str | None]:
    """The file and the name of a plugin: a word with a dot or a slash is a file."""
    if what is None or "." in what or "/" in what:
        return what, name
    if name is not None:
        raise click.UsageError(f"--schema {name} and {what}: one plugin at a time")
    return None, what


def _named(catalog: Catalog, name: str) -> PluginType:
    plugin = catalog.get(name)
    if plugin is None:
        for fault in catalog.faults:
            say(str(fault))
        raise ConfigError(f"there is no plugin {name!r}", hint=did_you_mean(name, catalog.names()))
    return plugin


def _folders_of(file: str | None) -> list[Path]:
    if file is None:
        return []
    # What reads the file is not needed otherwise, and takes its time to import.
    from framegate.config.load import plugin_folders

    return plugin_folders(file)


def _rows(fields: Iterable[Mapping[str, Any]], prefix: str) -> Iterator[tuple[str, ...]]:
    for entry in fields:
        for name, field in entry.items():
            yield prefix + name, _type(field), _default(field), _rule(field), field.get("description", "")
            yield from _parts(field, prefix + name)


def _parts(field: Mapping[str, Any], path: str) -> Iterator[tuple[str, ...]]:
    if field["type"] == "record":
        yield from _rows(field["fields"], f"{path}.")
    elif field["type"] in ("array", "set"):
        yield from _parts(field["elements"], f"{path}[]")
    elif field["type"] == "map":
        yield from _parts(field["values"], f"{path}.*")


def _type(field: Mapping[str, Any]) -> str:
    match field["type"]:
        case "array" | "set":
            return f"{field['type']} of {_type(field['elements'])}"
        case "map":
            return f"map of {_type(field['values'])}"
    return str(field["type"])


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default is None:
        return "required" if field.get("required") and field["type"] != "record" else "-"
    return json.dumps(default, default=list) if isinstance(default, (list, tuple, dict)) else shown(default)


def _rule(field: Mapping[str, Any]) -> str:
    inner = field["elements"] if field["type"] in ("array", "set") else {}
    rules = [(name, argument) for name, argument in rules_of(field).items() if name in field]
    texts = [f"{name.replace('_', ' ')} {_argument(argument)}" for name, argument in rules]
    texts += [f"each {text}" for text in filter(None, [_rule(inner) if inner else ""])]
    return ", ".join(texts)


def _argument(argument: Any) -> str:
    return "|".join(str(value) for value in argument) if isinstance(argument, (list, tuple)) else str(argument)
