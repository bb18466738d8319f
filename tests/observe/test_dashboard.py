"""The dashboard and the rules ask for what there is, and for all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from framegate.observe.catalogue import METRICS, Definition

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "framegate.json").read_text())
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
NAMES = re.compile(r"\b(?:framegate|process)_[a-z_]+")
SELECTOR = re.compile(r"\b((?:framegate|process)_[a-z_]+)\{([^}]*)\}")
SUFFIXES = ("_bucket", "_count", "_sum")

# What Prometheus itself adds to each series.
OF_PROMETHEUS = {"instance", "job", "le"}


def series() -> dict[str, Definition]:
    """Every name that can be queried."""
    found = {metric.name: metric for metric in METRICS if metric.kind != "histogram"}
    for metric in METRICS:
        if metric.kind == "histogram":
            found.update((metric.name + suffix, metric) for suffix in SUFFIXES)
    return found


def expressions(of: Any) -> Iterator[str]:
    """Every expression in a JSON value."""
    if isinstance(of, dict):
        for name, value in of.items():
            if name in ("expr", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(of, list):
        for value in of:
            yield from expressions(value)


ASKED = {"dashboard": list(expressions(DASHBOARD)), "rules": list(expressions(RULES))}


@pytest.mark.parametrize("what", ASKED)
def test_every_name_is_of_a_metric_that_there_is(what: str) -> None:
    names = {name for expression in ASKED[what] for name in NAMES.findall(expression)}
    assert len(names) > 10
    assert names - set(series()) == set()


@pytest.mark.parametrize("what", ASKED)
def test_every_label_that_is_asked_for_is_one_of_its_metric(what: str) -> None:
    wrong = [
        (name, label)
        for expression in ASKED[what]
        for name, selector in SELECTOR.findall(expression)
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)
        if label not in {*series()[name].labels, *OF_PROMETHEUS}
    ]
    assert wrong == []


def test_the_dashboard_shows_every_metric() -> None:
    shown = {series()[name].name for expression in ASKED["dashboard"] for name in NAMES.findall(expression)}
    assert {metric.name for metric in METRICS} - shown == set()


def test_its_panels_have_numbers_of_their_own_and_do_not_lie_over_each_other() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_asks_the_data_source_that_is_chosen() -> None:
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == {"datasource", "instance", "route"}
    for panel in DASHBOARD["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["targets"], panel["title"]


def test_every_rule_says_how_bad_it_is_and_what_it_means() -> None:
    for group in RULES["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("info", "warning", "critical"), rule["alert"]
            assert rule["annotations"]["summary"], rule["alert"]


def test_the_runbook_tells_what_to_do_about_every_rule() -> None:
    runbook = (Path(__file__).parents[2] / "docs" / "operations" / "runbook.md").read_text()
    missing = [rule["alert"] for group in RULES["groups"] for rule in group["rules"] if rule["alert"] not in runbook]
    assert missing == []
