"""The certificate of a client, where the server's context asks for one."""

from __future__ import annotations

import asyncio
import ssl

import pytest

import framegate
from framegate.request import TLSInfo
from tests.kit import heads, raw, tls


async def seen(server: ssl.SSLContext, client: ssl.SSLContext) -> TLSInfo | None:
    """``tls`` of the request of this client."""
    request: asyncio.Future[TLSInfo | None] = asyncio.get_running_loop().create_future()

    async def handler(incoming: framegate.Request) -> None:
        request.set_result(incoming.tls)
        await incoming.reject(403)

    async with framegate.serve(handler, "127.0.0.1", 0, ssl=server) as running:
        async with raw.dialled(running.port, ssl=client, server_hostname="localhost") as peer:
            peer.send_raw(heads.upgrade_request())
            assert (await peer.recv_head()).status == 403
        return await request


async def test_a_certificate_that_was_asked_for_is_shown_to_the_handler(loop_kind: str) -> None:
    info = await seen(tls.server_context(client_ca=tls.authority()), tls.client_context(certificate="kiosk.test"))
    assert info is not None and info.peer_certificate is not None
    assert (info.version, info.sni) == ("TLSv1.3", "localhost")
    assert info.peer_certificate["subjectAltName"] == (("DNS", "kiosk.test"),)


async def test_one_that_was_not_asked_for_is_not(loop_kind: str) -> None:
    info = await seen(tls.server_context(), tls.client_context(certificate="kiosk.test"))
    assert info is not None and info.peer_certificate is None


async def test_a_client_without_one_is_not_served(loop_kind: str) -> None:
    with pytest.raises((OSError, EOFError)):
        await seen(tls.server_context(client_ca=tls.authority()), tls.client_context())
