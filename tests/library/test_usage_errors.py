"""Wrong use is told at once, by name and rule."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

import framegate
from tests.kit import raw
from tests.kit.frames import close, text
from tests.kit.gateway import proxied, serving
from tests.kit.heads import upgrade_request


async def connecting_twice(which: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings of a second call, in a session that works."""

    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        await proxy.connect(origin.url)
        if which == "upstream":
            await proxy.connect_upstream(origin.url)
        else:
            await proxy.connect_client()
        await proxy.execute()

    async with raw.raw_upstream() as origin, serving(handler) as server, raw.connected(server.port) as client:
        upstream = await origin.accepted()
        client.send(text("works"))
        assert await upstream.recv() == text("works")
        assert origin.connections == 1
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


async def test_connect_upstream_when_established_is_a_warning_only(
    loop_kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    warnings = await connecting_twice("upstream", caplog)
    assert len([line for line in warnings if "upstream" in line]) == 1


async def test_connect_client_when_done_is_a_warning_only(loop_kind: str, caplog: pytest.LogCaptureFixture) -> None:
    warnings = await connecting_twice("client", caplog)
    assert len([line for line in warnings if "client" in line]) == 1


async def failing_execute(connect: Any) -> tuple[str, int]:
    """The message of ``execute()`` after what ``connect`` did, and the status that the client saw."""
    messages: list[str] = []

    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        await connect(proxy)
        try:
            await proxy.execute()
        except framegate.UsageError as error:
            messages.append(str(error))
            raise

    async with serving(handler) as server, raw.dialled(server.port) as client:
        client.send_raw(upgrade_request())
        status = (await client.recv_head()).status
        await client.gone()
    return messages[0], status


async def test_execute_without_client_handshake() -> None:
    async with raw.raw_upstream() as origin:
        result = await failing_execute(lambda proxy: proxy.connect_upstream(origin.url))
    assert result == ("client handshake not complete", 500)


async def test_execute_without_upstream() -> None:
    assert await failing_execute(lambda proxy: proxy.connect_client()) == ("upstream connection not established", 101)


async def test_execute_without_anything() -> None:
    assert await failing_execute(lambda proxy: asyncio.sleep(0)) == ("client handshake not complete", 500)


async def test_wait_closed_in_a_hook_is_a_usage_error(loop_kind: str) -> None:
    async def wait(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        await conv.proxy.wait_closed()
        return payload

    async with proxied(wait) as conv:
        conv.client.send(text("x"))
        assert await conv.client.recv_close() == (1011, "")
        conv.client.send(close(1011))
        conv.upstream.send(close(1011))
        with pytest.raises(framegate.HookError) as failure:
            await conv.finished()
        assert isinstance(failure.value.__cause__, framegate.UsageError)


async def test_execute_twice_is_a_usage_error() -> None:
    async with proxied() as conv:
        conv.client.send(text("x"))
        await conv.upstream.recv()
        with pytest.raises(framegate.UsageError):
            await conv.proxy.execute()
        conv.client.send(text("unharmed"))
        assert await conv.upstream.recv() == text("unharmed")


WRONG_OPTIONS: list[tuple[str, Any, type[Exception]]] = [
    ("on_frame", 5, TypeError),
    ("on_frame", "hook", TypeError),
    ("aggregate_fragments", "yes", TypeError),
    ("aggregate_fragments", None, TypeError),
    *(
        (f"{side}_max_frame_size", wrong, error)
        for side in ("client", "upstream")
        for wrong, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError), (b"1", TypeError))
    ),
    *(
        (f"{side}_max_fragments", wrong, error)
        for side in ("client", "upstream")
        for wrong, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError), ("5", TypeError))
    ),
    *(
        (name, wrong, error)
        for name in (
            "recv_timeout",
            "idle_timeout",
            "max_lifetime",
            "ping_interval",
            "ping_timeout",
            "lingering_timeout",
            "lingering_time",
            "connect_timeout",
        )
        for wrong, error in (
            (-1, ValueError),
            (0, ValueError),
            ("5", TypeError),
            (True, TypeError),
            (float("nan"), ValueError),
        )
    ),
    ("lingering_timeout", 31, ValueError),
    ("lingering_time", 4, ValueError),
    ("lingering_time", None, TypeError),
    ("max_refusal_body", -1, ValueError),
    ("max_refusal_body", 1.5, TypeError),
    ("compression", "gzip", ValueError),
    ("compression", 5, TypeError),
    ("validate_utf8", "yes", TypeError),
    ("validate_utf8", 1, TypeError),
    ("write_high_water", -1, ValueError),
    ("write_high_water", None, TypeError),
    ("max_buffered", 0, ValueError),
    ("max_buffered", "1", TypeError),
    ("debug", "yes", TypeError),
]


