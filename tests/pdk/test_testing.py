"""The kit for plugin authors: its examples run, and what it shows is what a gateway would do."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framegate.errors import ConfigError, PDKError, UsageError
from framegate.pdk import FieldError
from framegate.pdk.catalog import load_plugin
from framegate.pdk.testing import (
    Conversation,
    Frame,
    PluginFailure,
    binary,
    close,
    continuation,
    ping,
    pong,
    text,
)

PAGE = Path(__file__).parents[2] / "docs" / "plugin-testing.md"


class Base:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config


class Silent(Base):
    def ws_handshake(self, kong: Any) -> None:
        pass


def on_client(method: Callable[[Any], Any]) -> type:
    """A plugin that does this with the client's frames."""
    return type("OnClient", (Base,), {"ws_client_frame": lambda self, kong: method(kong)})


def on_upstream(method: Callable[[Any], Any]) -> type:
    return type("OnUpstream", (Base,), {"ws_upstream_frame": lambda self, kong: method(kong)})


def on_handshake(method: Callable[[Any], Any]) -> type:
    return type("OnHandshake", (Base,), {"ws_handshake": lambda self, kong: method(kong)})


# The documentation's examples


def blocks() -> dict[str, str]:
    found = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(), re.S)
    return dict(found)


def examples() -> list[tuple[str, str]]:
    return [
        (file, name)
        for file, source in blocks().items()
        if file.startswith("test_")
        for name in re.findall(r"^def (test_\w+)", source, re.M)
    ]


def test_every_block_of_the_page_is_a_file() -> None:
    assert len(blocks()) == PAGE.read_text().count("```python") and len(examples()) >= 10


