"""The frame in a plugin's hands: what it sees, what it may make of it, and what the peer and later plugins get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kit.frames import Frame, binary, close, cont, ping, pong, text
from tests.kit.served import SIDES, plugin, served


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    """Who sends; each rule holds for both."""
    return request.param


def on_frame(side: str, body: str, **more: Any) -> str:
    """A plugin for the frames of ``side``, to which ``frames`` is their face."""
    return plugin(**{f"ws_{side}_frame": f"frames = kong.websocket.{side}\n{body}"}, **more)


SEEN = "note(frames.get_frame())"


# What is seen


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (text("grüße"), ("grüße", "text", None)),
        (text(""), ("", "text", None)),
        (binary(b"\xff\x00"), (b"\xff\x00", "binary", None)),
        (binary(b""), (b"", "binary", None)),
        (ping(b"\xffping"), (b"\xffping", "ping", None)),
        (pong(b""), (b"", "pong", None)),
        (close(1001, "tschüss"), ("tschüss", "close", 1001)),
        (close(4999), ("", "close", 4999)),
        (close(), ("", "close", None)),
    ],
    ids=repr,
)
async def test_get_frame_gives_data_type_and_status(side: str, sent: Frame, seen: Any, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": on_frame(side, SEEN)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(sent)
        assert await other.recv() == sent
    assert gate.notes == [seen]
    assert [type(part) for part in gate.notes[0]] == [type(part) for part in seen]


async def test_get_frame_shows_fragments_joined_and_control_frames_ahead_of_them(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": on_frame(side, SEEN)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("gr", fin=False), cont(b"\xc3", fin=False), ping("p"), cont(b"\xbc\xc3\x9fe", fin=True))
        assert await other.recv_many(2) == [ping("p"), text("grüße")]
    assert gate.notes == [(b"p", "ping", None), ("grüße", "text", None)]


async def test_get_frame_may_be_asked_again_and_shows_each_change(side: str, tmp_path: Path) -> None:
    body = f"{SEEN}\nframes.set_frame_data(b'changed')\n{SEEN}\nframes.set_frame_data('again')\n{SEEN}"
    async with served(tmp_path, {"one": on_frame(side, body)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("as sent"))
        assert await other.recv() == text("again")
    assert [data for data, _, _ in gate.notes] == ["as sent", "changed", "again"]


# What may be changed


@pytest.mark.parametrize(
    ("sent", "data", "got"),
    [
        (text("x"), "'grüße'", text("grüße")),
        (text("x"), "'grüße'.encode()", text("grüße")),
        (text("x"), "''", text("")),
        (binary(b"x"), r"b'\xff\xfe'", binary(b"\xff\xfe")),
        (binary(b"x"), "'ü'", binary("ü".encode())),
        (ping("x"), r"b'\xff' * 125", ping(b"\xff" * 125)),
        (pong("x"), "'y' * 125", pong("y" * 125)),
        (ping("x"), "'ü' * 62", ping("ü" * 62)),
        (close(1000, "x"), "'y' * 123", close(1000, "y" * 123)),
        (close(1000, "x"), "'ü'.encode()", close(1000, "ü")),
        (close(1000, "x"), "''", close(1000)),
        (close(4000), "'why'", close(4000, "why")),
    ],
    ids=repr,
)
async def test_set_frame_data_changes_what_the_peer_gets_and_keeps_the_type(
    side: str, sent: Frame, data: str, got: Frame, tmp_path: Path
) -> None:
    plugins = {"one": on_frame(side, f"frames.set_frame_data({data})")}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(sent)
        assert await other.recv() == got


@pytest.mark.parametrize(
    ("sent", "data", "rule"),
    [
        (text("x"), r"b'a\xff'", "data of a text frame must be UTF-8"),
        (text("x"), r"b'\xed\xa0\x80'", "data of a text frame must be UTF-8"),
        (close(1000, "x"), r"b'\xc3'", "data of a close frame must be UTF-8"),
        (text("x"), r"'\ud800'", "data holds surrogates, which have no UTF-8"),
        (binary(b"x"), r"'\ud800'", "data holds surrogates, which have no UTF-8"),
        (ping("x"), "b'x' * 126", "data of a ping frame has at most 125 bytes, this has 126"),
        (pong("x"), "'ü' * 63", "data of a pong frame has at most 125 bytes, this has 126"),
        (close(1000, "x"), "'x' * 124", "data of a close frame has at most 123 bytes, this has 124"),
        (close(1000, "x"), "'ü' * 62", "data of a close frame has at most 123 bytes, this has 124"),
        (text("x"), "None", "data must be str or bytes, not NoneType"),
        (text("x"), "7", "data must be str or bytes, not int"),
        (text("x"), "bytearray(b'x')", "data must be str or bytes, not bytearray"),
        (binary(b"x"), "['x']", "data must be str or bytes, not list"),
    ],
    ids=repr,
)
async def test_set_frame_data_refuses_what_the_frame_cannot_carry(
    side: str, sent: Frame, data: str, rule: str, tmp_path: Path
) -> None:
    plugins = {"one": on_frame(side, f"attempt(frames.set_frame_data, {data})")}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(sent)
        assert await other.recv() == sent, "a refused change changes nothing"
    assert gate.notes == [f"kong.websocket.{side}.set_frame_data: {rule}"]


@pytest.mark.parametrize("status", [1000, 1003, 1007, 1014, 3000, 4999])
async def test_set_status_changes_the_status_and_keeps_the_reason(side: str, status: int, tmp_path: Path) -> None:
    plugins = {"one": on_frame(side, f"frames.set_status({status})\n{SEEN}")}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(close(4001, "why"))
        assert await other.recv() == close(status, "why")
    assert gate.notes == [("why", "close", status)]


@pytest.mark.parametrize("status", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, -1, 70000])
async def test_set_status_refuses_a_status_that_may_not_be_sent(side: str, status: int, tmp_path: Path) -> None:
    plugins = {"one": on_frame(side, f"attempt(frames.set_status, {status})")}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(close(4001, "why"))
        assert await other.recv() == close(4001, "why")
    (said,) = gate.notes
    assert said.startswith(f"kong.websocket.{side}.set_status: status {status} may not be sent")


@pytest.mark.parametrize(
    ("status", "typ"), [("'1000'", "str"), ("1000.0", "float"), ("None", "NoneType"), ("True", "bool")]
)
async def test_set_status_takes_an_int_alone(status: str, typ: str, tmp_path: Path) -> None:
    plugins = {"one": on_frame("client", f"attempt(frames.set_status, {status})")}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        talk.client.send(close(4001, "why"))
        assert await talk.upstream.recv() == close(4001, "why")
    assert gate.notes == [f"kong.websocket.client.set_status: status must be an int, not {typ}"]


@pytest.mark.parametrize("sent", [text("x"), binary(b"x"), ping("x"), pong("x")], ids=repr)
async def test_only_a_close_frame_has_a_status_to_set(side: str, sent: Frame, tmp_path: Path) -> None:
    plugins = {"one": on_frame(side, "attempt(frames.set_status, 1000)")}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(sent)
        assert await other.recv() == sent
    (said,) = gate.notes
    assert said.startswith(f"kong.websocket.{side}.set_status: only a close frame has a status, this is a ")


async def test_a_close_frame_without_a_status_can_be_given_both(side: str, tmp_path: Path) -> None:
    plugins = {"one": on_frame(side, "frames.set_frame_data('bye')\nframes.set_status(3333)")}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(close())
        assert await other.recv_close() == (3333, "bye")


async def test_a_reason_without_a_status_is_left_out(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": on_frame(side, "frames.set_frame_data('bye')")}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(close())
        assert await other.recv() == close()


async def test_a_status_that_is_set_and_set_back_is_the_sender_s(side: str, tmp_path: Path) -> None:
    plugins = {
        "one": on_frame(side, "frames.set_status(3000)\nframes.set_status(4001)\nframes.set_status(int('4001'))")
    }
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(close(4001, "why"))
        assert await other.recv() == close(4001, "why")


# What is dropped


@pytest.mark.parametrize("sent", [text("x"), binary(b"x"), ping("x"), pong("x")], ids=repr)
async def test_a_dropped_frame_is_not_forwarded_and_no_later_plugin_sees_it(
    side: str, sent: Frame, tmp_path: Path
) -> None:
    body = "if frames.get_frame()[0] in ('x', b'x'):\n    frames.drop_frame()"
    plugins = {"first": on_frame(side, body, priority=2), "second": on_frame(side, SEEN, priority=1)}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(sent, text("next"))
        assert await other.recv() == text("next")
    assert gate.notes == [("next", "text", None)]


async def test_a_dropped_message_of_fragments_leaves_nothing_behind(side: str, tmp_path: Path) -> None:
    body = "if frames.get_frame()[0] == 'one two':\n    frames.drop_frame()"
    async with served(tmp_path, {"one": on_frame(side, body)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("one ", fin=False), cont("two", fin=True), binary(b"next"))
        assert await other.recv() == binary(b"next")


async def test_a_close_frame_cannot_be_dropped(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": on_frame(side, "attempt(frames.drop_frame)")}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(close(1000, "bye"))
        assert await other.recv() == close(1000, "bye")
    assert gate.notes == [f"kong.websocket.{side}.drop_frame: a close frame cannot be dropped"]


@pytest.mark.parametrize("ending", ["drop_frame", "close"])
@pytest.mark.parametrize(
    ("function", "arguments"),
    [("set_frame_data", "'x'"), ("drop_frame", ""), ("close", "1001"), ("set_status", "1000")],
)
async def test_nothing_can_be_changed_after_a_drop_or_a_close(
    side: str, ending: str, function: str, arguments: str, tmp_path: Path
) -> None:
    body = f"frames.{ending}()\nattempt(lambda: frames.{function}({arguments}))\n{SEEN}"
    async with served(tmp_path, {"one": on_frame(side, body)}) as gate, gate.talk() as talk:
        talk.ends(side)[0].send(text("as sent"))
        await gate.notes_come(2)
    said, seen = gate.notes
    assert said == f"kong.websocket.{side}.{function}: nothing can be changed after {ending}()"
    assert seen == ("as sent", "text", None), "it may still be looked at"


async def test_changes_pass_through_all_plugins_to_the_peer(side: str, tmp_path: Path) -> None:
    body = f"{SEEN}\ndata, typ, status = frames.get_frame()\nframes.set_frame_data(data + str(self.config['mark']))"
    schema = "({'mark': {'type': 'integer'}},)"
    plugins = {
        name: on_frame(side, body, priority=p, schema=schema) for name, p in (("low", 1), ("high", 9), ("mid", 5))
    }
    use = [{"name": name, "config": {"mark": mark}} for mark, name in enumerate(plugins)]
    async with served(tmp_path, plugins, use=use) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(text("start"))
        assert await other.recv() == text("start120")
        end.send(close(1000, "end"))
        assert await other.recv() == close(1000, "end120")
    assert [data for data, _, _ in gate.notes] == ["start", "start1", "start12", "end", "end1", "end12"]


async def test_a_status_that_one_plugin_sets_is_what_the_next_one_sees(side: str, tmp_path: Path) -> None:
    plugins = {
        "first": on_frame(side, "frames.set_status(4000)\nframes.set_frame_data('first')", priority=2),
        "second": on_frame(side, f"{SEEN}\nframes.set_status(4001)", priority=1),
    }
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        end.send(close(1000, "bye"))
        assert await other.recv() == close(4001, "first")
    assert gate.notes == [("first", "close", 4000)]


async def test_a_plugin_for_one_side_does_not_meet_the_frames_of_the_other(side: str, tmp_path: Path) -> None:
    async with served(tmp_path, {"one": on_frame(side, SEEN)}) as gate, gate.talk() as talk:
        end, other = talk.ends(side)
        other.send(text("unseen", fin=False))
        assert await end.recv() == text("unseen", fin=False), "nothing is joined on that side"
    assert gate.notes == []
