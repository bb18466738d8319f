"""The hooks that framegate is measured with. Loaded by path, so nothing is imported from here."""

from __future__ import annotations


def unchanged(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    """Read every frame and change none."""
    return payload


def edit(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    """Change every message, in both directions: its last byte becomes a Z, which the load generator looks for."""
    if typ in ("close", "ping", "pong"):
        return payload
    return payload[:-1] + b"Z"


async def unchanged_async(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    """The same as `unchanged`, awaited frame by frame."""
    return payload
