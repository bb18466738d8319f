"""Clients that have to show a certificate: who is served, what plugins learn, and what the log says of the others."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.gateway.issuing import issued, revoking
from tests.kit import raw, tls
from tests.kit.frames import text
from tests.kit.served import Served, plugin, served

SEEING = {
    "seeing": plugin(
        ws_handshake="""
        shown = kong.client.tls.get_client_certificate()
        chain = kong.client.tls.get_full_client_certificate_chain()
        note(shown and dict(part for parts in shown["subject"] for part in parts).get("commonName"))
        note(chain and chain.count("BEGIN CERTIFICATE"))
        """
    )
}


def demanding(folder: Path, *, ca: trustme.CA | None = None, **more: Any) -> dict[str, Any]:
    """A listener that asks for certificates of the tests' authority."""
    (folder / "clients.pem").write_bytes((ca or tls.authority()).cert_pem.bytes())
    rules = {**issued("localhost", "127.0.0.1").files(folder), "client_ca": "clients.pem", **more}
    return {"gateway": {"listen": [{"address": "127.0.0.1:0", "tls": rules}]}}


async def serves(gate: Served, context: ssl.SSLContext) -> None:
    """A client is let in, and what it says comes through."""
    async with raw.connected(gate.port, ssl=context, server_hostname="localhost") as client:
        upstream = await gate.origin.accepted()
        client.send(text("hello"))
        assert await upstream.recv() == text("hello")
        await upstream.release()
    await gate.idle()


async def refuses(gate: Served, context: ssl.SSLContext) -> None:
    """A client gets no TLS; with TLS 1.3 it may learn that after its own end of the handshake."""
    with pytest.raises((OSError, EOFError)):
        async with raw.connected(gate.port, ssl=context, server_hostname="localhost"):
            pass
    await gate.idle()


def refusal(caplog: pytest.LogCaptureFixture) -> str:
    """The one line about a client whose TLS failed."""
    (line,) = [record.getMessage() for record in caplog.records if "TLS with" in record.getMessage()]
    return line


async def test_a_client_with_a_certificate_is_served_and_plugins_see_it(tmp_path: Path, loop_kind: str) -> None:
    kiosk = issued("kiosk.test", common_name="kiosk")
    async with served(tmp_path, SEEING, **demanding(tmp_path)) as gate:
        await serves(gate, kiosk.context(tmp_path))
        # OpenSSL sends the authority along where it knows it.
        assert gate.notes == ["kiosk", 2]


async def test_plugins_see_the_whole_chain_and_all_phases_do(tmp_path: Path) -> None:
    between = tls.authority().create_child_ca()
    kiosk = issued("kiosk.test", ca=between, common_name="kiosk")
    chains = plugin(
        certificate="attempt(kong.client.tls.get_full_client_certificate_chain)",
        rewrite="note(kong.client.tls.get_full_client_certificate_chain().count('BEGIN'))",
        ws_client_frame="note(kong.client.tls.get_full_client_certificate_chain().count('BEGIN'))",
        ws_close="note(kong.client.tls.get_full_client_certificate_chain().count('BEGIN'))",
    )
    async with served(tmp_path, {"chains": chains}, **demanding(tmp_path)) as gate:
        await serves(gate, kiosk.context(tmp_path))
        assert gate.notes[0].startswith("kong.client.tls.get_full_client_certificate_chain may be called in rewrite")
        assert gate.notes[1:] == [2, 2, 2]


async def test_a_client_without_one_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, loop_kind: str
) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **demanding(tmp_path)) as gate:
            await refuses(gate, tls.client_context())
    assert "127.0.0.1" in refusal(caplog) and "peer did not return a certificate" in refusal(caplog)


async def test_where_it_is_optional_a_client_without_one_is_served(tmp_path: Path) -> None:
    async with served(tmp_path, SEEING, **demanding(tmp_path, verify_client="optional")) as gate:
        await serves(gate, tls.client_context())
        assert gate.notes == [None, None]


