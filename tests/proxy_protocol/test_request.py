"""What a handler learns of a client that comes by a proxy."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest

import framegate
from framegate.options import ServerLimits
from framegate.proxy_protocol import AUTHORITY, SSL, TLVs, write_header
from framegate.request import TLSInfo
from framegate.server import serving
from tests.kit import heads, raw

CLIENT, PLACE = ("192.0.2.7", 4711), ("198.51.100.1", 443)


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


async def seen(header: bytes) -> tuple[Any, TLSInfo | None]:
    """``client`` and ``tls`` of the request behind a header."""
    request: asyncio.Future[framegate.Request] = asyncio.get_running_loop().create_future()

    async def handler(incoming: framegate.Request) -> None:
        request.set_result(incoming)
        await incoming.reject(403)

    async with serving(handler, ServerLimits.of(), None, lambda peer: True, host="127.0.0.1", port=0) as server:
        async with raw.dialled(server.port) as client:
            client.send_raw(header + heads.upgrade_request())
            assert (await client.recv_head()).status == 403
        found = await request
        return found.client, found.tls


def ended(client: int, verify: int, *inner: bytes) -> TLVs:
    return ((AUTHORITY, b"chat.test"), (SSL, struct.pack("!BI", client, verify) + b"".join(inner)))


async def test_the_told_address_is_the_clients(loop_kind: str) -> None:
    assert await seen(write_header(2, CLIENT, PLACE)) == (CLIENT, None)


async def test_the_tls_that_the_proxy_has_ended_is_the_clients() -> None:
    said = ended(1, 0, tlv(0x21, b"TLSv1.3"))
    assert await seen(write_header(2, CLIENT, PLACE, said)) == (CLIENT, TLSInfo("TLSv1.3", "chat.test", None))


@pytest.mark.parametrize(("verify", "shown"), [(0, True), (10, False)], ids=["verified", "not verified"])
async def test_a_certificate_counts_where_the_proxy_has_verified_it(verify: int, shown: bool) -> None:
    said = ended(0x07, verify, tlv(0x22, b"kiosk"))
    _, tls = await seen(write_header(2, CLIENT, PLACE, said))
    certificate = {"subject": ((("commonName", "kiosk"),),)} if shown else None
    assert tls == TLSInfo(None, "chat.test", certificate)