async def options_error(**options: Any) -> BaseException:
    """What ``Proxy`` raises for these options."""
    raised: list[BaseException] = []

    async def handler(request: framegate.Request) -> None:
        try:
            framegate.Proxy(request, **options)
        except Exception as error:
            raised.append(error)

    async with serving(handler) as server, raw.dialled(server.port) as client:
        client.send_raw(upgrade_request())
        await client.rest()
    assert raised, f"{options} raised nothing"
    return raised[0]


@pytest.mark.parametrize(("name", "wrong", "error"), WRONG_OPTIONS, ids=lambda value: str(value)[:40])
async def test_a_wrong_option_raises_at_once_and_names_itself(name: str, wrong: Any, error: type[Exception]) -> None:
    raised = await options_error(**{name: wrong})
    assert type(raised) is error
    assert name in str(raised)


async def test_a_word_that_no_size_option_knows_names_the_option() -> None:
    raised = await options_error(client_max_frame_size="unlimited")
    assert isinstance(raised, (TypeError, ValueError)) and "client_max_frame_size" in str(raised)


async def test_an_unknown_option_is_a_type_error_that_names_it() -> None:
    raised = await options_error(client_max_framesize=5)
    assert isinstance(raised, TypeError) and "client_max_framesize" in str(raised)


@pytest.mark.parametrize(
    "reading",
    [{"on_frame": lambda *args: args[2]}, {"aggregate_fragments": True}, {"validate_utf8": True}],
    ids=["hook", "aggregation", "validate_utf8"],
)
async def test_pass_is_refused_with_whatever_reads(reading: dict[str, Any]) -> None:
    raised = await options_error(compression="pass", **reading)
    assert isinstance(raised, ValueError) and "compression" in str(raised)


WRONG_LIMITS: list[tuple[str, Any, type[Exception]]] = [
    ("handshake_timeout", 0, ValueError),
    ("handshake_timeout", "1", TypeError),
    ("max_request_line", 0, ValueError),
    ("max_request_line", 1.5, TypeError),
    ("max_header_bytes", -1, ValueError),
    ("max_headers", True, TypeError),
    ("max_connections", 0, ValueError),
    ("max_connections", "1", TypeError),
    ("max_connections_per_address", 0, ValueError),
    ("max_pending_handshakes", 0, ValueError),
    ("drain_timeout", -1, ValueError),
    ("drain_window", -1, ValueError),
    ("drain_window", "1", TypeError),
    ("drain_code", 1006, ValueError),
    ("drain_code", 999, ValueError),
    ("drain_code", "1001", TypeError),
    ("no_such_limit", 1, TypeError),
]


@pytest.mark.parametrize(("name", "wrong", "error"), WRONG_LIMITS, ids=lambda value: str(value)[:40])
async def test_a_wrong_server_limit_raises_and_names_itself(name: str, wrong: Any, error: type[Exception]) -> None:
    async def handler(request: framegate.Request) -> None:
        raise AssertionError("nobody is served")

    with pytest.raises(error, match=name):
        async with framegate.serve(handler, "127.0.0.1", 0, **{name: wrong}):
            pass


async def test_a_handler_has_to_be_callable() -> None:
    with pytest.raises(TypeError, match="handler"):
        async with framegate.serve("nothing", "127.0.0.1", 0):  # type: ignore[arg-type]
            pass


@pytest.mark.parametrize("name", framegate.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(framegate, name) is not None


def test_the_errors_form_one_tree() -> None:
    tree = {
        framegate.PeerError: framegate.FramegateError,
        framegate.ProtocolError: framegate.PeerError,
        framegate.LimitExceeded: framegate.PeerError,
        framegate.HandshakeRefused: framegate.FramegateError,
        framegate.UpstreamUnavailable: framegate.FramegateError,
        framegate.UsageError: framegate.FramegateError,
        framegate.HookError: framegate.FramegateError,
        framegate.ConfigError: framegate.FramegateError,
        framegate.PDKError: framegate.FramegateError,
    }
    assert {child: child.__base__ for child in tree} == tree
    assert issubclass(framegate.FramegateError, Exception)
