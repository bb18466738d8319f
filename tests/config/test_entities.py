"""What a file becomes: entities with their defaults, linked, with ids, as the gateway and plugins see them."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from framegate.config.configuration import ActiveChecks, Limits, Route, Service
from tests.config.files import HEAD, config

SERVICE = "services:\n- name: chat\n  url: ws://h:9001/base\n"


def test_a_file_without_entities_is_a_configuration(tmp_path: Path) -> None:
    found = config(tmp_path, "")
    assert (found.services, found.routes, found.plugins, found.path) == ((), (), (), tmp_path / "gateway.yaml")
    assert str(found.gateway.listen[0]) == "127.0.0.1:8000"


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("url: ws://h:9001/base", ("ws", "h", 9001, "/base")),
        ("url: ws://h", ("ws", "h", 80, None)),
        ("url: wss://h/", ("wss", "h", 443, "/")),
        ("url: 'ws://[::1]:7/'", ("ws", "::1", 7, "/")),
        ("protocol: ws\n  host: h", ("ws", "h", 80, None)),
        ("protocol: wss\n  host: h\n  path: /a", ("wss", "h", 443, "/a")),
        ("protocol: ws\n  host: '::1'\n  port: 65535", ("ws", "::1", 65535, None)),
        ("url: ws://h:1/\n  protocol: ws\n  host: h\n  port: 1\n  path: /", ("ws", "h", 1, "/")),
    ],
)
def test_a_service_is_its_url_or_its_parts(
    tmp_path: Path, written: str, parts: tuple[str, str, int, str | None]
) -> None:
    (service,) = config(tmp_path, f"services:\n- name: a\n  {written}\n").services
    assert (service.protocol, service.host, service.port, service.path) == parts


def test_a_service_has_the_defaults_of_the_format(tmp_path: Path) -> None:
    (service,) = config(tmp_path, SERVICE).services
    expected = Service(id=service.id, name="chat", protocol="ws", host="h", port=9001, path="/base", line=3)
    assert service == expected
    assert (service.retries, service.enabled, service.read_timeout, service.tls_verify) == (5, True, None, None)


def test_a_route_has_the_defaults_of_the_format(tmp_path: Path) -> None:
    found = config(tmp_path, SERVICE + "  routes:\n  - paths: [/]\n")
    (route,) = found.routes
    assert route == Route(id=route.id, name=None, service=found.services[0], paths=("/",), line=6)
    assert (route.protocols, route.strip_path, route.preserve_host) == (("ws", "wss"), True, False)
    assert (route.https_redirect_status_code, route.path_handling, route.regex_priority) == (426, "v0", 0)


def test_a_route_has_what_the_file_says(tmp_path: Path) -> None:
    text = """  routes:
  - name: r
    protocols: [wss, wss]
    hosts: ["*.example.com", "example.com:8443"]
    paths: [/a, '~/b/(?<id>\\d+)$']
    headers: {X-Version: ["1", "2"], x-mode: ["~*^dark"]}
    snis: [example.com]
    methods: [GET]
    strip_path: false
    preserve_host: true
    regex_priority: 3
    path_handling: v1
    https_redirect_status_code: 301
    created_at: 1700000000
    request_buffering: false
    tags: [x]
"""
    (route,) = config(tmp_path, SERVICE + text).routes
    assert dict(route.headers) == {"x-version": ("1", "2"), "x-mode": ("~*^dark",)}
    assert route.hosts == ("*.example.com", "example.com:8443")
    assert route.paths == ("/a", "~/b/(?<id>\\d+)$")
    assert (route.protocols, route.snis, route.methods) == (("wss",), ("example.com",), ("GET",))
    assert (route.strip_path, route.preserve_host, route.regex_priority) == (False, True, 3)
    assert (route.path_handling, route.https_redirect_status_code) == ("v1", 301)
    assert (route.created_at, route.tags) == (1700000000, ("x",))


NESTED = """
services:
- name: chat
  url: ws://h:1/
  routes:
  - name: r
    paths: [/]
    plugins: [{name: greeter-plugin}]
upstreams:
- name: pool
  targets: [{target: "10.0.0.1:9000", weight: 7}, {target: one.internal}, {target: "[::1]:1"}]
consumers:
- username: alice
  keyauth_credentials: [{key: k}]
  basicauth_credentials: [{username: u, password: p}]
  jwt_secrets: [{key: iss, secret: s}]
  acls: [{group: g}]