async def test_a_listener_that_does_not_ask_sees_none(tmp_path: Path) -> None:
    async with served(tmp_path, SEEING, secure=True) as gate:
        await serves(gate, issued("kiosk.test").context(tmp_path))
        assert gate.notes == [None, None]


VERSIONS = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"]
)


@VERSIONS
@pytest.mark.parametrize("rule", ["required", "optional"])
async def test_an_expired_one_is_refused_with_subject_and_reason(
    version: ssl.TLSVersion, rule: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, loop_kind: str
) -> None:
    context = issued("kiosk.test", common_name="kiosk", days=-1).context(tmp_path)
    context.maximum_version = version
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **demanding(tmp_path, verify_client=rule)) as gate:
            await refuses(gate, context)
            await serves(gate, issued("kiosk.test").context(tmp_path))
    assert "certificate has expired" in refusal(caplog)
    assert "the certificate is of CN=kiosk" in refusal(caplog) and "issued by " in refusal(caplog)


@VERSIONS
async def test_one_of_another_authority_is_refused_with_subject_and_reason(
    version: ssl.TLSVersion, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context = issued("kiosk.test", ca=tls.stranger(), common_name="intruder").context(tmp_path)
    context.maximum_version = version
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **demanding(tmp_path)) as gate:
            await refuses(gate, context)
    assert "unable to get local issuer certificate" in refusal(caplog)
    assert "the certificate is of CN=intruder" in refusal(caplog)


async def test_a_revoked_one_is_refused_and_the_others_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost, kept = issued("lost.test", common_name="lost"), issued("kept.test", common_name="kept")
    (tmp_path / "revoked.pem").write_text(revoking(tls.authority(), lost))
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **demanding(tmp_path, client_crl="revoked.pem")) as gate:
            await serves(gate, kept.context(tmp_path, "kept"))
            await refuses(gate, lost.context(tmp_path, "lost"))
    assert "certificate revoked; the certificate is of CN=lost" in refusal(caplog)


async def test_a_list_that_has_expired_refuses_everybody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "revoked.pem").write_text(revoking(tls.authority(), days=-1))
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **demanding(tmp_path, client_crl="revoked.pem")) as gate:
            await refuses(gate, issued("kiosk.test").context(tmp_path))
    assert "CRL has expired" in refusal(caplog)


async def test_a_subject_without_a_name_is_told_by_what_it_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **demanding(tmp_path, ca=tls.stranger())) as gate:
            await refuses(gate, issued("kiosk.test").context(tmp_path))
    assert "the certificate is of OU=Testing cert" in refusal(caplog)


async def test_certificates_of_server_names_ask_likewise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = issued("localhost")
    entity = {"cert": own.chain, "key": own.key, "snis": [{"name": "*"}]}
    (tmp_path / "clients.pem").write_bytes(tls.authority().cert_pem.bytes())
    listen = {"address": "127.0.0.1:0", "tls": {"client_ca": "clients.pem"}}
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, SEEING, gateway={"listen": [listen]}, certificates=[entity]) as gate:
            await refuses(gate, tls.client_context())
            await serves(gate, issued("kiosk.test", common_name="kiosk").context(tmp_path))
            assert gate.notes == ["kiosk", 2]


async def test_a_session_goes_on_over_many_records(tmp_path: Path, loop_kind: str) -> None:
    """What listens to the handshake is gone behind it."""
    async with served(tmp_path, **demanding(tmp_path)) as gate:
        context = issued("kiosk.test").context(tmp_path)
        async with raw.connected(gate.port, ssl=context, server_hostname="localhost") as client:
            upstream = await gate.origin.accepted()
            for number in range(200):
                client.send(text(f"{number}" * 100))
                assert await upstream.recv() == text(f"{number}" * 100)
            (session,) = gate.server.sessions
            ours = session._connection.transport.get_extra_info("ssl_object")
            assert ours.context._msg_callback is None
            await upstream.release()
