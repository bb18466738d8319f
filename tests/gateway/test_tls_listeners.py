"""What a listener's TLS demands of clients: version, suites and protocol; and what a reload changes of it."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.issuing import Leaf, issued
from tests.gateway.test_reload import Town, passes, town
from tests.kit import heads, raw, tls
from tests.kit.raw import RawPeer
from tests.kit.served import Served, served


def with_tls(folder: Path, **rules: Any) -> dict[str, Any]:
    own = issued("localhost", "127.0.0.1").files(folder)
    return {"gateway": {"listen": [{"address": "127.0.0.1:0", "tls": {**own, **rules}}]}}


def speaking(version: ssl.TLSVersion | None = None, ciphers: str | None = None, *protocols: str) -> ssl.SSLContext:
    context = tls.client_context()
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if ciphers is not None:
        context.set_ciphers(ciphers)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


async def spoken(gate: Served, context: ssl.SSLContext) -> tuple[str | None, str | None]:
    """The version and the suite that a client is served with."""
    async with raw.connected(gate.port, ssl=context, server_hostname="localhost") as client:
        await (await gate.origin.accepted()).release()
        found = client._writer.get_extra_info("ssl_object")
        return found.version(), found.cipher()[0]


async def refused(gate: Served, context: ssl.SSLContext) -> Exception:
    """What a client meets that is not served."""
    with pytest.raises(OSError) as caught:
        await spoken(gate, context)
    await gate.idle()
    return caught.value


# Version and suites


async def test_the_oldest_version_is_1_2_unless_the_listener_says_1_3(tmp_path: Path) -> None:
    async with served(tmp_path, **with_tls(tmp_path)) as gate:
        assert (await spoken(gate, speaking(ssl.TLSVersion.TLSv1_2)))[0] == "TLSv1.2"
        assert (await spoken(gate, speaking()))[0] == "TLSv1.3"


async def test_a_client_below_the_listeners_version_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, loop_kind: str
) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **with_tls(tmp_path, min_version="TLSv1.3")) as gate:
            await refused(gate, speaking(ssl.TLSVersion.TLSv1_2))
            assert (await spoken(gate, speaking()))[0] == "TLSv1.3"
    assert "unsupported protocol" in caplog.text


async def test_a_listener_speaks_the_suites_that_it_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    suite = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384"
    async with served(tmp_path, **with_tls(tmp_path, ciphers=suite)) as gate:
        version, chosen = await spoken(gate, speaking(ssl.TLSVersion.TLSv1_2))
        assert version == "TLSv1.2" and chosen in suite.split(":")
        with caplog.at_level(logging.INFO, "framegate"):
            await refused(gate, speaking(ssl.TLSVersion.TLSv1_2, "ECDHE+CHACHA20"))
        assert "no shared cipher" in caplog.text


async def test_two_listeners_have_rules_of_their_own(tmp_path: Path) -> None:
    own = issued("localhost", "127.0.0.1").files(tmp_path)
    entity = issued("named.test")
    certificates = [{"cert": entity.chain, "key": entity.key, "snis": [{"name": "named.test"}]}]
    strict = {"address": "127.0.0.1:0", "tls": {**own, "min_version": "TLSv1.3"}}
    listen: dict[str, Any] = {"gateway": {"listen": [strict, {"address": "127.0.0.1:0", "tls": own}]}}
    async with served(tmp_path, **listen, certificates=certificates) as gate:
        found = gate.gateway.config.gateway.listen
        assert [one.rules.min_version for one in found] == ["TLSv1.3", "TLSv1.2"]
        with pytest.raises(OSError):  # those of a server name follow the listener too
            context = speaking(ssl.TLSVersion.TLSv1_2)
            async with raw.connected(gate.port, ssl=context, server_hostname="named.test"):
                pass


# Application protocols (RFC 7301)


@pytest.mark.parametrize("protocols", [("h2",), ("h2", "h3", "spdy/3")])
async def test_a_client_without_our_protocol_gets_the_alert_for_it(
    protocols: tuple[str, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture, loop_kind: str
) -> None:
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **with_tls(tmp_path)) as gate:
            error = await refused(gate, speaking(None, None, *protocols))
            assert "no application protocol" in str(error)
            assert not gate.server._busy()
    assert f"it offers {', '.join(protocols)} by ALPN, and http/1.1 is served" in caplog.text


async def test_a_client_with_our_protocol_among_others_is_answered_with_it(tmp_path: Path) -> None:
    async with served(tmp_path, **with_tls(tmp_path)) as gate:
        context = speaking(None, None, "h2", "http/1.1")
        async with raw.connected(gate.port, ssl=context, server_hostname="localhost") as client:
            assert client._writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"


# Reload


def secure(place: Town, leaf: Leaf, **rules: Any) -> dict[str, Any]:
    (place.folder / "cert.pem").write_text(leaf.chain)
    (place.folder / "cert.key").write_text(leaf.key)
    listen = {"address": "127.0.0.1:0", "tls": {"cert": "cert.pem", "key": "cert.key", **rules}}
    return {"gateway": {"listen": [listen], "plugin_paths": ["plugins"]}}


async def dial(place: Town) -> tuple[RawPeer, int]:
    """A client, and the serial number of the certificate that it was shown."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", place.port, ssl=tls.client_context(), server_hostname="localhost"
    )
    client = RawPeer(reader, writer, is_client=True)
    client.send_raw(heads.upgrade_request())
    try:
        assert (await client.recv_head()).status == 101
    except BaseException:
        await client.release()
        raise
    return client, int(writer.get_extra_info("ssl_object").getpeercert()["serialNumber"], 16)


