"""TLS with upstreams: they are verified unless the file says otherwise, and shown a certificate where it names one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.kit import raw, tls
from tests.kit.raw import RawPeer
from tests.kit.served import Served, served

AUTHORITY = "2f0b8c0a-32d2-4f2c-9a56-0d6c0a0b8f01"
STRANGER = "2f0b8c0a-32d2-4f2c-9a56-0d6c0a0b8f02"
OURS = "2f0b8c0a-32d2-4f2c-9a56-0d6c0a0b8f03"


def authorities() -> list[dict[str, Any]]:
    pairs = ((AUTHORITY, tls.authority()), (STRANGER, tls.stranger()))
    return [{"id": name, "cert": ca.cert_pem.bytes().decode()} for name, ca in pairs]


def own_certificate(ca: trustme.CA | None = None) -> dict[str, Any]:
    """What upstreams are shown."""
    leaf = (ca or tls.authority()).issue_cert("gateway.test")
    chain = "".join(blob.bytes().decode() for blob in leaf.cert_chain_pems)
    return {"id": OURS, "cert": chain, "key": leaf.private_key_pem.bytes().decode()}


@asynccontextmanager
async def before(
    folder: Path, *, context: ssl.SSLContext | None = None, **more: Any
) -> AsyncIterator[Served]:
    """A gateway in front of an upstream with TLS; by default with a certificate for localhost and 127.0.0.1."""
    origin = {"ssl": context or tls.server_context()}
    more.setdefault("ca_certificates", authorities())
    async with served(folder, origin=origin, **more) as gate:
        yield gate


async def is_502(gate: Served) -> None:
    head, _ = await gate.asked()
    assert head.status == 502


def shown_by_us(peer: RawPeer) -> list[str]:
    certificate = peer._writer.get_extra_info("ssl_object").getpeercert() or {"subjectAltName": ()}
    return [value for _, value in certificate["subjectAltName"]]


async def test_an_upstream_is_verified_by_default(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with before(tmp_path) as gate:
        await is_502(gate)
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


async def test_an_upstream_that_an_authority_of_the_file_vouches_for_is_served(tmp_path: Path) -> None:
    async with before(tmp_path, service={"ca_certificates": [AUTHORITY]}) as gate:
        await gate.serves_on()
        head = await gate.upstream_head()
        assert head.get("Host") == gate.origin.authority


async def test_another_authority_does_not_vouch_for_it(tmp_path: Path) -> None:
    async with before(tmp_path, service={"ca_certificates": [STRANGER]}) as gate:
        await is_502(gate)


async def test_an_upstream_with_another_name_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context = tls.server_context("elsewhere.test")
    async with before(tmp_path, context=context, service={"ca_certificates": [AUTHORITY]}) as gate:
        await is_502(gate)
        assert "IP address mismatch" in caplog.text


@pytest.mark.parametrize("verify", [True, False])
async def test_verification_may_be_said(verify: bool, tmp_path: Path) -> None:
    async with before(tmp_path, service={"tls_verify": verify}) as gate:
        await (is_502(gate) if verify else gate.serves_on())


async def test_an_upstream_without_tls_is_502(tmp_path: Path) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with served(tmp_path, service={"protocol": "wss", "port": port}) as gate:
            await is_502(gate)


async def test_an_upstream_by_name_is_asked_for_that_name(tmp_path: Path) -> None:
    asked: list[str | None] = []
    context = tls.server_context("localhost")
    context.sni_callback = lambda sock, name, own: asked.append(name)  # type: ignore[assignment]
    service = {"host": "localhost", "ca_certificates": [AUTHORITY]}
    async with before(tmp_path, context=context, service=service) as gate:
        await gate.serves_on()
        assert asked == ["localhost"]


async def test_a_targets_name_is_what_host_header_says(tmp_path: Path) -> None:
    context = tls.server_context("chat.internal")
    service = {"host": "pool", "protocol": "wss", "ca_certificates": [AUTHORITY]}
    async with raw.raw_upstream(ssl=context) as target:
        pool: dict[str, Any] = {"name": "pool", "targets": [{"target": target.authority}]}
        how: dict[str, Any] = {"service": service, "ca_certificates": authorities()}
        async with served(tmp_path, upstreams=[{**pool, "host_header": "chat.internal"}], **how) as gate:
            head = await gate.upstream_head(upstream=target)
            assert head.get("Host") == "chat.internal"
        async with served(tmp_path, upstreams=[pool], **how) as gate:
            await is_502(gate)


# What the upstream is shown


async def test_an_upstream_that_asks_for_a_certificate_is_shown_the_services(tmp_path: Path) -> None:
    context = tls.server_context(client_ca=tls.authority())
    service = {"ca_certificates": [AUTHORITY], "client_certificate": OURS}
    async with before(tmp_path, context=context, service=service, certificates=[own_certificate()]) as gate:
        async with gate.talk() as talk:
            assert shown_by_us(talk.upstream) == ["gateway.test"]


async def test_an_upstream_that_does_not_ask_is_shown_none(tmp_path: Path) -> None:
    service = {"ca_certificates": [AUTHORITY], "client_certificate": OURS}
    async with before(tmp_path, service=service, certificates=[own_certificate()]) as gate:
        async with gate.talk() as talk:
            assert shown_by_us(talk.upstream) == []


async def test_an_upstream_that_wants_a_certificate_gets_none_by_default(tmp_path: Path) -> None:
    context = tls.server_context(client_ca=tls.authority())
    async with before(tmp_path, context=context, service={"ca_certificates": [AUTHORITY]}) as gate:
        await is_502(gate)


async def test_a_certificate_that_the_upstream_does_not_trust_is_502(tmp_path: Path) -> None:
    context = tls.server_context(client_ca=tls.authority())
    service = {"ca_certificates": [AUTHORITY], "client_certificate": OURS}
    foreign = [own_certificate(tls.stranger())]
    async with before(tmp_path, context=context, service=service, certificates=foreign) as gate:
        await is_502(gate)


async def test_an_upstream_entity_may_have_a_certificate_of_its_own(tmp_path: Path) -> None:
    context = tls.server_context(client_ca=tls.authority())
    service = {"host": "pool", "protocol": "wss", "ca_certificates": [AUTHORITY]}
    async with raw.raw_upstream(ssl=context) as target:
        pool = {"name": "pool", "targets": [{"target": target.authority}], "client_certificate": OURS}
        how: dict[str, Any] = {"ca_certificates": authorities(), "certificates": [own_certificate()]}
        async with served(tmp_path, service=service, upstreams=[pool], **how) as gate:
            async with gate.talk(upstream=target) as talk:
                assert shown_by_us(talk.upstream) == ["gateway.test"]


async def test_the_services_certificate_counts_before_the_upstream_entitys(tmp_path: Path) -> None:
    context = tls.server_context(client_ca=tls.authority())
    other = {**own_certificate(tls.stranger()), "id": STRANGER}
    service = {"host": "pool", "protocol": "wss", "ca_certificates": [AUTHORITY], "client_certificate": OURS}
    async with raw.raw_upstream(ssl=context) as target:
        pool = {"name": "pool", "targets": [{"target": target.authority}], "client_certificate": STRANGER}
        how: dict[str, Any] = {"ca_certificates": authorities(), "certificates": [own_certificate(), other]}
        async with served(tmp_path, service=service, upstreams=[pool], **how) as gate:
            async with gate.talk(upstream=target) as talk:
                assert shown_by_us(talk.upstream) == ["gateway.test"]
