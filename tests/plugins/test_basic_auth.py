"""basic-auth: whoever knows a username and its password is the consumer, and nobody else is."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any

import pytest

from framegate.plugins.basic_auth import Login, read_login
from tests.plugins.stage import ALICE, BOB, Outcome, credential, faults, play, plugin

LOGINS = {
    "basicauth_credentials": [
        credential(ALICE, id="cred-a", username="alice", password="open sesame"),
        credential(BOB, id="cred-b", username="böb", password="pä:ss:"),
        credential(BOB, id="cred-n", username="nopass"),
        credential(BOB, id="cred-e", username="empty", password=""),
    ]
}


def basic(text: str | bytes, scheme: str = "Basic ") -> str:
    return scheme + b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def come(*values: str, field: str = "Authorization", **config: Any) -> Outcome:
    return play(plugin("basic-auth", **config), [(field, value) for value in values], entities=LOGINS)


# Who is let in


def test_a_username_and_its_password_make_the_client_the_consumer() -> None:
    seen = come(basic("alice:open sesame"))
    assert (seen.status, seen.consumer) == (None, "alice")
    assert seen.told("X-Consumer-Username") == "alice"
    assert seen.told("X-Credential-Identifier") == "alice"


def test_colons_after_the_first_belong_to_the_password_and_both_are_utf_8() -> None:
    assert come(basic("böb:pä:ss:")).consumer == "bob"


def test_the_scheme_has_no_case_and_the_padding_may_be_left_out() -> None:
    for value in (basic("alice:open sesame", "bAsIc   "), basic("alice:open sesame").rstrip("=")):
        assert come(value).consumer == "alice"


def test_proxy_authorization_counts_too_and_a_wrong_one_does_no_harm() -> None:
    assert come(basic("alice:open sesame"), field="Proxy-Authorization").consumer == "alice"
    fields = [("Proxy-Authorization", basic("x:y")), ("Authorization", basic("alice:open sesame"))]
    assert play(plugin("basic-auth"), fields, entities=LOGINS).consumer == "alice"


# Who is refused


@pytest.mark.parametrize(
    "value",
    [
        basic("alice:wrong"),
        basic("alice:open sesam"),
        basic("alice:open sesame "),
        basic("alice:"),
        basic("ALICE:open sesame"),
        basic("nobody:open sesame"),
        basic("nopass:"),
        basic("nopass:None"),
        basic("empty:"),
        basic(":open sesame"),
        basic("alice"),
        basic(""),
        basic(b"alice:\xff\xfe"),
        basic(b"b\xf6b:p\xe4:ss:"),
        basic("alice:open sesame", "Bearer "),
        basic("alice:open sesame", "Basic"),
        basic("alice:open sesame", ""),
        basic("alice:open sesame") + "!",
        basic("alice:open sesame") + "====",
        "Basic !!!!",
        "Basic YQ=Q",
        "Basic A",
        "Basic",
        "Basic ",
        "",
    ],
)
def test_whoever_does_not_know_them_is_refused(value: str) -> None:
    seen = come(value)
    assert (seen.status, seen.said) == (401, {"message": "Unauthorized"})
    assert seen.header("WWW-Authenticate") == 'Basic realm="service"'
    assert seen.exchange.consumer is None


def test_without_a_field_or_with_several_the_client_is_refused() -> None:
    right = basic("alice:open sesame")
    assert come().status == 401
    assert come(right, right).status == 401
    assert come(right, basic("x:y")).status == 401


def test_the_realm_is_the_configurations() -> None:
    assert come(realm="chat").header("WWW-Authenticate") == 'Basic realm="chat"'


@pytest.mark.parametrize("text", ["alice:wrong", "nobody:wrong", "nopass:wrong"])
def test_an_unknown_username_costs_the_same_comparison_as_a_wrong_password(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert come(basic(text)).status == 401
    assert compared == [(32, 32)]


@pytest.mark.parametrize(
    ("value", "login"),
    [
        (basic("a:b"), Login("a", "b")),
        (basic("a:b:c"), Login("a", "b:c")),
        (basic("a:"), Login("a", "")),
        (" " + basic("a:b") + " ", Login("a", "b")),
        (basic("ab"), None),
        (basic(":b"), None),
    ],
)
def test_what_a_field_says(value: str, login: Login | None) -> None:
    assert read_login(value) == login


# What the upstream sees


def test_the_upstream_sees_the_field_unless_it_is_hidden() -> None:
    value = basic("alice:open sesame")
    assert come(value).told("Authorization") == value
    assert come(value, hide_credentials=True).told("Authorization") is None


def test_proxy_authorization_never_reaches_the_upstream() -> None:
    seen = come(basic("alice:open sesame"), field="Proxy-Authorization")
    assert (seen.consumer, seen.told("Proxy-Authorization")) == ("alice", None)


def test_hidden_is_hidden_where_it_was_wrong() -> None:
    seen = come(basic("alice:wrong"), hide_credentials=True, anonymous="nobody")
    assert (seen.consumer, seen.told("Authorization")) == ("nobody", None)
    assert seen.told("X-Anonymous-Consumer") == "true"


# The configuration


def test_what_a_namesakes_file_carries_is_accepted() -> None:
    assert faults("basic-auth", anonymous="nobody", hide_credentials=True, realm="service") == []


def test_a_realm_that_cannot_stand_in_a_header_is_named() -> None:
    assert faults("basic-auth", realm="ü") == ["realm: must be printable ASCII: it goes out in a header"]
