"""Options at services and routes, and the rules that hold between levels."""

from __future__ import annotations

from pathlib import Path

from tests.config.files import complaint, config

FILE = """\
gateway: {{options: {gateway}}}
services:
- name: s
  url: ws://127.0.0.1:1/
  options: {service}
  routes:
  - name: r
    paths: [/]
    options: {route}
"""


def levels(gateway: str = "{}", service: str = "{}", route: str = "{}") -> str:
    return FILE.format(gateway=gateway, service=service, route=route)


def test_times_are_milliseconds_in_the_file_and_seconds_behind_it(tmp_path: Path) -> None:
    found = config(tmp_path, levels(service="{idle_timeout: 2500}", route="{ping_interval: 30000, debug: true}"))
    assert found.services[0].options == {"idle_timeout": 2.5}
    assert found.routes[0].options == {"ping_interval": 30.0, "debug": True}


def test_an_unknown_option_is_told_with_its_place(tmp_path: Path) -> None:
    assert complaint(tmp_path, levels(route="{idle_timout: 1000}")) == (
        "10: services[0].routes[0].options.idle_timout: there is no field 'idle_timout', did you mean 'idle_timeout'?"
    )


def test_the_lingering_times_of_several_levels_must_go_together(tmp_path: Path) -> None:
    written = levels(gateway="{lingering_time: 4000, lingering_timeout: 1000}", route="{lingering_timeout: 5000}")
    assert complaint(tmp_path, written) == (
        "10: services[0].routes[0].options.lingering_timeout: lingering_time must be >= lingering_timeout: it is 4000, "
        "and lingering_timeout is 5000"
    )


def test_what_a_level_above_has_wrong_is_told_there_alone(tmp_path: Path) -> None:
    written = levels(gateway="{lingering_time: 1, lingering_timeout: 1000}", route="{idle_timeout: 5000}")
    assert complaint(tmp_path, written).startswith("2: gateway.options.lingering_time: ")


def test_pass_does_not_go_with_a_plugin_that_reads(tmp_path: Path) -> None:
    plugin = "plugins: [{name: greeter-plugin}]\n"
    assert complaint(tmp_path, levels(service="{compression: pass}") + plugin) == (
        "6: services[0].options.compression: must not be pass together with the plugin greeter-plugin (line 11), "
        "which reads payloads (write auto)"
    )