"""

FLAT = """
services:
- {name: chat, url: "ws://h:1/"}
routes:
- {name: r, service: {name: chat}, paths: [/]}
plugins:
- {name: greeter_plugin, route: r}
upstreams:
- {name: pool}
targets:
- {upstream: pool, target: "10.0.0.1:9000", weight: 7}
- {upstream: {name: pool}, target: one.internal}
- {upstream: pool, target: "[::1]:1"}
consumers:
- {username: alice}
keyauth_credentials: [{key: k, consumer: alice}]
basicauth_credentials: [{username: u, password: p, consumer: {username: alice}}]
jwt_secrets: [{key: iss, secret: s, consumer: alice}]
acls: [{group: g, consumer: alice}]
"""


def without_lines(text: object) -> str:
    return "".join(part if "line=" not in part else "" for part in repr(text).split(", "))


def test_nested_and_flat_are_the_same(tmp_path: Path) -> None:
    nested, flat = config(tmp_path, NESTED), config(tmp_path, FLAT)
    for kind in ("services", "routes", "upstreams", "consumers"):
        assert without_lines(getattr(nested, kind)) == without_lines(getattr(flat, kind))
    assert [plugin.name for plugin in nested.plugins] == [plugin.name for plugin in flat.plugins] == ["greeter-plugin"]
    assert nested.plugins[0].route == nested.routes[0]
    for kind in ("targets", "basicauth_credentials", "jwt_secrets", "acls"):
        assert nested.entities.all(kind) == flat.entities.all(kind) != ()


def test_a_target_has_a_host_and_a_port(tmp_path: Path) -> None:
    (upstream,) = config(tmp_path, NESTED).upstreams
    assert [(target.host, target.port, target.weight) for target in upstream.targets] == [
        ("10.0.0.1", 9000, 7),
        ("one.internal", 8000, 100),
        ("::1", 1, 100),
    ]


def test_a_reference_may_be_an_id(tmp_path: Path) -> None:
    one = "0c8e1d2e-7d1a-4a67-8f2e-111111111111"
    text = f"services:\n- {{id: {one.upper()}, url: 'ws://h/'}}\nroutes:\n- {{service: {{id: {one}}}, paths: [/]}}\n"
    found = config(tmp_path, text)
    assert found.routes[0].service.id == found.services[0].id == one


def test_a_named_entity_has_the_id_that_kong_gives_it(tmp_path: Path) -> None:
    """Version 5 of RFC 9562, section 5.5: a fixed namespace, within it the kind, within that the name."""
    services = uuid.uuid5(uuid.UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5"), "services")
    assert config(tmp_path, SERVICE).services[0].id == str(uuid.uuid5(services, "chat"))


def test_ids_are_the_same_at_every_load_and_all_different(tmp_path: Path) -> None:
    first, second = config(tmp_path, NESTED).entities, config(tmp_path, NESTED).entities
    ids = [entity["id"] for kind in first for entity in first.all(kind)]
    assert ids == [entity["id"] for kind in second for entity in second.all(kind)]
    assert len(set(ids)) == len(ids) == 12


def test_the_id_of_a_key_does_not_give_the_key_away(tmp_path: Path) -> None:
    one, other = (
        config(tmp_path, f"consumers:\n- username: a\n  keyauth_credentials: [{{key: {key}}}]\n").entities.all(
            "keyauth_credentials"
        )[0]["id"]
        for key in ("k1", "k2")
    )
    assert one == other


def test_plugins_see_entities_with_the_field_names_of_the_file(tmp_path: Path) -> None:
    entities = config(tmp_path, NESTED).entities
    alice = entities.first("consumers", "username", "alice")
    assert alice is not None
    assert dict(alice) == {
        "id": alice["id"],
        "created_at": None,
        "updated_at": None,
        "tags": (),
        "username": "alice",
        "custom_id": None,
    }
    credential = entities.first("keyauth_credentials", "key", "k")
    assert credential is not None and credential["consumer"] == {"id": alice["id"]}
    (service,), (route,) = entities.all("services"), entities.all("routes")
    assert (service["host"], service["port"], service["retries"], service["path"]) == ("h", 1, 5, "/")
    assert "url" not in service and route["service"] == {"id": service["id"]}
    assert entities.all("jwt_secrets")[0]["algorithm"] == "HS256"


def test_what_plugins_see_cannot_be_changed(tmp_path: Path) -> None:
    (route,) = config(tmp_path, NESTED).entities.all("routes")
    with pytest.raises(TypeError):
        route["paths"] = ()
    assert route["paths"] == ("/",)


def test_an_upstream_that_says_what_to_hash_hashes(tmp_path: Path) -> None:
    text = "upstreams:\n- {name: a, hash_on: ip}\n- {name: b}\n- {name: c, algorithm: least-connections}\n"
    found = config(tmp_path, text)
    assert [one.algorithm for one in found.upstreams] == ["consistent-hashing", "round-robin", "least-connections"]
    assert [one["algorithm"] for one in found.entities.all("upstreams")] == [one.algorithm for one in found.upstreams]


def test_without_health_checks_nothing_is_checked(tmp_path: Path) -> None:
    text = "upstreams: [{name: a}, {name: b, healthchecks: {active: {}, passive: {type: tcp}}}]"
    one, other = config(tmp_path, text).upstreams
    for checks in (one.healthchecks, other.healthchecks):
        assert (checks.active.healthy_interval, checks.active.unhealthy_interval) == (0, 0)
        assert checks.active.limits == checks.passive.limits == Limits()
    assert other.healthchecks.passive.type == "tcp"


def test_health_checks_have_kongs_fields(tmp_path: Path) -> None:
    text = """upstreams:
