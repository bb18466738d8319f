"""``kong.client``: who the client is, and where it comes from."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.pdk import PDKError
from tests.pdk.stage import ANNA, BERT, before_the_request, exchange, kong, on

PROXY = ("10.0.0.1", 5000)
IDENTITY = ("X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID", "X-Credential-Identifier")


def told(probe: Any) -> dict[str, str]:
    """What the upstream is told of the client's identity."""
    values = {name: probe.service.request.get_header(name) for name in IDENTITY}
    return {name: value for name, value in values.items() if value is not None}


# Addresses


def test_address_and_port_are_those_of_the_connection() -> None:
    client = kong(("X-Forwarded-For", "198.51.100.9"), peer=PROXY, trusted=["10.0.0.0/8"]).client
    assert (client.get_ip(), client.get_port()) == PROXY


def test_a_client_on_a_unix_socket_has_no_address() -> None:
    client = kong(("X-Forwarded-For", "198.51.100.9"), peer=None, trusted=["0.0.0.0/0"]).client
    assert client.get_ip() is client.get_port() is client.get_forwarded_ip() is client.get_forwarded_port() is None


def test_a_trusted_proxy_tells_the_client_behind_it() -> None:
    client = kong(("X-Forwarded-For", "198.51.100.9:4711"), peer=PROXY, trusted=["10.0.0.0/8"]).client
    assert (client.get_forwarded_ip(), client.get_forwarded_port()) == ("198.51.100.9", 4711)


def test_a_proxy_may_leave_the_port_out() -> None:
    client = kong(("X-Forwarded-For", "198.51.100.9"), peer=PROXY, trusted=["10.0.0.0/8"]).client
    assert (client.get_forwarded_ip(), client.get_forwarded_port()) == ("198.51.100.9", None)


