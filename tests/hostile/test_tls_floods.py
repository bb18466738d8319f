"""TLS handshakes that are never finished, or cut into crumbs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from framegate.transport.client_hello import MAX_RECORDS, Incomplete, server_name
from tests.hostile.kit import until_gone
from tests.kit import raw, tls
from tests.kit.frames import BINARY, CLOSE, frame
from tests.kit.gateway import serving
from tests.kit.handlers import Handler
from tests.kit.heads import upgrade_request


def crumbs(count: int, size: int) -> bytes:
    """A hello of 16 KiB that has come so far, in records of so many bytes."""
    body = b"\x01\x00\x3f\xff" + bytes(16 * 1024)
    return b"".join(
        b"\x16\x03\x01" + size.to_bytes(2, "big") + body[at * size : (at + 1) * size] for at in range(count)
    )


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_hello_in_more_than_32_records_is_taken_apart_no_further(size: int) -> None:
    with pytest.raises(Incomplete):
        server_name(crumbs(MAX_RECORDS - 1, size))
    assert server_name(crumbs(MAX_RECORDS, size)) is None
    assert server_name(crumbs(2500, size)) is None


async def test_who_says_nothing_in_tls_takes_the_places_of_its_own_address_only() -> None:
    limits = {"max_connections_per_address": 4, "handshake_timeout": 1}
    async with raw.raw_upstream(raw.polite) as origin, AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(Handler(origin.url), ssl=tls.server_context(), **limits))
        silent = [await stack.enter_async_context(raw.dialled(server.port)) for _ in range(20)]
        await asyncio.sleep(0.2)
        assert len(server._arrivals.tasks) == 4
        how = {"ssl": tls.client_context(), "server_hostname": "localhost", "local_addr": ("127.0.0.2", 0)}
        async with raw.connected(server.port, **how):
            pass
        await asyncio.gather(*(client.gone() for client in silent))
        await until_gone(server)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00", bytes(20_000), upgrade_request()], ids=range(4))
@pytest.mark.parametrize("how", ["half_close", "reset", "stay"])
async def test_a_tls_client_that_stops_short_is_gone_at_the_handshake_timeout(
    sent: bytes, how: str, loop_kind: str
) -> None:
    async with raw.raw_upstream() as origin:
        async with serving(Handler(origin.url), ssl=tls.server_context(), handshake_timeout=0.3) as server:
            async with raw.dialled(server.port) as client:
                client.send_raw(sent)
                await asyncio.sleep(0.02)
                if how != "stay":
                    getattr(client, how)()
                await client.gone(3)
            await until_gone(server, 3)
            assert origin.connections == 0


SAID = {
    "nothing": b"",
    "half of a header": frame(BINARY, b"x" * 300, mask=True)[:3],
    "half of a payload": frame(BINARY, b"x" * 300, mask=True)[:100],
    "half of a message": frame(BINARY, b"x", fin=False, mask=True),
    "a close frame": frame(CLOSE, b"\x03\xe8", mask=True),
    "a wrong frame": frame(BINARY, b"x", mask=False),
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
@pytest.mark.parametrize("how", ["close", "reset", "stay"])
async def test_a_tls_client_that_ends_in_any_state_ends_its_session_and_leaves_nothing(
    said: bytes, how: str, loop_kind: str
) -> None:
    short = {"lingering_timeout": 0.1, "lingering_time": 0.2, "idle_timeout": 0.3}
    tls_client = {"ssl": tls.client_context(), "server_hostname": "localhost"}
    async with raw.raw_upstream() as origin:
        async with serving(Handler(origin.url, short), ssl=tls.server_context()) as server:
            async with raw.connected(server.port, **tls_client) as client:
                upstream = await origin.accepted()
                client.send_raw(said)
                await asyncio.sleep(0.02)
                if how != "stay":
                    getattr(client, how)()
                await until_gone(server, 4)
                await asyncio.gather(upstream.gone(), client.gone())


async def test_a_request_that_drips_through_tls_is_408_at_the_same_deadline_as_the_tls_handshake() -> None:
    how = {"ssl": tls.client_context(), "server_hostname": "localhost"}
    async with raw.raw_upstream() as origin:
        async with serving(Handler(origin.url), ssl=tls.server_context(), handshake_timeout=0.5) as server:
            async with raw.dialled(server.port, **how) as client, asyncio.timeout(2):
                client.send_raw(upgrade_request()[:-2])
                assert (await client.recv_head()).status == 408
            await until_gone(server, 4)
