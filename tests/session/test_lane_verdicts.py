"""What a hook returns, and what becomes of the frame."""

from __future__ import annotations

import array
import enum
from typing import Any

import pytest

from framegate.session.signals import CLOSED, DONE, HOOK_FAILED, OK, SWALLOWED
from tests.kit.builds import Build
from tests.kit.frames import Frame, binary, close, cont, ping, pong, text
from tests.kit.lanes import Call, Hook, Talk, same


class TestCalls:
    """The hook is told who sent what."""

    def test_every_type_of_frame(self, build: Build, origin: str) -> None:
        hook = Hook(same)
        talk = Talk(build, hook, origin=origin)
        talk.feed(
            text("a", fin=False), ping("p"), cont("b", fin=True), binary(b"\xff"), pong(), text(), close(4001, "why")
        )
        assert set(hook.origins) == {origin}
        assert hook.calls == [
            Call("text", b"a", False, None),
            Call("ping", b"p", True, None),
            Call("continuation", b"b", True, None),
            Call("binary", b"\xff", True, None),
            Call("pong", b"", True, None),
            Call("text", b"", True, None),
            Call("close", b"why", True, 4001),
        ]

    def test_a_close_frame_without_a_code(self, build: Build) -> None:
        hook = Hook(same)
        Talk(build, hook).feed(close())
        assert hook.calls == [Call("close", b"", True, None)]

    def test_payloads_are_bytes_and_codes_are_ints(self, build: Build) -> None:
        hook = Hook(same)
        Talk(build, hook).feed(text("x"), close(1000))
        assert [type(call.payload) for call in hook.calls] == [bytes, bytes]
        assert [type(call.last) for call in hook.calls] == [bool, bool]
        assert type(hook.calls[1].code) is int


class TestPayload:
    """A payload: forwarded, type and FIN unchanged."""

    @pytest.mark.parametrize(
        "result",
        [
            b"new",
            bytearray(b"new"),
            memoryview(b"new"),
            memoryview(b"n.e.w.")[::2],
            array.array("B", b"new"),
            type("Bytes", (bytes,), {})(b"new"),
            "new",
            type("Str", (str,), {})("new"),
            (b"new", None),
            ("new", 1000),
            (bytearray(b"new"), "ignored"),
        ],
        ids=lambda result: f"{type(result).__name__} {result!r}"[:40],
    )
    @pytest.mark.parametrize(
        "value", [text("old"), binary(b"old"), text("old", fin=False), ping("old"), pong("old")], ids=repr
    )
    def test_of_every_kind_for_every_type(self, build: Build, origin: str, value: Frame, result: Any) -> None:
        talk = Talk(build, Hook(result), origin=origin)
        assert talk.after(value) == [value._replace(payload=b"new")]
        assert (talk.lane.changed, talk.lane.dropped) == (1, 0)

    def test_a_str_is_sent_as_utf8(self, build: Build) -> None:
        assert Talk(build, Hook("€")).after(text("x")) == [text("€")]

    def test_for_continuations_too(self, build: Build) -> None:
        talk = Talk(build, Hook(bytes.upper))
        assert talk.after(text("a", fin=False), cont("b", fin=False), cont("c", fin=True)) == [
            text("A", fin=False),
            cont("B", fin=False),
            cont("C", fin=True),
        ]

    @pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
    def test_of_every_size(self, build: Build, origin: str, size: int) -> None:
        assert Talk(build, Hook(b"n" * size), origin=origin).after(text("old")) == [text(b"n" * size)]

    def test_a_changed_frame_goes_out_between_its_neighbours(self, build: Build) -> None:
        talk = Talk(build, Hook(same, b"changed", same))
        assert talk.after(text("a"), text("b"), text("c")) == [text("a"), text("changed"), text("c")]

    def test_frames_before_it_that_were_held(self, build: Build) -> None:
        talk = Talk(build, Hook(same, b"changed", same))
        wire = talk.codec.wire(text("a"), text("b"), text("c"))
        talk.feed_raw(wire[:3])
        talk.feed_raw(wire[3:])
        assert talk.came() == [text("a"), text("changed"), text("c")]

    @pytest.mark.parametrize("result", [same, lambda payload: (payload, None), lambda payload: (payload, 1011)])
    def test_the_very_same_object_is_not_encoded_anew(self, build: Build, result: Any) -> None:
        talk = Talk(build, Hook(result))
        window = bytearray(talk.codec.wire(text("a"), ping("b")))
        assert talk.lane.feed(window, 0, len(window)) == OK
        assert talk.lane.run_data is window and talk.lane.out is None
        assert talk.lane.changed == 0

    @pytest.mark.parametrize("result", [bytearray(b"same"), "same", (b"sa" + b"me", None)])
    def test_an_equal_payload_is_no_change(self, build: Build, result: Any) -> None:
        talk = Talk(build, Hook(result))
        wire = talk.codec.wire(text("same"))
        assert (talk.feed_raw(wire), talk.taken, talk.lane.changed) == (OK, wire, 0)


