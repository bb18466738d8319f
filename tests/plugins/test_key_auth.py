"""key-auth: whoever shows a key is its consumer, and nobody else is."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from framegate.pdk.failure import PluginFailure
from framegate.pdk.plugin import PluginInstance
from tests.plugins.stage import ALICE, BOB, NOBODY, Outcome, credential, faults, play, plugin

KEYS = {
    "keyauth_credentials": [
        credential(ALICE, id="cred-a", key="alice-key"),
        credential(BOB, id="cred-b", key="bob-key"),
        credential(BOB, id="cred-u", key="schlüssel"),
        credential({"id": "gone"}, id="cred-x", key="orphan"),
        credential({"id": "alice"}, id="cred-y", key="of a username"),
    ]
}


def come(*fields: tuple[str, str], plugins: list[PluginInstance] | None = None, **how: Any) -> Outcome:
    config = {name: how.pop(name) for name in list(how) if name.startswith(("key_", "hide", "anon", "realm", "run_"))}
    return play(plugins or plugin("key-auth", **config), fields, entities=KEYS, **how)


# Who is let in


def test_a_key_in_a_header_makes_the_client_its_consumer() -> None:
    seen = come(("apikey", "alice-key"))
    assert (seen.status, seen.consumer) == (None, "alice")
    assert seen.exchange.credential is not None and seen.exchange.credential["id"] == "cred-a"


def test_a_key_in_the_query_makes_the_client_its_consumer() -> None:
    assert come(target="/chat?room=1&apikey=bob-key").consumer == "bob"


def test_the_upstream_is_told_who_the_client_is_and_never_the_key_as_its_name() -> None:
    seen = come(("apikey", "alice-key"), ("X-Consumer-Username", "root"), ("X-Anonymous-Consumer", "true"))
    assert seen.told("X-Consumer-ID") == ALICE["id"]
    assert seen.told("X-Consumer-Username") == "alice"
    assert seen.told("X-Consumer-Custom-ID") == "A-1"
    assert seen.told("X-Credential-Identifier") == "cred-a"
    assert seen.told("X-Anonymous-Consumer") is None


def test_the_name_of_the_header_has_no_case_and_a_dash_may_stand_for_an_underscore() -> None:
    assert come(("APIKEY", "alice-key")).consumer == "alice"
    assert come(("x-my-key", "alice-key"), key_names=["X_My_Key"]).consumer == "alice"
    assert come(("x_my_key", "alice-key"), key_names=["X_My_Key"]).consumer == "alice"


def test_the_names_are_tried_in_their_order_and_the_header_before_the_query() -> None:
    names = {"key_names": ["first", "second"]}
    assert come(("second", "bob-key"), ("first", "alice-key"), **names).consumer == "alice"
    assert come(("second", "bob-key"), target="/?first=alice-key", **names).consumer == "alice"
    assert come(("first", "bob-key"), target="/?first=alice-key", **names).consumer == "bob"


def test_an_empty_value_is_no_key_and_the_search_goes_on() -> None:
    assert come(("apikey", ""), target="/?apikey=alice-key").consumer == "alice"


def test_a_key_that_is_not_ascii_is_utf_8_in_the_header_and_in_the_query() -> None:
    assert come(("apikey", "schlüssel".encode().decode("latin-1"))).consumer == "bob"
    assert come(target="/?apikey=schl%C3%BCssel").consumer == "bob"


# Who is refused


@pytest.mark.parametrize(
    ("fields", "target", "message"),
    [
        ([], "/", "No API key found in request"),
        ([("apikey", "")], "/", "No API key found in request"),
        ([], "/?apikey", "No API key found in request"),
        ([], "/?apikey=", "No API key found in request"),
        ([], "/?APIKEY=alice-key", "No API key found in request"),
        ([("x-apikey", "alice-key")], "/", "No API key found in request"),
        ([("Authorization", "Key alice-key")], "/", "No API key found in request"),
        ([("apikey", "wrong")], "/", "Unauthorized"),
        ([("apikey", "ALICE-KEY")], "/", "Unauthorized"),
        ([("apikey", "alice-key, alice-key")], "/", "Unauthorized"),
        ([("apikey", "alice-ke")], "/", "Unauthorized"),
        ([("apikey", "\xff")], "/", "Unauthorized"),
        ([("apikey", "of a username")], "/", "Unauthorized"),
        ([("apikey", "alice-key"), ("apikey", "bob-key")], "/", "Duplicate API key found"),
        ([("apikey", "alice-key"), ("apikey", "alice-key")], "/", "Duplicate API key found"),
        ([], "/?apikey=alice-key&apikey=bob-key", "Duplicate API key found"),
    ],
)
def test_whoever_shows_no_good_key_is_refused(fields: Any, target: str, message: str) -> None:
    seen = come(*fields, target=target)
    assert (seen.status, seen.said) == (401, {"message": message})
    assert seen.header("WWW-Authenticate") == "Key"
    assert (seen.exchange.consumer, seen.exchange.credential) == (None, None)


def test_the_realm_stands_in_the_challenge_where_one_is_given() -> None:
    assert come(realm='my "own"').header("WWW-Authenticate") == 'Key realm="my \\"own\\""'


def test_a_place_that_is_switched_off_is_not_looked_at() -> None:
    assert come(("apikey", "alice-key"), key_in_header=False).status == 401
    assert come(target="/?apikey=alice-key", key_in_query=False).status == 401
    assert come(("Sec-WebSocket-Protocol", "apikey.alice-key")).status == 401


def test_a_key_of_nobody_is_refused_and_the_operator_told_which_credential(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "framegate"):
        assert come(("apikey", "orphan")).message == "Unauthorized"
    assert "credential cred-x belongs to no consumer" in caplog.text
    assert "orphan" not in caplog.text


# Sec-WebSocket-Protocol


def offer(*protocols: str, **config: Any) -> Outcome:
    return come(("Sec-WebSocket-Protocol", ", ".join(protocols)), key_in_protocol=True, **config)


def test_a_browser_shows_its_key_as_a_subprotocol_which_the_upstream_does_not_see() -> None:
    seen = offer("chat.v2", "apikey.alice-key", "chat.v1")
    assert seen.consumer == "alice"
    assert seen.protocols == ("chat.v2", "chat.v1")


def test_a_key_may_have_dots_and_its_name_any_case() -> None:
    entities = {"keyauth_credentials": [credential(BOB, key="a.b.c")]}
    fields = [("Sec-WebSocket-Protocol", "chat, ApiKey.a.b.c")]
    seen = play(plugin("key-auth", key_in_protocol=True), fields, entities=entities)
    assert (seen.consumer, seen.protocols) == ("bob", ("chat",))


def test_nothing_is_left_to_offer_where_the_key_was_all() -> None:
    seen = offer("apikey.alice-key")
    assert (seen.consumer, seen.protocols) == ("alice", ())


def test_other_subprotocols_are_left_alone() -> None:
    seen = come(("Sec-WebSocket-Protocol", "chat, v1.apikey"), ("apikey", "alice-key"), key_in_protocol=True)
    assert seen.protocols == ("chat", "v1.apikey")
    assert seen.exchange.upstream.protocols is None


@pytest.mark.parametrize(
    ("protocols", "message"),
    [
        (["chat"], "No API key found in request"),
        (["apikey"], "No API key found in request"),
        (["apikey."], "No API key found in request"),
        (["other.alice-key"], "No API key found in request"),
        (["apikey.wrong"], "Unauthorized"),
        (["apikey.alice-key", "apikey.bob-key"], "Duplicate API key found"),
    ],
)
def test_a_subprotocol_that_is_no_good_key_is_refused(protocols: list[str], message: str) -> None:
    seen = offer(*protocols)
    assert (seen.status, seen.message) == (401, message)


def test_a_wrong_key_does_not_reach_the_upstream_either() -> None:
    seen = offer("chat", "apikey.wrong", anonymous="nobody")
    assert (seen.consumer, seen.protocols) == ("nobody", ("chat",))


# hide_credentials


def test_the_upstream_sees_the_key_unless_it_is_hidden() -> None:
    fields, target = ("apikey", "alice-key"), "/chat?room=1&apikey=x&b=%20"
    seen = come(fields, target=target)
    assert (seen.told("apikey"), seen.query) == ("alice-key", "room=1&apikey=x&b=%20")
    seen = come(fields, target=target, hide_credentials=True)
    assert (seen.told("apikey"), seen.query) == (None, "room=1&b=%20")


def test_hidden_is_hidden_by_every_name_and_spelling() -> None:
    names = ["apikey", "x_key"]
    fields = [("apikey", "alice-key"), ("X-Key", "bob-key"), ("x_key", "k")]
    seen = come(*fields, target="/?x_key=1&y=2", key_names=names, hide_credentials=True)
    assert seen.consumer == "alice"
    assert [seen.told(name) for name in ("apikey", "x-key", "x_key")] == [None, None, None]
    assert seen.query == "y=2"


def test_hidden_is_hidden_where_the_key_was_wrong_or_not_needed() -> None:
    seen = come(("apikey", "wrong"), hide_credentials=True, anonymous="nobody")
    assert (seen.consumer, seen.told("apikey")) == ("nobody", None)


def test_a_request_without_a_query_stays_without() -> None:
    assert come(("apikey", "alice-key"), hide_credentials=True).exchange.upstream.query is None


# anonymous


@pytest.mark.parametrize("anonymous", ["nobody", NOBODY["id"]])
def test_without_a_good_key_a_client_is_the_anonymous_consumer(anonymous: str) -> None:
    for fields in ([], [("apikey", "wrong")]):
        seen = come(*fields, anonymous=anonymous)
        assert (seen.status, seen.consumer, seen.exchange.credential) == (None, "nobody", None)
        assert seen.told("X-Anonymous-Consumer") == "true"
        assert seen.told("X-Consumer-Username") == "nobody"
        assert seen.told("X-Credential-Identifier") is None


def test_a_good_key_comes_before_the_anonymous_consumer() -> None:
    seen = come(("apikey", "alice-key"), anonymous="nobody")
    assert (seen.consumer, seen.told("X-Anonymous-Consumer")) == ("alice", None)


def test_an_anonymous_consumer_who_is_not_there_is_the_operators_mistake() -> None:
    with pytest.raises(PluginFailure, match="no consumer with the id or username 'ghost'"):
        come(anonymous="ghost")


# Several plugins


LOGIN = {"basicauth_credentials": [credential(BOB, username="bob", password="pass")]}
BASIC = ("Authorization", "Basic Ym9iOnBhc3M=")


def both(*fields: tuple[str, str], **config: Any) -> Outcome:
    plugins = [plugin("key-auth", **config), plugin("basic-auth", **config)]
    return play(plugins, fields, entities=KEYS | LOGIN)


def test_with_an_anonymous_consumer_one_of_several_is_enough() -> None:
    assert both(("apikey", "alice-key"), anonymous="nobody").consumer == "alice"
    seen = both(BASIC, anonymous="nobody")
    assert (seen.consumer, seen.told("X-Anonymous-Consumer")) == ("bob", None)
    assert both(("apikey", "alice-key"), BASIC, anonymous="nobody").consumer == "alice"
    assert both(anonymous="nobody").consumer == "nobody"


def test_without_one_all_of_several_are_needed() -> None:
    assert both(("apikey", "alice-key"), BASIC).consumer == "bob"
    assert both(("apikey", "alice-key")).header("WWW-Authenticate") == 'Basic realm="service"'
    assert both(BASIC).header("WWW-Authenticate") == "Key"


# The configuration


def test_what_a_namesakes_file_carries_is_accepted() -> None:
    assert faults("key-auth", key_in_body=False, run_on_preflight=True, key_names=["apikey", "X-Key"]) == []


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"key_in_body": True}, "key_in_body: must be false"),
        ({"key_names": []}, "key_names: must not be empty"),
        ({"key_names": ["a.b"]}, "key_names[0]: must be"),
        ({"key_name": ["a"]}, "key_name: there is no such field"),
        ({"realm": "a\nb"}, "realm: must be printable ASCII"),
    ],
)
def test_a_wrong_configuration_is_named(config: dict[str, Any], says: str) -> None:
    (fault,) = faults("key-auth", **config)
    assert fault.startswith(says)
