"""The small HTTP server: what it answers, and what it does not wait for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from framegate.listeners import open_listeners
from framegate.observe import http
from framegate.observe.http import Answer, Asked, HttpServer


async def echoing(asked: Asked) -> Answer:
    if asked.path == "/broken":
        raise RuntimeError("broken")
    return Answer(200, f"{asked.method} {asked.path} ".encode() + asked.body)


@asynccontextmanager
async def answering(path: str | None = None) -> AsyncIterator[HttpServer]:
    place = (None, None, path) if path else ("127.0.0.1", 0, None)
    server = HttpServer(await open_listeners(*place, None), echoing)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def dialled(server: HttpServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(server.address.rpartition(":")[2]))


async def said(server: HttpServer, request: bytes) -> bytes:
    """Everything that comes back."""
    reader, writer = await dialled(server)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def request(line: str, *fields: str, body: bytes = b"") -> bytes:
    return "".join(f"{text}\r\n" for text in (f"{line} HTTP/1.1", "Host: x", *fields, "")).encode() + body


async def test_a_request_is_answered_and_the_connection_ends() -> None:
    async with answering() as server:
        answer = await said(server, request("GET /x?y=1"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in head and b"Content-Length: 7" in head
    assert body == b"GET /x "


async def test_head_has_everything_but_the_body() -> None:
    async with answering() as server:
        answer = await said(server, request("HEAD /x"))
    assert b"Content-Length: 7\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_a_body_may_come_in_pieces() -> None:
    async with answering() as server:
        reader, writer = await dialled(server)
        whole = request("PUT /x", "Content-Length: 5", body=b"hello")
        for index in range(len(whole)):
            writer.write(whole[index : index + 1])
            await writer.drain()
        assert (await reader.read()).endswith(b"PUT /x hello")
        writer.close()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (request("GET /" + "x" * 3000), 414),
        (request("GET /", *(f"X-{number}: 1" for number in range(70))), 431),
        (request("GET /", "X: " + "x" * 20_000), 431),
        (request("PUT /", f"Content-Length: {http.MAX_BODY + 1}"), 413),
        (request("PUT /", "Content-Length: many"), 400),
        (request("PUT /", "Content-Length: 1", "Content-Length: 2"), 400),
        (request("PUT /", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 411),
    ],
)
async def test_what_breaks_a_rule_is_told_so(asked: bytes, status: int) -> None:
    async with answering() as server:
        assert (await said(server, asked)).startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_body_of_exactly_the_limit_passes() -> None:
    async with answering() as server:
        answer = await said(server, request("PUT /", f"Content-Length: {http.MAX_BODY}", body=b"x" * http.MAX_BODY))
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_who_is_slow_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "REQUEST_TIMEOUT", 0.05)
    async with answering() as server:
        assert (await said(server, b"GET / HT")).startswith(b"HTTP/1.1 408 ")


async def test_a_fault_of_ours_is_told_without_detail(caplog: pytest.LogCaptureFixture) -> None:
    async with answering() as server:
        answer = await said(server, request("GET /broken"))
    assert answer.startswith(b"HTTP/1.1 500 ") and b"RuntimeError" not in answer
    assert "GET /broken failed" in caplog.text


async def test_more_than_so_many_at_one_time_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_CONNECTIONS", 2)
    async with answering() as server:
        silent = [await dialled(server) for _ in range(2)]
        while len(server._talking) < 2:
            await asyncio.sleep(0.002)
        reader, writer = await dialled(server)
        with pytest.raises(ConnectionError):
            writer.write(request("GET /"))
            assert not await reader.read(), "it was answered"
            raise ConnectionResetError
        for _, left in (*silent, (reader, writer)):
            left.close()
        while server._talking:
            await asyncio.sleep(0.002)
        assert (await said(server, request("GET /"))).startswith(b"HTTP/1.1 200 ")


async def test_it_serves_on_a_unix_socket_whose_file_goes_with_it(tmp_path: Path) -> None:
    path = str(tmp_path / "status")
    async with answering(path) as server:
        assert server.address == f"unix:{path}"
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request("GET /u"))
        assert (await reader.read()).endswith(b"GET /u ")
        writer.close()
    assert not (tmp_path / "status").exists()


async def test_who_is_being_waited_for_holds_up_no_end() -> None:
    async with asyncio.timeout(5), answering() as server:
        port = int(server.address.rpartition(":")[2])
        _, writer = await dialled(server)
        while not server._talking:
            await asyncio.sleep(0.002)
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