- name: a
  slow_start: 30000
  retry_on_statuses: [502, 503]
  healthchecks:
    threshold: 50
    active:
      type: https
      timeout: 2
      concurrency: 3
      http_path: /health?full=1
      headers: {X-Check: [one, two]}
      https_sni: chat.example
      https_verify_certificate: false
      healthy: {interval: 5, successes: 2, http_statuses: [200]}
      unhealthy: {interval: 0.5, tcp_failures: 1, timeouts: 2, http_failures: 3, http_statuses: [500]}
    passive:
      healthy: {successes: 4, http_statuses: [401]}
      unhealthy: {tcp_failures: 5, timeouts: 6, http_failures: 7, session_failures: 8, session_time: 3}
  targets:
  - {target: 'h:1', max_connections: 9}
  - {target: h, srv: true}
"""
    (found,) = config(tmp_path, text).upstreams
    assert (found.slow_start, found.retry_on_statuses) == (30000, {502, 503})
    assert [(each.max_connections, each.srv) for each in found.targets] == [(9, False), (None, True)]
    checks = found.healthchecks
    assert (checks.threshold, checks.ejection_time) == (50, 30)
    assert checks.active == ActiveChecks(
        "https", 2, 3, "/health?full=1", (("X-Check", "one"), ("X-Check", "two")), "chat.example", False,
        5, 0.5, frozenset({200}), frozenset({500}), Limits(2, 1, 2, 3),
    )  # fmt: skip
    assert (checks.passive.healthy_statuses, checks.passive.unhealthy_statuses) == ({401}, {429, 500, 503})
    assert checks.passive.session_time == 3
    assert checks.passive.limits == Limits(4, 5, 6, 7, 8)


def test_plugins_see_health_checks_as_the_file_has_them(tmp_path: Path) -> None:
    text = "upstreams: [{name: a}, {name: b, healthchecks: {threshold: 5}}]"
    one, other = config(tmp_path, text).entities.all("upstreams")
    assert one["healthchecks"] is None
    assert (other["healthchecks"]["threshold"], other["healthchecks"]["active"]) == (5, None)


def test_a_field_that_is_null_is_as_if_it_was_left_out(tmp_path: Path) -> None:
    text = SERVICE + "  routes:\n  - {name: ~, paths: [/], strip_path: ~, tags: ~, plugins: ~}\n  plugins:\nplugins:\n"
    (route,) = config(tmp_path, text).routes
    assert (route.name, route.strip_path, route.tags) == (None, True, ())


def test_notes_of_tools_and_people_are_accepted_everywhere(tmp_path: Path) -> None:
    notes = "_comment: c, _ignore: [1], tags: [t], created_at: 1, updated_at: 2.5"
    text = f"""_comment: all of it
_ignore: [x]
_transform: true
_info: {{select_tags: [a]}}
services:
- {{name: a, url: "ws://h/", {notes}, routes: [{{paths: [/], {notes}}}], plugins: [{{name: greeter-plugin, {notes}}}]}}
upstreams: [{{name: u, {notes}, targets: [{{target: "h:1", {notes}}}]}}]
consumers: [{{username: u, {notes}, acls: [{{group: g, {notes}}}]}}]
"""
    assert config(tmp_path, text).services[0].tags == ("t",)


def test_a_disabled_service_is_kept_and_said_to_be(tmp_path: Path) -> None:
    assert config(tmp_path, SERVICE + "  enabled: false\n").services[0].enabled is False


def test_lines_are_those_of_the_entities(tmp_path: Path) -> None:
    found = config(tmp_path, NESTED)
    text = (HEAD + NESTED).splitlines()
    assert text[found.services[0].line - 1] == "- name: chat"  # type: ignore[operator]
    assert text[found.routes[0].line - 1] == "  - name: r"  # type: ignore[operator]
    assert text[found.plugins[0].line - 1].startswith("    plugins:")  # type: ignore[operator]
