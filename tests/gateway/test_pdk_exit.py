"""What a plugin makes of the answer to the client: a refusal of its own, and the fields of the 101 or of a refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit import heads, raw
from tests.kit.heads import Head
from tests.kit.served import Served, plugin, served

PHASES = ["rewrite", "ws_handshake"]

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@pytest.fixture(params=PHASES)
def phase(request: pytest.FixtureRequest) -> str:
    """Where the plugin acts; each rule holds for both."""
    return request.param


@pytest.fixture(params=["sync", "async"])
def wait(request: pytest.FixtureRequest) -> str:
    """What an async plugin does first; a sync one nothing."""
    return "await asyncio.sleep(0)\n" if request.param == "async" else ""


def exiting(phase: str, arguments: str) -> dict[str, str]:
    return {"one": plugin(**{phase: f"kong.response.exit({arguments})"})}


# exit


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ("{'message': 'grüße'}", '{"message":"grüße"}'.encode(), JSON),
        ("{'a': [1, None, True]}", b'{"a":[1,null,true]}', JSON),
        ("['a']", b'["a"]', JSON),
        ("{}", b"{}", JSON),
        ("'grüße'", "grüße".encode(), TEXT),
        (r"b'\xff\x00'", b"\xff\x00", None),
        ("None", None, None),
    ],
)
async def test_exit_answers_with_status_and_body(
    phase: str, body: str, sent: bytes | None, content_type: str | None, tmp_path: Path
) -> None:
    async with served(tmp_path, exiting(phase, f"418, {body}")) as gate:
        head, got = await gate.asked()
        assert head.status == 418
        if sent is not None:
            assert (got, head.get("Content-Length")) == (sent, str(len(sent)))
            assert head.get("Content-Type") == content_type
        assert head.get("Connection") == "close"
        assert gate.origin.connections == 0


@pytest.mark.parametrize("status", [200, 204, 302, 401, 403, 429, 503, 599])
async def test_exit_takes_any_status_of_a_final_answer(phase: str, status: int, tmp_path: Path) -> None:
    async with served(tmp_path, exiting(phase, str(status))) as gate:
        head, _ = await gate.asked()
        assert head.status == status


async def test_exit_carries_headers(phase: str, tmp_path: Path) -> None:
    fields = "{'X-One': '1', 'Retry-After': 7, 'WWW-Authenticate': ['Basic', 'Bearer'], 'Content-Type': 'a/b'}"
    async with served(tmp_path, exiting(phase, f"401, {{'a': 1}}, {fields}")) as gate:
        head, body = await gate.asked()
        assert [head.get(name) for name in ("X-One", "Retry-After", "Content-Type")] == ["1", "7", "a/b"]
        assert head.all("WWW-Authenticate") == ["Basic", "Bearer"]
        assert body == b'{"a":1}'


@pytest.mark.parametrize("call", ["kong.response.exit(403)", "return kong.response.exit(403)"])
async def test_nothing_behind_an_exit_runs_with_or_without_return(
    phase: str, call: str, wait: str, tmp_path: Path
) -> None:
    plugins = {
        "one": plugin(priority=2, **{phase: f"{wait}{call}\nnote('behind it')"}),
        "two": plugin(
            priority=1, rewrite="note('rewrite')", ws_handshake="note('handshake')", ws_close="note('close')"
        ),
    }
    async with served(tmp_path, plugins) as gate:
        head, _ = await gate.asked()
        assert (head.status, gate.notes) == (403, [] if phase == "rewrite" else ["rewrite"])


async def test_except_exception_does_not_swallow_an_exit(phase: str, wait: str, tmp_path: Path) -> None:
    body = "try:\n    kong.response.exit(403)\nexcept Exception:\n    note('swallowed')\nfinally:\n    note('finally')"
    async with served(tmp_path, {"one": plugin(**{phase: wait + body})}) as gate:
        head, _ = await gate.asked()
        assert (head.status, gate.notes) == (403, ["finally"])


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ("101", "status"),
        ("199", "status"),
        ("600", "status"),
        ("'403'", "status"),
        ("None", "status"),
        ("204, 'body'", "204"),
        ("403, 7", "body"),
        ("403, {'a': object()}", "body"),
        (r"403, '\ud800'", ""),
        ("403, None, {'X-A': 'a\\r\\nX-B: b'}", ""),
        ("403, None, {'X A': 'b'}", ""),
        ("403, None, {'Sec-WebSocket-Accept': 'b'}", ""),
        ("403, None, {'Connection': 'keep-alive'}", ""),
        ("403, None, 'X-A: b'", "headers"),
    ],
)
async def test_an_exit_that_cannot_be_sent_is_refused_and_the_phase_goes_on(
    arguments: str, rule: str, tmp_path: Path
) -> None:
    plugins = {"one": plugin(ws_handshake=f"attempt(kong.response.exit, {arguments})")}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        assert "X-A" not in [name for name, _ in talk.client.head.headers]
    (said,) = gate.notes
    assert said.startswith("kong.response.exit: ")
    assert rule in said


async def test_error_answers_with_a_message(phase: str, tmp_path: Path) -> None:
    plugins = {
        "one": plugin(**{phase: "kong.response.error(404, None if kong.request.get_raw_query() else 'not here')"})
    }
    async with served(tmp_path, plugins) as gate:
        head, body = await gate.asked()
        assert (head.status, json.loads(body), head.get("Content-Type")) == (404, {"message": "not here"}, JSON)
        _, body = await gate.asked(target="/?x")
        assert json.loads(body) == {"message": "Not Found"}


async def test_the_gateway_serves_on_after_an_exit(phase: str, tmp_path: Path) -> None:
    body = "if kong.request.get_path() == '/refused':\n    kong.response.exit(403)"
    async with served(tmp_path, {"one": plugin(**{phase: body})}) as gate:
        for _ in range(2):
            assert (await gate.asked(target="/refused"))[0].status == 403
            await gate.serves_on()


# Fields of the answer, whichever it is


async def answer_101(gate: Served) -> Head:
    async with gate.talk() as talk:
        return talk.client.head


async def refusal(gate: Served) -> Head:
    return (await gate.asked())[0]


UPSTREAMS_OWN = (("X-A", "upstream's"), ("Set-Cookie", "u=1"), ("Set-Cookie", "v=2"), ("X-Kept", "kept"))

ANSWERS: dict[str, tuple[Any, Any]] = {
    "the 101": (raw.accept(extra=UPSTREAMS_OWN), answer_101),
    "the upstream's refusal": (raw.answer(heads.response("403 No", b"no", UPSTREAMS_OWN)), refusal),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    ("calls", "fields"),
    [
        ("", {"X-A": ["upstream's"], "Set-Cookie": ["u=1", "v=2"]}),
        ("set_header('x-a', 'ours')", {"X-A": ["ours"], "Set-Cookie": ["u=1", "v=2"]}),
        ("set_header('X-B', 7)", {"X-A": ["upstream's"], "X-B": ["7"]}),
        ("set_header('X-A', ['1', '2'])", {"X-A": ["1", "2"]}),
        ("set_headers({'X-A': 'ours', 'X-B': True})", {"X-A": ["ours"], "X-B": ["true"]}),
        ("add_header('Set-Cookie', 'ours=3')", {"Set-Cookie": ["u=1", "v=2", "ours=3"]}),
        ("add_header('X-B', ['1', '2'])", {"X-B": ["1", "2"]}),
        ("set_header('Set-Cookie', 'only=1')", {"Set-Cookie": ["only=1"]}),
        ("clear_header('X-A')", {"X-A": [], "X-Kept": ["kept"]}),
        ("clear_header('Set-Cookie')", {"Set-Cookie": []}),
    ],
)
async def test_a_plugin_edits_the_fields_of_the_answer(
    phase: str, answer: str, calls: str, fields: dict[str, list[str]], tmp_path: Path
) -> None:
    script, ask = ANSWERS[answer]
    plugins = {"one": plugin(**{phase: f"kong.response.{calls}" if calls else "pass"})}
    async with served(tmp_path, plugins, script=script) as gate:
        head = await ask(gate)
    assert {name: head.all(name) for name in fields} == fields


async def test_edits_of_several_plugins_and_phases_add_up(tmp_path: Path) -> None:
    plugins = {
        "one": plugin(priority=2, rewrite="kong.response.add_header('X-A', '1')\nkong.response.set_header('X-B', '1')"),
        "two": plugin(
            priority=1, ws_handshake="kong.response.add_header('X-A', '2')\nkong.response.set_header('X-B', '2')"
        ),
    }
    async with served(tmp_path, plugins) as gate:
        head = await answer_101(gate)
    assert (head.all("X-A"), head.all("X-B")) == (["1", "2"], ["2"])


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("kong.response.exit(403, 'no', {'X-C': '3'})", 403),
        ("raise ValueError('oops')", 500),
        ("kong.service.set_target('127.0.0.1', 9)", 502),
    ],
)
async def test_fields_that_were_set_stand_in_whatever_answer_it_comes_to(
    ending: str, status: int, tmp_path: Path
) -> None:
    plugins = {
        "one": plugin(
            priority=2, ws_handshake="kong.response.set_header('X-A', '1')\nkong.response.add_header('X-B', '2')"
        ),
        "two": plugin(priority=1, ws_handshake=ending),
    }
    async with served(tmp_path, plugins) as gate:
        head, _ = await gate.asked()
    assert (head.status, head.get("X-A"), head.get("X-B")) == (status, "1", "2")
    assert head.get("X-C") == ("3" if status == 403 else None)


async def test_fields_that_were_set_in_rewrite_stand_in_the_404_without_a_route(tmp_path: Path) -> None:
    plugins = {"one": plugin(rewrite="kong.response.set_header('X-A', '1')")}
    async with served(tmp_path, plugins, route={"paths": ["/known"]}) as gate:
        head, body = await gate.asked(target="/unknown")
    assert (head.status, head.get("X-A")) == (404, "1")
    assert json.loads(body) == {"message": "no route matched with those values"}


@pytest.mark.parametrize(
    "name", ["Connection", "Upgrade", "Sec-WebSocket-Accept", "sec-websocket-protocol", "Content-Length"]
)
@pytest.mark.parametrize("function", ["set_header", "add_header", "clear_header"])
async def test_the_fields_of_the_handshake_itself_are_out_of_reach(name: str, function: str, tmp_path: Path) -> None:
    arguments = repr(name) if function == "clear_header" else f"{name!r}, 'x'"
    plugins = {"one": plugin(ws_handshake=f"attempt(kong.response.{function}, {arguments})")}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        head = talk.client.head
    assert head.get("Sec-WebSocket-Accept") == heads.accept_for(heads.KEY)
    assert (head.get("Connection"), head.get("Content-Length")) == ("Upgrade", None)
    assert gate.notes[0].startswith(f"kong.response.{function}: ")


@pytest.mark.parametrize("value", [r"'a\r\nX-B: b'", r"'a\nb'", r"'a\x00b'", "'€'", "None"])
async def test_a_value_that_cannot_stand_in_a_head_is_refused(value: str, tmp_path: Path) -> None:
    plugins = {"one": plugin(ws_handshake=f"attempt(kong.response.set_header, 'X-A', {value})")}
    async with served(tmp_path, plugins) as gate:
        head = await answer_101(gate)
    assert (head.get("X-A"), head.get("X-B")) == (None, None)
    assert gate.notes[0].startswith("kong.response.set_header: ")
