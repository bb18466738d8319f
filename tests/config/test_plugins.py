"""Configurations of plugins: checked by the plugins, told at the line of the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from framegate.config.load import load
from framegate.errors import ConfigError
from framegate.pdk.catalog import Catalog
from tests.config.files import GREETER, HEAD, complaint, complaints, config

SERVICE = "services:\n- name: a\n  url: ws://h/\n"


def plugin(*config: str, name: str = "greeter-plugin") -> str:
    return f"plugins:\n- name: {name}\n" + (
        "  config:\n" + "".join(f"    {line}\n" for line in config) if config else ""
    )


def test_a_plugin_runs_with_its_defaults_filled_in(tmp_path: Path) -> None:
    (found,) = config(tmp_path, plugin("loud: true")).plugins
    assert found.instance.config == {"greeting": "hello", "loud": True, "times": None}
    assert (found.name, found.enabled, found.protocols, found.line) == ("greeter-plugin", True, ("ws", "wss"), 3)
    assert (found.route, found.service, found.consumer) == (None, None, None)


@pytest.mark.parametrize("name", ["greeter-plugin", "greeter_plugin"])
def test_dashes_and_underscores_in_names_are_alike(tmp_path: Path, name: str) -> None:
    assert config(tmp_path, plugin(name=name)).plugins[0].name == "greeter-plugin"


def test_a_plugin_may_be_switched_off_and_kept_to_a_protocol(tmp_path: Path) -> None:
    (found,) = config(tmp_path, plugin() + "  enabled: false\n  protocols: [wss]\n  instance_name: x\n").plugins
    assert (found.enabled, found.protocols) == (False, ("wss",))


def test_a_plugin_applies_to_what_it_stands_in_or_refers_to(tmp_path: Path) -> None:
    text = """
services:
- name: s
  url: ws://h/
  plugins: [{name: greeter-plugin}]
  routes:
  - name: r
    paths: [/]
    plugins: [{name: greeter-plugin, consumer: c}]
consumers:
- username: c
  plugins: [{name: greeter-plugin, service: s}]
plugins:
- {name: greeter-plugin}
- {name: greeter-plugin, route: r, service: s, consumer: c}
"""
    found = config(tmp_path, text)
    scopes = {
        tuple(None if one is None else one.id for one in (plugin.route, plugin.service, plugin.consumer))
        for plugin in found.plugins
    }
    route, service, consumer = found.routes[0].id, found.services[0].id, found.consumers[0].id
    assert scopes == {
        (None, service, None),
        (route, None, consumer),
        (None, service, consumer),
        (None, None, None),
        (route, service, consumer),
    }


def test_a_plugin_that_is_not_there_is_told_the_nearest(tmp_path: Path) -> None:
    assert complaint(tmp_path, plugin(name="greter-plugin")) == (
        "3: plugins[0].name: there is no plugin 'greter-plugin', did you mean 'greeter-plugin'? "
        "(`framegate plugins` lists those that are there)"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("greting: a", "greting: there is no such field"),
        ("greeting: 3", "greeting: must be a string, not 3"),
        ("greeting: x", "greeting: must be "),
        ("times: [1, 10]", "times[1]: must be "),
        ("loud: 'yes'", "loud: must be true or false"),
        ("greeting: boo", "greeting: is rude"),
    ],
)
def test_a_field_that_is_wrong_is_told_at_its_line(tmp_path: Path, line: str, said: str) -> None:
    assert complaint(tmp_path, plugin(line)).startswith(f"5: plugins[0].config.{said}")


def test_a_plugin_that_raises_is_told_with_what_it_says(tmp_path: Path) -> None:
    assert complaint(tmp_path, plugin("greeting: crash")) == (
        "4: plugins[0].config: greeter-plugin refuses its configuration: RuntimeError: no idea"
    )


def test_a_field_that_is_missing_is_told_at_the_plugin(tmp_path: Path) -> None:
    line = complaint(tmp_path, SERVICE + "  plugins:\n  - {name: closer}\n")
    assert line.startswith("6: services[0].plugins[0].config.target: is required")


def test_a_plugin_is_configured_once_for_the_same(tmp_path: Path) -> None:
    text = SERVICE + "  plugins: [{name: greeter-plugin}]\nplugins:\n- {name: greeter_plugin, service: a}\n"
    assert "greeter-plugin is configured for the same already, at " in complaint(tmp_path, text)
    assert complaint(tmp_path, "plugins:\n- name: greeter-plugin\n- name: greeter-plugin\n") == (
        "4: plugins[1]: greeter-plugin is configured for the same already, at plugins[0] (line 3) "
        "(merge the two, or remove one)"
    )


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("protocols: [http]", "protocols[0]: 'http' is not served (write ws, for WebSocket without TLS)"),
        ("run_on: first", "run_on: 'run_on' is not served (take it out)"),
        ("ordering: {}", "ordering: 'ordering' is not served (plugins run by their priority)"),
        ("consumer_group: g", "consumer_group: 'consumer_group' is not served"),
        ("config: []", "config: must be a mapping, not a list"),
        ("enabled: 'on'", "enabled: must be true or false, not a text"),
    ],
)
def test_a_field_beside_the_configuration_that_is_wrong_is_named(tmp_path: Path, field: str, said: str) -> None:
    assert complaint(tmp_path, f"plugins:\n- name: greeter-plugin\n  {field}\n").startswith(f"4: plugins[0].{said}")


def test_a_nested_plugin_belongs_to_what_it_stands_in(tmp_path: Path) -> None:
    text = SERVICE + "  plugins: [{name: greeter-plugin, service: a}]\n"
    assert complaint(tmp_path, text).startswith("5: services[0].plugins[0].service: it belongs to services already")


def test_a_broken_plugin_file_is_told_and_not_called_unknown(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(HEAD + plugin(name="my_plugin"))
    fault = ConfigError("syntax error: invalid syntax", path="my_plugin.py", line=3)
    found = load(tmp_path / "gateway.yaml", catalog=lambda folders: Catalog([GREETER], [fault], ["my-plugin"]))
    assert (found.config, found.problems) == (None, [fault])


def test_the_catalog_is_asked_for_the_folders_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "gateway.yaml").write_text(HEAD + "gateway: {plugin_paths: [plugins]}\n")
    asked: list[list[Path]] = []

    def catalog(folders: list[Path]) -> Catalog:
        asked.append(folders)
        return Catalog()

    assert load(tmp_path / "gateway.yaml", catalog=catalog).problems == []
    assert asked == [[tmp_path / "plugins"]]


def test_a_plugin_is_not_called_unknown_where_its_folder_may_be_the_missing_one(tmp_path: Path) -> None:
    (line,) = complaints(tmp_path, "gateway: {plugin_paths: [none]}\n" + plugin(name="mine"))
    assert line.startswith("2: gateway.plugin_paths[0]: ")
