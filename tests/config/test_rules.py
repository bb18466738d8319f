"""Every rule about one entity, with its error: the line, the place, what is wrong and the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.files import complaint, complaints, config, whole_complaints

SERVICE = "services:\n- name: a\n  url: ws://h/\n"


def in_service(field: str) -> str:
    return SERVICE + f"  {field}\n"


def in_route(*fields: str) -> str:
    return SERVICE + "  routes:\n  - " + "\n    ".join(["paths: [/]", *fields]) + "\n"


def in_upstream(*fields: str) -> str:
    return "upstreams:\n- " + "\n  ".join(["name: u", *fields]) + "\n"


def in_consumer(*fields: str) -> str:
    return "consumers:\n- " + "\n  ".join(["username: u", *fields]) + "\n"


def after_the_place(line: str) -> str:
    return line.split(": ", 2)[2]


# The file


def test_a_file_says_its_version(tmp_path: Path) -> None:
    assert whole_complaints(tmp_path, "services: []\n") == ["1: _format_version is missing"]


@pytest.mark.parametrize("version", ["1.1", "2.1"])
def test_an_older_version_is_to_be_converted(tmp_path: Path, version: str) -> None:
    assert whole_complaints(tmp_path, f'_format_version: "{version}"\n') == [
        f"1: _format_version: the version of the format must be '3.0', not '{version}' "
        "(convert the file with Kong's decK)"
    ]


def test_a_version_without_quotes_is_a_number(tmp_path: Path) -> None:
    assert whole_complaints(tmp_path, "_format_version: 3.0\n") == [
        "1: _format_version: must be '3.0', not a number (put it in quotes: \"3.0\")"
    ]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("servces: []", "servces: there is no field 'servces', did you mean 'services'?"),
        ("zzz: []", "zzz: there is no field 'zzz'"),
        ("vaults: []", "vaults: 'vaults' is not served (the environment is served without one: {vault://env/NAME})"),
        ("consumer_groups: []", "consumer_groups: 'consumer_groups' is not served (groups are given to consumers with"),
        ("services: {}", "services: must be a list (each entry begins with a dash)"),
        ("services: chat", "services: must be a list"),
        ("services: [chat]", "services[0]: must be a mapping (write name: chat)"),
        ("services: [[]]", "services[0]: must be a mapping"),
        ("gateway: []", "gateway: must be a mapping"),
        ("_transform: maybe", "_transform: must be true or false, not a text"),
        (
            "_info: {defaults: {route: {}}}",
            "_info.defaults: are not applied (write them where they are wanted, or take them out)",
        ),
    ],
)
def test_a_section_that_is_wrong_is_named(tmp_path: Path, section: str, said: str) -> None:
    assert complaint(tmp_path, section + "\n").startswith(f"2: {said}")


def test_hashed_passwords_are_not_served(tmp_path: Path) -> None:
    text = "_transform: false\n" + in_consumer("basicauth_credentials: [{username: a, password: b}]")
    assert complaint(tmp_path, text).startswith("2: _transform: hashed passwords are not served")
    assert config(tmp_path, "_transform: false\n" + in_consumer()).consumers


# Services


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://h/", "'http' is not served (write ws, for WebSocket without TLS)"),
        ("https://h/", "'https' is not served (write wss, for WebSocket over TLS)"),
        ("grpc://h/", "'grpc' is not served (ws and wss are)"),
        ("h:80", "must be a URL, not 'h:80' (as in ws://chat.internal:9001/base)"),
        ("ws://", "must be a URL, not 'ws://'"),
        ("ws://h:0/", "the port must be from 1 to 65535, not 0"),
        ("ws://h:65536/", "'ws://h:65536/' is no URL: Port out of range 0-65535"),
        ("ws://h:x/", "'ws://h:x/' is no URL: "),
        ("ws://u:p@h/", "must have no user information"),
        ("ws://h/?a=b", "must have no query and no fragment"),
        ("ws://h/#a", "must have no query and no fragment"),
        ("ws://h/a b", "must be a path that begins with /"),
        ("ws://h/%zz", "has a % that begins no percent-encoding"),
        ("ws://a_b!c/", "must be a host name or an address, not 'a_b!c'"),
        ("ws://1.2.3.256/", "'1.2.3.256' is no IPv4 address"),
    ],
)
def test_a_url_that_is_wrong_is_told_why(tmp_path: Path, url: str, said: str) -> None:
    line = complaint(tmp_path, f"services:\n- url: '{url}'\n")
    assert line.startswith(f"3: services[0].url: {said}")


def test_a_part_that_contradicts_the_url_is_named(tmp_path: Path) -> None:
    text = SERVICE + "  host: other\n  port: 81\n  protocol: wss\n"
    assert complaints(tmp_path, text) == [
        "5: services[0].host: contradicts the url, 'ws://h/' (take host out, or the url)",
        "6: services[0].port: contradicts the url, 'ws://h/' (take port out, or the url)",
        "7: services[0].protocol: contradicts the url, 'ws://h/' (take protocol out, or the url)",
    ]


def test_a_service_needs_to_be_somewhere(tmp_path: Path) -> None:
    assert complaint(tmp_path, "services:\n- name: a\n") == (
        "3: services[0]: host is missing (write url: ws://HOST:PORT/)"
    )
    assert "protocol is missing (write protocol: ws, or wss for TLS" in complaint(tmp_path, "services: [{host: h}]\n")


@pytest.mark.parametrize("protocol", ["http", "https", "grpc", "grpcs", "tcp", "tls", "udp", "tls_passthrough"])
def test_another_protocol_is_not_served(tmp_path: Path, protocol: str) -> None:
    line = complaint(tmp_path, f"services:\n- {{host: h, protocol: {protocol}}}\n")
    assert line.startswith(f"3: services[0].protocol: '{protocol}' is not served (")
    route = complaint(tmp_path, in_route(f"protocols: [wss, {protocol}]"))
    assert route.startswith(f"7: services[0].routes[0].protocols[1]: '{protocol}' is not served (")


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("port", 1, 65535),
        ("retries", 0, 32767),
        ("connect_timeout", 1, 2**31 - 2),
        ("write_timeout", 1, 2**31 - 2),
        ("read_timeout", 1, 2**31 - 2),
    ],
)
def test_numbers_of_a_service_have_a_least_and_a_most(tmp_path: Path, field: str, least: int, most: int) -> None:
    text = "services:\n- {host: h, protocol: ws, "
    for number in (least, most):
        assert getattr(config(tmp_path, f"{text}{field}: {number}}}\n").services[0], field) == number
    for number in (least - 1, most + 1):
        said = complaint(tmp_path, f"{text}{field}: {number}}}\n")
        assert said == f"3: services[0].{field}: must be from {least} to {most}, not {number}"


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("prot: ws", "there is no field 'prot', did you mean 'port'?"),
        ("retries: '5'", "must be a whole number, not a text (leave out the quotes)"),
        ("retries: 5.5", "must be a whole number, not a number"),
        ("retries: true", "must be a whole number, not true or false"),
        ("enabled: 'yes'", "must be true or false, not a text"),
        ("tags: blue", 'must be a list, not a text (write ["blue"])'),
        (
            "id: chat",
            "must be a UUID, not 'chat' (leave it out: an entity without one is given an id made of its name)",
        ),
        ("tls_verify: true", "needs the protocol wss (write wss, or take tls_verify out)"),
        ("tls_verify: false", "needs the protocol wss (write wss, or take tls_verify out)"),
        ("tls_sans: {}", "'tls_sans' is not served (the host's own name is verified)"),
        ("path: /x", "contradicts the url, 'ws://h/' (take path out, or the url)"),
        ("routes: {}", "must be a list (each entry begins with a dash)"),
    ],
)
def test_a_field_of_a_service_that_is_wrong_is_named(tmp_path: Path, field: str, said: str) -> None:
    name = field.split(":")[0]
    assert complaint(tmp_path, in_service(field)) == f"5: services[0].{name}: {said}"


@pytest.mark.parametrize("name", ["a b", "a/b", ""])
def test_a_name_has_no_spaces_and_slashes(tmp_path: Path, name: str) -> None:
    assert "services[0].name: must be a name of letters, digits and . _ ~ -" in complaint(
        tmp_path, f"services:\n- {{name: '{name}', url: 'ws://h/'}}\n"
    )


@pytest.mark.parametrize("path", ["x", "/a//b", "/a?b", "/a b", "/%4"])
def test_the_path_of_a_service_is_a_path(tmp_path: Path, path: str) -> None:
    line = complaint(tmp_path, f"services:\n- {{host: h, protocol: ws, path: '{path}'}}\n")
    assert line.startswith("3: services[0].path: ")


# Routes


def test_a_route_needs_a_criterion(tmp_path: Path) -> None:
    line = complaint(tmp_path, SERVICE + "  routes:\n  - name: r\n    methods: [GET]\n")
    assert line == (
        "6: services[0].routes[0]: matches nothing in particular "
        "(give it paths, hosts, headers or snis; paths: [/] takes everything)"
    )


def test_a_route_needs_a_service(tmp_path: Path) -> None:
    assert complaint(tmp_path, "routes:\n- paths: [/]\n") == (
        "3: routes[0]: service is missing (name the service, or put the route under it)"
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("chat", "must be a path that begins with /, or a regular expression that begins with ~, not 'chat'"),
        ("/a b", "' ' may not stand in a path: '/a b' (a regular expression begins with ~"),
        ("/a\\d+", "'\\\\' may not stand in a path"),
        ("/[0-9]", "'[' may not stand in a path"),
        ("/a?b=c", "must have no query and no fragment"),
        ("/a%2", "has a % that begins no percent-encoding: '/a%2' (write %25)"),
        ("~/a(", "'/a(' is no regular expression that Python understands: "),
        ("~/a[z-a]", "'/a[z-a]' is no regular expression that Python understands: "),
        ("~chat", "the regular expression 'chat' matches no path, for paths begin with / (write ~/...)"),
    ],
)
def test_a_path_of_a_route_that_is_wrong_is_told_why(tmp_path: Path, path: str, said: str) -> None:
    line = complaint(tmp_path, SERVICE + f"  routes:\n  - paths: [/ok, '{path}']\n")
    assert line.startswith(f"6: services[0].routes[0].paths[1]: {said}")


@pytest.mark.parametrize("path", ["/", "/a/(b)*", "/gr\u00f6\u00dfe", "~/a(?<n>x)$", "~(?i)/a", "/a//b", "/%41"])
def test_a_path_of_a_route_that_is_right_is_taken(tmp_path: Path, path: str) -> None:
    assert config(tmp_path, SERVICE + f"  routes:\n  - paths: ['{path}']\n").routes[0].paths == (path,)


@pytest.mark.parametrize("host", ["*.*.com", "a.*.com", "*", "a b", "*a.com", "h:x", "http://h", "-a.com"])
def test_a_host_of_a_route_that_is_wrong_is_named(tmp_path: Path, host: str) -> None:
    line = complaint(tmp_path, in_route(f"hosts: [ok.com, '{host}']"))
    assert line.startswith("7: services[0].routes[0].hosts[1]: must be a host name, perhaps with one *")


@pytest.mark.parametrize("host", ["a", "*.a.com", "a.*", "a.com:8443", "*.a.com:1", "10.0.0.1", "[::1]:80", "_x.y"])
def test_a_host_of_a_route_that_is_right_is_taken(tmp_path: Path, host: str) -> None:
    assert config(tmp_path, in_route(f"hosts: ['{host}']")).routes[0].hosts == (host,)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("headers: {host: [a]}", "headers.host: Host is matched by the field hosts (write it there)"),
        ("headers: {'a b': [a]}", "headers.a b: must be the name of a header field, not 'a b'"),
        ("headers: {x: a}", 'headers.x: must be a list, not a text (write ["a"])'),
        ("headers: {x: []}", "headers.x: must not be empty (leave the field out)"),
        ("headers: {x: [1]}", 'headers.x[0]: must be a text, not a number (put it in quotes: "1")'),
        ("headers: {x: ['~*(']}", "headers.x[0]: '(' is no regular expression that Python understands"),
        ("headers: {x: [a, '~*b']}", "headers.x[1]: a regular expression is the only value of its header"),
        ("headers: {x: [a], X: [b]}", "headers.X: is the header 'x' again (names have no case: merge them)"),
        ("methods: [POST]", "methods[0]: must be 'GET', not 'POST'"),
        ("protocols: []", "protocols: must not be empty (leave the field out)"),
        ("protocols: ws", 'protocols: must be a list, not a text (write ["ws"])'),
        ("https_redirect_status_code: 303", "https_redirect_status_code: must be 426, 301, 302, 307 or 308, not 303"),
        ("path_handling: v2", "path_handling: must be 'v0' or 'v1', not 'v2'"),
        ("snis: ['a b']", "snis[0]: must be a host name, perhaps with one * as its first or last part, without port"),
        ("expression: 'true'", "expression: 'expression' is not served (use paths, hosts, headers and snis)"),
        ("sources: []", "sources: 'sources' is not served (it is for TCP routes)"),
        ("service: a", "service: it belongs to services already, by where it stands"),
        ("strip_paths: true", "strip_paths: there is no field 'strip_paths', did you mean 'strip_path'?"),
    ],
)
def test_a_field_of_a_route_that_is_wrong_is_named(tmp_path: Path, field: str, said: str) -> None:
    assert complaint(tmp_path, in_route(field)).startswith(f"7: services[0].routes[0].{said}")


def test_server_names_need_tls(tmp_path: Path) -> None:
    line = complaint(tmp_path, in_route("snis: [a.com]", "protocols: [ws]"))
    assert line.startswith("7: services[0].routes[0].snis: needs the protocol wss")


# Upstreams and targets


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (["algorithm: latency"], "algorithm: must be 'round-robin', 'least-connections' or 'consistent-hashing', not"),
        (["hash_on: header"], "hash_on: header needs hash_on_header (add hash_on_header)"),
        (["hash_on: cookie"], "hash_on: cookie needs hash_on_cookie (add hash_on_cookie)"),
        (["hash_on: query_arg"], "hash_on: query_arg needs hash_on_query_arg"),
        (["hash_on: uri_capture"], "hash_on: uri_capture needs hash_on_uri_capture"),
        (["hash_fallback: header", "hash_on: ip"], "hash_fallback: header needs hash_fallback_header"),
        (["hash_fallback: cookie", "hash_on: ip"], "hash_fallback: cookie needs hash_on_cookie"),
        (["hash_fallback: ip"], "hash_fallback: has no effect: hash_on is none (write hash_fallback: none)"),
        (["hash_fallback: ip", "hash_on: ip"], "hash_fallback: is the same as hash_on"),
        (["hash_on: ip", "algorithm: round-robin"], "hash_on: has no effect with the algorithm round-robin"),
        (["hash_on: nonsense"], "hash_on: must be 'none', 'consumer', 'ip', 'header', 'cookie'"),
        (["slots: 9"], "slots: must be from 10 to 65536, not 9"),
        (["slots: 65537"], "slots: must be from 10 to 65536, not 65537"),
        (["slow_start: -1"], "slow_start: must be from 0 to 2147483646, not -1"),
        (["retry_on_statuses: [101]"], "retry_on_statuses[0]: must be from 300 to 599, not 101"),
        (
            ["healthchecks: {active: {healthy: {interval: 65536}}}"],
            "healthchecks.active.healthy.interval: must be from 0 to 65535, not 65536",
        ),
        (["healthchecks: {active: {timeout: 0}}"], "healthchecks.active.timeout: must be from 0.001 to 65535, not 0"),
        (["healthchecks: {active: {type: grpc}}"], "healthchecks.active.type: must be 'tcp', 'http', 'https',"),
        (["healthchecks: {active: {http_path: a}}"], "healthchecks.active.http_path: must be a path that begins with"),
        (
            ["healthchecks: {active: {headers: {x: ['a\\r']}}}".replace("'", '"')],
            "healthchecks.active.headers.x[0]: must be the value of a header field",
        ),
        (
            ["healthchecks: {active: {headers: {x: ['a\\n']}}}".replace("'", '"')],
            "healthchecks.active.headers.x[0]: must not end with a line break",
        ),
        (
            ["healthchecks: {passive: {unhealthy: {timeouts: 256}}}"],
            "healthchecks.passive.unhealthy.timeouts: must be from 0 to 255, not 256",
        ),
        (["healthchecks: {threshold: .nan}"], "healthchecks.threshold: must be from 0 to 100, not nan"),
        (["targets: [{target: 'a:1', max_connections: 0}]"], "targets[0].max_connections: must be from 1 to"),
        (["targets: [{target: '[::1]:1', srv: true}]"], "targets[0].srv: an address has no SRV records (write a name,"),
        (["healthchecks: {activ: {}}"], "healthchecks.activ: there is no field 'activ', did you mean 'active'?"),
        (["targets: [{target: 'a:70000'}]"], "targets[0].target: the port must be from 1 to 65535, not 70000"),
        (["targets: [{target: 'http://a'}]"], "targets[0].target: must be HOST:PORT, not 'http://a'"),
        (["targets: [{target: 'a:1', weight: 65536}]"], "targets[0].weight: must be from 0 to 65535, not 65536"),
        (["targets: [{weight: 1}]"], "targets[0]: target is missing"),
        (["targets: [{target: 1.2.3.400}]"], "targets[0].target: '1.2.3.400' is no IPv4 address"),
    ],
)
def test_a_field_of_an_upstream_that_is_wrong_is_named(tmp_path: Path, fields: list[str], said: str) -> None:
    assert complaint(tmp_path, in_upstream(*fields)).startswith(f"4: upstreams[0].{said}")


def test_a_cookie_has_no_fallback(tmp_path: Path) -> None:
    line = complaint(tmp_path, in_upstream("hash_on: cookie", "hash_on_cookie: c", "hash_fallback: ip"))
    assert line.startswith("6: upstreams[0].hash_fallback: has no effect: a client without the cookie is given one")


def test_two_headers_may_be_hashed_if_they_differ(tmp_path: Path) -> None:
    fields = ["hash_on: header", "hash_on_header: a", "hash_fallback: header"]
    assert config(tmp_path, in_upstream(*fields, "hash_fallback_header: b")).upstreams[0].hash_fallback_header == "b"
    assert "is the same as hash_on" in complaint(tmp_path, in_upstream(*fields, "hash_fallback_header: a"))


@pytest.mark.parametrize("name", ["a b", "10.0.0.1:80", "u/", ""])
def test_the_name_of_an_upstream_is_a_host_name(tmp_path: Path, name: str) -> None:
    assert "upstreams[0].name: must be a host name" in complaint(tmp_path, f"upstreams:\n- name: '{name}'\n")


def test_a_target_needs_an_upstream(tmp_path: Path) -> None:
    assert complaint(tmp_path, "targets:\n- target: a:1\n").startswith("3: targets[0]: upstream is missing")


# Consumers and credentials


def test_a_consumer_needs_a_name_or_an_id_of_elsewhere(tmp_path: Path) -> None:
    assert complaint(tmp_path, "consumers:\n- tags: [a]\n") == "3: consumers[0]: needs a username or a custom_id"
    assert config(tmp_path, "consumers:\n- custom_id: a\n").consumers[0].custom_id == "a"


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("keyauth_credentials: [{}]", "keyauth_credentials[0]: key is missing"),
        ("keyauth_credentials: [{key: ''}]", "keyauth_credentials[0].key: must not be empty"),
        ("keyauth_credentials: [{key: a, ttl: 3}]", "keyauth_credentials[0].ttl: 'ttl' is not served"),
        ("basicauth_credentials: [{username: a}]", "basicauth_credentials[0]: password is missing"),
        ("jwt_secrets: [{key: a}]", "jwt_secrets[0]: secret is missing: HS256 needs it"),
        ("jwt_secrets: [{key: a, algorithm: ES256}]", "jwt_secrets[0]: rsa_public_key is missing: ES256 needs it"),
        ("jwt_secrets: [{key: a, algorithm: none}]", "jwt_secrets[0].algorithm: must be 'HS256', 'HS384', "),
        ("acls: [{}]", "acls[0]: group is missing"),
        ("acls: [{group: a, consumer: u}]", "acls[0].consumer: it belongs to consumers already, by where it stands"),
        ("hmacauth_credentials: []", "hmacauth_credentials: 'hmacauth_credentials' is not served (key-auth, basic-"),
        ("groups: []", "groups: 'groups' is not served (groups are given to consumers with acls)"),
    ],
)
def test_a_field_of_a_consumer_that_is_wrong_is_named(tmp_path: Path, field: str, said: str) -> None:
    assert complaint(tmp_path, in_consumer(field)).startswith(f"4: consumers[0].{said}")


@pytest.mark.parametrize(
    "entry",
    [
        "keyauth_credentials: [{key: a}]",
        "basicauth_credentials: [{username: a, password: b}]",
        "jwt_secrets: [{key: a, secret: b}]",
        "acls: [{group: a}]",
    ],
)
def test_a_credential_needs_a_consumer(tmp_path: Path, entry: str) -> None:
    kind = entry.split(":")[0]
    assert complaint(tmp_path, entry + "\n") == (
        f"2: {kind}[0]: consumer is missing (name the consumer, or put it under the consumer)"
    )


def test_one_run_tells_everything_by_line(tmp_path: Path) -> None:
    text = """
gateway: {workers: 0, log_level: loud}
servces: []
services:
- name: chat
  url: http://h/
  retries: -1
  routes:
  - paths: [x]
    service: chat
    plugins: [{name: greeter, config: {}}]
- name: chat
  url: ws://h/
routes:
- {name: r, service: chut, paths: [/a]}
- {name: r, service: chat, paths: [/b]}
- {service: chat, paths: [/b]}
consumers:
- {username: "{vault://env/who}"}
- {}
"""
    found = complaints(tmp_path, text)
    assert [line.split(": ")[:2] for line in found] == [
        ["3", "gateway.workers"],
        ["3", "gateway.log_level"],
        ["4", "servces"],
        ["7", "services[0].url"],
        ["8", "services[0].retries"],
        ["10", "services[0].routes[0].paths[0]"],
        ["11", "services[0].routes[0].service"],
        ["12", "services[0].routes[0].plugins[0].name"],
        ["13", "services[1].name"],
        ["16", "routes[0].service"],
        ["17", "routes[1].name"],
        ["18", "routes[2]"],
        ["20", "consumers[0].username"],
        ["21", "consumers[1]"],
    ]