class TestDrop:
    """None: dropped."""

    @pytest.mark.parametrize("result", [None, (None, None), (None, 1000), (None, "anything")])
    @pytest.mark.parametrize("value", [text("x"), binary(b"x"), ping("x"), pong("x")], ids=repr)
    def test_it_does_not_go_out(self, build: Build, origin: str, value: Frame, result: Any) -> None:
        talk = Talk(build, Hook(result, same), origin=origin)
        assert talk.after(value, text("next")) == [text("next")]
        assert (talk.lane.dropped, talk.lane.changed, talk.lane.frames) == (1, 0, 2)

    @pytest.mark.parametrize("result", [None, (None, 1000)])
    def test_a_dropped_close_frame_is_swallowed_with_all_behind_it(self, build: Build, result: Any) -> None:
        talk = Talk(build, Hook(same, result, same))
        assert talk.feed(text("a"), close(1000), text("b")) == SWALLOWED
        assert (talk.came(), talk.lane.mode, talk.lane.dropped) == ([text("a")], DONE, 1)
        assert (talk.feed(text("c")), talk.came()) == (OK, [])


class TestClose:
    """A payload is the reason of a close frame; a pair has its code."""

    @pytest.mark.parametrize(
        ("result", "sent"),
        [
            (b"new", close(4001, "new")),
            ("new", close(4001, "new")),
            (b"", close(4001)),
            ((b"new", None), close(4001, "new")),
            ((b"new", 4002), close(4002, "new")),
            ((b"old", 4002), close(4002, "old")),
            ((b"", 1000), close(1000)),
            (("r" * 123, 1000), close(1000, "r" * 123)),
            ((b"old", 4001), close(4001, "old")),
            ((b"new", 4001), close(4001, "new")),
        ],
        ids=repr,
    )
    def test_reason_and_code(self, build: Build, origin: str, result: Any, sent: Frame) -> None:
        talk = Talk(build, Hook(result), origin=origin)
        assert talk.feed(close(4001, "old")) == CLOSED
        assert talk.came() == [sent]
        assert (talk.lane.close_code, talk.lane.close_reason) == (sent.code, sent.payload[2:])
        assert (talk.lane.seen_code, talk.lane.seen_reason) == (4001, b"old")
        assert talk.lane.changed == (sent != close(4001, "old"))

    @pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
    def test_every_code_that_may_be_sent(self, build: Build, code: int) -> None:
        talk = Talk(build, Hook(lambda payload: (payload, code)))
        assert (talk.feed(close(1001, "x")), talk.came()) == (CLOSED, [close(code, "x")])

    def test_a_code_may_be_a_member_of_an_enumeration(self, build: Build) -> None:
        codes = enum.IntEnum("codes", {"OURS": 4321})
        talk = Talk(build, Hook((b"", codes.OURS)))
        assert (talk.feed(close(1000)), talk.came()) == (CLOSED, [close(4321)])

    def test_a_code_for_a_close_frame_that_had_none(self, build: Build) -> None:
        talk = Talk(build, Hook((b"why", 1000)))
        assert (talk.feed(close()), talk.came()) == (CLOSED, [close(1000, "why")])
        assert (talk.lane.close_code, talk.lane.seen_code, talk.lane.seen_reason) == (1000, -1, b"")

    @pytest.mark.parametrize("result", [b"why", ("why", None)])
    def test_a_reason_without_a_code_is_left_out_with_a_warning(self, build: Build, result: Any) -> None:
        # Section 5.5.1: the reason follows the code.
        talk = Talk(build, Hook(result))
        warnings: list[str] = []
        talk.lane.warn = warnings.append
        assert (talk.feed(close()), talk.came()) == (CLOSED, [close()])
        assert warnings == ["the hook returned a close reason without a code: left out"]
        assert talk.lane.changed == 0

    def test_the_warning_needs_nobody_to_hear_it(self, build: Build) -> None:
        talk = Talk(build, Hook(b"why"))
        assert (talk.feed(close()), talk.came()) == (CLOSED, [close()])


