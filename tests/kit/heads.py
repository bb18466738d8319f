"""HTTP/1.1 heads of the opening handshake, written and read by hand (RFC 6455, section 4)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import NamedTuple

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of RFC 6455, section 1.3."""

Headers = Iterable[tuple[str, str]]


def accept_for(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` that belongs to a key (RFC 6455, section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()


class Head(NamedTuple):
    """A start line and its header fields, in the order in which they came."""

    start: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, octets: bytes) -> Head:
        start, *lines = octets.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(start, tuple((name, value.strip(" \t")) for name, _, value in pairs))

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """The only value of a field, or None; a second one is a failure of the test."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} given {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def reason(self) -> str:
        return self.start.split(" ", 2)[2]

    @property
    def target(self) -> str:
        return self.start.split(" ")[1]


def lines(start: str, headers: Headers) -> bytes:
    return "\r\n".join([start, *(f"{name}: {value}" for name, value in headers), "", ""]).encode("latin-1")


def upgrade_request(
    target: str = "/",
    *,
    start: str | None = None,
    replace: dict[str, str | list[str] | None] | None = None,
    extra: Headers = (),
) -> bytes:
    """A right opening handshake, but for what the test asks to be wrong.

    Args:
        start: the whole request line, instead of ``GET target HTTP/1.1``.
        replace: other values for single fields; a list gives several, None leaves the field out.
        extra: further fields, at the end.
    """
    fields: dict[str, str | list[str] | None] = {
        "Host": "gateway.test",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    fields |= replace or {}
    pairs = [
        (name, one)
        for name, value in fields.items()
        if value is not None
        for one in ([value] if isinstance(value, str) else value)
    ]
    return lines(start or f"GET {target} HTTP/1.1", [*pairs, *extra])


def switching(request: Head, *, protocol: str | None = None, accept: str | None = None, extra: Headers = ()) -> bytes:
    """The 101 that belongs to a request, with its ``accept`` and more fields as the test wants them."""
    fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_for(request.get("Sec-WebSocket-Key") or "") if accept is None else accept),
    ]
    if protocol is not None:
        fields.append(("Sec-WebSocket-Protocol", protocol))
    return lines("HTTP/1.1 101 Switching Protocols", [*fields, *extra])


def response(status: str, body: bytes = b"", headers: Headers = ()) -> bytes:
    """A plain answer whose ``Content-Length`` is right."""
    return lines(f"HTTP/1.1 {status}", [*headers, ("Content-Length", str(len(body)))]) + body
