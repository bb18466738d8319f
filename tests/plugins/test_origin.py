"""origin: pages of known sites come in, and no trick makes another page look like one of them."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from framegate.plugins.origin import Origin, priority, read_origin
from tests.plugins.stage import Outcome, faults, play, plugin, plugin_type

APP = ["https://app.example.com"]


def come(*origins: str, fields: Any = (), **how: Any) -> Outcome:
    ours = ("allow", "same_host", "allow_missing", "status", "message")
    config = {name: how.pop(name) for name in ours if name in how}
    return play(plugin("origin", **config), [*(("Origin", origin) for origin in origins), *fields], **how)


# Exact origins


@pytest.mark.parametrize(
    ("rule", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com", "HTTPS://App.Example.COM"),
        ("https://APP.example.com", "https://app.example.com"),
        ("https://app.example.com", "https://app.example.com:443"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://192.0.2.1", "https://192.0.2.1"),
        ("https://xn--bcher-kva.example", "https://XN--bcher-kva.example"),
        ("https://app.example.com.", "https://app.example.com."),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("file://", "file://"),
        ("null", "null"),
    ],
)
def test_a_page_of_an_allowed_origin_comes_in(rule: str, origin: str) -> None:
    assert come(origin, allow=["https://other.example", rule]).status is None


@pytest.mark.parametrize(
    "origin",
    [
        # another host that has the text of the allowed one in it
        "https://app.example.com.evil.com",
        "https://app.example.comevil.com",
        "https://evil-app.example.com",
        "https://evilapp.example.com",
        "https://app.example.com-evil.com",
        "https://app-example.com",
        "https://appxexample.com",
        "https://x.app.example.com",
        "https://example.com",
        "https://evil.com/app.example.com",
        "https://evil.com/https://app.example.com",
        "https://evil.com?https://app.example.com",
        "https://evil.com#https://app.example.com",
        "https://evil.com\\.app.example.com",
        # user information, which no origin has
        "https://app.example.com@evil.com",
        "https://evil.com@app.example.com",
        "https://app.example.com:443@evil.com",
        "https://a:b@app.example.com",
        # another scheme or port
        "http://app.example.com",
        "wss://app.example.com",
        "https://app.example.com:80",
        "https://app.example.com:8443",
        "https://app.example.com:4430",
        "http://app.example.com:443",
        "ftp://app.example.com",
        # what is no origin
        "app.example.com",
        "//app.example.com",
        "https:app.example.com",
        "https:/app.example.com",
        "https:///app.example.com",
        "https://app.example.com/",
        "https://app.example.com:",
        "https://app.example.com:x",
        "https://app.example.com:443443",
        "https://app.example.com:-443",
        "https://app.example.com https://evil.com",
        "https://app.example.com, https://evil.com",
        "https://app.example.com,https://app.example.com",
        "https://app..example.com",
        "https://.app.example.com",
        "https://app.example.com..",
        "https://app.example.com%00.evil.com",
        "https://app.example.com\t.evil.com",
        "https://*.example.com",
        "https://",
        "https",
        "",
        # other spellings of the host, which are other hosts to a browser
        "https://app.example.com.",
        "https://\xe0pp.example.com",
        "https://app%2eexample.com",
        # what is not expressly allowed
        "null",
        "NULL",
        "file://",
        "undefined",
    ],
)
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    seen = come(origin, allow=APP)
    assert (seen.status, seen.said) == (403, {"message": "Origin not allowed"})


@pytest.mark.parametrize("origin", ["NULL", " nul", "nul", '"null"', "null null", "null://null"])
def test_null_is_null_and_nothing_like_it(origin: str) -> None:
    assert come(origin, allow=["null"]).status == 403


@pytest.mark.parametrize("second", ["https://app.example.com", "https://evil.com", "null", ""])
def test_several_origins_are_no_origin(second: str) -> None:
    assert come("https://app.example.com", second, allow=APP).status == 403
    assert come(second, "https://app.example.com", allow=APP).status == 403


# Wildcards


WILD = ["https://*.example.com"]


@pytest.mark.parametrize(
    "origin",
    ["https://a.example.com", "https://a.b.example.com", "https://A.Example.com:443", "https://a-b.example.com"],
)
def test_a_wildcard_holds_whatever_is_below_the_host(origin: str) -> None:
    assert come(origin, allow=WILD).status is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "https://.example.com",
        "https://..example.com",
        "https://-.example.com",
        "https://evilexample.com",
        "https://evil-example.com",
        "https://a.example.com.evil.com",
        "https://a.example.com@evil.com",
        "https://evil.com/.example.com",
        "https://evil.com?.example.com",
        "https://evil.com\\.example.com",
        "https://evil.com:443.example.com",
        "https://evil.com%2f.example.com",
        "https://evil.com%00.example.com",
        "https://*.example.com",
        "https://a.example.com.",
        "https://a.example.com:8443",
        "http://a.example.com",
        "wss://a.example.com",
        "null",
    ],
)
def test_a_wildcard_holds_nothing_else(origin: str) -> None:
    assert come(origin, allow=WILD).status == 403


def test_a_wildcard_has_a_port_and_may_be_below_localhost() -> None:
    assert come("http://a.localhost:3000", allow=["http://*.localhost:3000"]).status is None
    assert come("http://a.localhost", allow=["http://*.localhost:3000"]).status == 403


# No Origin


def test_a_client_that_is_no_browser_comes_in_unless_the_configuration_says_otherwise() -> None:
    assert come(allow=APP).status is None
    assert come(allow=APP, allow_missing=False).status == 403
    assert come("https://app.example.com", allow=APP, allow_missing=False).status is None


def test_an_empty_origin_is_not_a_missing_one() -> None:
    assert come("", allow=APP).status == 403


# same_host


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://chat.example.com", "chat.example.com"),
        ("https://chat.example.com", "CHAT.example.com:443"),
        ("https://chat.example.com:8443", "chat.example.com:8443"),
        ("http://chat.example.com:8000", "chat.example.com:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
    ],
)
def test_a_page_of_the_same_host_and_port_comes_in_where_that_is_said(origin: str, host: str) -> None:
    assert come(origin, same_host=True, host=host).status is None
    assert come(origin, allow=APP, host=host).status == 403


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://chat.example.com", "chat.example.com:8443"),
        ("https://chat.example.com:8443", "chat.example.com"),
        ("https://chat.example.com", "chat.example.com:80"),
        ("http://chat.example.com", "chat.example.com:443"),
        ("https://evil.com", "chat.example.com"),
        ("https://chat.example.com.evil.com", "chat.example.com"),
        ("https://example.com", "chat.example.com"),
        ("https://chat.example.com.", "chat.example.com"),
        ("ftp://chat.example.com", "chat.example.com"),
        ("null", "null"),
        ("file://", "chat.example.com"),
    ],
)
def test_a_page_of_another_host_or_port_is_refused(origin: str, host: str) -> None:
    assert come(origin, same_host=True, host=host).status == 403


def test_a_page_that_came_without_tls_is_not_the_same_host_of_a_request_with_tls() -> None:
    assert come("https://a.example", same_host=True, host="a.example", scheme="wss").status is None
    assert come("http://a.example", same_host=True, host="a.example", scheme="wss").status == 403


def test_a_trusted_proxy_is_believed_what_the_client_asked_for() -> None:
    fields = [("X-Forwarded-Host", "chat.example.com"), ("X-Forwarded-Proto", "https")]
    how: dict[str, Any] = {"same_host": True, "host": "10.0.0.9:8000", "fields": fields}
    assert come("https://chat.example.com", trusted=["192.0.2.0/24"], **how).status is None
    assert come("http://chat.example.com:443", trusted=["192.0.2.0/24"], **how).status == 403
    assert come("https://chat.example.com", **how).status == 403


def test_the_same_host_is_added_to_the_allowed_origins() -> None:
    how: dict[str, Any] = {"allow": APP, "same_host": True, "host": "b.example"}
    assert come("https://app.example.com", **how).status is None
    assert come("https://b.example", **how).status is None
    assert come("https://c.example", **how).status == 403


# The refusal


def test_status_and_message_are_the_configurations() -> None:
    seen = come("null", allow=APP, status=404, message="nothing here")
    assert (seen.status, seen.said) == (404, {"message": "nothing here"})


def test_the_operator_can_see_who_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        come("https://evil.com", allow=APP)
        come("https://app.example.com", allow=APP)
    assert [record.getMessage() for record in caplog.records] == ["refused a page of 'https://evil.com'"]


def test_it_runs_before_every_plugin_that_authenticates() -> None:
    assert priority > max(plugin_type(name).priority for name in ("jwt", "key-auth", "basic-auth"))


# What an origin is


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://a.example", Origin("https", "a.example", 443)),
        ("http://a.example", Origin("http", "a.example", 80)),
        ("https://a.example:0443", Origin("https", "a.example", 443)),
        ("app://a", Origin("app", "a", None)),
        ("https://[2001:DB8::1]", Origin("https", "[2001:db8::1]", 443)),
        ("https://[2001:db8::1]:65536", None),
        ("https://[::g]", None),
        ("https://[1.2.3.4]", None),
        ("https://[", None),
        ("https://a.example\n", None),
        ("https://\u212a.example", None),
    ],
)
def test_an_origin_is_scheme_host_and_port(text: str, origin: Origin | None) -> None:
    assert read_origin(text) == origin


# The configuration


@pytest.mark.parametrize(
    ("allow", "says"),
    [
        ([], "allow: names no origin, and same_host is false"),
        (
            ["*"],
            "allow[0]: must be an origin, such as https://app.example.com: to let in every page, leave the plugin out",
        ),
        (
            ["https://a.example", "a.example"],
            "allow[1]: must be an origin, such as https://app.example.com: 'a.example' has no",
        ),
        (
            ["https://a.example/"],
            "allow[0]: must be an origin, such as https://app.example.com, which ends with the host",
        ),
        (["https://a.example/chat"], "allow[0]: must be an origin, such as https://app.example.com, which ends"),
        (
            ["https://bücher.example"],
            "allow[0]: must be an origin, such as https://app.example.com, with the host as browsers",
        ),
        (["wss://a.example"], "allow[0]: must be the origin of pages, which begins with http or https"),
        (["https://*.com"], "allow[0]: must not let in everybody below a top-level domain"),
        (["https://*"], "allow[0]: must be an origin"),
        (["https://a.*.example.com"], "allow[0]: must be an origin"),
        (["https://app*.example.com"], "allow[0]: must be an origin"),
        (["https://*.192.0.2.1"], "allow[0]: must be an origin: there is nothing below an address"),
        (["https://*.[::1]"], "allow[0]: must be an origin: there is nothing below an address"),
        (["https://a.example:99999"], "allow[0]: must be an origin"),
        (["NULL"], "allow[0]: must be an origin"),
        ([""], "allow[0]: must not be empty"),
    ],
)
def test_an_entry_that_is_no_origin_is_named(allow: list[str], says: str) -> None:
    (fault,) = faults("origin", allow=allow)
    assert fault.startswith(says)
