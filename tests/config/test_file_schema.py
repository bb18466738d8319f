"""The JSON Schema says of one value and of one entity what the loader says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from framegate.config.file_schema import json_schema
from framegate.config.load import load
from framegate.config.model.file import KINDS
from framegate.config.problems import Problems
from framegate.config.yaml_reader import read_yaml
from framegate.options import ProxyOptions, ServerLimits
from framegate.pdk.catalog import Catalog
from tests.config.files import HEAD, catalog, loaded
from tests.config.test_entities import FLAT, NESTED
from tests.config.test_tls import certificate

SCHEMA = json_schema(catalog())
VALIDATOR = Draft202012Validator(SCHEMA)


def faults(text: str) -> list[str]:
    return [f"{list(fault.path)}: {fault.message[:200]}" for fault in VALIDATOR.iter_errors(data(HEAD + text))]


def data(text: str) -> Any:
    problems = Problems("file")
    document = read_yaml(text, problems)
    assert problems.errors == []
    return document.data


def service(*fields: str) -> str:
    return "services:\n- " + "\n  ".join(["name: a", "url: ws://h/", *fields]) + "\n"


def route(*fields: str) -> str:
    return service("routes:", "- " + "\n    ".join(["paths: [/]", *fields]))


def upstream(*fields: str) -> str:
    return "upstreams:\n- " + "\n  ".join(["name: u", *fields]) + "\n"


def consumer(*fields: str) -> str:
    return "consumers:\n- " + "\n  ".join(["username: u", *fields]) + "\n"


def plugin(*fields: str) -> str:
    return "plugins:\n- " + "\n  ".join(["name: greeter-plugin", *fields]) + "\n"


def gateway(*fields: str) -> str:
    return "gateway:\n  " + "\n  ".join(fields) + "\n"


GOOD = [
    "",
    NESTED,
    FLAT,
    certificate(snis=[{"name": "*.a.test"}]),
    "services:\nroutes: ~\nvaults: ~\n",
    "_info: {defaults: {}, select_tags: [a]}\n",
    route("sources: ~", "destinations: ~"),
    service("retries: 0", "tags: [a]", "_comment: x", "path: ~", "port: ~"),
    service("connect_timeout: 2147483646", "enabled: false"),
    "services: [{host: h, protocol: ws}]\n",
    "services: [{url: 'wss://h:1/x', tls_verify: false}]\n",
    route("protocols: [ws]", "hosts: ['*.a.com', 'a.com:1']", "headers: {x: ['~*a']}", "methods: [GET]"),
    route("paths: [/b]", "strip_path: ~").replace("    paths: [/b]\n", ""),
    route("https_redirect_status_code: 308", "path_handling: v1", "regex_priority: -1", "created_at: 7"),
    upstream("hash_on: header", "hash_on_header: x", "slots: 10"),
    upstream("targets: [{target: 'h:1', weight: 0}, {target: '[::1]:1'}]"),
    upstream("healthchecks: {active: {healthy: {interval: 0}}, passive: {type: http}}"),
    upstream("healthchecks: {active: {type: websockets, timeout: 0.5, headers: {x: [a, b]}, https_sni: h}}"),
    upstream("healthchecks: {threshold: 55.5, passive: {unhealthy: {session_failures: 255, session_time: 2}}}"),
    upstream("use_srv_name: true", "slow_start: 30000", "retry_on_statuses: [502, 503]"),
    upstream("targets: [{target: h, srv: true, max_connections: 1}]"),
    gateway("dns: {resolver: [10.0.0.2, '10.0.0.2:53', '::1', '[::1]:5353'], order: [A], valid_ttl: 0.1}"),
    "consumers: [{custom_id: x}]\n",
    consumer("jwt_secrets: [{key: a, algorithm: HS512, secret: b}]"),
    plugin(),
    plugin("config: ~"),
    plugin("config: {greeting: hey, times: [1, 9]}", "enabled: false", "protocols: [wss]"),
    plugin().replace("-", "_").replace("_ name", "- name"),
    "plugins: [{name: closer, config: {target: x}}]\n",
    gateway("listen: ['127.0.0.1:0', {address: 'unix:/x'}, {address: 'h:1', tls: false}]", "workers: 2"),
    gateway(
        "options: {idle_timeout: 100, ping_timeout: ~, client_max_frame_size: auto, validate_utf8: ~, debug: true}"
    ),
    gateway("limits: {drain_code: 4999, max_connections: ~, drain_window: 0}", "trusted_ips: ['::1', 10.0.0.0/8]"),
    gateway("log_level: '{vault://env/level}'", "plugin_time_limit: 1", "listen: ['{vault://env/address}']"),
    "services: [{name: '{vault://env/word}', url: '{vault://env/url}', id: '{vault://env/uuid}'}]\n",
    plugin("config: {greeting: '{vault://env/word}'}"),
]

BAD = [
    "servces: []\n",
    "services: {}\n",
    "services: [a]\n",
    "_transform: 1\n",
    "_info: {defaults: {service: {}}}\n",
    "servces: ~\n",
    route("hots: ~"),
    gateway("lissten: ~"),
    "vaults: []\n",
    "services: [{name: a}]\n",
    "services: [{host: h}]\n",
    "services: [{url: 'http://h/'}]\n",
    "services: [{url: 'ws://h/?a'}]\n",
    "services: [{url: ~, name: x}]\n",
    service("retries: 32768"),
    service("retries: '5'"),
    service("connect_timeout: 0"),
    service("port: 0"),
    service("prot: ws"),
    service("tls_verify_depth: 3"),
    service("id: a"),
    service("tags: a"),
    service("tags: ['']"),
    service("enabled: 'yes'"),
    service("protocol: http"),
    service("path: a"),
    service("routes: [{name: r}]"),
    service("routes: [{paths: [], hosts: []}]"),
    route("service: a"),
    route("protocols: [http]"),
    route("protocols: []"),
    route("hosts: ['a b']"),
    route("methods: [POST]"),
    route("headers: {x: a}"),
    route("headers: {'a b': [a]}"),
    route("headers: {x: []}"),
    route("https_redirect_status_code: 303"),
    route("expression: x"),
    route("plugins: [{name: greeter-plugin, route: r}]"),
    "routes: [{paths: [/]}]\n",
    "routes: [{paths: [/], service: {nam: x}}]\n",
    upstream("algorithm: latency"),
    upstream("slots: 9"),
    upstream("use_srv_name: 1"),
    upstream("healthchecks: {active: {healthy: {interval: -1}}}"),
    upstream("healthchecks: {active: {type: grpc}}"),
    upstream("healthchecks: {active: {http_path: health}}"),
    upstream("healthchecks: {active: {headers: {x: ['\u20ac']}}}"),
    upstream("healthchecks: {passive: {unhealthy: {tcp_failures: 256}}}"),
    upstream("healthchecks: {threshold: 100.5}"),
    upstream("retry_on_statuses: [200]"),
    upstream("targets: [{target: 'h:1', max_connections: 0}]"),
    gateway("dns: {resolver: [ns.internal]}"),
    gateway("dns: {order: [CNAME]}"),
    gateway("dns: {order: []}"),
    gateway("dns: {stale_ttl: -1}"),
    upstream("targets: [{target: 'a b'}]"),
    upstream("targets: [{}]"),
    "upstreams: [{}]\n",
    "targets: [{target: 'a:1'}]\n",
    "consumers: [{tags: [a]}]\n",
    consumer("keyauth_credentials: [{}]"),
    consumer("keyauth_credentials: [{key: 3}]"),
    consumer("jwt_secrets: [{key: a}]"),
    consumer("jwt_secrets: [{key: a, algorithm: RS256, secret: x}]"),
    consumer("jwt_secrets: [{key: a, algorithm: none, secret: x}]"),
    consumer("acls: [{group: ''}]"),
    "acls: [{group: a}]\n",
    certificate(key_alt="-----BEGIN PRIVATE KEY-----"),
    certificate(snis=["a"]),
    plugin("confg: {}"),
    plugin("config: []"),
    plugin("config: {greting: x}"),
    plugin("config: {greeting: x}"),
    plugin("config: {greeting: 3}"),
    plugin("config: {times: [10]}"),
    plugin("config: {loud: 'true'}"),
    plugin("protocols: [grpc]"),
    "plugins: [{name: nobody}]\n",
    "plugins: [{config: {}}]\n",
    "plugins: [{name: closer}]\n",
    "plugins: [{name: closer, config: ~}]\n",
    "plugins: [{name: closer, config: {}}]\n",
    gateway("listen: []"),
    gateway("listen: ['8000']"),
    gateway("listen: [{adress: 'h:1'}]"),
    gateway("workers: 0"),
    gateway("workers: 1.5"),
    gateway("log_level: loud"),
    gateway("trusted_ips: [localhost]"),
    gateway("options: {on_frame: x}"),
    gateway("options: {idle_timeout: 99}"),
    gateway("options: {idle_timeout: 1.5}"),
    gateway("options: {lingering_time: ~}"),
    gateway("options: {compression: on}"),
    gateway("limits: {drain_code: 1005}"),
    gateway("limits: {max_headers: 0}"),
]

ENVIRONMENT = {
    "LEVEL": "debug",
    "ADDRESS": "h:1",
    "WORD": "word",
    "URL": "ws://h/",
    "UUID": "0c8e1d2e-7d1a-4a67-8f2e-111111111111",
}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("text", GOOD)
def test_schema_and_loader_agree_on_what_is_right(tmp_path: Path, text: str) -> None:
    found = loaded(tmp_path, HEAD + text, environment=ENVIRONMENT)
    assert [str(problem) for problem in found.problems] == []
    assert faults(text) == []


@pytest.mark.parametrize("text", BAD)
def test_schema_and_loader_agree_on_what_is_wrong(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, HEAD + text, environment=ENVIRONMENT).problems != []
    assert faults(text) != []


@pytest.mark.parametrize("text", ["services: []\n", "_format_version: 3.0\n", '_format_version: "2.1"\n', "[]", "x"])
def test_a_file_without_its_version_is_refused(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).problems != []
    assert list(VALIDATOR.iter_errors(data(text))) != []


OTHER_VALUES: list[Any] = [None, True, -1, 3.5, "", "no such", "{vault://env/none}", [], {}, ["x"], [None], {"a": 1}]


def variants(value: Any, rest: Iterable[Any]) -> Iterator[Any]:
    """``value`` with one thing in it replaced, each by each."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ({**value, name: other} for other in (*rest, *variants(inner, rest)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in (*rest, *variants(inner, rest)))


