"""What a user passes for the handshake: taken as it is, or refused with the name of the place and the rule."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from framegate.handshake import (
    checked_headers,
    checked_host,
    checked_origin,
    checked_subprotocol,
    checked_subprotocols,
)
from tests.handshake.test_forwarding import NEVER


@pytest.mark.parametrize(
    "headers",
    [
        {"A": "1", "B": "2"},
        [("A", "1"), ("B", "2")],
        (["A", "1"], ["B", "2"]),
        iter([("A", "1"), ("B", "2")]),
        CIMultiDict([("A", "1"), ("B", "2")]),
    ],
)
def test_headers_are_a_mapping_or_pairs(headers):
    assert checked_headers(headers, where="headers") == [("A", "1"), ("B", "2")]


def test_no_headers():
    assert checked_headers(None, where="headers") == checked_headers({}, where="headers") == []


def test_duplicates_of_a_header_are_kept():
    twice = [("Set-Cookie", "a"), ("Set-Cookie", "b")]
    assert checked_headers(twice, where="headers") == checked_headers(CIMultiDict(twice), where="headers") == twice


@pytest.mark.parametrize(
    "headers",
    ["A: 1", b"A: 1", 5, ["A: 1"], ["AB"], [("A",)], [("A", "1", "2")], [("A", 1)], {"A": b"1"}, {b"A": "1"}, [5]],
)
def test_headers_of_another_type_are_a_type_error_that_names_the_option(headers):
    with pytest.raises(TypeError, match="^extra_headers"):
        checked_headers(headers, where="extra_headers")


@pytest.mark.parametrize("name", NEVER)
def test_headers_that_are_our_own_are_a_value_error_that_names_them(name):
    with pytest.raises(ValueError, match=f"^headers: {name} is framegate's own"):
        checked_headers({name: "a"}, where="headers")


@pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\nB", "A\0", "\xe4", "A\n"])
def test_header_name_that_is_no_token_is_a_value_error(name):
    with pytest.raises(ValueError, match="^headers: header name .* is not a token"):
        checked_headers({name: "a"}, where="headers")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a\rb", "CR"),
        ("a\n", "LF"),
        ("\0", "NUL"),
        ("a\r\nB: c", "CR"),
        ("\x0b", "control character"),
        ("\x7f", "control character"),
        ("\u20ac", "not latin-1"),
        ("\u010a", "not latin-1"),
    ],
)
def test_header_value_that_cannot_stand_there_is_a_value_error_that_names_the_header(value, told):
    with pytest.raises(ValueError, match=f"^headers: header X-A: a value may not hold .*{told}"):
        checked_headers({"X-A": value}, where="headers")


def test_header_value_may_hold_tab_and_latin_1():
    assert checked_headers({"A": "a\tb\xff"}, where="headers") == [("A", "a\tb\xff")]


@pytest.mark.parametrize("token", ["chat", "v1.chat", "a!#$%&'*+-.^_`|~0"])
def test_subprotocol_that_is_a_token(token):
    assert checked_subprotocol(token) == token


@pytest.mark.parametrize("token", ["", "a b", "a,b", "a/b", "a\r\n", "a\0", "\xe4"])
def test_subprotocol_that_is_no_token_is_a_value_error(token):
    with pytest.raises(ValueError, match="subprotocol"):
        checked_subprotocol(token)
    with pytest.raises(ValueError, match="subprotocol"):
        checked_subprotocols(["ok", token])


def test_subprotocols_keep_their_order():
    assert checked_subprotocols(["b", "a"]) == checked_subprotocols(iter("ba")) == ("b", "a")
    assert checked_subprotocols(None) == checked_subprotocols([]) == ()


def test_subprotocol_offered_twice_is_a_value_error():
    assert checked_subprotocols(["a", "A"]) == ("a", "A")
    with pytest.raises(ValueError, match="twice"):
        checked_subprotocols(["a", "b", "a"])


@pytest.mark.parametrize("wrong", [5, None, b"a"])
def test_values_of_another_type_are_type_errors(wrong):
    for check in (checked_subprotocol, checked_origin, checked_host):
        with pytest.raises(TypeError, match="is a str"):
            check(wrong)


@pytest.mark.parametrize("wrong", ["chat", b"chat", 5, [5], [None], [b"a"]])
def test_subprotocols_of_another_type_are_a_type_error(wrong):
    with pytest.raises(TypeError, match="subprotocol"):
        checked_subprotocols(wrong)


@pytest.mark.parametrize("origin", ["http://a", "https://a:1", "null", "file://", "chrome-extension://abc"])
def test_origin_is_taken_as_it_is(origin):
    assert checked_origin(origin) == origin


@pytest.mark.parametrize("origin", ["", "http://a b", "http://a\r\nX: b", "a\n", "a\0", "a\t", "http://\xe4"])
def test_origin_that_cannot_stand_in_its_header_is_a_value_error(origin):
    with pytest.raises(ValueError, match="origin"):
        checked_origin(origin)


@pytest.mark.parametrize("host", ["a", "a:80", "[::1]", "[::1]:80", "10.0.0.1", "my_container"])
def test_host_is_taken_as_it_is(host):
    assert checked_host(host) == host


@pytest.mark.parametrize("host", ["", "http://a", "a/b", "u@a", "a b", "a\r\nX: b", "a\n", "a\0", "::1", "a:b", "\xe4"])
def test_host_that_cannot_stand_in_its_header_is_a_value_error(host):
    with pytest.raises(ValueError, match="host"):
        checked_host(host)
