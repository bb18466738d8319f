"""examples/llm-realtime as its page has it: the gateway's process, the fake API, real clients between."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.examples.kit import Example, Process

KEY = "anna-demo-key"
HALF_A_SECOND = base64.b64encode(bytes(24_000)).decode()


class Scene(NamedTuple):
    example: Example
    upstream: Process
    gateway: Process

    @property
    def url(self) -> str:
        return f"ws://{self.gateway.address}/v1/realtime"

    def said(self, words: list[str], *more: str) -> str:
        """What ``client.py`` prints."""
        ended = self.example.finished(*words[1:], "--url", self.url, *more)
        assert ended.stderr == ""
        return ended.stdout

    def record(self, marker: str) -> dict[str, Any]:
        """The record of the session whose path carries ``marker``."""
        return json.loads(self.gateway.output.matching(f"?{marker}")[0])

    def seen(self, text: str) -> list[str]:
        """The lines in which the upstream has printed ``text``."""
        return self.upstream.output.matching(text)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    example = Example("llm-realtime", tmp_path_factory.mktemp("llm"))
    with example.fake("fake_realtime.py") as upstream:
        example.move({"127.0.0.1:8000": "127.0.0.1:0", "127.0.0.1:9100": upstream.address})
        with example.gateway() as gateway:
            yield Scene(example, upstream, gateway)


@contextmanager
def session(scene: Scene, query: str = "", *, key: str = KEY, **options: Any) -> Iterator[ClientConnection]:
    protocols = [Subprotocol("realtime"), Subprotocol(f"apikey.{key}")]
    url = f"{scene.url}?{query}" if query else scene.url
    with connect(url, subprotocols=protocols, **options) as connection:
        assert received(connection)["type"] == "session.created"
        yield connection


def send(connection: ClientConnection, typ: str, **fields: Any) -> None:
    connection.send(json.dumps({"type": typ, **fields}))


def say(connection: ClientConnection, text: str) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    send(connection, "conversation.item.create", item=item)


def received(connection: ClientConnection) -> dict[str, Any]:
    return json.loads(connection.recv(timeout=10))


def received_until(connection: ClientConnection, typ: str) -> list[dict[str, Any]]:
    events = [received(connection)]
    while events[-1]["type"] != typ:
        events.append(received(connection))
    return events


def ending(connection: ClientConnection) -> tuple[list[dict[str, Any]], int, str]:
    """What still comes, and the close frame."""
    events = []
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            events.append(received(connection))
    assert closed.value.rcvd is not None
    return events, closed.value.rcvd.code, closed.value.rcvd.reason


def test_the_file_passes_the_check(scene: Scene) -> None:
    ended = scene.example.check()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "gateway.yaml: ok (1 service, 1 route, 2 consumers, 8 plugins)\n"


def test_the_commands_of_the_page_print_what_it_says(scene: Scene) -> None:
    promises = scene.example.promises()
    assert len(promises) == 3
    for words, output in promises:
        assert scene.said(words).strip() == output.strip()


def test_the_page_shows_what_the_record_holds(scene: Scene) -> None:
    with session(scene, "page") as client:
        say(client, "I am anna@example.com, see TICKET-12345")
        send(client, "response.create")
        received_until(client, "response.done")
    record = scene.record("page")
    shown = json.loads(scene.example.blocks("json")[0])
    assert shown["redacted"] == record["redacted"]
    for name in ("input_tokens", "output_tokens", "audio_seconds"):
        assert shown["usage"][name] == record["usage"][name]
    assert shown["usage"]["events"].items() <= record["usage"]["events"].items()
    assert record["consumer"]["username"] == "anna"


def test_the_upstream_gets_its_own_key_and_nothing_of_the_client(scene: Scene) -> None:
    headers = {"Authorization": "Bearer mine", "Cookie": "a=b", "X-Consumer-Username": "root"}
    with session(scene, "headers", origin=Origin("http://localhost:3000"), additional_headers=headers) as client:
        assert client.subprotocol == "realtime"
    fields = json.loads(scene.seen("request:")[-1].removeprefix("request:"))
    assert fields["authorization"] == "Bearer sk-upstream-demo"
    assert fields["sec-websocket-protocol"] == "realtime"
    personal = {"cookie", "origin", "forwarded", "x-forwarded-for", "x-forwarded-host"}
    assert {name for name in fields if name in personal or name.startswith(("x-consumer", "x-credential"))} == set()
    assert KEY not in json.dumps(fields)
    assert KEY not in json.dumps(scene.record("headers"))


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ({"origin": Origin("https://evil.example")}, 403, "Origin not allowed"),
        ({"key": "guessed"}, 401, "Unauthorized"),
        ({"key": ""}, 401, "No API key found in request"),
    ],
)
def test_strangers_are_refused(scene: Scene, options: dict[str, Any], status: int, message: str) -> None:
    with pytest.raises(InvalidStatus) as refused, session(scene, **options):
        pass
    response = refused.value.response
    assert (response.status_code, json.loads(response.body or b"")) == (status, {"message": message})


def test_other_paths_are_not_served(scene: Scene) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://{scene.gateway.address}/v1/realtimes"):
        pass
    assert refused.value.response.status_code == 404


def test_the_upstream_never_sees_what_was_redacted(scene: Scene) -> None:
    with session(scene, key="ben-demo-key") as client:
        say(client, "marker-1 card 5500-0000-0000-0004 ok")
        assert received(client)["item"]["content"][0]["text"] == "marker-1 card [card] ok"
    assert "[card]" in scene.seen("marker-1")[0]


def test_secrets_of_the_upstream_do_not_pass_in_any_event(scene: Scene) -> None:
    with session(scene) as client:
        say(client, "Hi")
        send(client, "response.create")
        events = received_until(client, "response.done")
    everything = json.dumps(events)
    assert "office@" not in everything and "1234567" not in everything and "1111" not in everything
    joined = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    (done,) = (event for event in events if event["type"] == "response.output_text.done")
    assert joined == done["text"] == events[-1]["response"]["output"][0]["content"][0]["text"]
    assert joined.endswith("Write to [email], call [phone], or pay with [card].")


def test_audio_is_counted_in_both_directions_and_left_alone(scene: Scene) -> None:
    with session(scene, "audio") as client:
        send(client, "input_audio_buffer.append", audio=HALF_A_SECOND)
        send(client, "response.create", response={"output_modalities": ["audio", "text"]})
        events = received_until(client, "response.done")
    (audio,) = (event for event in events if event["type"] == "response.output_audio.delta")
    assert audio["delta"] == HALF_A_SECOND
    assert scene.record("audio")["usage"]["audio_seconds"] == 1.0


def test_over_the_budget_the_last_response_is_delivered_then_an_error_and_1008(scene: Scene) -> None:
    with session(scene, "budget") as client:
        for _ in range(4):
            send(client, "response.create")
            received_until(client, "response.done")
        send(client, "response.create")
        events, code, reason = ending(client)
    assert [event["type"] for event in events[-2:]] == ["response.done", "error"]
    assert events[-1]["error"]["code"] == "budget_used_up"
    assert (code, reason) == (1008, "budget used up")
    record = scene.record("budget")
    assert record["usage"]["output_tokens"] > 100
    assert (record["websocket"]["ended_by"], record["websocket"]["why"]) == ("proxy", "policy")
    assert record["websocket"]["upstream"]["close_sent"] == {"code": 1001, "reason": ""}


@pytest.mark.parametrize("message", ["hello", "[1]", '{"event":"x"}', '{"type":1}', '{"type":"a","type":"b"}', b"\x00"])
def test_what_is_no_event_ends_the_session(scene: Scene, message: str | bytes) -> None:
    with session(scene) as client:
        client.send(message)
        assert ending(client)[:2] == ([], 1007)


def test_an_event_may_have_64_kib(scene: Scene) -> None:
    frame = '{"type":"input_audio_buffer.append","audio":"%s"}'
    with session(scene, "size") as client:
        client.send(frame % ("A" * (65536 - len(frame) + 2)))
        client.send(frame % ("A" * (65536 - len(frame) + 3)))
        assert ending(client)[1] == 1009
    assert scene.record("size")["usage"]["events"]["input_audio_buffer.append"] == 1


def test_consumers_are_counted_apart(scene: Scene) -> None:
    for marker in ("ben1", "ben2"):
        with session(scene, marker, key="ben-demo-key") as client:
            send(client, "response.create")
            received_until(client, "response.done")
    first, second = scene.record("ben1"), scene.record("ben2")
    assert first["usage"]["output_tokens"] == second["usage"]["output_tokens"] > 0
    used = second["consumer_usage"]["output_tokens"] - first["consumer_usage"]["output_tokens"]
    assert used == second["usage"]["output_tokens"]


def test_the_test_on_the_page_passes(scene: Scene) -> None:
    (code,) = scene.example.blocks("python")
    (scene.example.folder / "test_page.py").write_text(code)
    ended = scene.example.finished("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py")
    assert ended.returncode == 0 and "1 passed" in ended.stdout, ended.stdout


def test_the_gateway_logged_no_failure(scene: Scene) -> None:
    assert [line for line in scene.gateway.log.seen if "ERROR" in line or "Traceback" in line] == []