def test_nobody_else_is_believed() -> None:
    client = kong(("X-Forwarded-For", "198.51.100.9"), peer=PROXY, trusted=["10.1.0.0/16"]).client
    assert (client.get_forwarded_ip(), client.get_forwarded_port()) == PROXY


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (["198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        (["1.1.1.1, 198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        (["1.1.1.1", "198.51.100.9", "10.0.0.2"], "198.51.100.9"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["198.51.100.9, unknown"], "10.0.0.1"),
        (["198.51.100.9, unknown, 10.0.0.2"], "10.0.0.2"),
        ([", 198.51.100.9, ,"], "198.51.100.9"),
        (["2001:db8::1"], "2001:db8::1"),
        (["[2001:db8::1]:443"], "2001:db8::1"),
        (['"[2001:db8::1]"'], "2001:db8::1"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_the_client_is_the_first_that_is_not_trusted_from_the_end(said: list[str], address: str) -> None:
    fields = [("X-Forwarded-For", value) for value in said]
    assert kong(*fields, peer=PROXY, trusted=["10.0.0.0/8"]).client.get_forwarded_ip() == address


def test_a_proxy_that_came_over_ipv6_with_an_ipv4_address_is_known() -> None:
    probe = kong(("X-Forwarded-For", "198.51.100.9"), peer=("::ffff:10.0.0.1", 1), trusted=["10.0.0.0/8"])
    assert probe.client.get_forwarded_ip() == "198.51.100.9"


# The protocol


def test_the_protocol_is_how_the_client_came() -> None:
    assert kong(scheme="wss", route={"protocols": ["ws", "wss"]}).client.get_protocol() == "wss"
    assert kong(scheme="ws", route={"protocols": ["ws", "wss"]}).client.get_protocol() == "ws"
    assert before_the_request().client.get_protocol() == "wss"


def test_the_protocol_is_that_of_a_route_with_one() -> None:
    assert kong(scheme="wss", route={"protocols": ["ws"]}).client.get_protocol() == "ws"


@pytest.mark.parametrize(
    ("trusted", "allowed", "protocol"),
    [(["10.0.0.1"], True, "wss"), (["10.0.0.1"], False, "ws"), (["10.0.0.2"], True, "ws")],
)
def test_tls_that_ended_before_us_counts_where_it_is_allowed(trusted: list[str], allowed: bool, protocol: str) -> None:
    probe = kong(("X-Forwarded-Proto", "https"), peer=PROXY, trusted=trusted)
    assert probe.client.get_protocol(allow_terminated=allowed) == protocol


# Consumers


def test_a_consumer_is_found_by_id_and_by_username() -> None:
    client = kong().client
    assert client.load_consumer(ANNA["id"]) == ANNA
    assert client.load_consumer("bert") == BERT
    assert client.load_consumer("nobody") is None


def test_the_username_counts_only_where_it_shall() -> None:
    assert kong().client.load_consumer("bert", search_by_username=False) is None
    assert kong().client.load_consumer(BERT["id"], search_by_username=False) == BERT


def test_a_consumer_is_looked_up_by_a_str() -> None:
    with pytest.raises(PDKError, match=r"^kong\.client\.load_consumer: consumer_id is a str, not None$"):
        kong().client.load_consumer(None)  # type: ignore[arg-type]


def test_a_consumer_cannot_be_changed() -> None:
    consumer: Any = kong().client.load_consumer("anna")
    with pytest.raises(TypeError):
        consumer["username"] = "eve"


def test_nobody_is_authenticated_at_first() -> None:
    client = kong().client
    assert client.get_consumer() is client.get_credential() is None


def test_who_was_authenticated_is_told_in_later_phases() -> None:
    connection = exchange()
    on(connection, "ws_handshake").client.authenticate(ANNA, {"id": "key-1"})
    client = on(connection, "ws_client_frame").client
    assert client.get_consumer() == ANNA
    assert client.get_credential() == {"id": "key-1"}


def test_the_upstream_is_told_who_the_client_is() -> None:
    probe = kong()
    probe.client.authenticate(ANNA, {"id": "key-1", "key": "s3cret"})
    assert told(probe) == {
        "X-Consumer-ID": ANNA["id"],
        "X-Consumer-Username": "anna",
        "X-Consumer-Custom-ID": "a-1",
        "X-Credential-Identifier": "key-1",
    }


def test_a_credential_with_a_username_is_told_by_it() -> None:
    probe = kong()
    probe.client.authenticate(ANNA, {"id": "basic-1", "username": "anna@home", "password": "s3cret"})
    assert told(probe)["X-Credential-Identifier"] == "anna@home"


def test_a_credential_without_a_consumer_will_do() -> None:
    probe = kong()
    probe.client.authenticate(None, {"id": "key-1"})
    assert told(probe) == {"X-Credential-Identifier": "key-1"}
    assert probe.client.get_consumer() is None


def test_a_consumer_without_a_credential_will_do() -> None:
    probe = kong()
    probe.client.authenticate(BERT, None)
    assert told(probe) == {"X-Consumer-ID": BERT["id"], "X-Consumer-Username": "bert"}


def test_a_later_plugin_has_the_last_word_and_nothing_of_the_former_is_left() -> None:
    probe = kong()
    probe.client.authenticate(ANNA, {"id": "key-1"})
    probe.service.request.set_header("X-Anonymous-Consumer", "true")
    probe.client.authenticate({"id": "c"}, None)
    assert told(probe) == {"X-Consumer-ID": "c"}
    assert probe.service.request.get_header("X-Anonymous-Consumer") is None
    assert probe.client.get_credential() is None


@pytest.mark.parametrize("name", [*IDENTITY, "x-consumer-username", "X_Consumer_ID"])
def test_what_the_client_claims_to_be_is_not_what_the_upstream_is_told(name: str) -> None:
    probe = kong((name, "admin"))
    assert probe.service.request.get_header(name) is None
    probe.service.request.add_header(name, "ours")
    assert probe.service.request.get_headers()[name.lower()] == ["ours"]


def test_a_name_that_is_not_ascii_is_told_as_utf8() -> None:
    probe = kong()
    probe.client.authenticate({"id": "c", "username": "Zoë Łoś"}, None)
    assert told(probe)["X-Consumer-Username"].encode("latin-1").decode() == "Zoë Łoś"


def test_an_identity_that_cannot_be_told_is_none() -> None:
    probe = kong()
    probe.client.authenticate(ANNA, None)
    with pytest.raises(PDKError, match=r"^kong\.client\.authenticate: .*X-Consumer-Username.*CR"):
        probe.client.authenticate({"id": "c", "username": "a\r\nX-Admin: 1"}, None)
    assert told(probe)["X-Consumer-Username"] == "anna"
    assert probe.client.get_consumer() == ANNA


def test_what_was_authenticated_is_a_copy() -> None:
    consumer = {"id": "c", "tags": ["a"]}
    probe = kong()
    probe.client.authenticate(consumer, None)
    consumer["tags"].append("b")  # type: ignore[attr-defined]
    assert probe.client.get_consumer() == {"id": "c", "tags": ("a",)}


@pytest.mark.parametrize(
    ("consumer", "credential", "rule"),
    [
        (None, None, "a consumer or a credential is needed: both are None"),
        ("anna", None, "consumer is a mapping or None, not str"),
        (ANNA, "key", "credential is a mapping or None, not str"),
        ([], None, "consumer is a mapping or None, not list"),
    ],
)
def test_a_consumer_and_a_credential_are_mappings(consumer: Any, credential: Any, rule: str) -> None:
    probe = kong()
    with pytest.raises(PDKError) as error:
        probe.client.authenticate(consumer, credential)
    assert str(error.value) == f"kong.client.authenticate: {rule}"
    assert probe.client.get_consumer() is None


@pytest.mark.parametrize("phase", ["certificate", "ws_client_frame", "ws_upstream_frame", "ws_close"])
def test_nobody_is_authenticated_outside_the_handshake(phase: str) -> None:
    with pytest.raises(PDKError) as error:
        kong(phase=phase).client.authenticate(ANNA, None)
    assert str(error.value) == f"kong.client.authenticate may be called in rewrite and ws_handshake, not in {phase}"
