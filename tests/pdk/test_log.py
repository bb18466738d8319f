"""``kong.log``: lines for people, and a connection as data."""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any

import pytest

from framegate.errors import ProtocolError
from framegate.pdk import PDKError
from framegate.pdk.faces.log import NOTICE
from framegate.session.record import SessionRecord, SideRecord
from tests.pdk.stage import ANNA, before_the_request, exchange, kong, on, plugin

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": NOTICE,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "err": logging.ERROR,
    "error": logging.ERROR,
    "crit": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "emerg": logging.CRITICAL,
}


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "framegate.plugin")
    return caplog


# Lines


@pytest.mark.parametrize("name", LEVELS)
def test_each_level_has_its_function(lines: pytest.LogCaptureFixture, name: str) -> None:
    getattr(kong().log, name)("said")
    assert [(record.levelno, record.getMessage()) for record in lines.records] == [(LEVELS[name], "said")]


def test_the_log_itself_is_a_notice(lines: pytest.LogCaptureFixture) -> None:
    kong().log("said")
    assert lines.records[0].levelname == "NOTICE"
    assert logging.INFO < lines.records[0].levelno < logging.WARNING


def test_a_line_says_which_plugin_wrote_it_and_where(lines: pytest.LogCaptureFixture) -> None:
    on(exchange(), by=plugin("my-plugin")).log.info("said")
    on(exchange(), by=plugin("my-plugin")).log("said")
    for record in lines.records:
        assert record.name == "framegate.plugin.my-plugin"
        assert record.filename == "test_log.py"


def test_the_parts_stand_with_a_space_between(lines: pytest.LogCaptureFixture) -> None:
    kong().log.info("count:", 7, None, True, {"a": 1}, "100%", "%s")
    assert lines.messages == ["count: 7 None True {'a': 1} 100% %s"]


def test_what_is_not_wanted_is_not_written(lines: pytest.LogCaptureFixture) -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError("it was asked for its words")

    lines.set_level(logging.WARNING, "framegate.plugin")
    kong().log.info(Costly())
    assert lines.messages == []


def test_a_peer_cannot_forge_a_line(lines: pytest.LogCaptureFixture) -> None:
    kong().log.info("got", "hi\r\nERROR all is lost\t\x1b[2J\x85\u2028Zoë")
    assert lines.messages == ["got hi\\r\\nERROR all is lost\t\\x1b[2J\\x85\\u2028Zoë"]


# A connection as data


def record() -> SessionRecord:
    return SessionRecord(
        ended_by="client",
        why="protocol",
        error=ProtocolError("reserved bit", side="client", close_code=1002),
        detail="more",
        started_at=1.0,
        duration=2.5,
        client=SideRecord(None, (1002, ""), 3, 2, 10, 1, 1),
        upstream=SideRecord((1001, "bye"), (1001, ""), 1, 1, 5, 0, 0),
    )


def test_a_connection_is_plain_data() -> None:
    probe = kong(
        ("X-Team", "red"),
        ("X-Team", "blue"),
        line="GET /chat?room=1&x HTTP/1.1",
        scheme="wss",
        started_at=12.5,
        route={"id": "r", "paths": ["/chat"]},
        service={"id": "s", "tags": ["a"]},
        phase="ws_close",
        record=record(),
    )
    data = probe.log.serialize()
    headers = data["request"].pop("headers")
    assert headers["x-team"] == ["red", "blue"]
    assert headers["host"] == "example.com"
    assert data == {
        "started_at": 12500,
        "client_ip": "192.0.2.7",
        "request": {
            "method": "GET",
            "uri": "/chat?room=1&x",
            "url": "wss://example.com:8000/chat?room=1&x",
            "querystring": {"room": "1", "x": True},
        },
        "route": {"id": "r", "paths": ["/chat"]},
        "service": {"id": "s", "tags": ["a"]},
        "websocket": {
            "ended_by": "client",
            "why": "protocol",
            "detail": "more",
            "error": "client: reserved bit",
            "duration": 2.5,
            "client": {
                "frames": 3,
                "messages": 2,
                "bytes": 10,
                "dropped": 1,
                "changed": 1,
                "close_received": None,
                "close_sent": {"code": 1002, "reason": ""},
            },
            "upstream": {
                "frames": 1,
                "messages": 1,
                "bytes": 5,
                "dropped": 0,
                "changed": 0,
                "close_received": {"code": 1001, "reason": "bye"},
                "close_sent": {"code": 1001, "reason": ""},
            },
        },
    }
    assert json.loads(json.dumps(data)) == data


def test_the_client_is_the_one_behind_a_trusted_proxy() -> None:
    probe = kong(("X-Forwarded-For", "198.51.100.9"), peer=("10.0.0.1", 1), trusted=["10.0.0.1"])
    assert probe.log.serialize()["client_ip"] == "198.51.100.9"


def test_what_there_is_not_is_left_out() -> None:
    assert sorted(before_the_request().log.serialize()) == ["client_ip", "started_at"]
    assert sorted(kong(peer=None).log.serialize()) == ["request", "started_at"]


def test_who_was_authenticated_is_told_without_the_secret() -> None:
    probe = kong(("X-Key", "s3cret"), ("X-Other", "s3cret2"), line="GET /?k=s3cret HTTP/1.1")
    probe.client.authenticate({**ANNA, "password": "s3cret"}, {"id": "key-1", "key": "s3cret", "consumer": {"id": "c"}})
    data = probe.log.serialize()
    assert data["consumer"] == ANNA
    assert data["authenticated_entity"] == {"id": "key-1", "consumer_id": "c"}
    assert data["request"]["headers"]["x-key"] == "REDACTED"
    assert data["request"]["headers"]["x-other"] == "s3cret2"
    assert data["request"]["uri"] == "/?k=REDACTED"
    assert data["request"]["querystring"] == {"k": "REDACTED"}


