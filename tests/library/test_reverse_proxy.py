"""The ready handler: where a request goes, and over what."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import framegate
from tests.kit import heads, raw, tls
from tests.kit.frames import close, text
from tests.kit.gateway import serving
from tests.kit.heads import upgrade_request
from tests.kit.raw import RawPeer

pytestmark = pytest.mark.usefixtures("loop_kind")


@pytest.fixture
def short_dir() -> Iterator[str]:
    """A directory whose path leaves room for the name of a Unix socket (about 100 bytes in all)."""
    with tempfile.TemporaryDirectory(prefix="fg", dir="/tmp") as path:
        yield path


@asynccontextmanager
async def gateway(upstream: Any, **options: Any) -> AsyncIterator[framegate.Server]:
    """A reverse proxy on a port of 127.0.0.1; what is left at the end is soon aborted."""
    async with framegate.reverse_proxy(upstream, "127.0.0.1", 0, **options) as server:
        yield server
        await server.drain(timeout=0.05)


async def exchange(client: RawPeer, upstream: RawPeer) -> None:
    client.send(text("to the upstream"))
    assert await upstream.recv() == text("to the upstream")
    upstream.send(text("to the client"))
    assert await client.recv() == text("to the client")


async def status_of(server: framegate.Server, request: bytes | None = None) -> int:
    async with raw.dialled(server.port) as client:
        client.send_raw(request or upgrade_request())
        return (await client.recv_head()).status


async def test_a_reverse_proxy_needs_no_handler() -> None:
    async with raw.raw_upstream() as origin, gateway(origin.url) as server, raw.connected(server.port) as client:
        await exchange(client, await origin.accepted())


@pytest.mark.parametrize(
    ("base", "asked", "target"),
    [
        ("", "/", "/"),
        ("/", "/", "/"),
        ("", "/chat", "/chat"),
        ("/", "/chat", "/chat"),
        ("/api", "/chat", "/api/chat"),
        ("/api/", "/chat", "/api/chat"),
        ("/api", "/", "/api/"),
        ("/api/", "/", "/api/"),
        ("/api?v=1", "/chat?room=2", "/api/chat?v=1&room=2"),
        ("/api?v=1", "/chat", "/api/chat?v=1"),
        ("?v=1", "/?room=2", "/?v=1&room=2"),
        ("/api", "/chat?room=2&room=3", "/api/chat?room=2&room=3"),
        ("/a%2Fb", "/c%2fd/%C3%A9?q=%20+%2B", "/a%2Fb/c%2fd/%C3%A9?q=%20+%2B"),
        ("", "/a/../b/./c", "/a/../b/./c"),
        ("", "/a?b?c", "/a?b?c"),
        ("/api", "/a/", "/api/a/"),
    ],
)
async def test_paths_are_joined_by_one_slash_and_queries_by_an_ampersand(base: str, asked: str, target: str) -> None:
    async with raw.raw_upstream() as origin, gateway(origin.url + base) as server:
        async with raw.connected(server.port, asked):
            assert (await origin.accepted()).head.target == target


@pytest.mark.parametrize("style", ["sync", "async"])
async def test_the_upstream_may_depend_on_the_request(style: str) -> None:
    def choose(request: framegate.Request) -> str:
        return second.url if request.headers.get("X-Where") == "second" else first.url

    async def choose_later(request: framegate.Request) -> str:
        await asyncio.sleep(0.01)
        return choose(request)

    async with raw.raw_upstream() as first, raw.raw_upstream() as second:
        async with gateway(choose if style == "sync" else choose_later) as server:
            async with raw.connected(server.port) as client:
                await exchange(client, await first.accepted())
            async with raw.connected(server.port, extra=[("X-Where", "second")]) as client:
                await exchange(client, await second.accepted())


@pytest.mark.parametrize("result", [None, 5, "http://127.0.0.1:1", "nonsense"], ids=repr)
async def test_a_callable_that_gives_no_url_is_500(result: Any) -> None:
    async with gateway(lambda request: result) as server:
        assert await status_of(server) == 500


async def test_a_callable_that_raises_is_500() -> None:
    def fail(request: framegate.Request) -> str:
        raise LookupError("nowhere")

    async with gateway(fail) as server:
        assert await status_of(server) == 500


async def test_proxy_options_and_server_limits_are_given_by_name() -> None:
    def shout(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        return payload.upper()

    options = {"on_frame": shout, "client_max_frame_size": 5, "aggregate_fragments": True, "max_connections": 1}
    async with raw.raw_upstream() as origin, gateway(origin.url, **options) as server:
        async with raw.connected(server.port) as client:
            client.send(text("loud"))
            assert await (await origin.accepted()).recv() == text("LOUD")
            assert await status_of(server) == 503
            client.send(text("too long"))
            assert (await client.recv_close())[0] == 1009


@pytest.mark.parametrize("name", ["no_such_option", "on_frames", "max_conections", "recv_timeout_ms"])
async def test_an_unknown_option_is_a_type_error_that_names_it(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        async with gateway("ws://127.0.0.1:1", **{name: 1}):
            pass


@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"client_max_frame_size": 0}, ValueError, "client_max_frame_size"),
        ({"client_max_frame_size": "big"}, (TypeError, ValueError), "client_max_frame_size"),
        ({"on_frame": 5}, TypeError, "on_frame"),
        ({"max_connections": "many"}, TypeError, "max_connections"),
        ({"drain_code": 1005}, ValueError, "drain_code"),
        ({"lingering_timeout": 9, "lingering_time": 3}, ValueError, "lingering_time"),
    ],
    ids=repr,
)
async def test_a_wrong_option_raises_before_anything_listens(options: Any, error: Any, name: str) -> None:
    with pytest.raises(error, match=name):
        async with gateway("ws://127.0.0.1:1", **options):
            pass


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ws://a b/", "ws://u@h/", "ws://h/#f", "ws://h/\n", "nonsense"])
async def test_a_wrong_url_is_a_value_error_at_once(url: str) -> None:
    with pytest.raises(ValueError):
        async with gateway(url):
            pass


async def test_upstream_options_are_those_of_connect_upstream() -> None:
    options = {"headers": {"X-Ours": "1"}, "protocols": ["chat"], "http_origin": "https://ours.test"}
    async with raw.raw_upstream(raw.accept(protocol="chat")) as origin:
        async with gateway(origin.url, upstream_options=options) as server, raw.connected(server.port):
            head = (await origin.accepted()).head
            assert (head.get("X-Ours"), head.get("Sec-WebSocket-Protocol")) == ("1", "chat")
            assert head.get("Origin") == "https://ours.test"


@pytest.mark.parametrize("preserve", [False, True])
async def test_the_host_is_the_upstreams_unless_preserved(preserve: bool) -> None:
    async with raw.raw_upstream() as origin, gateway(origin.url, preserve_host=preserve) as server:
        async with raw.connected(server.port):
            expected = "gateway.test" if preserve else origin.authority
            assert (await origin.accepted()).head.get("Host") == expected


async def test_failures_of_the_upstream_have_the_statuses_of_the_library() -> None:
    async with gateway("ws://127.0.0.1:1") as server:
        assert await status_of(server) == 502
    async with raw.raw_upstream(raw.say_nothing) as origin, gateway(origin.url, connect_timeout=0.2) as server:
        assert await status_of(server) == 504
    async with raw.raw_upstream(raw.answer(heads.response("403 Forbidden"))) as origin, gateway(origin.url) as server:
        assert await status_of(server) == 403


# Unix sockets, and sockets of the user's own


async def test_both_sides_may_be_unix_sockets(short_dir: str) -> None:
    inner, outer = os.path.join(short_dir, "in"), os.path.join(short_dir, "out")
    async with raw.raw_upstream(unix_path=inner) as origin:
        options = {"upstream_options": {"unix_path": inner}}
        async with framegate.reverse_proxy("ws://upstream.test/x", unix_path=outer, **options):
            async with raw.connected(None, "/chat", unix_path=outer) as client:
                upstream = await origin.accepted()
                assert upstream.head.target == "/x/chat"
                assert upstream.head.get("Host") == "upstream.test"
                await exchange(client, upstream)
                client.send(close(1000))
                assert await upstream.recv() == close(1000)
                upstream.send(close(1000))
                assert await client.recv() == close(1000)
                await client.ended()
                upstream.close()


async def test_a_unix_socket_that_is_not_there_is_502(short_dir: str) -> None:
    options = {"upstream_options": {"unix_path": os.path.join(short_dir, "nobody")}}
    async with gateway("ws://upstream.test", **options) as server:
        assert await status_of(server) == 502


async def test_a_listening_socket_may_be_handed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with raw.raw_upstream() as origin, framegate.reverse_proxy(origin.url, sock=listener) as server:
            assert server.port == port
            async with raw.connected(port) as client:
                await exchange(client, await origin.accepted())
            await server.drain(timeout=0.05)


# TLS


async def test_the_clients_side_may_be_tls() -> None:
    async with raw.raw_upstream() as origin, gateway(origin.url, ssl=tls.server_context("gateway.test")) as server:
        how = {"ssl": tls.client_context(), "server_hostname": "gateway.test"}
        async with raw.connected(server.port, **how) as client:
            upstream = await origin.accepted()
            assert upstream.head.get("X-Forwarded-Proto") in ("https", "wss")
            await exchange(client, upstream)
            client.send(close(1000, "bye"))
            assert await upstream.recv() == close(1000, "bye")
            upstream.send(close(1000, "bye"))
            assert await client.recv() == close(1000, "bye")


async def test_a_wss_upstream_with_an_authority_of_our_own() -> None:
    async with raw.raw_upstream(ssl=tls.server_context()) as origin:
        async with gateway(origin.url, upstream_options={"ssl": tls.client_context()}) as server:
            async with raw.connected(server.port) as client:
                await exchange(client, await origin.accepted())


async def test_both_sides_may_be_tls_and_a_large_message_passes() -> None:
    async with raw.raw_upstream(ssl=tls.server_context()) as origin:
        options = {"ssl": tls.server_context(), "upstream_options": {"ssl": tls.client_context()}}
        async with gateway(origin.url, **options) as server:
            async with raw.connected(server.port, ssl=tls.client_context(), server_hostname="localhost") as client:
                upstream = await origin.accepted()
                for source, target in ((client, upstream), (upstream, client)):
                    source.send(text("x" * 3_000_000))
                    assert await target.recv(15) == text("x" * 3_000_000)


async def test_a_wss_upstream_is_verified_by_default() -> None:
    async with raw.raw_upstream(ssl=tls.server_context()) as origin, gateway(origin.url) as server:
        assert await status_of(server) == 502
        assert origin.connections == 0


@pytest.mark.parametrize(
    ("names", "trusted"), [(("127.0.0.1",), tls.stranger), (("other.test",), tls.authority)], ids=["authority", "name"]
)
async def test_a_certificate_that_does_not_fit_is_502(names: tuple[str, ...], trusted: Any) -> None:
    async with raw.raw_upstream(ssl=tls.server_context(*names)) as origin:
        async with gateway(origin.url, upstream_options={"ssl": tls.client_context(trusted())}) as server:
            assert await status_of(server) == 502
            assert origin.connections == 0


async def test_the_name_that_is_verified_and_sent_can_be_set() -> None:
    names: list[str | None] = []
    context = tls.server_context("inner.test")
    context.sni_callback = lambda connection, name, own: names.append(name)
    async with raw.raw_upstream(ssl=context) as origin:
        options = {"ssl": tls.client_context(), "server_hostname": "inner.test"}
        async with gateway(origin.url, upstream_options=options) as server, raw.connected(server.port) as client:
            await exchange(client, await origin.accepted())
    assert names == ["inner.test"]


async def test_the_urls_host_is_the_name_by_default() -> None:
    names: list[str | None] = []
    context = tls.server_context("localhost")
    context.sni_callback = lambda connection, name, own: names.append(name)
    async with raw.raw_upstream(ssl=context) as origin:
        options = {"ssl": tls.client_context()}
        async with gateway(f"wss://localhost:{origin.port}", upstream_options=options) as server:
            async with raw.connected(server.port):
                pass
    assert names == ["localhost"]


async def test_a_client_certificate_may_be_shown() -> None:
    context = tls.server_context(client_ca=tls.authority())
    async with raw.raw_upstream(ssl=context) as origin:
        with_one = {"ssl": tls.client_context(certificate="gateway.test")}
        async with gateway(origin.url, upstream_options=with_one) as server, raw.connected(server.port) as client:
            await exchange(client, await origin.accepted())
        async with gateway(origin.url, upstream_options={"ssl": tls.client_context()}) as server:
            assert await status_of(server) == 502


async def test_a_clients_certificate_is_told_to_the_handler() -> None:
    seen: list[Any] = []

    def note(request: framegate.Request) -> str:
        seen.append(request.tls)
        return origin.url

    context = tls.server_context("gateway.test", client_ca=tls.authority())
    async with raw.raw_upstream() as origin, gateway(note, ssl=context) as server:
        how = {"ssl": tls.client_context(certificate="client.test"), "server_hostname": "gateway.test"}
        async with raw.connected(server.port, **how):
            assert "client.test" in repr(seen[0])
        with pytest.raises((ssl.SSLError, OSError, EOFError)):
            async with raw.connected(server.port, ssl=tls.client_context(), server_hostname="gateway.test"):
                pass
    assert len(seen) == 1


async def test_an_end_of_tls_is_an_end_of_tcp() -> None:
    async with raw.raw_upstream(ssl=tls.server_context()) as origin:
        options = {"ssl": tls.server_context(), "upstream_options": {"ssl": tls.client_context()}}
        async with gateway(origin.url, **options) as server:
            how = {"ssl": tls.client_context(), "server_hostname": "localhost"}
            async with raw.connected(server.port, **how) as client:
                upstream = await origin.accepted()
                client.close()
                assert await upstream.recv_close() == (1001, "")
            async with raw.connected(server.port, **how) as client:
                (await origin.accepted()).close()
                assert await client.recv_close() == (1014, "upstream connection lost")


async def test_awaiting_gives_the_server_as_well() -> None:
    async with raw.raw_upstream() as origin:
        server = await framegate.reverse_proxy(origin.url, "127.0.0.1", 0)
        async with raw.connected(server.port) as client:
            await exchange(client, await origin.accepted())
        server.close()
        await server.drain(timeout=1)
        await server.wait_closed()


async def test_a_handler_may_do_the_same_by_hand() -> None:
    async def handler(request: framegate.Request) -> None:
        proxy = framegate.Proxy(request)
        await proxy.connect(origin.url + request.path, ssl=None)
        await proxy.execute()

    async with raw.raw_upstream() as origin, serving(handler) as server, raw.connected(server.port, "/x") as client:
        upstream = await origin.accepted()
        assert upstream.head.target == "/x"
        await exchange(client, upstream)


def parts_of_sessions() -> list[str]:
    names = ("Proxy", "Driver", "Session", "Lane", "Leg", "Conduit", "TcpTransport", "SessionRecord")
    return [type(thing).__name__ for thing in gc.get_objects() if type(thing).__name__ in names]


async def test_nothing_of_a_session_is_left_for_the_garbage_collector() -> None:
    def unchanged(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
        return payload

    async with raw.raw_upstream() as origin, gateway(origin.url, on_frame=unchanged) as server:
        gc.collect()
        before = parts_of_sessions()
        gc.disable()
        try:
            async with raw.connected(server.port) as client:
                upstream = await origin.accepted()
                await exchange(client, upstream)
                assert len(parts_of_sessions()) > len(before)
                client.send(close(1000))
                assert await upstream.recv() == close(1000)
                upstream.send(close(1000))
                assert await client.recv() == close(1000)
            upstream.close()
            async with asyncio.timeout(3):
                while server.sessions:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.01)
            assert parts_of_sessions() == before
        finally:
            gc.enable()
