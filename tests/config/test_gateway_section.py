"""The section ``gateway``: listeners, folders, options and limits."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from framegate.config.configuration import Dns, Listen
from framegate.options import ProxyOptions, ServerLimits
from tests.config.files import complaint, complaints, config


def gateway(*lines: str) -> str:
    return "gateway:\n" + "".join(f"  {line}\n" for line in lines)


def test_the_defaults_are_said_nowhere_else(tmp_path: Path) -> None:
    found = config(tmp_path, "").gateway
    assert [str(listen) for listen in found.listen] == ["127.0.0.1:8000"]
    assert (found.workers, found.plugin_time_limit, found.log_level) == (1, 100, "info")
    assert (found.plugin_paths, found.trusted_ips, found.options, found.limits) == ((), (), {}, {})
    assert found.dns == Dns()


# listen


@pytest.mark.parametrize(
    ("written", "listen"),
    [
        ("127.0.0.1:8000", Listen("127.0.0.1", 8000)),
        ("localhost:0", Listen("localhost", 0)),
        ("[::1]:65535", Listen("::1", 65535)),
        ("{address: 'h:1'}", Listen("h", 1)),
        ("{address: 'h:1', tls: false}", Listen("h", 1)),
        ("unix:/run/gw.sock", Listen(path="/run/gw.sock")),
    ],
)
def test_where_to_listen_is_a_text_or_a_mapping(tmp_path: Path, written: str, listen: Listen) -> None:
    text = f"'{written}'" if not written.startswith("{") else written
    (found,) = config(tmp_path, gateway("listen:", f"- {text}")).gateway.listen
    assert (found.host, found.port, found.path, found.tls) == (listen.host, listen.port, listen.path, False)
    assert found.line == 4


def test_a_relative_socket_is_beside_the_file(tmp_path: Path) -> None:
    (found,) = config(tmp_path, gateway("listen: ['unix:gw.sock']")).gateway.listen
    assert found.path == str(tmp_path / "gw.sock")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("8000", "listen[0]: must be a mapping, not a number"),
        ("'8000'", "listen[0]: must be HOST:PORT or unix:PATH, not '8000' (write HOST:PORT, [IPV6]:PORT or unix:PATH)"),
        ("':8000'", "listen[0]: must be HOST:PORT or unix:PATH, not ':8000'"),
        ("'h:65536'", "listen[0]: 'h:65536': the port must be a number from 0 to 65535, not '65536'"),
        ("'::1:80'", "listen[0]: '::1:80': an IPv6 address stands in brackets: [::1]:80"),
        ("'ws://h:80'", "listen[0]: 'ws://h:80': write HOST:PORT, "),
        ("'a b:80'", "listen[0]: 'a b:80': 'a b' is not a host"),
        ("'unix:'", "listen[0]: must be HOST:PORT or unix:PATH, not 'unix:'"),
        ("{adress: 'h:1'}", "listen[0]: address is missing"),
        ("{address: 'h:x'}", "listen[0].address: must be HOST:PORT or unix:PATH, not 'h:x'"),
        ("{address: 'h:1', tls: {crt: a}}", "listen[0].tls.crt: there is no field 'crt', did you mean 'cert'?"),
        ("{address: 'h:1', tls: 'yes'}", "listen[0].tls: must be a mapping, not a text"),
        ("{address: 'h:1', tls: {key: k}}", "listen[0].tls.key: needs cert beside it"),
        ("{address: 'h:1', tls: true}", "listen[0].tls: there is no certificate to show (name the files cert and key"),
    ],
)
def test_a_listener_that_is_wrong_is_told_why(tmp_path: Path, written: str, said: str) -> None:
    assert complaints(tmp_path, gateway("listen:", f"- {written}"))[0].startswith(f"4: gateway.{said}")


def test_there_is_something_to_listen_at(tmp_path: Path) -> None:
    assert complaint(tmp_path, gateway("listen: []")) == ("3: gateway.listen: must not be empty (leave the field out)")


def test_an_address_is_listened_at_once(tmp_path: Path) -> None:
    lines = ["listen:", "- 'h:1'", "- {address: 'h:1'}", "- 'h:0'", "- 'h:0'"]
    assert complaint(tmp_path, gateway(*lines)) == (
        "5: gateway.listen[1]: h:1 is listened at already, in line 4 (remove one)"
    )


# Other fields


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("workers: 0", "workers: must be from 1 to 1024, not 0"),
        ("workers: 1025", "workers: must be from 1 to 1024, not 1025"),
        ("workers: auto", "workers: must be a whole number, not a text"),
        ("plugin_time_limit: 0", "plugin_time_limit: must be from 1 to 3600000, not 0"),
        (
            "log_level: warn",
            "log_level: must be 'debug', 'info', 'warning' or 'error', not 'warn', did you mean 'warning'?",
        ),
        (
            "trusted_ips: [10.0.0.1/8]",
            "trusted_ips[0]: must be an address or a network, not '10.0.0.1/8' (write 10.0.0.0/8)",
        ),
        ("trusted_ips: [10.0.0.0/33]", "trusted_ips[0]: must be an address or a network, not '10.0.0.0/33' (as in "),
        ("trusted_ips: [localhost]", "trusted_ips[0]: must be an address or a network, not 'localhost'"),
        ("plugin_paths: plugins", 'plugin_paths: must be a list, not a text (write ["plugins"])'),
        ("lissten: []", "lissten: there is no field 'lissten', did you mean 'listen'?"),
        ("options: 3", "options: must be a mapping, not a number"),
    ],
)
def test_a_field_that_is_wrong_is_named(tmp_path: Path, line: str, said: str) -> None:
    assert complaint(tmp_path, gateway(line)).startswith(f"3: gateway.{said}")


def test_one_wrong_field_hides_no_other(tmp_path: Path) -> None:
    lines = ["workers: 0", "listen:", "- {address: 'h:1', tls: {cert: none.pem}}", "plugin_paths: [none]"]
    found = complaints(tmp_path, gateway(*lines))
    assert [line.split(": ")[1] for line in found] == [
        "gateway.workers",
        "gateway.listen[0].tls.cert",
        "gateway.plugin_paths[0]",
    ]


def test_peers_that_are_trusted_are_networks(tmp_path: Path) -> None:
    found = config(tmp_path, gateway("trusted_ips: [10.0.0.0/8, '::1', 192.0.2.7]")).gateway.trusted_ips
    assert found == (ip_network("10.0.0.0/8"), ip_network("::1/128"), ip_network("192.0.2.7/32"))


def test_folders_with_plugins_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    found = config(tmp_path, gateway("plugin_paths: [./plugins, plugins/../plugins]")).gateway.plugin_paths
    assert found == (tmp_path / "plugins", tmp_path / "plugins")


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert complaints(tmp_path, gateway("plugin_paths:", "- none", "- file")) == [
        f"4: gateway.plugin_paths[0]: the folder '{tmp_path / 'none'}' does not exist",
        f"5: gateway.plugin_paths[1]: the folder '{tmp_path / 'file'}' is not a folder",
    ]


# Options and limits


def test_options_are_those_of_the_library_with_times_in_milliseconds(tmp_path: Path) -> None:
    lines = [
        "options:",
        "  idle_timeout: 30000",
        "  ping_timeout: ~",
        "  lingering_timeout: 1",
        "  client_max_frame_size: 65536",
        "  upstream_max_frame_size: ~",
        "  aggregate_fragments: true",
        "limits: {handshake_timeout: 2500, max_connections: ~, drain_window: 0, drain_code: 1012}",
    ]
    found = config(tmp_path, gateway(*lines)).gateway
    assert found.options == {
        "idle_timeout": 30.0,
        "ping_timeout": None,
        "lingering_timeout": 0.001,
        "client_max_frame_size": 65536,
        "upstream_max_frame_size": None,
        "aggregate_fragments": True,
    }
    assert found.limits == {"handshake_timeout": 2.5, "max_connections": None, "drain_window": 0.0, "drain_code": 1012}
    assert ProxyOptions.of(**found.options).idle_timeout == 30.0
    assert ServerLimits.of(**found.limits).drain_code == 1012


@pytest.mark.parametrize("name", ["ping_interval", "idle_timeout", "recv_timeout", "max_lifetime"])
def test_a_time_below_a_tenth_of_a_second_was_meant_in_seconds(tmp_path: Path, name: str) -> None:
    assert config(tmp_path, gateway("options:", f"  {name}: 100")).gateway.options == {name: 0.1}
    assert complaint(tmp_path, gateway("options:", f"  {name}: 99")) == (
        f"4: gateway.options.{name}: must be null or a whole number of milliseconds >= 100, not 99 "
        "(times in this file are milliseconds: write 99000 for 99 seconds)"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("options: {on_frame: f}", "options.on_frame: there is no field 'on_frame' (a plugin takes its place)"),
        (
            "options: {idle_timout: 1}",
            "options.idle_timout: there is no field 'idle_timout', did you mean 'idle_timeout'?",
        ),
        ("options: {idle_timeout: 1.5}", "options.idle_timeout: must be null or a whole number of milliseconds >= 100"),
        ("options: {idle_timeout: -1}", "options.idle_timeout: must be null or a whole number of milliseconds >= 100"),
        (
            "options: {lingering_time: ~}",
            "options.lingering_time: must be a whole number of milliseconds >= 1, not None",
        ),
        ("options: {debug: 1}", "options.debug: must be true or false, not 1"),
        (
            "options: {client_max_frame_size: 0}",
            'options.client_max_frame_size: must be "auto", null or a whole number >= 1, not 0',
        ),
        ("options: {compression: on}", 'options.compression: must be "auto", "terminate", "pass" or "off", not True'),
        (
            "options: {lingering_time: 4999}",
            "options.lingering_time: lingering_time must be >= lingering_timeout: it is 4999, and "
            "lingering_timeout is 5000",
        ),
        (
            "options: {lingering_timeout: 30001}",
            "options.lingering_timeout: lingering_time must be >= lingering_timeout: it is 30000",
        ),
        ("options: {compression: pass, aggregate_fragments: true}", "options.compression: compression must be "),
        ("limits: {drain_code: 1005}", "limits.drain_code: must be a close code that may be sent"),
        ("limits: {max_headers: 0}", "limits.max_headers: must be a whole number >= 1, not 0"),
        ("limits: {drain_timeout: -1}", "limits.drain_timeout: must be null or a whole number of milliseconds >= 0"),
        ("limits: {idle_timeout: 1}", "limits.idle_timeout: there is no field 'idle_timeout'"),
    ],
)
def test_an_option_that_is_wrong_is_told_its_rule(tmp_path: Path, line: str, said: str) -> None:
    assert complaint(tmp_path, gateway(line)).startswith(f"3: gateway.{said}")


def test_every_option_of_the_library_is_taken(tmp_path: Path) -> None:
    for section, table in (("options", ProxyOptions), ("limits", ServerLimits)):
        for name, rule in table.rules().items():
            default = table.defaults()[name]
            value = default * 1000 if rule.kind == "seconds" and default is not None else default
            if rule.kind == "hook":
                continue
            shown = "~" if value is None else str(value).removesuffix(".0")
            shown = f"'{shown}'" if isinstance(value, str) else shown.lower() if isinstance(value, bool) else shown
            found = getattr(config(tmp_path, gateway(f"{section}: {{{name}: {shown}}}")).gateway, section)
            assert found == {name: default}


def test_compressed_payloads_cannot_pass_a_plugin_that_reads_them(tmp_path: Path) -> None:
    text = gateway("options: {compression: pass}") + "plugins:\n- name: greeter-plugin\n"
    assert complaint(tmp_path, text) == (
        "3: gateway.options.compression: must not be pass together with the plugin greeter-plugin (line 5), "
        "which reads payloads (write auto)"
    )
    assert config(tmp_path, text + "  enabled: false\n").gateway.options == {"compression": "pass"}


# dns


def test_name_servers_and_times_are_read(tmp_path: Path) -> None:
    text = gateway(
        "dns:",
        "  resolver: [10.0.0.2, '10.0.0.3:5353', '::1', '[fd00::2]:54']",
        "  hostsfile: hosts",
        "  order: [A, AAAA, A]",
        "  valid_ttl: 2.5",
        "  stale_ttl: 0",
        "  error_ttl: 3",
    )
    servers = (("10.0.0.2", 53), ("10.0.0.3", 5353), ("::1", 53), ("fd00::2", 54))
    assert config(tmp_path, text).gateway.dns == Dns(servers, tmp_path / "hosts", ("A", "AAAA"), 2.5, 0, 3)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("resolver: [ns.internal]", "dns.resolver[0]: must be the address of a name server, not 'ns.internal'"),
        ("resolver: ['10.0.0.2:0']", "dns.resolver[0]: must be the address of a name server, not '10.0.0.2:0'"),
        ("resolver: ['10.0.0.2:65536']", "dns.resolver[0]: must be the address of a name server"),
        ("resolver: ['[::1']", "dns.resolver[0]: must be the address of a name server"),
        ("order: [CNAME]", "dns.order[0]: must be 'SRV', 'A' or 'AAAA', not 'CNAME'"),
        ("order: []", "dns.order: must not be empty"),
        ("valid_ttl: 0", "dns.valid_ttl: must be from 0.1 to"),
        ("reslover: []", "dns.reslover: there is no field 'reslover', did you mean 'resolver'?"),
    ],
)
def test_what_is_wrong_about_dns_is_named(tmp_path: Path, line: str, said: str) -> None:
    assert complaint(tmp_path, gateway("dns:", f"  {line}")).startswith(f"4: gateway.{said}")
