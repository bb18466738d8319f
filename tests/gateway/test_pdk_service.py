"""What a plugin makes of the request to the upstream, as the upstream sees it, and where and how it is sent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit import heads, raw, tls
from tests.kit.frames import binary, text
from tests.kit.served import plugin, served

PHASES = ["rewrite", "ws_handshake"]


@pytest.fixture(params=PHASES)
def phase(request: pytest.FixtureRequest) -> str:
    """Where the plugin acts; each rule holds for both."""
    return request.param


def request_edit(phase: str, *calls: str) -> dict[str, str]:
    return {"one": plugin(**{phase: "\n".join(f"kong.service.request.{call}" for call in calls)})}


# Fields

SENT = [("X-A", "1"), ("X-A", "2"), ("X-Kept", "kept"), ("Cookie", "c=1")]


@pytest.mark.parametrize(
    ("calls", "fields"),
    [
        (["set_header('x-a', 'ours')"], {"X-A": ["ours"], "X-Kept": ["kept"], "Cookie": ["c=1"]}),
        (["set_header('X-B', 'b')", "set_header('x-b', 'c')"], {"X-B": ["c"], "X-A": ["1", "2"]}),
        (["set_header('X-A', ['3', '4'])"], {"X-A": ["3", "4"]}),
        (["add_header('X-A', '3')"], {"X-A": ["1", "2", "3"]}),
        (["add_header('X-B', 'b')", "add_header('X-B', 'c')"], {"X-B": ["b", "c"]}),
        (["clear_header('x-a')"], {"X-A": [], "X-Kept": ["kept"]}),
        (["clear_header('X-A')", "add_header('X-A', '3')"], {"X-A": ["3"]}),
        (["clear_header('Cookie')"], {"Cookie": []}),
        (["set_headers({'X-A': '3', 'X-B': 4})"], {"X-A": ["3"], "X-B": ["4"], "X-Kept": ["kept"]}),
        (["set_header('Origin', 'http://other.test')"], {"Origin": ["http://other.test"]}),
    ],
)
async def test_the_upstream_sees_the_edited_fields(
    phase: str, calls: list[str], fields: dict[str, list[str]], tmp_path: Path
) -> None:
    async with served(tmp_path, request_edit(phase, *calls)) as gate:
        head = await gate.upstream_head(extra=SENT)
    assert {name: head.all(name) for name in fields} == fields


async def test_edits_do_not_show_in_what_the_client_asked(tmp_path: Path) -> None:
    body = """
    kong.service.request.set_header("X-A", "3")
    kong.service.request.set_path("/elsewhere")
    kong.service.request.set_raw_query("other")
    note(kong.request.get_header("X-A"), kong.request.get_path(), kong.request.get_raw_query())
    """
    async with served(tmp_path, {"one": plugin(ws_handshake=body)}) as gate:
        await gate.upstream_head("/asked?for", extra=SENT)
    assert gate.notes == [("1", "/asked", "for")]


@pytest.mark.parametrize(
    "name", ["Connection", "Upgrade", "Sec-WebSocket-Key", "sec-websocket-version", "Sec-WebSocket-Protocol"]
)
@pytest.mark.parametrize("function", ["set_header", "add_header", "clear_header"])
async def test_the_fields_of_the_handshake_itself_are_out_of_reach(name: str, function: str, tmp_path: Path) -> None:
    arguments = repr(name) if function == "clear_header" else f"{name!r}, 'x'"
    plugins = {"one": plugin(ws_handshake=f"attempt(kong.service.request.{function}, {arguments})")}
    async with served(tmp_path, plugins) as gate:
        head = await gate.upstream_head()
    assert (head.get("Connection"), head.get("Upgrade"), head.get("Sec-WebSocket-Version")) == (
        "Upgrade",
        "websocket",
        "13",
    )
    assert gate.notes[0].startswith(f"kong.service.request.{function}: ")


# Path, query, host


@pytest.mark.parametrize(
    ("calls", "target"),
    [
        ([], "/base/asked?for=it"),
        (["set_path('/elsewhere')"], "/elsewhere?for=it"),
        (["set_path('/a b/ü')"], "/a%20b/%C3%BC?for=it"),
        (["set_raw_query('x=1&y')"], "/base/asked?x=1&y"),
        (["set_raw_query('')"], "/base/asked"),
        (["set_query({'b': ['1', True], 'a': 'x y'})"], "/base/asked?a=x%20y&b=1&b"),
        (["clear_query_arg('for')"], "/base/asked"),
        (["set_path('/p')", "set_raw_query('q')"], "/p?q"),
    ],
)
async def test_the_upstream_is_asked_for_the_edited_path_and_query(
    phase: str, calls: list[str], target: str, tmp_path: Path
) -> None:
    plugins = request_edit(phase, *calls, "get_raw_query()")
    async with served(tmp_path, plugins, service={"path": "/base"}) as gate:
        assert (await gate.upstream_head("/asked?for=it")).target == target


@pytest.mark.parametrize("path", ["'no slash'", "'/a?b'", "'/a#b'", r"'/a\r\nX-B: b'", "None"])
async def test_a_path_that_cannot_be_asked_for_is_refused(path: str, tmp_path: Path) -> None:
    plugins = {"one": plugin(ws_handshake=f"attempt(kong.service.request.set_path, {path})")}
    async with served(tmp_path, plugins) as gate:
        assert (await gate.upstream_head("/asked")).target == "/asked"
    assert gate.notes[0].startswith("kong.service.request.set_path: ")


async def test_the_host_is_the_upstream_s_unless_a_plugin_sets_it(phase: str, tmp_path: Path) -> None:
    async with served(tmp_path, {}) as gate:
        assert (await gate.upstream_head()).get("Host") == gate.origin.authority
    async with served(tmp_path, request_edit(phase, "set_header('Host', 'other.test:81')")) as gate:
        assert (await gate.upstream_head()).get("Host") == "other.test:81"
    async with served(tmp_path, request_edit(phase, "set_header('Host', 'x')"), route={"preserve_host": True}) as gate:
        assert (await gate.upstream_head()).get("Host") == "x", "before preserve_host"


async def test_the_subprotocols_offered_are_the_client_s_unless_a_plugin_sets_them(phase: str, tmp_path: Path) -> None:
    offered = [("Sec-WebSocket-Protocol", "a, b")]
    async with served(tmp_path, {}) as gate:
        assert (await gate.upstream_head(extra=offered)).get("Sec-WebSocket-Protocol") == "a, b"
    async with served(tmp_path, request_edit(phase, "set_protocols(['b'])")) as gate:
        assert (await gate.upstream_head(extra=offered)).get("Sec-WebSocket-Protocol") == "b"


# Who the client is

IDENTITY = ["X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID", "X-Credential-Identifier"]

SPOOFED = [(spelling(name), "spoofed") for name in IDENTITY for spelling in (str, str.lower, str.upper)]


@pytest.mark.parametrize(
    "phases",
    [
        {},
        {"ws_handshake": "pass"},
        {"ws_client_frame": "pass"},
        {"ws_handshake": "kong.service.request.set_header('X-A', 'b')"},
    ],
    ids=["no plugin", "a handshake", "frames", "edits"],
)
async def test_what_a_client_says_of_who_it_is_never_reaches_the_upstream(phases: Any, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": plugin(**phases)} if phases else {}) as gate:
        head = await gate.upstream_head(extra=SPOOFED)
    assert {name: head.all(name) for name in IDENTITY} == {name: [] for name in IDENTITY}


async def test_a_route_without_plugins_keeps_them_back_as_one_with_auth_does(tmp_path: Path) -> None:
    side = {"name": "side", "paths": ["/open"]}
    routes = {"routes": [{"name": "main", "paths": ["/"]}, side]}
    use = [{"name": "key-auth", "route": "main"}]
    consumers = [{"username": "ann", "custom_id": "7", "keyauth_credentials": [{"key": "k"}]}]
    async with served(tmp_path, {}, use=use, service=routes, consumers=consumers) as gate:
        assert (await gate.upstream_head("/open", extra=SPOOFED)).get("X-Consumer-Username") is None
        head = await gate.upstream_head("/", extra=[*SPOOFED, ("apikey", "k")])
    assert [head.get(name) for name in IDENTITY[1:3]] == ["ann", "7"]
    assert "spoofed" not in str(head)


async def test_adding_to_an_identity_field_does_not_bring_the_client_s_back(tmp_path: Path) -> None:
    async with served(tmp_path, request_edit("ws_handshake", "add_header('X-Consumer-Username', 'ours')")) as gate:
        head = await gate.upstream_head(extra=SPOOFED)
    assert head.all("X-Consumer-Username") == ["ours"]


async def test_authenticate_tells_the_upstream_what_is_known(phase: str, tmp_path: Path) -> None:
    call = "kong.client.authenticate({'id': 'c1', 'username': 'ann'}, {'id': 'k1', 'key': 'secret'})"
    body = f"{call}\nnote(kong.client.get_consumer()['username'], kong.client.get_credential()['id'])"
    async with served(tmp_path, {"one": plugin(**{phase: body})}) as gate:
        head = await gate.upstream_head(extra=SPOOFED)
    assert [head.get(name) for name in IDENTITY] == ["c1", "ann", None, "k1"]
    assert "secret" not in str(head)
    assert gate.notes == [("ann", "k1")]


# Where it goes


async def test_set_target_connects_elsewhere(phase: str, tmp_path: Path) -> None:
    async with raw.raw_upstream() as other:
        plugins = {"one": plugin(**{phase: f"kong.service.set_target('127.0.0.1', {other.port})"})}
        async with served(tmp_path, plugins) as gate, gate.talk("/asked", upstream=other) as talk:
            assert (talk.upstream.head.target, talk.upstream.head.get("Host")) == ("/asked", other.authority)
            talk.client.send(text("x"))
            assert await talk.upstream.recv() == text("x")
            assert gate.origin.connections == 0


async def test_set_upstream_balances_over_its_targets_and_the_later_call_counts(phase: str, tmp_path: Path) -> None:
    async with raw.raw_upstream(raw.polite) as first, raw.raw_upstream(raw.polite) as second:
        upstreams = [{"name": "pool", "targets": [{"target": one.authority} for one in (first, second)]}]
        body = "kong.service.set_target('127.0.0.1', 9)\nkong.service.set_upstream('pool')"
        async with served(tmp_path, {"one": plugin(**{phase: body})}, upstreams=upstreams) as gate:
            for _ in range(2):
                async with raw.connected(gate.port):
                    pass
            assert (first.connections, second.connections, gate.origin.connections) == (1, 1, 0)
            await gate.idle()


async def test_set_upstream_knows_the_names_of_the_file(tmp_path: Path) -> None:
    upstreams = [{"name": "pool", "targets": [{"target": "127.0.0.1:9"}]}]
    plugins = {"one": plugin(ws_handshake="attempt(kong.service.set_upstream, 'pol')")}
    async with served(tmp_path, plugins, upstreams=upstreams) as gate:
        await gate.serves_on()
    assert gate.notes[0].startswith("kong.service.set_upstream: there is no upstream named 'pol'")
    assert "pool" in gate.notes[0]


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_set_retries_says_how_many_targets_are_tried(retries: int, tmp_path: Path) -> None:
    async with raw.raw_upstream(raw.answer(b"")) as dead:
        targets = [{"target": dead.authority, "weight": 1}, *({"target": f"localhost:{dead.port}"} for _ in range(1))]
        upstreams = [{"name": "pool", "targets": targets}]
        body = f"kong.service.set_upstream('pool')\nkong.service.set_retries({retries})"
        async with served(tmp_path, {"one": plugin(ws_handshake=body)}, upstreams=upstreams) as gate:
            head, _ = await gate.asked()
        assert (head.status, dead.connections) == (502, min(retries + 1, 2))


async def test_set_scheme_speaks_tls_with_the_upstream(tmp_path: Path) -> None:
    authority = {"id": "0d1b5b9a-6d6b-4a0c-9d1a-6a2a4b1f8f01", "cert": tls.authority().cert_pem.bytes().decode()}
    async with raw.raw_upstream(ssl=tls.server_context()) as secure:
        body = f"kong.service.set_target('127.0.0.1', {secure.port})\nkong.service.request.set_scheme('wss')"
        service = {"ca_certificates": [authority["id"]], "protocol": "wss"}
        plugins = {"one": plugin(ws_handshake=body)}
        async with (
            served(tmp_path, plugins, service=service, ca_certificates=[authority]) as gate,
            gate.talk(upstream=secure) as talk,
        ):
            talk.client.send(text("x"))
            assert await talk.upstream.recv() == text("x")


@pytest.mark.parametrize("scheme", ["http", "https", "WS", ""])
async def test_the_schemes_are_ws_and_wss(scheme: str, tmp_path: Path) -> None:
    plugins = {"one": plugin(ws_handshake=f"attempt(kong.service.request.set_scheme, {scheme!r})")}
    async with served(tmp_path, plugins) as gate:
        await gate.serves_on()
    assert gate.notes[0].startswith("kong.service.request.set_scheme: ")


# How long it may take


async def test_the_connect_timeout_counts_up_to_the_upstream_s_answer(phase: str, tmp_path: Path) -> None:
    plugins = {"one": plugin(**{phase: "kong.service.set_timeouts(30, 60000, 60000)"})}
    async with served(tmp_path, plugins, script=raw.say_nothing) as gate:
        head, body = await gate.asked()
    assert head.status == 504
    assert json.loads(body) == {"message": "the upstream server is not available"}


async def test_the_read_timeout_ends_an_idle_session(phase: str, loop_kind: str, tmp_path: Path) -> None:
    plugins = {"one": plugin(**{phase: "kong.service.set_timeouts(60000, 60000, 40)"})}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        assert await talk.closes() == ((1001, ""), (1001, ""))


async def test_the_write_timeout_ends_a_session_whose_upstream_takes_nothing(
    phase: str, loop_kind: str, tmp_path: Path
) -> None:
    plugins = {"one": plugin(**{phase: "kong.service.set_timeouts(60000, 50, 60000)"})}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        talk.upstream.stop_reading()
        talk.client.send(binary(bytes(8 << 20)))
        assert await talk.client.recv_close() == (1001, "")


@pytest.mark.parametrize("arguments", ["0, 1, 1", "1, 0, 1", "1, 1, 0", "2147483647, 1, 1", "1.0, 1, 1", "None, 1, 1"])
async def test_timeouts_out_of_range_are_refused_all_together(arguments: str, tmp_path: Path) -> None:
    plugins = {"one": plugin(ws_handshake=f"attempt(kong.service.set_timeouts, {arguments})")}
    async with served(tmp_path, plugins) as gate:
        await gate.serves_on()
    assert gate.notes[0].startswith("kong.service.set_timeouts: ")


async def test_what_one_connection_is_given_another_is_not(tmp_path: Path) -> None:
    body = """
    if kong.request.get_path() == "/special":
        kong.service.request.set_header("X-A", "special")
        kong.service.request.set_path("/changed")
        kong.service.set_timeouts(60000, 60000, 30)
        kong.response.set_header("X-B", "special")
    """
    async with served(tmp_path, {"one": plugin(ws_handshake=body)}) as gate:
        async with gate.talk("/special") as talk:
            assert talk.upstream.head.target == "/changed"
            assert talk.client.head.get("X-B") == "special"
        async with gate.talk("/usual") as talk:
            head = talk.upstream.head
            assert (head.target, head.get("X-A"), talk.client.head.get("X-B")) == ("/usual", None, None)
            await asyncio.sleep(0.06)
            await talk.bye()


async def test_a_refusal_of_the_upstream_reaches_the_client(tmp_path: Path) -> None:
    refused = heads.response("429 Too Many", b"slow down", [("Retry-After", "7"), ("Content-Type", "text/x")])
    async with served(tmp_path, {"one": plugin(ws_handshake="pass")}, script=raw.answer(refused)) as gate:
        head, body = await gate.asked()
    assert (head.status, head.get("Retry-After"), head.get("Content-Type")) == (429, "7", "text/x")
    assert body == b"slow down"