class TestFailure:
    """Anything else is a failed hook: nothing of the frame goes out, and the lane says why."""

    @pytest.mark.parametrize("result", [1, 1.5, True, object(), [b"x"], {b"x"}, {"payload": b"x"}, len], ids=repr)
    def test_nonsense(self, build: Build, result: Any) -> None:
        talk = Talk(build, lambda *frame: result)
        assert (talk.feed(text("x")), talk.came()) == (HOOK_FAILED, [])
        assert str(talk.lane.failure) == (
            f"the hook returned {type(result).__name__}; it takes bytes, str, None, (payload, code) or an awaitable"
        )

    @pytest.mark.parametrize("result", [(), (b"x",), (b"x", 1000, 1)], ids=repr)
    def test_tuples_of_another_length(self, build: Build, result: Any) -> None:
        talk = Talk(build, Hook(result))
        assert talk.feed(text("x")) == HOOK_FAILED
        assert str(talk.lane.failure) == f"the hook returned a tuple of {len(result)}; it takes (payload, code)"

    def test_nonsense_in_a_pair(self, build: Build) -> None:
        talk = Talk(build, Hook((5, 1000)))
        assert talk.feed(close(1000)) == HOOK_FAILED
        assert "the hook returned int" in str(talk.lane.failure)

    @pytest.mark.parametrize("code", ["1000", 1000.0, True, b"1000", object()], ids=repr)
    def test_a_code_that_is_no_int(self, build: Build, code: Any) -> None:
        talk = Talk(build, Hook((b"x", code)))
        assert (talk.feed(close(1000)), talk.came()) == (HOOK_FAILED, [])
        assert str(talk.lane.failure) == f"the hook returned a close code that is no int but {type(code).__name__}"

    @pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536, 10**30])
    def test_a_code_that_may_not_be_sent(self, build: Build, code: int) -> None:
        talk = Talk(build, Hook((b"x", code)))
        assert (talk.feed(close(1000)), talk.came()) == (HOOK_FAILED, [])
        assert str(talk.lane.failure) == f"the hook returned close code {code}, which may not be sent"

    @pytest.mark.parametrize("value", [ping(), pong()], ids=repr)
    def test_over_125_bytes_for_a_control_frame(self, build: Build, value: Frame) -> None:
        assert Talk(build, Hook(b"x" * 125)).after(value) == [value._replace(payload=b"x" * 125)]
        talk = Talk(build, Hook(b"x" * 126))
        assert (talk.feed(value), talk.came()) == (HOOK_FAILED, [])
        assert str(talk.lane.failure) == "the hook returned 126 bytes for a control frame, which takes 125"

    @pytest.mark.parametrize("result", [b"r" * 124, ("€" * 42, None), ("r" * 124, 4000)])
    def test_over_123_bytes_for_a_reason(self, build: Build, result: Any) -> None:
        for value in (close(1000), close(1000, "old")):
            talk = Talk(build, Hook(result))
            assert (talk.feed(value), talk.came()) == (HOOK_FAILED, [])
            assert "which takes 123" in str(talk.lane.failure)

    @pytest.mark.parametrize("result", [b"\xff", (b"cut \xe2\x82", None), (b"\xc0\xaf", 4000)])
    def test_a_reason_that_is_not_utf8(self, build: Build, result: Any) -> None:
        talk = Talk(build, Hook(result))
        assert (talk.feed(close(1000)), talk.came()) == (HOOK_FAILED, [])
        assert str(talk.lane.failure) == "the hook returned a close reason that is not UTF-8"

    @pytest.mark.parametrize("result", [b"\xff", b"cut \xe2\x82", b"\xed\xa0\x80"])
    def test_a_text_that_is_not_utf8(self, build: Build, result: Any) -> None:
        talk = Talk(build, Hook(result))
        assert (talk.feed(text("x")), talk.came()) == (HOOK_FAILED, [])
        assert str(talk.lane.failure) == "the hook's results make a text that is not UTF-8"

    def test_a_binary_message_is_any_bytes(self, build: Build) -> None:
        assert Talk(build, Hook(b"\xff")).after(binary(b"x"), ping()) == [binary(b"\xff"), ping(b"\xff")]

    def test_a_text_is_any_bytes_where_texts_are_not_checked(self, build: Build) -> None:
        assert Talk(build, Hook(b"\xff"), check_text=False).after(text("x")) == [text(b"\xff")]

    def test_a_str_with_surrogates(self, build: Build) -> None:
        talk = Talk(build, Hook("\ud800"))
        assert talk.feed(binary(b"x")) == HOOK_FAILED
        assert str(talk.lane.failure) == "the hook returned a str with surrogates, which has no UTF-8"

    def test_an_exception(self, build: Build) -> None:
        error = KeyError("user")
        talk = Talk(build, Hook(same, error))
        assert talk.feed(text("a"), text("b"), text("c")) == HOOK_FAILED
        assert talk.came() == [text("a")]
        assert talk.lane.failure is error

    def test_an_exception_that_is_not_the_hooks_to_raise_goes_on(self, build: Build) -> None:
        talk = Talk(build, Hook(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            talk.feed(text("a"))

    def test_a_view_that_was_released(self, build: Build) -> None:
        def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
            with memoryview(payload) as view:
                return view

        talk = Talk(build, hook)
        assert (talk.feed(text("a")), talk.came()) == (HOOK_FAILED, [])