@pytest.mark.parametrize(("file", "name"), examples())
def test_an_example_of_the_page_runs(file: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, source in blocks().items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(source)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(compile(blocks()[file], file, "exec"), namespace)
    namespace[name]()


# The handshake


def test_the_client_gets_the_101_of_the_upstream_with_what_plugins_add() -> None:
    plugin = on_handshake(lambda kong: kong.response.set_header("x-by", "plugin"))
    answer = Conversation(plugin).handshake(headers={"Server": "s", "Connection": "close", "x-by": "upstream"})
    assert (answer.status, answer.headers["Server"], answer.headers.getall("x-by")) == (101, "s", ["plugin"])
    assert answer.headers["Connection"] == "Upgrade"


def test_the_upstream_selects_a_subprotocol_that_it_was_offered() -> None:
    talk = Conversation(Silent, subprotocols=["v1", "v2"])
    assert talk.handshake(subprotocol="v2").headers["Sec-WebSocket-Protocol"] == "v2"
    with pytest.raises(ValueError, match="was not offered the subprotocol 'v3'"):
        Conversation(Silent, subprotocols=["v1"]).handshake(subprotocol="v3")


def test_a_refusal_of_the_upstream_is_passed_on() -> None:
    talk = Conversation(on_handshake(lambda kong: kong.response.set_header("x-by", "plugin")))
    answer = talk.handshake(status=503, headers={"Retry-After": "5"}, body=b"later")
    assert (answer.status, answer.text, answer.headers["Retry-After"]) == (503, "later", "5")
    assert answer.headers["x-by"] == "plugin"
    with pytest.raises(UsageError, match="no session: the handshake was answered with 503"):
        talk.client_sends("hello")


def test_a_plugin_that_exits_keeps_later_plugins_and_the_upstream_out() -> None:
    ran: list[str] = []
    first = type("First", (Base,), {"priority": 2, "ws_handshake": lambda self, kong: kong.response.exit(403, "no")})
    later = type("Later", (Base,), {"priority": 1, "ws_handshake": lambda self, kong: ran.append("later")})
    talk = Conversation(later, first)
    assert (talk.handshake().status, talk.handshake().text, ran) == (403, "no", [])
    assert talk.upstream_request is None


def test_the_upstream_is_asked_as_plugins_and_the_service_say() -> None:
    def redirect(kong: Any) -> None:
        kong.service.set_target("10.0.0.7", 9001)
        kong.service.set_timeouts(1000, 2000, 3000)
        kong.service.set_retries(2)
        kong.service.request.set_path("/other")
        kong.service.request.set_raw_query("a=b")
        kong.service.request.set_header("x-new", "1")
        kong.service.request.clear_header("x-old")

    talk = Conversation(on_handshake(redirect), path="/p?q=1", headers=[("X-Old", "1"), ("X-Kept", "2")])
    talk.handshake()
    asked = talk.upstream_request
    assert asked is not None
    assert (asked.scheme, asked.address, asked.host) == ("ws", ("10.0.0.7", 9001), "10.0.0.7:9001")
    assert (asked.path, asked.query) == ("/other", "a=b")
    assert (asked.headers["x-new"], asked.headers["x-kept"], "x-old" in asked.headers) == ("1", "2", False)
    assert (asked.connect_timeout, asked.write_timeout, asked.read_timeout, asked.retries) == (1000, 2000, 3000, 2)


def test_without_plugins_having_a_say_the_service_is_asked_for_the_clients_path() -> None:
    talk = Conversation(Silent, path="/p?q=1", service={"host": "chat.test", "port": 8080, "protocol": "wss"})
    talk.handshake()
    asked = talk.upstream_request
    assert asked is not None
    assert (asked.scheme, asked.address, asked.path, asked.query) == ("wss", ("chat.test", 8080), "/p", "q=1")
    assert asked.headers["X-Forwarded-For"] == "192.0.2.1"


def test_what_a_client_says_of_its_own_identity_stays_behind() -> None:
    talk = Conversation(Silent, headers={"X-Consumer-Username": "root"})
    talk.handshake()
    assert talk.upstream_request is not None and "X-Consumer-Username" not in talk.upstream_request.headers


def test_the_phases_before_the_session_run_in_their_order() -> None:
    ran: list[str] = []
    phases = ("certificate", "rewrite", "ws_handshake")
    methods = {phase: (lambda self, kong, phase=phase: ran.append(phase)) for phase in phases}
    Conversation(type("All", (Base,), methods), scheme="wss").handshake()
    assert ran == ["certificate", "rewrite", "ws_handshake"]
    ran.clear()
    Conversation(type("All", (Base,), methods)).handshake()
    assert ran == ["rewrite", "ws_handshake"]


def test_the_client_is_who_the_test_says() -> None:
    seen: list[Any] = []

    def look(kong: Any) -> None:
        seen.append((kong.client.get_consumer()["username"], kong.client.get_ip(), kong.request.get_host()))
        seen.append((kong.router.get_route()["name"], kong.request.get_subprotocols(), kong.request.get_scheme()))

    Conversation(
        on_handshake(look),
        consumer={"id": "c", "username": "anna"},
        peer=("198.51.100.9", 1),
        host="chat.test",
        route={"name": "chat"},
        subprotocols=["v1"],
    ).handshake()
    assert seen == [("anna", "198.51.100.9", "chat.test"), ("chat", ("v1",), "ws")]


# Frames


def test_frames_of_all_types_pass_in_both_directions() -> None:
    talk = Conversation(Silent)
    frames = [text("a"), binary(b"b"), ping("c"), pong("d"), text("e", final=False), continuation("f")]
    assert talk.client_sends(*frames) == ([], frames)
    assert talk.upstream_sends(*frames) == (frames, [])
    assert (talk.to_client, talk.to_upstream) == (frames, frames)


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_frames_of_all_lengths_pass(size: int) -> None:
    assert Conversation(Silent).client_sends(b"x" * size).upstream == [binary(b"x" * size)]
    assert Conversation(Silent).upstream_sends(b"x" * size).client == [binary(b"x" * size)]


def test_plugins_see_joined_messages_and_what_plugins_before_them_have_made_of_them() -> None:
    def add(word: str, priority: int) -> type:
        def method(self: Any, kong: Any) -> None:
            data, _, _ = kong.websocket.client.get_frame()
            kong.websocket.client.set_frame_data(f"{data} {word}")

        return type(word, (Base,), {"priority": priority, "ws_client_frame": method})

    talk = Conversation(add("last", 1), add("first", 9))
    assert [plugin.name for plugin in talk.plugins] == ["first", "last"]
    assert talk.client_sends(text("a ", final=False), continuation("b")).upstream == [text("a b first last")]


def test_an_async_plugin_is_awaited_and_keeps_the_order() -> None:
    class Slow(Base):
        async def ws_client_frame(self, kong: Any) -> None:
            data, _, _ = kong.websocket.client.get_frame()
            await asyncio.sleep(0.001)
            kong.websocket.client.set_frame_data(data * 2)

    assert Conversation(Slow).client_sends("a", "b").upstream == [text("aa"), text("bb")]


def test_injected_frames_go_before_the_frame_in_flight() -> None:
    def greet(kong: Any) -> None:
        kong.websocket.inject("client", "text", "one moment")
        kong.websocket.inject("upstream", "text", "attention")

    reaction = Conversation(on_client(greet)).client_sends("hello")
    assert reaction == ([text("one moment")], [text("attention"), text("hello")])


def test_the_result_of_inject_can_be_awaited() -> None:
    class Greet(Base):
        async def ws_client_frame(self, kong: Any) -> None:
            await kong.websocket.inject("client", "text", "hi")

    assert Conversation(Greet).client_sends("hello").client == [text("hi")]


@pytest.mark.parametrize("arguments", [("nobody", "text", "x"), ("client", "close", "x"), ("client", "text", 5)])
def test_inject_keeps_its_rules(arguments: Any) -> None:
    with pytest.raises(PluginFailure) as failed:
        Conversation(on_client(lambda kong: kong.websocket.inject(*arguments))).client_sends("x")
    assert isinstance(failed.value.__cause__, PDKError)


def test_what_a_plugin_has_left_running_goes_on() -> None:
    class Later(Base):
        async def ws_client_frame(self, kong: Any) -> None:
            async def later() -> None:
                await asyncio.sleep(0.01)
                kong.websocket.inject("client", "text", "later")

            self.task = asyncio.get_running_loop().create_task(later())

    talk = Conversation(Later)
    assert talk.client_sends("x").client == []
    assert talk.waits(0.05).client == [text("later")]


def test_a_sync_plugin_may_start_a_task() -> None:
    def start(kong: Any) -> None:
        async def at_once() -> None:
            kong.websocket.inject("client", "text", "soon")

        kong.ctx.plugin.task = asyncio.get_running_loop().create_task(at_once())

    assert Conversation(on_client(start)).client_sends("x").client == [text("soon")]


# Limits and ends


def test_a_payload_at_the_limit_passes_and_one_byte_more_ends_it() -> None:
    plugin = on_handshake(lambda kong: kong.websocket.client.set_max_payload_size(5))
    assert Conversation(plugin).client_sends("12345").upstream == [text("12345")]
    talk = Conversation(plugin)
    reaction = talk.client_sends("123456")
    assert (reaction.client, reaction.upstream) == ([close(1009, "Payload Too Large")], [close(1001)])
    record = talk.ends()
    assert (record.ended_by, record.why) == ("client", "limit")


def test_the_limit_counts_the_fragments_of_a_message_together() -> None:
    talk = Conversation(on_handshake(lambda kong: kong.websocket.upstream.set_max_payload_size(4)))
    assert talk.upstream_sends(text("12", final=False), continuation("34", final=False)).client == []
    assert talk.upstream_sends(continuation("5")) == ([close(1001)], [close(1009, "Payload Too Large")])


def test_the_default_limit_holds_where_a_plugin_reads() -> None:
    talk = Conversation(on_client(lambda kong: None))
    assert talk.client_sends(b"x" * 1024 * 1024).upstream != []
    assert talk.client_sends(b"x" * (1024 * 1024 + 1)).client[0].code == 1009


def test_text_that_is_not_utf_8_is_1007() -> None:
    reaction = Conversation(on_client(lambda kong: None)).client_sends(text(b"\xff"))
    assert (reaction.client, reaction.upstream) == ([close(1007)], [close(1001)])


def test_a_broken_rule_of_the_protocol_is_1002() -> None:
    assert Conversation(Silent).client_sends(continuation("x")).client == [close(1002)]


def test_a_close_frame_is_passed_on_and_answered_and_each_may_be_changed() -> None:
    def goodbye(kong: Any) -> None:
        _, typ, _ = kong.websocket.upstream.get_frame()
        if typ == "close":
            kong.websocket.upstream.set_frame_data("goodbye!")
            kong.websocket.upstream.set_status(1001)

    talk = Conversation(on_upstream(goodbye))
    assert talk.client_sends(close(4000, "enough")).upstream == [close(4000, "enough")]
    assert not talk.closed
    assert talk.upstream_sends(close(1000)).client == [close(1001, "goodbye!")]
    assert talk.closed
    record = talk.ends()
    assert (record.why, record.client.close_received, record.client.close_sent) == (
        "close", (4000, "enough"), (1001, "goodbye!"),
    )  # fmt: skip


@pytest.mark.parametrize("side", ["client", "upstream"])
def test_whoever_has_not_answered_a_close_frame_does_at_the_end(side: str) -> None:
    talk = Conversation(Silent)
    sends = talk.client_sends if side == "client" else talk.upstream_sends
    sends(close(1001, "x"))
    record = talk.ends()
    assert record.ended_by == side
    assert record.client.close_received == ((1001, "x") if side == "client" else (1001, ""))


def test_a_side_that_leaves_ends_it_and_the_other_one_is_told() -> None:
    talk = Conversation(Silent)
    assert talk.client_leaves().upstream == [close(1001)]
    assert talk.record is not None and (talk.record.ended_by, talk.record.why) == ("client", "eof")
    talk = Conversation(Silent)
    assert talk.upstream_leaves().client == [close(1014, "upstream connection lost")]
    assert talk.record is not None and talk.record.ended_by == "upstream"


def test_ws_close_runs_once_with_the_finished_record() -> None:
    class Closing(Base):
        async def ws_close(self, kong: Any) -> None:
            record = kong.websocket.session()
            kong.log.warn(f"{record.why} {record.client.messages}")

    talk = Conversation(Closing)
    talk.client_sends("a")
    assert talk.record is None
    talk.ends()
    assert talk.log == [("warn", "close 1", "Closing")]
    with pytest.raises(UsageError, match="the conversation is over"):
        talk.client_sends("b")


def test_ws_close_does_not_run_for_a_refused_client() -> None:
    class Refuse(Base):
        def ws_handshake(self, kong: Any) -> None:
            kong.response.exit(403)

        def ws_close(self, kong: Any) -> None:
            raise AssertionError("it ran")

    talk = Conversation(Refuse)
    assert talk.handshake().status == 403
    with pytest.raises(UsageError):
        talk.ends()


def test_a_plugins_context_lives_as_long_as_the_conversation() -> None:
    class Count(Base):
        def ws_client_frame(self, kong: Any) -> None:
            kong.ctx.plugin.count = (kong.ctx.plugin.count or 0) + 1
            kong.ctx.shared.count = kong.ctx.plugin.count

    talk = Conversation(Count)
    talk.client_sends("a", "b")
    assert talk.exchange.shared.count == 2


# Failures


def test_a_failure_in_each_phase_is_raised_with_its_cause() -> None:
    def fail(self: Any, kong: Any) -> None:
        raise KeyError("oops")

    steps: dict[str, Callable[[Conversation], Any]] = {
        "rewrite": lambda talk: talk.handshake(),
        "ws_handshake": lambda talk: talk.handshake(),
        "ws_client_frame": lambda talk: talk.client_sends("x"),
        "ws_upstream_frame": lambda talk: talk.upstream_sends("x"),
        "ws_close": lambda talk: talk.ends(),
    }
    for phase, step in steps.items():
        with pytest.raises(PluginFailure) as failed:
            step(Conversation(type("Failing", (Base,), {phase: fail})))
        assert failed.value.phase == phase and isinstance(failed.value.__cause__, KeyError)


def test_a_failure_that_is_not_raised_is_kept_and_the_peers_get_what_they_would() -> None:
    def fail(kong: Any) -> None:
        raise ValueError("oops")

    talk = Conversation(on_handshake(fail), raises=False)
    answer = talk.handshake()
    assert (answer.status, answer.json()) == (500, {"message": "an unexpected error occurred"})
    assert isinstance(talk.failure, PluginFailure) and len(talk.failures) == 1
    talk = Conversation(on_client(fail), raises=False)
    assert talk.failure is None
    assert talk.client_sends("x", "y") == ([close(1011)], [close(1011)])
    assert isinstance(talk.failure, PluginFailure)


def test_a_call_in_the_wrong_phase_is_a_failure() -> None:
    with pytest.raises(PluginFailure, match="may be called in"):
        Conversation(on_client(lambda kong: kong.response.exit(403))).client_sends("x")


def test_a_plugin_that_never_returns_is_given_up() -> None:
    class Stuck(Base):
        async def ws_client_frame(self, kong: Any) -> None:
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError, match="has not returned within 0.01 seconds"):
        Conversation(Stuck, patience=0.01).client_sends("x")