@pytest.mark.parametrize("text", [text for text in GOOD if "certificates" not in text])
def test_whatever_is_written_the_loader_has_an_answer_and_refuses_what_the_schema_does(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "gateway.json"
    for variant in variants(data(HEAD + text), OTHER_VALUES):
        file.write_text(json.dumps(variant))
        found = load(file, catalog=catalog, environment=ENVIRONMENT)
        assert found.problems != [] or VALIDATOR.is_valid(variant), variant


def objects(schema: Any, at: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas of mappings whose fields are known."""
    for name, definition in (("#", SCHEMA), *SCHEMA["$defs"].items()):
        if "properties" in definition:
            yield name, definition


def test_nothing_unknown_is_let_pass_but_in_the_notes_of_tools() -> None:
    open_ones = [name for name, definition in objects(SCHEMA) if definition.get("additionalProperties") is not False]
    assert open_ones == ["Info"]


def test_every_field_has_a_description() -> None:
    bare = [
        f"{name}.{field}"
        for name, definition in objects(SCHEMA)
        for field, inner in definition["properties"].items()
        if "description" not in inner and not name.startswith("config of ")
    ]
    assert bare == []


def test_defaults_are_there() -> None:
    definitions = SCHEMA["$defs"]
    assert definitions["Service"]["properties"]["retries"]["default"] == 5
    assert definitions["Route"]["properties"]["protocols"]["default"] == ["ws", "wss"]
    assert definitions["Options"]["properties"]["lingering_time"]["default"] == 30000
    assert definitions["config of greeter-plugin"]["properties"]["greeting"]["default"] == "hello"
    assert definitions["config of greeter-plugin"]["properties"]["greeting"]["description"] == "What to say"


def test_every_kind_and_option_is_there() -> None:
    assert set(KINDS) < set(SCHEMA["properties"])
    assert set(SCHEMA["$defs"]["Options"]["properties"]) == set(ProxyOptions.rules()) - {"on_frame"}
    assert set(SCHEMA["$defs"]["Limits"]["properties"]) == set(ServerLimits.rules())


def test_a_catalog_without_plugins_has_a_schema_too() -> None:
    Draft202012Validator.check_schema(json_schema(Catalog()))


def test_the_bundled_plugins_have_their_schemas() -> None:
    bundled = json_schema(Catalog.find([], entry_points=False))
    Draft202012Validator.check_schema(bundled)
    validator = Draft202012Validator(bundled)
    assert validator.is_valid(data(HEAD + "plugins: [{name: key-auth, config: {key_names: [apikey]}}]\n"))
    assert not validator.is_valid(data(HEAD + "plugins: [{name: key-auth, config: {key_name: [apikey]}}]\n"))
