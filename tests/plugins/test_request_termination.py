"""request-termination: what the client is answered, and when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.stage import Outcome, exchange, faults, handshake, play, plugin, plugin_type


def come(fields: Any = (), target: str = "/chat", **config: Any) -> Outcome:
    return play(plugin("request-termination", **config), fields, target=target)


def test_everyone_is_refused_with_503() -> None:
    outcome = come()
    assert (outcome.status, outcome.message) == (503, "Service unavailable")
    assert outcome.header("Content-Type") == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "Unauthorized"),
        (404, "Not found"),
        (405, "Method not allowed"),
        (500, "An unexpected error occurred"),
        (502, "Bad Gateway"),
    ],
)
def test_some_statuses_have_a_message_of_their_own(status: int, message: str) -> None:
    outcome = come(status_code=status)
    assert (outcome.status, outcome.message) == (status, message)


@pytest.mark.parametrize("status", [204, 304, 418, 599])
def test_another_status_without_a_message_has_no_body(status: int) -> None:
    outcome = come(status_code=status)
    assert outcome.exit is not None
    assert (outcome.status, outcome.exit.body) == (status, b"")


def test_the_message_can_be_chosen() -> None:
    outcome = come(status_code=403, message="so sorry!")
    assert (outcome.status, outcome.said) == (403, {"message": "so sorry!"})


@pytest.mark.parametrize(("content_type", "header"), [("text/html", "text/html"), (None, "text/plain; charset=utf-8")])
def test_the_body_can_be_chosen(content_type: str | None, header: str) -> None:
    outcome = come(body="<p>closed", **({"content_type": content_type} if content_type else {}))
    assert outcome.exit is not None
    assert outcome.exit.body == b"<p>closed"
    assert outcome.header("Content-Type") == header


@pytest.mark.parametrize(
    ("fields", "target", "status"),
    [
        ([], "/chat", None),
        ([("X-Maintenance", "1")], "/chat", 503),
        ([("x-maintenance", "")], "/chat", 503),
        ([], "/chat?x-maintenance", 503),
        ([], "/chat?x-maintenance=1", 503),
        ([], "/chat?x-other=1", None),
    ],
)
def test_with_a_trigger_only_who_carries_it_is_refused(fields: Any, target: str, status: int | None) -> None:
    assert come(fields, target, trigger="x-maintenance").status == status


def test_an_echo_tells_the_client_its_request_and_where_it_would_have_gone() -> None:
    connection = exchange([("X-A", "1")], target="/chat?b=2", route={"name": "r"}, service={"name": "s"})
    outcome = handshake(plugin("request-termination", echo=True, message="hello"), connection)
    said = outcome.said
    assert outcome.status == 503
    assert said["message"] == "hello"
    assert said["kong"]["node_id"] == connection.node.id
    assert said["request"]["headers"]["x-a"] == "1"
    assert said["request"]["query"] == {"b": "2"}
    assert (said["request"]["method"], said["request"]["path"]) == ("GET", "/chat")
    assert (said["matched_route"], said["matched_service"]) == ({"name": "r"}, {"name": "s"})


def test_an_echo_can_be_kept_to_who_carries_the_trigger() -> None:
    assert come(echo=True, trigger="debug").status is None
    assert come(target="/chat?debug", echo=True, trigger="debug").status == 503


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"message": "a", "body": "b"}, "message: goes without body: give one of them"),
        ({"message": "a", "content_type": "b"}, "message: goes without content_type: give one of them"),
        ({"content_type": "b"}, "content_type: goes with a body: give one, or leave it out"),
        ({"echo": True, "body": "b"}, "echo: goes without body and content_type: it makes a body of its own"),
        (
            {"status_code": 204, "message": "a"},
            "status_code: an answer with status 204 has no body (RFC 9110, section 15)",
        ),
        ({"status_code": 101}, "status_code: must be between 200 and 599, not 101"),
        ({"trigger": "a b"}, 'trigger: must be a string that matches ^[A-Za-z0-9_-]+$, not "a b"'),
    ],
)
def test_fields_that_do_not_go_together_are_an_error(config: dict[str, Any], said: str) -> None:
    assert faults("request-termination", **config) == [said]


def test_plugins_of_a_higher_priority_refuse_first() -> None:
    assert plugin_type("request-termination").priority == 2
    both = [plugin("request-termination"), plugin("key-auth")]
    assert play(both).status == 401
