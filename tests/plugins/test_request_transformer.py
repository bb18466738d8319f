"""request-transformer: what the upstream is asked, after each operation and all of them together."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from framegate.pdk.faces.service_request import ServiceRequest
from tests.plugins.stage import Outcome, exchange, faults, handshake, play, plugin, plugin_type

FIELDS = [("X-One", "1"), ("X-Two", "2"), ("X-Twice", "a"), ("X-Twice", "b")]


def transform(target: str = "/chat", fields: Any = FIELDS, host: str | None = None, **config: Any) -> Outcome:
    return play(plugin("request-transformer", **config), fields, target=target, host=host)


def values(outcome: Outcome, name: str) -> list[str]:
    return ServiceRequest(outcome.exchange, "ws_handshake").get_headers().get(name.lower(), [])


# Header fields


@pytest.mark.parametrize(
    ("operation", "entry", "name", "expected"),
    [
        ("remove", "X-One", "X-One", []),
        ("remove", "x-twice", "X-Twice", []),
        ("remove", "X-Not-There", "X-Not-There", []),
        ("rename", "X-One:X-Uno", "X-Uno", ["1"]),
        ("rename", "X-One:X-Uno", "X-One", []),
        ("rename", "X-One:X-Two", "X-Two", ["1"]),
        ("rename", "X-Twice:X-Thrice", "X-Thrice", ["a", "b"]),
        ("rename", "X-Not-There:X-Two", "X-Two", ["2"]),
        ("replace", "X-One:new", "X-One", ["new"]),
        ("replace", "x-twice: new", "X-Twice", ["new"]),
        ("replace", "X-Not-There:new", "X-Not-There", []),
        ("add", "X-New:new", "X-New", ["new"]),
        ("add", "X-New:with:colons", "X-New", ["with:colons"]),
        ("add", "X-One:new", "X-One", ["1"]),
        ("append", "X-New:new", "X-New", ["new"]),
        ("append", "x-one:new", "X-One", ["1", "new"]),
        ("append", "X-Twice:c", "X-Twice", ["a", "b", "c"]),
        ("add", "X-City:Zürich", "X-City", ["Zürich".encode().decode("latin-1")]),
    ],
)
def test_an_operation_on_header_fields(operation: str, entry: str, name: str, expected: list[str]) -> None:
    outcome = transform(**{operation: {"headers": [entry]}})
    assert outcome.status is None
    assert values(outcome, name) == expected


def test_the_operations_come_in_their_order_whatever_order_they_are_written_in() -> None:
    outcome = transform(
        append={"headers": ["X-A:appended"]},
        add={"headers": ["X-One:added", "X-A:not added"]},
        replace={"headers": ["X-A:replaced"]},
        rename={"headers": ["X-Two:X-A"]},
        remove={"headers": ["X-One"]},
    )
    assert values(outcome, "X-One") == ["added"]
    assert values(outcome, "X-Two") == []
    assert values(outcome, "X-A") == ["replaced", "appended"]


def test_what_is_not_touched_stays_as_it_came() -> None:
    outcome = transform(remove={"headers": ["X-One"]})
    assert outcome.exchange.upstream.headers.names() == {"x-one"}
    assert outcome.exchange.upstream.path is None
    assert outcome.exchange.upstream.query is None


def test_what_earlier_plugins_have_changed_is_what_is_transformed() -> None:
    earlier = plugin("pre-function", ws_handshake=["kong.service.request.set_header('X-One', 'earlier')"])
    outcome = play([earlier, plugin("request-transformer", append={"headers": ["X-One:later"]})], FIELDS)
    assert values(outcome, "X-One") == ["earlier", "later"]


def test_the_host_can_be_replaced() -> None:
    outcome = transform(host="gateway.test", replace={"headers": ["Host:chat.internal:8080"]})
    assert outcome.exchange.upstream.host == "chat.internal:8080"


@pytest.mark.parametrize("operation", ["remove", "rename", "add", "append"])
def test_the_host_can_only_be_replaced(operation: str) -> None:
    entry = "Host" if operation == "remove" else "Host:x"
    assert faults("request-transformer", **{operation: {"headers": [entry]}}) == [
        f"{operation}.headers[0]: Host can only be replaced"
    ]


# The query


@pytest.mark.parametrize(
    ("operation", "entry", "query", "expected"),
    [
        ("remove", "a", "a=1&b=2&a=3", "b=2"),
        ("remove", "a", "a", ""),
        ("remove", "a", "b=2", "b=2"),
        ("remove", "a b", "a+b=1&a%20b=2&c", "c"),
        ("rename", "a:x", "a=%41&b=2&a=3", "x=%41&b=2&x=3"),
        ("rename", "a:b", "a=1&b=2", "b=1"),
        ("rename", "a:b", "b=2", "b=2"),
        ("rename", "a:a", "a=1", "a=1"),
        ("rename", "a:x", "a", "x"),
        ("replace", "a:new", "b=2&a=1&c&a=3", "b=2&a=new&c"),
        ("replace", "a:new", "b=2", "b=2"),
        ("add", "a:new", "b=2", "b=2&a=new"),
        ("add", "a:new", "", "a=new"),
        ("add", "a:new", "a=1", "a=1"),
        ("append", "a:new", "a=1&b=%7e", "a=1&b=%7e&a=new"),
        ("append", "a:x&y=ü", "", "a=x%26y%3D%C3%BC"),
    ],
)
def test_an_operation_on_the_query(operation: str, entry: str, query: str, expected: str) -> None:
    outcome = transform(f"/chat?{query}", **{operation: {"querystring": [entry]}})
    assert outcome.query == expected


def test_the_operations_on_the_query_come_in_the_same_order() -> None:
    outcome = transform(
        "/chat?a=1&b=2",
        append={"querystring": ["c:3"]},
        add={"querystring": ["a:added"]},
        replace={"querystring": ["c:replaced"]},
        rename={"querystring": ["b:c"]},
        remove={"querystring": ["a"]},
    )
    assert outcome.query == "c=replaced&a=added&c=3"


# The path


def test_the_path_can_be_replaced() -> None:
    outcome = transform("/chat?a=1", replace={"uri": "/rooms/7"})
    assert outcome.exchange.upstream.path == "/rooms/7"
    assert outcome.query == "a=1"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("rooms", "a path begins with /"),
        ("/rooms?x=1", "'?' cannot stand in a path; a query is set with querystring"),
        ("/rooms#x", "'#' cannot stand in a path"),
        ("/$(os.name)", "$(os.name): there are headers, query_params, uri_captures, shared"),
        ("/$(os.execute('x'))", "'$(' without a reference"),
    ],
)
def test_a_path_that_cannot_be_asked_for_is_an_error(uri: str, said: str) -> None:
    (fault,) = faults("request-transformer", replace={"uri": uri})
    assert fault.startswith("replace.uri: ")
    assert said in fault


# References

CAPTURES = (("anna", "7"), MappingProxyType({"user": "anna", "rest": "a/b%20c"}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Bearer $(query_params.token)", "Bearer s3cret"),
        ("$(headers.x-one)", "1"),
        ("$(headers['X-Twice'])", "a"),
        ('$(query_params["token"])$(headers.x_two)', "s3cret2"),
        ("$(uri_captures.user)/$(uri_captures[2])", "anna/7"),
        ("$(shared.tenant)", "acme"),
        ("[$(headers.x-missing)]", "[]"),
        ('$(query_params["missing"] or "nobody")', "nobody"),
        ("$(uri_captures[9] or 'none')", "none"),
        ("$(query_params.flag or 'set')", "set"),
        ("$5 (five)", "$5 (five)"),
        ("$(query_params.city)", "Zürich".encode().decode("latin-1")),
        ("$(headers.x-raw)", "\xfc"),
    ],
)
def test_a_value_can_refer_to_the_request(value: str, expected: str) -> None:
    instance = plugin("request-transformer", add={"headers": [f"X-New:{value}"]})
    fields = [*FIELDS, ("X-Raw", "\xfc")]
    connection = exchange(fields, target="/chat?token=s3cret&flag&city=Z%C3%BCrich", captures=CAPTURES)
    connection.shared.tenant = "acme"  # type: ignore[attr-defined]
    assert values(handshake(instance, connection), "X-New") == [expected]


def test_a_reference_in_the_query_is_encoded() -> None:
    outcome = transform("/chat?a=x%26admin%3D1", add={"querystring": ["b:$(query_params.a)"]})
    assert outcome.query == "a=x%26admin%3D1&b=x%26admin%3D1"


def test_bytes_that_are_not_text_stay_the_same_bytes() -> None:
    outcome = transform(fields=[("X-Raw", "\xfc")], add={"querystring": ["b:$(headers.x-raw)"]})
    assert outcome.query == "b=%FC"


@pytest.mark.parametrize(
    ("uri", "target", "expected"),
    [
        ("/rooms/$(query_params.room)", "/?room=a%20b", "/rooms/a%20b"),
        ("/rooms/$(query_params.room)/x", "/?room=../admin", "/rooms/..%2Fadmin/x"),
        ("/rooms/$(query_params.room)", "/?room=%3Fx%23y", "/rooms/%3Fx%23y"),
        ("/of/$(uri_captures.rest)", "/", "/of/a/b%20c"),
    ],
)
def test_a_reference_in_the_path_is_one_segment_and_a_capture_is_what_it_was(
    uri: str, target: str, expected: str
) -> None:
    outcome = handshake(plugin("request-transformer", replace={"uri": uri}), exchange(target=target, captures=CAPTURES))
    assert outcome.exchange.upstream.path == expected


@pytest.mark.parametrize("room", ["..", ".", "%2e%2e", "%2E."])
def test_a_client_cannot_climb_in_the_path(room: str) -> None:
    outcome = transform(f"/?room={room}", replace={"uri": "/rooms/$(query_params.room)/log"})
    assert (outcome.status, outcome.message) == (400, "Bad request")


@pytest.mark.parametrize("token", ["a%0d%0aX-Evil:1", "a%0ab", "%00", "%7f"])
@pytest.mark.parametrize("name", ["X-Token", "Host"])
def test_a_client_cannot_write_a_header_field_of_its_own(name: str, token: str) -> None:
    outcome = transform(f"/?token={token}", [(name, "x")], replace={"headers": [f"{name}:$(query_params.token)"]})
    assert (outcome.status, outcome.message) == (400, "Bad request")


@pytest.mark.parametrize(
    "value",
    [
        "$(headers.a or headers.b)",
        "$(os.getenv('HOME'))",
        "$(headers)",
        "$(1 + 1)",
        "$(environment.x)",
        "$(headers[1])",
        "$(headers.a",
        "$((headers.a))",
        "$(function() return 1 end)",
        "$(headers.__class__.x)",
    ],
)
def test_what_is_computed_is_an_error_that_names_the_way_out(value: str) -> None:
    (fault,) = faults("request-transformer", add={"headers": [f"X-New:{value}"]})
    assert fault.startswith("add.headers[0]: ")
    assert "$(" in fault


def test_a_reference_can_stand_in_a_value_only() -> None:
    (fault,) = faults("request-transformer", rename={"headers": ["X-A:$(headers.x)"]})
    assert fault == "rename.headers[0]: a reference can stand in a value, not in a name"


# Entries that cannot be used


@pytest.mark.parametrize(
    ("operation", "what", "entry", "said"),
    [
        ("add", "headers", "X-One", "there is no value: write NAME:VALUE"),
        ("add", "headers", "X-One:", "there is no value: write NAME:VALUE"),
        ("add", "headers", ":x", "there is no name before the colon"),
        ("add", "headers", "X One:x", "header name 'X One' is not a token"),
        ("add", "headers", "X-One:a\nb", "a value may not hold LF"),
        ("add", "headers", "Connection:close", "Connection is framegate's own"),
        ("remove", "headers", "Upgrade", "Upgrade is framegate's own"),
        ("append", "headers", "Sec-WebSocket-Protocol:x", "Sec-WebSocket-Protocol is framegate's own"),
        ("rename", "headers", "X-One:Sec-WebSocket-Key", "Sec-WebSocket-Key is framegate's own"),
        ("rename", "headers", "X-One", "there is no new name: write NAME:NEW-NAME"),
        ("rename", "headers", "X-One:X Two", "header name 'X Two' is not a token"),
        ("remove", "headers", "X-One:1", "a name alone: what is removed has no value"),
        ("remove", "querystring", "a:1", "a name alone"),
        ("replace", "querystring", "a", "there is no value"),
    ],
)
def test_an_entry_that_cannot_be_used_is_an_error(operation: str, what: str, entry: str, said: str) -> None:
    fine = "ok" if operation == "remove" else "ok:ok"
    (fault,) = faults("request-transformer", **{operation: {what: [fine, entry]}})
    assert fault.startswith(f"{operation}.{what}[1]: ")
    assert said in fault


@pytest.mark.parametrize("host", ["http://x", "a b", ""])
def test_a_host_that_is_none_is_an_error(host: str) -> None:
    (fault,) = faults("request-transformer", replace={"headers": [f"Host:{host}"]})
    assert fault.startswith("replace.headers[0]: ")


def test_a_handshake_has_no_body_and_no_other_method() -> None:
    assert faults("request-transformer", add={"body": []}, http_method="get") == []
    assert faults("request-transformer", add={"body": ["a:1"]}) == [
        "add.body: the request of an opening handshake has no body"
    ]
    assert faults("request-transformer", http_method="POST") == [
        "http_method: an opening handshake is a GET: leave it out"
    ]


def test_it_has_the_priority_of_its_namesake() -> None:
    assert plugin_type("request-transformer").priority == 801