def test_an_id_may_be_more_than_a_str() -> None:
    probe = kong()
    probe.client.authenticate({"id": uuid.UUID(int=7)}, {"id": uuid.UUID(int=8)})
    data = probe.log.serialize()
    assert data["consumer"] == {"id": "00000000-0000-0000-0000-000000000007"}
    assert json.dumps(data["authenticated_entity"])


def test_a_credential_that_names_no_consumer_is_that_of_the_authenticated_one() -> None:
    probe = kong()
    probe.client.authenticate(ANNA, {"id": "key-1"})
    assert probe.log.serialize()["authenticated_entity"]["consumer_id"] == ANNA["id"]


@pytest.mark.parametrize("name", ["Authorization", "Proxy-Authorization", "Cookie", "apikey"])
def test_secrets_in_header_fields_are_not_told(name: str) -> None:
    headers = kong((name, "s3cret"), (name, "s3cret")).log.serialize()["request"]["headers"]
    assert headers[name.lower()] == ["REDACTED", "REDACTED"]


@pytest.mark.parametrize("name", ["apikey", "jwt", "access_token", "APIKEY", "api%6bey"])
def test_secrets_in_the_query_are_not_told(name: str) -> None:
    data = kong(line=f"GET /?a=1&{name}=s3cret&b HTTP/1.1").log.serialize()
    assert "s3cret" not in json.dumps(data)
    assert data["request"]["uri"] == f"/?a=1&{name}=REDACTED&b"


def test_keys_among_the_subprotocols_are_not_told() -> None:
    probe = kong(("Sec-WebSocket-Protocol", "chat, apikey.s3cret, x-key.s3cret"))
    probe.client.authenticate(ANNA, {"id": "key-1", "key": "s3cret"})
    headers = probe.log.serialize()["request"]["headers"]
    assert headers["sec-websocket-protocol"] == "chat, apikey.REDACTED, x-key.REDACTED"


def test_a_running_session_tells_how_it_stands() -> None:
    class Running:
        def record(self) -> SessionRecord:
            return SessionRecord(client=SideRecord(frames=7))

    probe = kong(phase="ws_client_frame", link=Running())
    websocket = probe.log.serialize()["websocket"]
    assert (websocket["client"]["frames"], websocket["ended_by"]) == (7, None)


# Values of the plugins' own


def test_all_plugins_of_the_connection_see_a_value() -> None:
    connection = exchange()
    on(connection, by=plugin("one", "id-1")).log.set_serialize_value("team", "red")
    assert on(connection, "ws_close", plugin("other", "id-2")).log.serialize()["team"] == "red"
    assert "team" not in kong().log.serialize()


def test_dots_stand_between_levels() -> None:
    log = kong().log
    log.set_serialize_value("my.new.value", 4)
    log.set_serialize_value("request.headers.host", "hidden")
    data = log.serialize()
    assert data["my"] == {"new": {"value": 4}}
    assert data["request"]["headers"]["host"] == "hidden"


def test_none_removes_a_value() -> None:
    log = kong().log
    log.set_serialize_value("request.headers", None)
    log.set_serialize_value("nothing", None)
    data = log.serialize()
    assert "headers" not in data["request"]
    assert "nothing" not in data


def test_the_last_one_counts() -> None:
    log = kong().log
    for number in range(1000):
        log.set_serialize_value("count", number)
    assert log.serialize()["count"] == 999
    assert len(log._edits()) == 1


def test_add_only_adds_and_replace_only_replaces() -> None:
    log = kong().log
    log.set_serialize_value("request.method", "added", mode="add")
    log.set_serialize_value("a.b", "added", mode="add")
    log.set_serialize_value("request.uri", "replaced", mode="replace")
    log.set_serialize_value("c.d", "replaced", mode="replace")
    data = log.serialize()
    assert (data["request"]["method"], data["request"]["uri"]) == ("GET", "replaced")
    assert data["a"] == {"b": "added"}
    assert "c" not in data


def test_a_value_is_copied() -> None:
    log = kong().log
    value: dict[str, Any] = {"a": [1, (2, 3)]}
    log.set_serialize_value("mine", value)
    value["a"].append(4)
    log.serialize()["mine"]["a"].append(5)
    assert log.serialize()["mine"] == {"a": [1, [2, 3]]}


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((1, "x"), "key is a str, not int"),
        (("a", "x", "put"), "mode is 'set', 'add' or 'replace', not 'put'"),
        (("a", b"x"), "value is a mapping, a list, a str, a finite number, a bool or None, not b'x'"),
        (("a", [float("inf")]), "value is a mapping, a list, a str, a finite number, a bool or None, not inf"),
        (("a", {1: 2}), "the keys of value are str"),
        (("a", circle()), "value holds itself"),
        (("client_ip.a", 1), "'client_ip.a' leads through 'client_ip', which is not a mapping"),
    ],
)
def test_what_cannot_be_written_is_refused(arguments: tuple[Any, ...], rule: str) -> None:
    log = kong().log
    with pytest.raises(PDKError) as error:
        log.set_serialize_value(*arguments)
    assert str(error.value) == f"kong.log.set_serialize_value: {rule}"
    assert log.serialize()["client_ip"] == "192.0.2.7"
