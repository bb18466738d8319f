"""ip-restriction: where a client comes from decides whether it comes in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.stage import Outcome, faults, play, plugin


def come(ip: str | None, *fields: tuple[str, str], trusted: tuple[str, ...] = (), **config: Any) -> Outcome:
    peer = None if ip is None else (ip, 40000)
    return play(plugin("ip-restriction", **config), fields, peer=peer, trusted=trusted)


ALLOWED = ["192.0.2.1", "198.51.100.0/24", "2001:db8::/32", "::1"]


@pytest.mark.parametrize(
    "ip", ["192.0.2.1", "198.51.100.0", "198.51.100.255", "2001:db8:1::9", "::1", "::ffff:192.0.2.1", "::ffff:c000:201"]
)
def test_an_address_on_the_allow_list_comes_in_and_is_refused_on_the_deny_list(ip: str) -> None:
    assert come(ip, allow=ALLOWED).status is None
    assert come(ip, deny=ALLOWED).status == 403


@pytest.mark.parametrize("ip", ["192.0.2.2", "198.51.101.0", "2001:db9::1", "::2", "::ffff:192.0.2.2", "::c000:201"])
def test_an_address_off_the_allow_list_is_refused_and_off_the_deny_list_comes_in(ip: str) -> None:
    assert come(ip, allow=ALLOWED).status == 403
    assert come(ip, deny=ALLOWED).status is None


def test_the_refusal_names_the_address() -> None:
    assert come("192.0.2.9", allow=["::1"]).said == {"message": "IP address not allowed: 192.0.2.9"}


def test_status_and_message_are_the_configurations() -> None:
    seen = come("192.0.2.9", allow=["::1"], status=404, message="no such thing")
    assert (seen.status, seen.said) == (404, {"message": "no such thing"})


def test_what_is_denied_is_refused_even_where_it_is_allowed() -> None:
    lists = {"allow": ["10.0.0.0/8"], "deny": ["10.1.0.0/16"]}
    assert come("10.2.0.1", **lists).status is None
    assert come("10.1.0.1", **lists).status == 403
    assert come("11.0.0.1", **lists).status == 403


def test_an_empty_list_is_none() -> None:
    assert come("10.0.0.1", allow=[], deny=["10.1.0.0/16"]).status is None


@pytest.mark.parametrize("entry", ["::ffff:10.0.0.0/104", "10.9.9.9/8"])
def test_an_ipv4_network_may_be_written_in_ipv6_and_with_an_address_inside(entry: str) -> None:
    assert come("10.1.2.3", allow=[entry]).status is None
    assert come("11.1.2.3", allow=[entry]).status == 403


def test_all_of_ipv4_is_not_all_of_ipv6() -> None:
    assert come("2001:db8::1", allow=["0.0.0.0/0"]).status == 403
    assert come("192.0.2.1", allow=["::/0"]).status == 403
    assert come("192.0.2.1", allow=["0.0.0.0/0", "::/0"]).status is None


def test_a_link_local_address_has_its_zone_beside_it() -> None:
    assert come("fe80::1%eth0", allow=["fe80::/10"]).status is None
    assert come("fe80::1%eth0", deny=["fe80::/10"]).status == 403


# Proxies before the gateway


def test_a_trusted_proxy_is_believed_where_the_client_comes_from() -> None:
    field = ("X-Forwarded-For", "203.0.113.5")
    assert come("10.0.0.1", field, trusted=("10.0.0.0/8",), allow=["203.0.113.5"]).status is None
    assert come("10.0.0.1", field, trusted=("10.0.0.0/8",), deny=["203.0.113.5"]).status == 403


def test_a_client_is_not_believed() -> None:
    field = ("X-Forwarded-For", "203.0.113.5")
    assert come("192.0.2.1", field, allow=["203.0.113.5"]).status == 403
    assert come("192.0.2.1", field, trusted=("10.0.0.0/8",), allow=["203.0.113.5"]).status == 403
    written_by_client = ("X-Forwarded-For", "203.0.113.5, 192.0.2.1")
    assert come("10.0.0.1", written_by_client, trusted=("10.0.0.0/8",), allow=["203.0.113.5"]).status == 403


# Unix sockets


def test_a_client_on_a_unix_socket_must_be_allowed_expressly() -> None:
    assert come(None, allow=["unix:"]).status is None
    assert come(None, allow=["10.0.0.0/8", "unix:"]).status is None


@pytest.mark.parametrize(
    "config",
    [
        {"allow": ["0.0.0.0/0", "::/0"]},
        {"deny": ["192.0.2.1"]},
        {"deny": ["unix:"]},
        {"allow": ["unix:"], "deny": ["unix:"]},
    ],
)
def test_else_it_is_refused(config: Any) -> None:
    seen = come(None, **config)
    assert (seen.status, seen.message) == (403, "IP address not allowed: a client on a Unix socket")


def test_an_address_is_no_unix_socket() -> None:
    assert come("192.0.2.1", allow=["unix:"]).status == 403
    assert come("192.0.2.1", deny=["unix:"]).status is None


# The configuration


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "at least one of allow, deny is required"),
        ({"allow": [], "deny": []}, "at least one of allow, deny is required"),
        ({"allow": ["::1", "10.0.0"]}, "allow[1]: must be an IPv4 or IPv6 address or network"),
        ({"deny": ["10.0.0.0/33"]}, "deny[0]: must be"),
        ({"deny": ["example.com"]}, "deny[0]: must be"),
        ({"deny": ["unix:/run/x"]}, "deny[0]: must be"),
        ({"allow": ["::1"], "status": 200}, "status: must be between 400 and 599, not 200"),
        ({"blacklist": ["::1"], "allow": ["::1"]}, "blacklist: there is no such field"),
    ],
)
def test_a_wrong_configuration_is_named(config: dict[str, Any], says: str) -> None:
    (fault,) = faults("ip-restriction", **config)
    assert fault.startswith(says)
