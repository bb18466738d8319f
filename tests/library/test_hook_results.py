"""What a hook may return, and what becomes of it; the same for every way to write one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

import framegate
from tests.kit import frames
from tests.kit.frames import Frame, binary, close, frame, ping, pong, text
from tests.kit.gateway import proxied

pytestmark = pytest.mark.usefixtures("loop_kind")

Verdict = Callable[[str, str, bytes, bool, "int | None"], Any]

STYLES = ("function", "coroutine function", "method", "subclass", "async subclass")


def styled(style: str, verdict: Verdict) -> dict[str, Any]:
    """The same hook as a function, as a coroutine function, as a bound method, and in a subclass of Proxy."""

    async def later(*args: Any) -> Any:
        await asyncio.sleep(0)
        return verdict(*args)

    class Object:
        def hook(self, *args: Any) -> Any:
            return verdict(*args)

    class Subclass(framegate.Proxy):
        def on_frame(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
            return verdict(origin, typ, payload, last, code)

    class AsyncSubclass(framegate.Proxy):
        async def on_frame(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
            return await later(origin, typ, payload, last, code)

    return {
        "function": {"on_frame": verdict},
        "coroutine function": {"on_frame": later},
        "method": {"on_frame": Object().hook},
        "subclass": {"proxy_class": Subclass},
        "async subclass": {"proxy_class": AsyncSubclass},
    }[style]


@pytest.fixture(params=STYLES)
def style(request: pytest.FixtureRequest) -> str:
    return request.param


def always(result: Any) -> Verdict:
    return lambda origin, typ, payload, last, code: result


async def test_the_hook_is_told_origin_type_payload_last_and_code(style: str) -> None:
    seen: list[tuple[Any, ...]] = []

    def note(*args: Any) -> Any:
        seen.append(args)
        return args[2]

    async with proxied(**styled(style, note)) as conv:
        conv.client.send(text("t"), binary(b""), ping("p"), pong(""))
        await conv.upstream.recv_many(4)
        conv.upstream.send(close(4001, "why"))
        await conv.client.recv()
        conv.client.send(close())
        await conv.upstream.recv()
    assert seen == [
        ("client", "text", b"t", True, None),
        ("client", "binary", b"", True, None),
        ("client", "ping", b"p", True, None),
        ("client", "pong", b"", True, None),
        ("upstream", "close", b"why", True, 4001),
        ("client", "close", b"", True, None),
    ]
    assert {type(args[2]) for args in seen} == {bytes}
    assert {type(args[3]) for args in seen} == {bool}


@pytest.mark.parametrize(
    "result", [b"new", bytearray(b"new"), memoryview(b"a new one")[2:5], "new"], ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize(
    "sent", [text("old"), binary(b"old"), ping("old"), pong("old"), text("old", fin=False)], ids=repr
)
async def test_bytes_like_results_and_str_replace_the_payload_and_keep_the_type(result: Any, sent: Frame) -> None:
    async with proxied(always(result)) as conv:
        conv.client.send(sent)
        assert await conv.upstream.recv() == sent._replace(payload=b"new")
        conv.upstream.send(sent)
        assert await conv.client.recv() == sent._replace(payload=b"new")


async def test_a_text_frame_is_rewritten_in_both_directions(style: str) -> None:
    def rewrite(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        return b"from " + origin.encode() + b": " + payload

    async with proxied(**styled(style, rewrite)) as conv:
        conv.client.send(text("a"))
        assert await conv.upstream.recv() == text("from client: a")
        conv.upstream.send(text("b"))
        assert await conv.client.recv() == text("from upstream: b")


async def test_str_is_sent_as_utf_8(style: str) -> None:
    async with proxied(**styled(style, always("grün"))) as conv:
        conv.client.send(text("x"), binary(b"x"))
        assert await conv.upstream.recv_many(2) == [text("grün".encode()), binary("grün".encode())]


async def test_the_very_same_object_is_not_encoded_again(style: str) -> None:
    octets = frame(frames.TEXT, b"x" * 300, mask=b"mask")
    async with proxied(**styled(style, lambda origin, typ, payload, last, code: payload)) as conv:
        conv.client.send_raw(octets)
        assert (await conv.upstream.recv_wire()).octets == octets


@pytest.mark.parametrize("nothing", [None, (None, None), (None, 1000), (None, "anything")], ids=repr)
async def test_one_of_four_frames_is_dropped_and_the_others_arrive_in_order(style: str, nothing: Any) -> None:
    def drop_two(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        return nothing if payload == b"2" else payload

    async with proxied(**styled(style, drop_two)) as conv:
        conv.upstream.send(text("1"), text("2"), text("3"), text("4"), close(1000, "done"))
        assert await conv.client.recv_many(4) == [text("1"), text("3"), text("4"), close(1000, "done")]


@pytest.mark.parametrize("sent", [binary(b"x"), ping("x"), pong("x")], ids=repr)
async def test_any_frame_can_be_dropped(sent: Frame) -> None:
    async with proxied(lambda origin, typ, payload, last, code: None if payload == b"x" else payload) as conv:
        conv.client.send(sent, text("after"))
        assert await conv.upstream.recv() == text("after")


@pytest.mark.parametrize(
    ("sent", "result", "arrives"),
    [
        (close(1000, "old"), b"new", close(1000, "new")),
        (close(1000, "old"), "new", close(1000, "new")),
        (close(1000, "old"), b"", close(1000)),
        (close(1000, "old"), (b"new", 1001), close(1001, "new")),
        (close(1000, "old"), ("old", 1001), close(1001, "old")),
        (close(1000, "old"), (b"new", None), close(1000, "new")),
        (close(1000, "old"), (b"", 4999), close(4999)),
        (close(), (b"now", 3000), close(3000, "now")),
        (close(), b"", close()),
        (close(1000), b"x" * 123, close(1000, "x" * 123)),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_close_frame_gets_the_code_and_reason_of_the_result(
    style: str, sent: Frame, result: Any, arrives: Frame
) -> None:
    async with proxied(**styled(style, always(result))) as conv:
        conv.client.send(sent)
        assert await conv.upstream.recv() == arrives


async def test_the_reason_keeps_when_only_the_code_is_changed() -> None:
    async with proxied(lambda origin, typ, payload, last, code: (payload, 1001)) as conv:
        conv.upstream.send(close(1000, "kept"))
        assert await conv.client.recv() == close(1001, "kept")


@pytest.mark.parametrize("code", [None, 1000, 1001, 4000])
@pytest.mark.parametrize("sent", [text("x"), binary(b"x"), ping("x"), pong("x")], ids=repr)
async def test_a_code_is_ignored_for_other_types(sent: Frame, code: int | None) -> None:
    async with proxied(always((b"y", code))) as conv:
        conv.client.send(sent)
        assert await conv.upstream.recv() == sent._replace(payload=b"y")


@pytest.mark.parametrize("result", [b"a reason", (b"a reason", None)], ids=repr)
async def test_a_reason_without_a_code_is_left_out_with_a_warning(
    result: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with proxied(always(result)) as conv:
        conv.client.send(close())
        assert await conv.upstream.recv() == close()
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert any("reason" in warning for warning in warnings), warnings


def failing(*args: Any) -> Any:
    raise LookupError("a detail that stays inside")


NOT_SENDABLE = (-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536)

FAILURES: list[tuple[str, Frame, Verdict]] = [
    ("it raises", text("x"), failing),
    ("it raises for a ping", ping("x"), failing),
    ("it raises for a close", close(1000, "x"), failing),
    *((f"it returns {value!r}", text("x"), always(value)) for value in (0, 1, True, False, 1.5, [], {}, (), object)),
    ("it returns a list of bytes", text("x"), always([b"x"])),
    ("it returns a tuple of one", text("x"), always((b"x",))),
    ("it returns a tuple of three", text("x"), always((b"x", 1000, 1))),
    ("it returns a number as payload", close(1000), always((7, 1000))),
    ("it returns a code that is no number", close(1000), always((b"x", "1000"))),
    ("it returns invalid UTF-8 for a text", text("x"), always(b"\xff\xfe")),
    ("it returns half a character for a text", text("x"), always("€".encode()[:2])),
    ("it returns a lone surrogate", text("x"), always("\ud800")),
    ("it returns 126 bytes for a ping", ping("x"), always(b"x" * 126)),
    ("it returns 126 bytes for a pong", pong("x"), always(b"x" * 126)),
    ("it returns 124 bytes for a reason", close(1000), always(b"x" * 124)),
    ("it returns a reason that is not UTF-8", close(1000), always(b"\xff")),
    *((f"it returns the code {code}", close(1000), always((b"", code))) for code in NOT_SENDABLE),
]


@pytest.mark.parametrize(("sent", "verdict"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
@pytest.mark.parametrize("sender", ["client", "upstream"])
async def test_a_failed_hook_ends_both_sides_with_1011_and_no_detail(
    sender: str, sent: Frame, verdict: Verdict
) -> None:
    async with proxied(verdict) as conv:
        (conv.client if sender == "client" else conv.upstream).send(sent)
        assert await conv.client.recv_close() == (1011, "")
        assert await conv.upstream.recv_close() == (1011, "")
        conv.client.send(close(1011))
        conv.upstream.send(close(1011))
        with pytest.raises(framegate.HookError) as failure:
            await conv.finished()
        record = failure.value.record
        assert record is not None
        assert (record.ended_by, record.why) == ("proxy", "hook")
        assert record.client.close_sent == record.upstream.close_sent == (1011, "")


@pytest.mark.parametrize("which", STYLES)
async def test_a_hooks_exception_is_the_cause_and_its_traceback_is_logged(
    which: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with proxied(**styled(which, failing)) as conv:
        conv.client.send(text("x"))
        await conv.client.recv_close()
        conv.client.send(close(1011))
        conv.upstream.send(close(1011))
        with pytest.raises(framegate.HookError) as failure:
            await conv.finished()
        assert isinstance(failure.value.__cause__, LookupError)
    assert "a detail that stays inside" in caplog.text
    assert "in failing" in caplog.text


async def test_a_cancelled_error_of_the_hooks_own_is_a_failure_of_the_hook() -> None:
    async def gives_up(*args: Any) -> Any:
        raise asyncio.CancelledError

    async with proxied(gives_up) as conv:
        conv.client.send(text("x"))
        assert await conv.client.recv_close() == (1011, "")
        assert await conv.upstream.recv_close() == (1011, "")


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(3), GeneratorExit()], ids=repr)
async def test_a_plain_hook_cannot_end_the_program(error: BaseException) -> None:
    def leaves(*args: Any) -> Any:
        raise error

    async with proxied(leaves) as conv:
        conv.client.send(text("x"))
        assert await conv.client.recv_close() == (1011, "")
        assert await conv.upstream.recv_close() == (1011, "")


async def test_an_async_hook_cannot_end_the_program() -> None:
    async def leaves(*args: Any) -> Any:
        await asyncio.sleep(0)
        raise SystemExit(3)

    async with proxied(leaves) as conv:
        conv.client.send(text("x"))
        assert await conv.client.recv_close() == (1011, "")
        assert await conv.upstream.recv_close() == (1011, "")


async def test_nothing_passes_after_a_failed_hook() -> None:
    calls: list[bytes] = []

    def fail_at_two(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        calls.append(payload)
        return payload if payload == b"1" else failing()

    async with proxied(fail_at_two) as conv:
        conv.client.send(text("1"), text("2"), text("3"))
        assert await conv.upstream.recv() == text("1")
        assert await conv.upstream.recv_close() == (1011, "")
        await conv.upstream.ended()
    assert calls == [b"1", b"2"]


async def test_a_subclass_needs_no_option() -> None:
    class Shouting(framegate.Proxy):
        def on_frame(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
            return payload.upper()

    async with proxied(proxy_class=Shouting) as conv:
        conv.client.send(text("loud"))
        assert await conv.upstream.recv() == text("LOUD")


async def test_a_hook_may_be_any_callable_object_even_one_that_is_empty() -> None:
    class Notes(list[bytes]):
        def __call__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
            self.append(payload)
            return payload

    notes = Notes()
    async with proxied(notes) as conv:
        conv.client.send(text("noted"))
        assert await conv.upstream.recv() == text("noted")
    assert notes == [b"noted"]