async def test_in_an_async_test_it_says_that_it_has_a_loop_of_its_own() -> None:
    talk = Conversation(Silent)
    with pytest.raises(UsageError, match="use it in a plain def"):
        talk.handshake()


# Which plugins


def test_a_class_in_a_plugin_file_has_the_schema_of_its_module(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        'Schema = ({"mark": {"type": "string", "default": "!"}},)\npriority = 7\nclass Plugin:\n'
        "    def __init__(self, config): self.config = config\n    def ws_close(self, kong): pass\n"
    )
    plugin = load_plugin(tmp_path / "loud.py")
    for choice in (plugin, plugin.handler, tmp_path / "loud.py", str(tmp_path / "loud.py")):
        talk = Conversation(choice)
        assert (talk.plugins[0].name, talk.plugins[0].type.priority) == ("loud", 7)
        assert talk.plugins[0].handler.config == {"mark": "!"}


def test_a_class_may_have_its_own_schema() -> None:
    class Own(Base):
        Schema = ({"n": {"type": "integer", "required": True}},)

        def ws_close(self, kong: Any) -> None:
            pass

    assert Conversation(Own, config={"n": 1}).plugins[0].config == {"n": 1}
    with pytest.raises(ConfigError, match="'Own': config: n: is required: a whole number"):
        Conversation(Own)