async def test_a_reload_shows_new_clients_the_new_certificate_and_old_sessions_go_on(tmp_path: Path) -> None:
    first, second = issued("localhost"), issued("localhost")
    async with town(tmp_path) as (place, origin):
        await place.serve(**secure(place, first))
        old, serial = await dial(place)
        old_upstream = await origin.accepted()
        assert serial == first.serial
        await passes(old, old_upstream, "one", "one|amain")
        await place.serve(**secure(place, second))
        new, serial = await dial(place)
        new_upstream = await origin.accepted()
        assert serial == second.serial
        await passes(old, old_upstream, "two", "two|amain")
        await passes(new, new_upstream, "three", "three|amain")
        for peer in (old, new, old_upstream, new_upstream):
            await peer.release()


MISHAPS = {
    "cert.pem' cannot be read: No such file": lambda folder: (folder / "cert.pem").unlink(),
    "is not the key of the certificate": lambda folder: (folder / "cert.key").write_text(issued("localhost").key),
    "cert.pem' expired at": lambda folder: _write(folder, issued("localhost", days=-1)),
    "cannot be read as a certificate": lambda folder: (folder / "cert.pem").write_text("-----BEGIN nothing-----"),
}


def _write(folder: Path, leaf: Leaf) -> None:
    (folder / "cert.pem").write_text(leaf.chain)
    (folder / "cert.key").write_text(leaf.key)


@pytest.mark.parametrize(("said", "mishap"), MISHAPS.items(), ids=MISHAPS)
async def test_a_reload_that_cannot_be_changes_nothing(said: str, mishap: Any, tmp_path: Path) -> None:
    first = issued("localhost")
    async with town(tmp_path) as (place, origin):
        await place.serve(**secure(place, first))
        old, _ = await dial(place)
        old_upstream = await origin.accepted()
        mishap(tmp_path)
        with pytest.raises(AssertionError, match=said):  # the problems of the file
            await place.serve(gateway={"listen": [_listen()], "plugin_paths": ["plugins"]})
        await passes(old, old_upstream, "one", "one|amain")
        new, serial = await dial(place)
        assert serial == first.serial
        new_upstream = await origin.accepted()
        for peer in (old, new, old_upstream, new_upstream):
            await peer.release()


def _listen() -> dict[str, Any]:
    return {"address": "127.0.0.1:0", "tls": {"cert": "cert.pem", "key": "cert.key"}}


async def test_a_reload_may_begin_and_end_to_ask_for_certificates_and_headers(tmp_path: Path) -> None:
    leaf = issued("localhost")
    (tmp_path / "clients.pem").write_bytes(tls.authority().cert_pem.bytes())
    async with town(tmp_path) as (place, origin):
        await place.serve(**secure(place, leaf))
        old, _ = await dial(place)
        old_upstream = await origin.accepted()
        await place.serve(**secure(place, leaf, client_ca="clients.pem"))
        with pytest.raises((OSError, EOFError)):
            await dial(place)
        await passes(old, old_upstream, "one", "one|amain")
        asked = secure(place, leaf)
        asked["gateway"]["listen"][0]["proxy_protocol"] = True
        asked["gateway"]["trusted_ips"] = ["127.0.0.1"]
        await place.serve(**asked)
        with pytest.raises((OSError, EOFError)):
            await dial(place)
        await place.serve(**secure(place, leaf))
        new, _ = await dial(place)
        await passes(old, old_upstream, "two", "two|amain")
        for peer in (old, new, old_upstream, await origin.accepted()):
            await peer.release()
