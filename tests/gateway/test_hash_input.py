"""What a request is hashed by, and the cookie that a client without one is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from framegate.gateway.hash_input import HashInput, StickyCookie, hash_key
from tests.gateway.entities import upstream

HASHING = {"algorithm": "consistent-hashing"}


@dataclass
class Source:
    """A request, said by its parts."""

    who: str | None = "consumer-1"
    address: str | None = "192.0.2.1"
    headers: dict[str, str] = field(default_factory=lambda: {"X-Room": "lobby"})
    cookies: dict[str, str] = field(default_factory=lambda: {"sticky": "abc"})
    where: str = "/chat/lobby"
    args: dict[str, str] = field(default_factory=lambda: {"room": "1"})
    captures: dict[str, str] = field(default_factory=lambda: {"room": "lobby"})

    def consumer(self) -> str | None:
        return self.who

    def ip(self) -> str | None:
        return self.address

    def header(self, name: str) -> str | None:
        return self.headers.get(name)

    def cookie(self, name: str) -> str | None:
        return self.cookies.get(name)

    def path(self) -> str:
        return self.where

    def query_arg(self, name: str) -> str | None:
        return self.args.get(name)

    def uri_capture(self, name: str) -> str | None:
        return self.captures.get(name)


def hashed(source: Source | None = None, **fields: Any) -> HashInput:
    return hash_key(upstream(**{**HASHING, **fields}), source or Source(), new_value=lambda: "new")


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"hash_on": "none"}, None),
        ({"hash_on": "consumer"}, "consumer-1"),
        ({"hash_on": "ip"}, "192.0.2.1"),
        ({"hash_on": "header", "hash_on_header": "X-Room"}, "lobby"),
        ({"hash_on": "cookie", "hash_on_cookie": "sticky"}, "abc"),
        ({"hash_on": "path"}, "/chat/lobby"),
        ({"hash_on": "query_arg", "hash_on_query_arg": "room"}, "1"),
        ({"hash_on": "uri_capture", "hash_on_uri_capture": "room"}, "lobby"),
    ],
)
def test_a_request_is_hashed_by_what_hash_on_names(fields: dict[str, Any], key: str | None) -> None:
    assert hashed(**fields) == HashInput(key)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"hash_fallback": "none"}, None),
        ({"hash_fallback": "consumer"}, "consumer-1"),
        ({"hash_fallback": "ip"}, "192.0.2.1"),
        ({"hash_fallback": "header", "hash_fallback_header": "X-Room"}, "lobby"),
        ({"hash_fallback": "cookie", "hash_on_cookie": "sticky"}, "abc"),
        ({"hash_fallback": "path"}, "/chat/lobby"),
        ({"hash_fallback": "query_arg", "hash_fallback_query_arg": "room"}, "1"),
        ({"hash_fallback": "uri_capture", "hash_fallback_uri_capture": "room"}, "lobby"),
    ],
)
def test_where_that_is_missing_the_fallback_counts(fields: dict[str, Any], key: str | None) -> None:
    assert hashed(hash_on="header", hash_on_header="X-Absent", **fields) == HashInput(key)


def test_what_is_empty_tells_nobody_apart_and_counts_as_missing() -> None:
    source = Source(headers={"X-Room": ""})

    assert hashed(source, hash_on="header", hash_on_header="X-Room", hash_fallback="ip").key == "192.0.2.1"


def test_where_both_are_missing_there_is_no_key() -> None:
    assert hashed(Source(who=None, address=None), hash_on="consumer", hash_fallback="ip") == HashInput(None)


def test_a_client_without_the_cookie_is_given_one_and_hashed_by_it() -> None:
    found = hashed(
        Source(cookies={}), hash_on="cookie", hash_on_cookie="sticky", hash_on_cookie_path="/chat", hash_fallback="ip"
    )

    assert found == HashInput("new", StickyCookie("sticky", "new", "/chat"))
    assert found.cookie is not None
    assert found.cookie.header_value == "sticky=new; Path=/chat"


def test_so_it_is_where_the_cookie_is_the_fallback() -> None:
    found = hashed(Source(who=None, cookies={}), hash_on="consumer", hash_fallback="cookie", hash_on_cookie="sticky")

    assert found == HashInput("new", StickyCookie("sticky", "new", "/"))


def test_a_client_with_the_cookie_keeps_it() -> None:
    assert hashed(hash_on="cookie", hash_on_cookie="sticky").cookie is None


def test_new_cookies_differ_by_client() -> None:
    of = upstream(hash_on="cookie", hash_on_cookie="sticky", **HASHING)
    one, other = (hash_key(of, Source(cookies={})) for _ in range(2))

    assert one.key is not None
    assert one.key != other.key


@pytest.mark.parametrize("algorithm", ["round-robin", "least-connections"])
def test_without_consistent_hashing_nothing_is_hashed_and_no_cookie_is_set(algorithm: str) -> None:
    found = hashed(Source(cookies={}), algorithm=algorithm, hash_on="cookie", hash_on_cookie="sticky")

    assert found == HashInput(None, None)
