"""Entities that refer to each other, and names that are there once only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.files import complaint, config

SERVICES = "services:\n- {name: chat, url: 'ws://h/'}\n- {name: news, url: 'ws://h/'}\n"
ONE = "0c8e1d2e-7d1a-4a67-8f2e-111111111111"


@pytest.mark.parametrize("reference", ["chat", "{name: chat}"])
def test_a_reference_is_a_name_or_a_mapping_of_one(tmp_path: Path, reference: str) -> None:
    (route,) = config(tmp_path, SERVICES + f"routes:\n- {{paths: [/], service: {reference}}}\n").routes
    assert route.service.name == "chat"


@pytest.mark.parametrize("reference", ["{}", "{name: a, id: b}", "{host: h}", "3", "[chat]", "''", "{name: 3}"])
def test_another_form_is_no_reference(tmp_path: Path, reference: str) -> None:
    line = complaint(tmp_path, SERVICES + f"routes:\n- {{paths: [/], service: {reference}}}\n")
    assert line.startswith("6: routes[0].service: must name an entry of services by its id or name")


def test_a_dangling_reference_is_told_the_nearest_name(tmp_path: Path) -> None:
    line = complaint(tmp_path, SERVICES + "routes:\n- paths: [/]\n  service: chta\n")
    assert line == "7: routes[0].service: there is no 'chta' among services, did you mean 'chat'?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plugins: [{name: greeter-plugin, consumer: bob}]", "plugins[0].consumer: there is no 'bob' among consumers"),
        ("plugins: [{name: greeter-plugin, route: r}]", "plugins[0].route: there is no 'r' among routes"),
        ("targets: [{target: 'a:1', upstream: u}]", "targets[0].upstream: there is no 'u' among upstreams"),
        ("acls: [{group: g, consumer: bob}]", "acls[0].consumer: there is no 'bob' among consumers"),
        (f"snis: [{{name: a, certificate: {ONE}}}]", f"snis[0].certificate: there is no '{ONE}' among certificates"),
        (
            f"services: [{{url: 'wss://h/', ca_certificates: [{ONE}]}}]",
            f"services[0].ca_certificates[0]: there is no '{ONE}' among ca_certificates",
        ),
        (
            f"services: [{{url: 'wss://h/', client_certificate: {ONE}}}]",
            f"services[0].client_certificate: there is no '{ONE}' among certificates",
        ),
    ],
)
def test_a_reference_to_a_kind_that_the_file_has_not_says_so(tmp_path: Path, text: str, said: str) -> None:
    kind = said.split("among ")[1]
    assert complaint(tmp_path, text + "\n") == f"2: {said} (there are no {kind} in this file)"


def test_an_id_is_no_name_and_a_name_no_id(tmp_path: Path) -> None:
    text = f"services: [{{id: {ONE}, name: chat, url: 'ws://h/'}}]\nroutes: [{{paths: [/], service: {{id: chat}}}}]\n"
    assert "there is no 'chat' among services" in complaint(tmp_path, text)
    text = f"services: [{{id: {ONE}, url: 'ws://h/'}}]\nroutes: [{{paths: [/], service: {{name: '{ONE}'}}}}]\n"
    assert f"there is no '{ONE}' among services" in complaint(tmp_path, text)


def test_a_reference_to_an_entity_that_is_wrong_is_no_second_mistake(tmp_path: Path) -> None:
    text = "services:\n- {name: chat, url: 'http://h/'}\nroutes:\n- {paths: [/], service: chat}\n"
    assert complaint(tmp_path, text).startswith("3: services[0].url: 'http' is not served")


@pytest.mark.parametrize(
    ("kind", "entry", "field"),
    [
        ("services", "name: x, url: 'ws://h/'", "name"),
        ("upstreams", "name: x", "name"),
        ("consumers", "username: x", "username"),
        ("consumers", "custom_id: x", "custom_id"),
        ("basicauth_credentials", "username: x, password: p, consumer: someone", "username"),
        ("jwt_secrets", "key: x, secret: p, consumer: someone", "key"),
    ],
)
def test_a_name_is_there_once_and_told_at_the_second(tmp_path: Path, kind: str, entry: str, field: str) -> None:
    someone = "" if kind == "consumers" else "consumers: [{username: someone}]"
    text = f"{someone}\n{kind}:\n- {{{entry}}}\n- {{{entry}}}\n"
    assert complaint(tmp_path, text) == (
        f"5: {kind}[1].{field}: 'x' is the {field} of {kind}[0] (line 4) already (rename or remove one)"
    )


def test_a_key_that_is_there_twice_is_not_shown(tmp_path: Path) -> None:
    text = "consumers:\n- username: a\n  keyauth_credentials:\n  - key: s3cret\n  - key: s3cret\n"
    assert complaint(tmp_path, text) == (
        "6: consumers[0].keyauth_credentials[1].key: "
        "this is the key of consumers[0].keyauth_credentials[0] (line 5) already (rename or remove one)"
    )


NESTED = "services:\n- name: chat\n  url: ws://h/\n  routes: [{name: r, paths: [/]}]\n"
FLAT = "routes:\n- {name: r, paths: [/x], service: chat}\n"


def test_nested_and_flat_entities_share_their_names(tmp_path: Path) -> None:
    assert complaint(tmp_path, NESTED + FLAT) == (
        "7: routes[0].name: 'r' is the name of services[0].routes[0] (line 5) already (rename or remove one)"
    )
    assert complaint(tmp_path, FLAT + NESTED) == (
        "7: services[0].routes[0].name: 'r' is the name of routes[0] (line 3) already (rename or remove one)"
    )


def test_entities_are_in_the_order_of_the_file(tmp_path: Path) -> None:
    flat = FLAT.replace("name: r", "name: q")
    assert [route.name for route in config(tmp_path, NESTED + flat).routes] == ["r", "q"]
    assert [route.name for route in config(tmp_path, flat + NESTED).routes] == ["q", "r"]


def test_an_id_is_there_once_whatever_its_case(tmp_path: Path) -> None:
    text = f"consumers:\n- {{username: a, id: {ONE}}}\n- {{username: b, id: {ONE.upper()}}}\n"
    assert complaint(tmp_path, text).startswith(
        f"4: consumers[1].id: '{ONE.upper()}' is the id of consumers[0] (line 3)"
    )


def test_different_kinds_may_have_the_same_name(tmp_path: Path) -> None:
    text = "services: [{name: x, url: 'ws://h/'}]\nupstreams: [{name: x}]\nconsumers: [{username: x}]\n"
    assert config(tmp_path, text).services[0].name == "x"


def test_an_upstream_has_a_target_once(tmp_path: Path) -> None:
    text = "upstreams:\n- name: a\n  targets:\n  - target: h:1\n- name: b\n  targets: [{target: 'h:1'}]\n"
    assert len(config(tmp_path, text).upstreams) == 2
    line = complaint(tmp_path, text + "targets: [{upstream: a, target: 'h:1'}]\n")
    assert line == "8: targets[0].target: 'h:1' is there already, as upstreams[0].targets[0] (line 5) (remove one)"


def test_a_consumer_is_in_a_group_once(tmp_path: Path) -> None:
    text = "consumers:\n- username: a\n  acls:\n  - group: g\n  - group: g\n- username: b\n  acls: [{group: g}]\n"
    assert complaint(tmp_path, text) == (
        "6: consumers[0].acls[1].group: 'g' is there already, as consumers[0].acls[0] (line 5) (remove one)"
    )
