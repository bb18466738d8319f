"""pre-function: what chunks may do, what they share, and how their mistakes are told."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from textwrap import dedent
from typing import Any

import pytest

from framegate.pdk.testing import Conversation, PluginFailure, close, text
from tests.plugins.stage import exchange, faults, handshake, plugin, plugin_type

SHOUT = """
data, typ, status = kong.websocket.client.get_frame()
if typ == "text":
    kong.websocket.client.set_frame_data(data.upper())
"""


def talk(**chunks: Any) -> Conversation:
    return Conversation("pre-function", config=chunks)


# What a chunk may do


def test_a_chunk_acts_through_kong() -> None:
    with talk(ws_client_frame=[SHOUT]) as conversation:
        assert conversation.client_sends("hello").upstream == [text("HELLO")]


def test_chunks_of_one_phase_run_in_their_order() -> None:
    append = "data, *_ = kong.websocket.upstream.get_frame()\nkong.websocket.upstream.set_frame_data(data + {!r})"
    with talk(ws_upstream_frame=[append.format(letter) for letter in "abc"]) as conversation:
        assert conversation.upstream_sends("-").client == [text("-abc")]


def test_a_return_ends_its_chunk_and_not_the_next_one() -> None:
    early = "if True:\n    return\nkong.response.exit(500)"
    outcome = handshake(plugin("pre-function", ws_handshake=[early, "kong.response.exit(418)"]), exchange())
    assert outcome.status == 418


def test_a_refusal_ends_the_phase() -> None:
    chunks = ["kong.response.exit(403, {'message': 'no'})", "kong.response.exit(500)"]
    outcome = handshake(plugin("pre-function", ws_handshake=chunks), exchange())
    assert (outcome.status, outcome.said) == (403, {"message": "no"})


def test_a_chunk_can_await() -> None:
    chunk = "import asyncio\nawait asyncio.sleep(0)\nkong.websocket.client.close(1008, 'slowly')"
    with talk(ws_client_frame=[chunk]) as conversation:
        assert conversation.client_sends("hello").client == [close(1008, "slowly")]


def test_chunks_that_await_and_chunks_that_do_not_keep_their_order() -> None:
    append = "data, *_ = kong.websocket.client.get_frame()\nkong.websocket.client.set_frame_data(data + {!r})"
    waiting = "import asyncio\nawait asyncio.sleep(0)\n" + append
    chunks = [append.format("a"), waiting.format("b"), append.format("c")]
    with talk(ws_client_frame=chunks) as conversation:
        assert conversation.client_sends("-").upstream == [text("-abc")]


@pytest.mark.parametrize(
    ("chunk", "is_async"),
    [
        ("pass", False),
        ("# a comment alone", False),
        ("async def later():\n    await asyncio.sleep(0)\n", False),
        ("f = lambda: (x async for x in y)", False),
        ("await kong.x()", True),
        ("if 1:\n    async with kong.x:\n        pass", True),
        ("async for x in kong.x: pass", True),
        ("[x async for x in kong.x]", True),
        ("def f():\n    pass\nawait kong.x()", True),
    ],
)
def test_only_a_phase_that_awaits_is_awaited(chunk: str, is_async: bool) -> None:
    instance = plugin("pre-function", ws_client_frame=[chunk])
    assert instance.is_async("ws_client_frame") == is_async
    assert plugin("pre-function", ws_client_frame=["pass", chunk]).is_async("ws_client_frame") == is_async


def test_only_the_phases_with_chunks_run() -> None:
    instance = plugin("pre-function", ws_handshake=["pass"], ws_close=["pass"])
    assert instance.phases == {"ws_handshake", "ws_close"}
    assert not hasattr(instance.handler, "ws_client_frame")


def test_one_chunk_is_one_call_for_each_frame() -> None:
    method = plugin("pre-function", ws_client_frame=["pass"]).method("ws_client_frame")
    assert inspect.isfunction(method)
    assert method.__code__.co_filename.startswith("pre-function:ws_client_frame[0]")


def test_every_phase_can_have_chunks() -> None:
    phases = plugin_type("pre-function").phases
    assert phases == ("certificate", "rewrite", "ws_handshake", "ws_client_frame", "ws_upstream_frame", "ws_close")
    assert faults("pre-function", **{phase: ["pass"] for phase in phases}) == []


def test_it_runs_before_every_other_plugin() -> None:
    assert plugin_type("pre-function").priority == 1_000_000


# What lives how long


def test_names_of_a_chunk_are_gone_after_it() -> None:
    chunk = "if 'seen' in locals():\n    kong.response.exit(500)\nseen = 1"
    instance = plugin("pre-function", ws_handshake=[chunk, chunk])
    assert [handshake(instance, exchange()).status for _ in range(2)] == [None, None]


def test_global_names_live_as_long_as_the_configuration_in_all_its_chunks() -> None:
    count = "global count\ncount = globals().get('count', 0) + 1"
    tell = "kong.response.exit(200, {'count': count})"
    instance = plugin("pre-function", ws_handshake=[count, tell])
    assert [handshake(instance, exchange()).said["count"] for _ in range(3)] == [1, 2, 3]


def test_two_configurations_share_nothing() -> None:
    chunk = "global count\ncount = globals().get('count', 0) + 1\nkong.response.exit(200, {'count': count})"
    one, other = (plugin("pre-function", ws_handshake=[chunk]) for _ in range(2))
    assert [handshake(each, exchange()).said["count"] for each in (one, other, one)] == [1, 1, 2]


def test_leading_imports_are_done_once_and_are_there_for_all_chunks() -> None:
    instance = plugin("pre-function", ws_handshake=["import json as j", "kong.response.exit(200, {'x': j.loads('1')})"])
    assert handshake(instance, exchange()).said == {"x": 1}


def test_a_chunk_that_returns_a_function_runs_once_and_the_function_each_time() -> None:
    chunk = """
    count = 0

    def on_frame(kong):
        nonlocal count
        count += 1
        kong.websocket.client.set_frame_data(f"{count}")

    return on_frame
    """
    with talk(ws_client_frame=[dedent(chunk)]) as conversation:
        assert conversation.client_sends("a", "b").upstream == [text("1"), text("2")]


def test_the_function_can_be_async_or_a_lambda() -> None:
    later = "import asyncio\nasync def f(kong):\n    await asyncio.sleep(0)\n    kong.response.exit(204)\nreturn f"
    assert plugin("pre-function", ws_handshake=[later]).is_async("ws_handshake")
    assert handshake(plugin("pre-function", ws_handshake=[later]), exchange()).status == 204
    at_once = "return lambda kong: kong.response.exit(204)"
    assert handshake(plugin("pre-function", ws_handshake=[at_once]), exchange()).status == 204


def test_connections_that_wait_in_one_chunk_do_not_see_the_names_of_each_other() -> None:
    chunk = "import asyncio\nmine = kong.request.get_path()\nawait asyncio.sleep(0.01)\nkong.ctx.shared.mine = mine"
    run = plugin("pre-function", ws_handshake=[chunk]).method("ws_handshake")

    class Kong:
        def __init__(self, path: str) -> None:
            self.request, self.ctx, self.shared = self, self, self
            self.path, self.mine = path, ""

        def get_path(self) -> str:
            return self.path

    async def both() -> list[str]:
        one, other = Kong("/one"), Kong("/other")
        await asyncio.gather(run(one), run(other))
        return [one.mine, other.mine]

    assert asyncio.run(both()) == ["/one", "/other"]


# Mistakes


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        ("x = 1\n\nif x\n    pass", "line 3: expected ':'"),
        ("kong.log.info('x'", "line 1: '(' was never closed"),
        ("  x = 1", "line 1: unexpected indent"),
        ("x = 1\nbreak", "line 2: 'break' outside loop"),
        ("for x in []:\n    yield x", "line 2: a chunk cannot yield"),
        ("nonlocal x", "line 1: no binding for nonlocal 'x' found"),
        ("import no_such_module_anywhere", "line 1: ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("local x = kong.request", "line 1: invalid syntax (the chunks are Python, this looks like Lua)"),
        (
            "if x == nil then\n  return\nend",
            "line 1: invalid syntax (the chunks are Python, this looks like Lua)",
        ),
        ("x = 1 / 0\ndef f(kong): pass\nreturn f", "line 1: ZeroDivisionError: division by zero"),
        (
            "x = kong.request\ndef f(kong): pass\nreturn f",
            "line 1: NameError: name 'kong' is not defined (kong is there only while the function runs)",
        ),
        ("def f(): pass\nreturn f", "line 2: the function that is returned must take one argument, kong"),
        (
            "import asyncio\nawait asyncio.sleep(0)\ndef f(kong): pass\nreturn f",
            "line 2: a chunk that returns a function runs once, at start, and cannot await",
        ),
    ],
)
def test_a_chunk_that_cannot_be_used_is_an_error_with_its_line(chunk: str, said: str) -> None:
    assert faults("pre-function", ws_client_frame=["pass", chunk]) == [f"ws_client_frame[1]: {said}"]


@pytest.mark.parametrize("chunk", ["x = '\0'", "(" * 5000 + ")" * 5000, "-" * 100_000 + "1"], ids=len)
def test_a_chunk_that_the_compiler_gives_up_is_an_error(chunk: str) -> None:
    (fault,) = faults("pre-function", ws_client_frame=[chunk])
    assert fault.startswith("ws_client_frame[0]: ")


@pytest.mark.parametrize(
    ("phase", "instead"),
    [
        ("access", "ws_handshake"),
        ("header_filter", "ws_handshake"),
        ("body_filter", "ws_upstream_frame"),
        ("log", "ws_close"),
    ],
)
def test_a_phase_of_http_services_is_an_error_that_names_the_right_one(phase: str, instead: str) -> None:
    said = f"{phase}: WebSocket services have no phase {phase}: move its chunks to {instead}"
    assert faults("pre-function", ws_close=["pass"], **{phase: ["pass"]}) == [said]
    assert faults("pre-function", ws_close=["pass"], **{phase: []}) == []


def test_no_chunk_at_all_is_an_error() -> None:
    (fault,) = faults("pre-function")
    assert fault.startswith("at least one of certificate, rewrite, ws_handshake, ws_client_frame")


def test_a_traceback_names_the_chunk_and_shows_its_line() -> None:
    chunk = "x = 1\nraise ValueError('this is the line')"
    with talk(ws_client_frame=[chunk]) as conversation, pytest.raises(PluginFailure) as caught:
        conversation.client_sends("hello")
    shown = "".join(traceback.format_exception(caught.value.__cause__))
    assert 'File "pre-function:ws_client_frame[0]' in shown
    assert "line 2, in chunk" in shown
    assert "    raise ValueError('this is the line')" in shown


def test_two_chunks_of_one_place_each_show_their_own_lines() -> None:
    for message in ("first of two", "second of two"):
        with talk(ws_close=[f"raise ValueError('{message}')"]) as conversation, pytest.raises(PluginFailure) as caught:
            conversation.ends()
        assert f"raise ValueError('{message}')" in "".join(traceback.format_exception(caught.value.__cause__))


def test_a_chunk_that_raises_is_1011_for_both_sides() -> None:
    with Conversation("pre-function", config={"ws_client_frame": ["1 / 0"]}, raises=False) as conversation:
        reaction = conversation.client_sends("hello")
        assert reaction.client == [close(1011)]
        assert reaction.upstream == [close(1011)]
