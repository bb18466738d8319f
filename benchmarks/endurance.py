"""`python -m benchmarks.endurance`: what framegate keeps of very many sessions, and of one very large message.

Fails when memory or descriptors grow beyond a bound that has room for an allocator's habits and for nothing else.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import socket
import sys
import tempfile
import threading
import time
from io import BufferedReader
from pathlib import Path

from . import cpu, load, native
from .errors import BenchmarkError
from .peers import framegate, upstreams
from .peers.kinds import Peer, Site
from .scenarios import parse_size

MIB = 1024 * 1024
WARM_UP_SESSIONS = 5000
SETTLING_SECONDS = 1.0
MAX_GROWTH_MIB = 4.0
MAX_STREAMING_MIB = 8.0
CHUNK = 256 * 1024
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000, help="sessions in sequence (default: 100000)")
    parser.add_argument("--message", type=parse_size, default=1024 * MIB, help="size of the message (default: 1024m)")
    arguments = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="framegate-endurance-") as folder:
            sessions(arguments.sessions, Path(folder))
            message(arguments.message, Path(folder))
    except BenchmarkError as error:
        print(f"endurance: {error}", file=sys.stderr)
        return 1
    return 0


def sessions(count: int, folder: Path) -> None:
    """Sessions in sequence, eight at a time: each opens, has one echo and closes."""
    upstream = upstreams.start_echo(folder)
    try:
        proxy = framegate.proxy("unchanged")("framegate", _site(upstream.port, folder / "sessions"))
        try:
            load.measure_setup(proxy, upstream, 8, WARM_UP_SESSIONS)
            before = _kept(proxy)
            done = 0
            while done < count:
                batch = min(10_000, count - done)
                load.measure_setup(proxy, upstream, 8, batch)
                done += batch
            after = _kept(proxy)
        finally:
            proxy.stop()
    finally:
        upstream.stop()
    growth = after[0] - before[0]
    print(f"{count:,} sessions: RSS {before[0]:.1f} -> {after[0]:.1f} MiB, descriptors {before[1]} -> {after[1]}")
    if growth > MAX_GROWTH_MIB or after[1] > before[1]:
        raise BenchmarkError(f"{count:,} sessions left {growth:.1f} MiB and {after[1] - before[1]} descriptors behind")


def message(size: int, folder: Path) -> None:
    """One message in one frame, which nothing reads on its way, arrives whole and is never held."""
    with Sink() as sink:
        proxy = framegate.proxy()("framegate", _site(sink.port, folder / "message"))
        try:
            with _opened(proxy.port) as client:
                _send(client, bytes(CHUNK), CHUNK)
                before = _peak(proxy)
                digest = _send(client, os.urandom(CHUNK), size)
                sink.wait()
                after = _peak(proxy)
        finally:
            proxy.stop()
    growth = after - before
    print(f"{size / MIB:,.0f} MiB in one frame: peak RSS {before:.1f} -> {after:.1f} MiB")
    if sink.digests[-1] != digest:
        raise BenchmarkError("what arrived is not what was sent")
    if growth > MAX_STREAMING_MIB:
        raise BenchmarkError(f"a message of {size / MIB:,.0f} MiB took {growth:.1f} MiB of memory")


class Sink:
    """An upstream that takes one connection, and digests two binary messages of one frame each."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.digests: list[str] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Sink:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.close()

    def wait(self) -> None:
        self._thread.join(600)
        if self._thread.is_alive() or len(self.digests) != 2:
            raise BenchmarkError("the message did not arrive within 600 s")

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rb", buffering=CHUNK) as stream:
            key = b""
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"sec-websocket-key":
                    key = value.strip()
            connection.sendall(_switching(key))
            for _ in range(2):
                self.digests.append(_digested(stream))


def _switching(key: bytes) -> bytes:
    accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    return b"\r\n".join([*lines, b"Sec-WebSocket-Accept: " + accept, b"", b""])


def _digested(stream: BufferedReader) -> str:
    # The mask key of _send is zero, so that the payload stands in the frame as it is.
    head = stream.read(14)
    left, digest = int.from_bytes(head[2:10], "big"), hashlib.blake2b()
    while left:
        data = stream.read(min(CHUNK, left))
        if not data:
            return "ended early"
        digest.update(data)
        left -= len(data)
    return digest.hexdigest()


def _opened(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(
        b"GET / HTTP/1.1\r\nHost: sink\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: " + KEY + b"\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += client.recv(1)
    if not answer.startswith(b"HTTP/1.1 101"):
        raise BenchmarkError(f"no 101: {answer.splitlines()[0]!r}")
    return client


def _send(client: socket.socket, pattern: bytes, size: int) -> str:
    """A masked binary frame (RFC 6455, section 5.2) with a key of zeros; returns the payload's digest."""
    digest = hashlib.blake2b()
    client.sendall(b"\x82\xff" + size.to_bytes(8, "big") + bytes(4))
    left = size
    while left:
        part = pattern[: min(len(pattern), left)]
        client.sendall(part)
        digest.update(part)
        left -= len(part)
    return digest.hexdigest()


def _site(upstream_port: int, folder: Path) -> Site:
    folder.mkdir()
    return Site(upstream_port, folder)


def _kept(peer: Peer) -> tuple[float, int]:
    assert peer.server is not None
    # The last sessions' sockets are still being closed.
    time.sleep(SETTLING_SECONDS)
    return cpu.resident_kib(peer.server.pid) / 1024, len(os.listdir(f"/proc/{peer.server.pid}/fd"))


def _peak(peer: Peer) -> float:
    assert peer.server is not None
    status = Path(f"/proc/{peer.server.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    for program in ("load", "echo"):
        native.program(program)
    sys.exit(main())
