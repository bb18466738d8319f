"""TLS with upstreams: the name and the version that a service asks for, and what the log says where it fails."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.config.files import complaint
from tests.gateway.issuing import Leaf, issued
from tests.kit import tls
from tests.kit.served import Served, served

AUTHORITY = "2f0b8c0a-32d2-4f2c-9a56-0d6c0a0b8f01"


def showing(folder: Path, leaf: Leaf) -> ssl.SSLContext:
    """An upstream's context."""
    files = leaf.files(folder, "upstream")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / files["cert"], folder / files["key"])
    return context


@asynccontextmanager
async def before(folder: Path, context: ssl.SSLContext, **service: Any) -> AsyncIterator[Served]:
    """A gateway in front of an upstream, whose authority its service trusts."""
    entity = {"id": AUTHORITY, "cert": tls.authority().cert_pem.bytes().decode()}
    service.setdefault("ca_certificates", [AUTHORITY])
    async with served(folder, origin={"ssl": context}, service=service, ca_certificates=[entity]) as gate:
        yield gate


async def failure(gate: Served, caplog: pytest.LogCaptureFixture) -> str:
    """What the log says of an upstream that is not reached; the client is told nothing of it."""
    caplog.clear()
    head, body = await gate.asked()
    assert head.status == 502 and b"ertificate" not in body
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.startswith(f"upstream 127.0.0.1:{gate.origin.port} is not reachable: ")
    return line


async def test_a_service_may_name_the_server_that_it_wants(tmp_path: Path, loop_kind: str) -> None:
    asked: list[str | None] = []
    context = showing(tmp_path, issued("chat.internal"))
    context.sni_callback = lambda sock, name, own: asked.append(name)
    async with before(tmp_path, context, tls_server_name="chat.internal") as gate:
        head = await gate.upstream_head()
        assert asked == ["chat.internal"]
        assert head.get("Host") == gate.origin.authority


async def test_that_name_is_what_is_verified(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context = showing(tmp_path, issued("127.0.0.1", common_name="chat"))
    async with before(tmp_path, context, tls_server_name="chat.internal") as gate:
        said = await failure(gate, caplog)
    assert "Hostname mismatch, certificate is not valid for 'chat.internal'" in said
    assert "the certificate is of " in said and "CN=chat" in said


async def test_a_service_may_demand_a_version(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context = showing(tmp_path, issued("127.0.0.1"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with before(tmp_path, context) as gate:
        await gate.serves_on()
    async with before(tmp_path, context, tls_min_version="TLSv1.3") as gate:
        await failure(gate, caplog)


async def test_an_expired_certificate_is_told_with_its_subject_and_the_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, loop_kind: str
) -> None:
    context = showing(tmp_path, issued("127.0.0.1", common_name="chat", days=-1))
    async with before(tmp_path, context) as gate:
        said = await failure(gate, caplog)
    assert "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired; " in said
    assert "CN=chat" in said and ", issued by " in said and "_ssl.c" not in said


async def test_a_certificate_of_a_stranger_is_told_likewise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context = showing(tmp_path, issued("127.0.0.1", ca=tls.stranger(), common_name="intruder"))
    async with before(tmp_path, context) as gate:
        said = await failure(gate, caplog)
    assert "unable to get local issuer certificate" in said and "CN=intruder" in said


async def test_an_upstream_that_cannot_be_verified_for_want_of_an_authority_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context = showing(tmp_path, issued("127.0.0.1", common_name="chat"))
    async with before(tmp_path, context, ca_certificates=[]) as gate:
        said = await failure(gate, caplog)
    assert "CERTIFICATE_VERIFY_FAILED" in said and "CN=chat" in said


async def test_without_verification_none_of_this_counts(tmp_path: Path) -> None:
    context = showing(tmp_path, issued("elsewhere.test", ca=tls.stranger(), days=-1))
    async with before(tmp_path, context, tls_verify=False, ca_certificates=[]) as gate:
        await gate.serves_on()


@pytest.mark.parametrize("field", ["tls_server_name: a.test", "tls_min_version: TLSv1.3"])
def test_a_service_without_tls_has_no_use_for_them(field: str, tmp_path: Path) -> None:
    name, _, _ = field.partition(":")
    said = complaint(tmp_path, f"services:\n- url: ws://127.0.0.1:1/\n  {field}\n")
    assert said == f"4: services[0].{name}: needs the protocol wss (write wss, or take {name} out)"
