"""examples/chat as its page has it: the gateway's process, two fake servers, real clients."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.cli.program import PATIENCE
from tests.examples.kit import Example, Process

SECRET = "a-secret-of-32-bytes-for-the-demo"


class Scene(NamedTuple):
    example: Example
    gateway: Process

    def room(self, user: str, name: str = "lobby", query: str = "", **headers: str) -> ClientConnection:
        """A connection of this user to a room."""
        fields = {"Authorization": f"Bearer {token(user)}", **headers}
        return connect(f"ws://{self.gateway.address}/rooms/{name}{query}", additional_headers=fields)

    def refusal(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        """How a handshake is refused."""
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://{self.gateway.address}{path}", additional_headers=headers)
        response = refused.value.response
        return response.status_code, json.loads(response.body or b"")

    def record(self, marker: str) -> dict[str, Any]:
        """The record of the session whose query carries ``marker``; it is written when the session is over."""
        file: Path = self.example.folder / "sessions.log"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            lines = file.read_text().splitlines() if file.exists() else []
            found = [line for line in lines if marker in line]
            if found:
                return json.loads(found[0])
            time.sleep(0.02)
        raise AssertionError(f"no record of {marker}")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    example = Example("chat", tmp_path_factory.mktemp("chat"))
    with (
        example.fake("fake_chat.py", "--name", "one") as one,
        example.fake("fake_chat.py", "--name", "two") as two,
    ):
        example.move(
            {"127.0.0.1:8000": "127.0.0.1:0", "127.0.0.1:9201": one.address, "127.0.0.1:9202": two.address}
        )
        with example.gateway() as gateway:
            yield Scene(example, gateway)


def token(user: str, *, seconds: int = 600, secret: str = SECRET, **claims: Any) -> str:
    return jwt.encode({"sub": user, "exp": int(time.time()) + seconds, **claims}, secret, algorithm="HS256")


def say(client: ClientConnection, text: str) -> None:
    client.send(json.dumps({"type": "say", "text": text}))


def heard(client: ClientConnection) -> dict[str, Any]:
    return json.loads(client.recv(timeout=10))


def here(client: ClientConnection) -> dict[str, Any]:
    """Who is in the room: after the answer, the server has surely seen this client come in."""
    client.send('{"type": "who"}')
    return heard(client)


def ending(client: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=10)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def without_server(output: str) -> str:
    return re.sub(r"server \w+", "server ...", output).strip()


def test_the_file_passes_the_check(scene: Scene) -> None:
    ended = scene.example.check()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "gateway.yaml: ok (1 service, 1 route, 1 upstream, 4 consumers, 8 plugins)\n"


def test_the_commands_of_the_page_print_what_it_says(scene: Scene) -> None:
    promises = scene.example.promises()
    assert len(promises) == 6
    for words, output in promises:
        # A room's server depends on the ports, which are others here.
        ended = scene.example.finished(*words[1:3], "--url", f"ws://{scene.gateway.address}", *words[3:])
        assert (without_server(ended.stdout), ended.stderr) == (without_server(output), "")


def test_a_token_made_by_hand_works_in_the_query(scene: Scene) -> None:
    made = scene.example.finished("make_token.py", "anna", "--seconds", "60").stdout.strip()
    with connect(f"ws://{scene.gateway.address}/rooms/query?jwt={made}") as client:
        assert here(client)["names"] == ["anna"]


def test_what_a_member_says_everybody_in_the_room_hears(scene: Scene) -> None:
    with scene.room("anna", "all") as anna, scene.room("gus", "all") as gus, scene.room("ben", "else") as ben:
        assert "anna" in here(anna)["names"]
        assert here(gus)["names"] == ["anna", "gus"]
        say(anna, "Grüße, damn it")
        assert heard(anna) == heard(gus) == {"type": "said", "from": "anna", "text": "Grüße, **** it"}
        assert here(ben)["names"] == ["ben"]


def test_what_a_guest_says_nobody_hears(scene: Scene) -> None:
    with scene.room("anna", "guests") as anna, scene.room("gus", "guests", "?mute") as gus:
        assert "anna" in here(anna)["names"]
        assert here(gus)["names"] == ["anna", "gus"]
        say(gus, "hello")
        assert heard(gus) == {"type": "notice", "text": "You may read here, and not write."}
        assert here(anna)["names"] == ["anna", "gus"]
    assert scene.record("?mute")["websocket"]["client"]["dropped"] == 1


def test_a_room_is_on_one_server_and_both_servers_have_rooms(scene: Scene) -> None:
    servers: set[str] = set()
    for number in range(64):
        with scene.room("anna", f"room-{number}") as anna, scene.room("ben", f"room-{number}") as ben:
            first, second = here(anna), here(ben)
            assert first["server"] == second["server"]
            assert second["names"] == ["anna", "ben"]
        servers.add(first["server"])
        if len(servers) == 2 and number > 4:
            break
    assert servers == {"one", "two"}


def test_nobody_can_pretend_to_be_somebody_else(scene: Scene) -> None:
    with scene.room("anna", "mask", **{"X-Consumer-Username": "ben"}) as anna:
        assert here(anna)["names"] == ["anna"]


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (None, {"message": "Unauthorized"}),
        (lambda: token("anna", secret="another-secret-of-32-bytes-or-more"), {"message": "Invalid signature"}),
        (lambda: token("anna", seconds=-5), {"exp": "token expired"}),
        (lambda: token("anna", seconds=7200), {"exp": "exceeds maximum allowed expiration"}),
        (lambda: token("mallory"), {"message": "No credentials found for given 'sub'"}),
    ],
)
def test_without_a_good_token_nobody_comes_in(scene: Scene, credentials: Any, message: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {credentials()}"} if credentials else {}
    assert scene.refusal("/rooms/lobby", headers) == (401, message)


def test_who_is_in_no_group_does_not_come_in(scene: Scene) -> None:
    headers = {"Authorization": f"Bearer {token('eve')}"}
    assert scene.refusal("/rooms/lobby", headers) == (403, {"message": "You cannot consume this service"})


@pytest.mark.parametrize("path", ["/rooms/", "/rooms/Lobby", "/rooms/a/b", "/rooms/a%2Fb", "/", "/rooms/" + "a" * 41])
def test_other_paths_are_not_served(scene: Scene, path: str) -> None:
    assert scene.refusal(path, {"Authorization": f"Bearer {token('anna')}"})[0] == 404


@pytest.mark.parametrize(
    "message",
    ["hello", "{}", '{"type":"say","text":""}', '{"type":"say","text":1}', '{"type":"who","x":1}', b""],
)
def test_what_is_no_message_of_the_chat_ends_the_session(scene: Scene, message: str | bytes) -> None:
    with scene.room("anna") as anna:
        anna.send(message)
        assert ending(anna)[0] == 1007


def test_a_message_of_500_characters_passes_and_one_of_501_does_not(scene: Scene) -> None:
    with scene.room("anna", "long") as anna:
        say(anna, "ä" * 500)
        assert heard(anna)["text"] == "ä" * 500
        say(anna, "ä" * 501)
        assert ending(anna) == (1007, "message does not match its schema")


def test_over_4_kib_it_is_too_big(scene: Scene) -> None:
    with scene.room("anna") as anna:
        say(anna, "x" * 5000)
        assert ending(anna) == (1009, "Payload Too Large")


def test_who_talks_too_fast_is_told_so_and_sent_away(scene: Scene) -> None:
    with scene.room("ben", "fast", "?fast") as ben:
        for word in ("0", "1", "2", "3", "4"):
            say(ben, word)
            assert heard(ben)["text"] == word
        say(ben, "5")
        assert heard(ben) == {"type": "notice", "text": "That was too fast. Good bye."}
        assert ending(ben) == (1008, "too many messages")
    sent = scene.record("?fast")["websocket"]
    assert (sent["ended_by"], sent["why"], sent["upstream"]["messages"]) == ("proxy", "policy", 5)


def test_the_record_says_who_it_was_and_how_many_words_were_starred_out(scene: Scene) -> None:
    with scene.room("ben", "words", "?words") as ben:
        say(ben, "damn, damn")
        assert heard(ben)["text"] == "****, ****"
    record = scene.record("?words")
    assert (record["consumer"]["username"], record["profanity"]) == ("ben", 2)
    assert token("ben")[:20] not in json.dumps(record)


def test_the_test_on_the_page_passes(scene: Scene) -> None:
    (code,) = scene.example.blocks("python")
    (scene.example.folder / "test_page.py").write_text(code)
    ended = scene.example.finished("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py")
    assert ended.returncode == 0 and "1 passed" in ended.stdout, ended.stdout


def test_the_gateway_logged_no_failure(scene: Scene) -> None:
    assert [line for line in scene.gateway.log.seen if "ERROR" in line or "Traceback" in line] == []
