"""``kong.response``: the answer to the client's opening request."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest

from framegate.handshake import refusal
from framegate.pdk import PDKError
from framegate.pdk.exit import Exit
from framegate.pdk.kong import Kong
from tests.pdk.stage import kong


def exit_of(probe: Kong, *arguments: Any, by: str = "exit", **more: Any) -> Exit:
    with pytest.raises(Exit) as exit:
        getattr(probe.response, by)(*arguments, **more)
    return exit.value


# exit


def test_a_mapping_becomes_json() -> None:
    exit = exit_of(kong(), 400, {"message": "x-api-version is required"})
    assert exit.status == 400
    assert exit.body == b'{"message":"x-api-version is required"}'
    assert list(exit.headers) == [("Content-Type", "application/json; charset=utf-8")]


@pytest.mark.parametrize(
    "body", [["a", 1, None], {"name": "Zoë"}, (1, 2), MappingProxyType({"a": MappingProxyType({})})]
)
def test_lists_and_read_only_mappings_become_json_too(body: Any) -> None:
    exit = exit_of(kong(), 403, body)
    assert json.loads(exit.body) == json.loads(json.dumps(body, default=dict))


def test_a_str_is_sent_as_text() -> None:
    exit = exit_of(kong(), 403, "zutritt verwehrt: Ä")
    assert exit.body == "zutritt verwehrt: Ä".encode()
    assert list(exit.headers) == [("Content-Type", "text/plain; charset=utf-8")]


@pytest.mark.parametrize("body", [b"\x00\xff", bytearray(b"\x00\xff"), memoryview(b"\x00\xff")])
def test_bytes_are_sent_as_they_are(body: Any) -> None:
    exit = exit_of(kong(), 403, body)
    assert exit.body == b"\x00\xff"
    assert list(exit.headers) == []


@pytest.mark.parametrize("body", [None, "", b""])
def test_there_may_be_no_body(body: Any) -> None:
    exit = exit_of(kong(), 403, body)
    assert (exit.body, list(exit.headers)) == (b"", [])


def test_a_content_type_that_is_given_stands() -> None:
    exit = exit_of(kong(), 403, {"a": 1}, {"content-type": "application/problem+json"})
    assert list(exit.headers) == [("content-type", "application/problem+json")]


def test_a_content_type_that_was_set_before_stands_for_text() -> None:
    probe = kong()
    probe.response.set_header("Content-Type", "text/html")
    assert list(exit_of(probe, 403, "<b>no</b>").headers) == [("Content-Type", "text/html")]


def test_json_is_json_whatever_was_set_before() -> None:
    probe = kong()
    probe.response.set_header("Content-Type", "text/html")
    assert list(exit_of(probe, 403, {}).headers) == [("Content-Type", "application/json; charset=utf-8")]


def test_headers_have_one_value_or_several() -> None:
    exit = exit_of(kong(), 429, None, {"Retry-After": 5, "Vary": ["Origin", "Cookie"]})
    assert list(exit.headers) == [("Retry-After", "5"), ("Vary", "Origin"), ("Vary", "Cookie")]


def test_headers_of_the_call_come_before_what_was_set_earlier() -> None:
    probe = kong()
    probe.response.set_headers({"X-A": "set", "X-B": "set"})
    exit = exit_of(probe, 403, headers={"x-a": "exit"})
    assert sorted(exit.headers) == [("X-B", "set"), ("x-a", "exit")]
    assert probe._exchange.answer.apply(exit.headers) == list(exit.headers)


def test_what_exits_can_be_sent() -> None:
    exit = exit_of(kong(), 401, {"message": "no"}, {"WWW-Authenticate": "Key"})
    wire = refusal(exit.status, headers=exit.headers, body=exit.body)
    assert wire.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert wire.endswith(b'\r\n\r\n{"message":"no"}')


def test_nothing_behind_an_exit_runs_even_where_exceptions_are_caught() -> None:
    probe = kong()
    with pytest.raises(Exit):
        try:
            probe.response.exit(403)
        except Exception:
            pytest.fail("the exit was swallowed")


@pytest.mark.parametrize("status", [200, 599])
def test_a_status_goes_from_200_to_599(status: int) -> None:
    assert exit_of(kong(), status).status == status


@pytest.mark.parametrize("status", [101, 199, 600, 0, -1])
def test_another_status_is_refused(status: int) -> None:
    with pytest.raises(PDKError) as error:
        kong().response.exit(status)
    assert str(error.value) == f"kong.response.exit: status is from 200 to 599, not {status}"


@pytest.mark.parametrize("status", ["403", 403.0, None, True])
def test_a_status_is_an_int(status: Any) -> None:
    with pytest.raises(PDKError, match=r"^kong\.response\.exit: status is an int, not "):
        kong().response.exit(status)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_some_answers_have_no_body(status: int) -> None:
    with pytest.raises(PDKError) as error:
        kong().response.exit(status, "x")
    assert str(error.value) == f"kong.response.exit: an answer with status {status} has no body (RFC 9110, section 15)"
    assert exit_of(kong(), status).status == status


@pytest.mark.parametrize("body", [1, True, object(), {1, 2}])
def test_a_body_of_another_type_is_refused(body: Any) -> None:
    with pytest.raises(PDKError, match=r"^kong\.response\.exit: body is a mapping, a list, a str, bytes or None, not "):
        kong().response.exit(403, body)


def test_a_body_that_cannot_be_json_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    for body, rule in (
        ({"a": b"x"}, "body cannot be JSON: it holds a value of type bytes"),
        ({"a": float("nan")}, "Out of range float values are not JSON compliant"),
        (circle, "Circular reference detected"),
    ):
        with pytest.raises(PDKError) as error:
            kong().response.exit(403, body)
        assert str(error.value).startswith(f"kong.response.exit: {rule}")


def test_a_body_that_has_no_utf8_is_refused() -> None:
    with pytest.raises(PDKError, match=r"^kong\.response\.exit: .*surrogates not allowed"):
        kong().response.exit(403, "\ud800")


def test_a_refused_exit_leaves_the_answer_as_it_was() -> None:
    probe = kong()
    with pytest.raises(PDKError):
        probe.response.exit(204, "x", {"X-A": "1"})
    assert not probe._exchange.answer


@pytest.mark.parametrize("headers", ["X-A: 1", [("X-A", "1")], 1])
def test_headers_are_a_mapping(headers: Any) -> None:
    with pytest.raises(PDKError, match=r"^kong\.response\.exit: headers is a mapping, not "):
        kong().response.exit(403, None, headers)


@pytest.mark.parametrize("name", ["Connection", "Content-Length", "Transfer-Encoding", "Upgrade"])
def test_what_frames_the_answer_is_framegates_own(name: str) -> None:
    with pytest.raises(PDKError) as error:
        kong().response.exit(403, "x", {name: "1"})
    assert str(error.value) == f"kong.response.exit: {name} is framegate's own and cannot be set"


def test_a_header_cannot_break_out_of_its_line() -> None:
    with pytest.raises(PDKError, match=r"^kong\.response\.exit: header X-A: .*CR"):
        kong().response.exit(403, None, {"X-A": "1\r\nSet-Cookie: a=b"})


# error


def test_an_error_is_json_with_a_message() -> None:
    exit = exit_of(kong(), 403, "not you", {"X-A": "1"}, by="error")
    assert (exit.status, exit.body) == (403, b'{"message":"not you"}')
    assert sorted(exit.headers) == [("Content-Type", "application/json; charset=utf-8"), ("X-A", "1")]


@pytest.mark.parametrize(("status", "message"), [(403, "Forbidden"), (599, "Error")])
def test_the_usual_phrase_is_the_message(status: int, message: str) -> None:
    assert json.loads(exit_of(kong(), status, by="error").body) == {"message": message}


@pytest.mark.parametrize("status", [200, 399, 600, "400"])
def test_an_error_has_the_status_of_one(status: Any) -> None:
    with pytest.raises(PDKError, match=r"^kong\.response\.error: status is "):
        kong().response.error(status)


def test_the_message_of_an_error_is_a_str() -> None:
    with pytest.raises(PDKError, match=r"^kong\.response\.error: message is a str, not dict$"):
        kong().response.error(400, {"message": "x"})  # type: ignore[arg-type]


# Header fields of the 101 and of refusals


def test_a_field_is_set_added_and_cleared() -> None:
    probe = kong()
    probe.response.set_header("X-A", "1")
    probe.response.add_header("x-a", "2")
    assert probe._exchange.answer.values("X-A") == ["1", "2"]
    probe.response.set_header("X-A", ["3", True])
    assert probe._exchange.answer.values("X-A") == ["3", "true"]
    probe.response.clear_header("X-A")
    assert probe._exchange.answer.values("X-A") == []


def test_several_fields_are_set_in_the_order_of_their_names() -> None:
    probe = kong()
    probe.response.set_headers({"X-Foo": "foo", "Cache-Control": ["no-store", "no-cache"], "bla": "boo"})
    assert probe._exchange.answer.pairs() == [
        ("bla", "boo"),
        ("Cache-Control", "no-store"),
        ("Cache-Control", "no-cache"),
        ("X-Foo", "foo"),
    ]


@pytest.mark.parametrize("function", ["set_header", "add_header", "clear_header", "set_headers"])
@pytest.mark.parametrize("name", ["Sec-WebSocket-Accept", "Connection", "a b"])
def test_what_may_not_be_set_is_refused(function: str, name: str) -> None:
    arguments: Any = {"clear_header": (name,), "set_headers": ({"X-A": "1", name: "x"},)}.get(function, (name, "x"))
    probe = kong()
    with pytest.raises(PDKError, match=rf"^kong\.response\.{function}: .*{name}"):
        getattr(probe.response, function)(*arguments)
    assert not probe._exchange.answer