def test_a_class_without_a_schema_takes_any_configuration() -> None:
    assert Conversation(Silent, config={"anything": 1}).plugins[0].handler.config == {"anything": 1}


def test_all_that_is_wrong_with_a_configuration_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(
        'Schema = [{"a": {"type": "integer"}}]\nclass Plugin:\n    def __init__(self, config): pass\n'
        "    def ws_close(self, kong): pass\n"
    )
    with pytest.raises(ConfigError, match="b: there is no such field .*; a: must be a whole number"):
        Conversation(tmp_path / "p.py", config={"a": "x", "b": 1})


def test_a_field_that_a_plugin_refuses_itself_is_a_wrong_configuration() -> None:
    class Picky(Base):
        def __init__(self, config: dict[str, Any]) -> None:
            raise FieldError("rules[0]", "makes no sense")

        def ws_close(self, kong: Any) -> None:
            pass

    with pytest.raises(ConfigError, match=re.escape("config: rules[0]: makes no sense")):
        Conversation(Picky)


def test_a_class_that_is_no_plugin_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean ws_handshake"):
        Conversation(type("Kongs", (Base,), {"access": lambda self, kong: None}))


def test_a_plugin_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such plugin file"):
        Conversation(tmp_path / "no.py")
    with pytest.raises(ConfigError, match="there is no plugin 'no-such-plugin'"):
        Conversation("no-such-plugin")


# Values


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        (text("a"), "text('a')"),
        (text("a", final=False), "text('a', final=False)"),
        (binary(b"\x00"), "binary(b'\\x00')"),
        (close(), "close()"),
        (close(1000, "bye"), "close(1000, 'bye')"),
        (ping(), "ping()"),
        (binary(b"x" * 100), "binary(b'" + "x" * 48 + "... 100 bytes)"),
    ],
)
def test_a_frame_reads_as_it_is_made(frame: Frame, shown: str) -> None:
    assert repr(frame) == shown


def test_the_page_names_every_argument_of_the_handshake() -> None:
    for name in inspect.signature(Conversation.handshake).parameters:
        assert name == "self" or f"{name}=" in PAGE.read_text()


def test_a_conversation_leaves_no_loop_open() -> None:
    with Conversation(Silent) as talk:
        talk.client_sends("x")
    talk = Conversation(Silent)
    talk.client_sends("x")
    del talk
