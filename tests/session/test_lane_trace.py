"""The debug trace: one line a frame (and what the library makes of it, ``framegate.trace``)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from framegate.session.signals import CLOSED, OK
from framegate.trace import preview, trace
from tests.kit.builds import Build
from tests.kit.frames import binary, close, cont, ping, pong, text
from tests.kit.lanes import Hook, Talk, same


def traced(talk: Talk) -> list[tuple[Any, ...]]:
    seen: list[tuple[Any, ...]] = []
    talk.lane.trace = lambda *line: seen.append(line)
    return seen


class TestVerdicts:
    """Verdict, origin, type, FIN, length, payload, code."""

    def test_frames_that_nobody_sees(self, build: Build, origin: str) -> None:
        talk = Talk(build, origin=origin)
        seen = traced(talk)
        talk.feed(text("a", fin=False), ping("p"), cont("bc", fin=True), close(1000, "bye"))
        assert seen == [
            ("relayed", origin, "text", False, 1, b"a", -1),
            ("relayed", origin, "ping", True, 1, b"p", -1),
            ("relayed", origin, "continuation", True, 2, b"bc", -1),
            ("relayed", origin, "close", True, 5, b"bye", 1000),
        ]

    def test_frames_that_a_hook_sees(self, build: Build) -> None:
        talk = Talk(build, Hook(same, b"new", None, (b"why", 4000)))
        seen = traced(talk)
        talk.feed(text("a"), binary(b"old"), pong("p"), close(1000, "bye"))
        assert seen == [
            ("relayed", "client", "text", True, 1, b"a", -1),
            ("changed", "client", "binary", True, 3, b"new", -1),
            ("dropped", "client", "pong", True, 1, b"p", -1),
            ("changed", "client", "close", True, 3, b"why", 4000),
        ]

    def test_a_dropped_close_frame(self, build: Build) -> None:
        talk = Talk(build, Hook(None))
        seen = traced(talk)
        talk.feed(close(1000, "bye"))
        assert seen == [("dropped", "client", "close", True, 3, b"bye", 1000)]

    def test_a_frame_that_streams_through_has_one_line_with_its_whole_length(self, build: Build) -> None:
        talk = Talk(build)
        seen = traced(talk)
        wire = talk.codec.wire(binary(b"x" * 100))
        talk.feed_raw(wire[:-90])
        talk.feed_raw(wire[-90:])
        assert seen == [("relayed", "client", "binary", True, 100, b"x" * 10, -1)]

    @pytest.mark.parametrize("hook", [None, Hook(same)], ids=["unseen", "seen"])
    def test_a_joined_message_is_one_line_of_its_own_type(self, build: Build, hook: Hook | None) -> None:
        talk = Talk(build, hook, aggregate=True)
        seen = traced(talk)
        assert talk.feed(text("ab", fin=False), cont("cd", fin=False), cont("", fin=True)) == OK
        assert [line[3:] for line in seen] == [(True, 4, b"abcd", -1)]
        assert seen[0][2] == "text"

    def test_nothing_is_traced_of_a_halted_lane(self, build: Build) -> None:
        talk = Talk(build)
        seen = traced(talk)
        talk.lane.halt()
        talk.feed(text("a"), close(1000))
        assert seen == []


class TestLines:
    """An arrow for the way, the type, a code, FIN, the length, and the beginning of the payload."""

    def lines(self, caplog: pytest.LogCaptureFixture, talk: Talk, *frames: Any) -> list[str]:
        talk.lane.trace = trace
        with caplog.at_level(logging.INFO, logger="framegate.frames"):
            talk.feed(*frames)
        return [record.getMessage() for record in caplog.records]

    def test_of_a_client(self, build: Build, caplog: pytest.LogCaptureFixture) -> None:
        talk = Talk(build, Hook(same, b"new", None, same))
        assert self.lines(caplog, talk, text("hi", fin=False), ping("p"), pong("q"), close(1000, "bye")) == [
            "--> text fin=0 length=2 'hi'",
            "--> ping fin=1 length=3 b'new' (changed)",
            "--x pong fin=1 length=1 b'q'",
            "--> close code=1000 fin=1 length=3 'bye'",
        ]

    def test_of_an_upstream(self, build: Build, caplog: pytest.LogCaptureFixture) -> None:
        talk = Talk(build, Hook(same, None), origin="upstream")
        assert self.lines(caplog, talk, binary(b"\x00\xff"), text("gone")) == [
            r"<-- binary fin=1 length=2 b'\x00\xff'",
            "x-- text fin=1 length=4 'gone'",
        ]

    def test_a_payload_is_cut_at_24_characters(self) -> None:
        assert preview("text", b"x" * 24) == "'" + "x" * 24 + "'"
        assert preview("text", b"x" * 25) == "'" + "x" * 24 + "'…"
        assert preview("binary", b"\x00" * 25) == repr(b"\x00" * 24) + "…"

    def test_whatever_it_holds_it_is_printable(self) -> None:
        assert preview("text", "ä\n\x1b[31m".encode()) == r"'\xe4\n\x1b[31m'"
        assert preview("close", b"\xff\xfe") == r"'\ufffd\ufffd'"


def test_the_signal_is_the_same_with_and_without_a_trace(build: Build) -> None:
    for wanted in (False, True):
        talk = Talk(build)
        if wanted:
            traced(talk)
        assert talk.feed(text("a"), close(1000)) == CLOSED
