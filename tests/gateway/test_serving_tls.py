"""TLS with clients: which certificate they are shown, and what plugins of the ``certificate`` phase see and do."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.kit import heads, raw, tls
from tests.kit.frames import text
from tests.kit.raw import RawPeer
from tests.kit.served import Served, plugin, served

WITH_FILES: dict[str, Any] = {"secure": True}
BY_NAME: dict[str, Any] = {"gateway": {"listen": [{"address": "127.0.0.1:0", "tls": True}]}}


def certificate(*names: str, snis: tuple[str, ...]) -> dict[str, Any]:
    """An entity for these names, shown to whoever asks for one of ``snis``."""
    leaf = tls.authority().issue_cert(*names)
    chain = "".join(blob.bytes().decode() for blob in leaf.cert_chain_pems)
    key = leaf.private_key_pem.bytes().decode()
    return {"cert": chain, "key": key, "snis": [{"name": name} for name in snis]}


def names_of(peer: RawPeer) -> list[str]:
    """The names in the certificate that the client was shown."""
    shown = peer._writer.get_extra_info("ssl_object").getpeercert()
    return [value for _, value in shown["subjectAltName"]]


def trusting(check_hostname: bool = True) -> ssl.SSLContext:
    context = tls.client_context()
    context.check_hostname = check_hostname
    return context


async def shown(gate: Served, server_name: str | None, *, check: bool = True) -> list[str]:
    """The names in the certificate for a client that asks for ``server_name``; None asks for none."""
    context = trusting(check and server_name is not None)
    how = {"ssl": context, "server_hostname": server_name or ""}
    async with raw.connected(gate.port, **how) as client:
        upstream = await gate.origin.accepted()
        names = names_of(client)
    await upstream.release()
    return names


async def refused(gate: Served, server_name: str | None) -> None:
    """No TLS with a client that asks for ``server_name``."""
    with pytest.raises((OSError, ssl.SSLError, EOFError)):
        await shown(gate, server_name)
    await gate.idle()


# Certificates


async def test_a_listener_shows_the_certificate_of_its_files(tmp_path: Path) -> None:
    async with served(tmp_path, **WITH_FILES) as gate:
        assert await shown(gate, "localhost") == ["localhost", "127.0.0.1"]
        await gate.serves_on()


async def test_files_are_for_clients_that_no_name_fits(tmp_path: Path) -> None:
    entities = [certificate("one.test", snis=("one.test",))]
    async with served(tmp_path, **WITH_FILES, certificates=entities) as gate:
        assert await shown(gate, "one.test") == ["one.test"]
        assert await shown(gate, "localhost") == ["localhost", "127.0.0.1"]


async def test_a_name_counts_before_wildcards_and_they_before_everybody(tmp_path: Path) -> None:
    entities = [
        certificate("a.one.test", snis=("a.one.test",)),
        certificate("*.one.test", snis=("*.one.test",)),
        certificate("shop.x", "shop.y", snis=("shop.*",)),
        certificate("two.test", snis=("*",)),
    ]
    async with served(tmp_path, **BY_NAME, certificates=entities) as gate:
        assert await shown(gate, "a.one.test") == ["a.one.test"]
        assert await shown(gate, "b.one.test") == ["*.one.test"]
        assert await shown(gate, "A.One.Test") == ["a.one.test"]
        assert await shown(gate, "shop.y") == ["shop.x", "shop.y"]
        assert await shown(gate, "two.test") == ["two.test"]
        assert await shown(gate, None) == ["two.test"]
        assert await shown(gate, "c.b.one.test", check=False) == ["two.test"]


async def test_flat_snis_name_their_certificate(tmp_path: Path) -> None:
    entity = {**certificate("one.test", snis=()), "id": "5c2ae0c3-2c8e-4a0f-a05b-0d2b6d3aaf11"}
    snis = [{"name": "one.test", "certificate": {"id": entity["id"]}}]
    async with served(tmp_path, **BY_NAME, certificates=[entity], snis=snis) as gate:
        assert await shown(gate, "one.test") == ["one.test"]


async def test_a_name_without_a_certificate_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entities = [certificate("one.test", snis=("one.test",))]
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, **BY_NAME, certificates=entities) as gate:
            await refused(gate, "two.test")
            await refused(gate, None)
            assert await shown(gate, "one.test") == ["one.test"]
    assert "there is no certificate for the server name 'two.test'" in caplog.text


async def test_who_speaks_no_tls_is_cut_off(tmp_path: Path) -> None:
    async with served(tmp_path, **WITH_FILES) as gate:
        async with raw.dialled(gate.port) as client:
            client.send_raw(heads.upgrade_request())
            assert b"HTTP" not in await client.gone()
        await gate.serves_on()


async def test_who_says_nothing_is_cut_off_in_time(tmp_path: Path) -> None:
    async with served(tmp_path, **WITH_FILES, gateway={"limits": {"handshake_timeout": 150}}) as gate:
        async with raw.dialled(gate.port) as client:
            await client.gone()
        async with raw.dialled(gate.port) as client:
            client.send_raw(b"\x16\x03\x01\x02")
            await client.gone()
        await gate.serves_on()


async def test_a_client_without_alpn_or_with_http_1_1_is_served(tmp_path: Path) -> None:
    async with served(tmp_path, **WITH_FILES) as gate:
        context = trusting()
        context.set_alpn_protocols(["h2", "http/1.1"])
        async with raw.connected(gate.port, ssl=context, server_hostname="localhost") as client:
            assert client._writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"


async def test_tls_1_2_is_served(tmp_path: Path) -> None:
    async with served(tmp_path, **WITH_FILES) as gate:
        context = trusting()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        async with raw.connected(gate.port, ssl=context, server_hostname="localhost") as client:
            assert client._writer.get_extra_info("ssl_object").version() == "TLSv1.2"


# Plugins


async def test_a_certificate_plugin_sees_the_server_name_and_its_notes_reach_the_handshake(tmp_path: Path) -> None:
    seeing = plugin(
        certificate="""
        kong.ctx.shared.name = kong.request.get_host()
        kong.ctx.plugin.count = 1
        note(kong.request.get_scheme(), kong.client.get_ip(), kong.request.get_header("host"))
        """,
        ws_handshake="note(kong.ctx.shared.name, kong.ctx.plugin.count, kong.request.get_host())",
    )
    entities = [certificate("one.test", snis=("*",))]
    async with served(tmp_path, {"seeing": seeing}, **BY_NAME, certificates=entities) as gate:
        request = heads.upgrade_request(replace={"Host": "other.test"})
        how = {"ssl": trusting(), "server_hostname": "one.test"}
        async with raw.connected(gate.port, request=request, **how) as client:
            client.send(text("hello"))
            assert await (await gate.origin.accepted()).recv() == text("hello")
        assert gate.notes == [("wss", "127.0.0.1", None), ("one.test", 1, "other.test")]


async def test_two_clients_do_not_share_their_notes(tmp_path: Path) -> None:
    seeing = plugin(
        certificate="kong.ctx.shared.name = kong.request.get_host()", ws_handshake="note(kong.ctx.shared.name)"
    )
    entities = [certificate("one.test", "two.test", snis=("*",))]
    async with served(tmp_path, {"seeing": seeing}, **BY_NAME, certificates=entities) as gate:
        await asyncio.gather(shown(gate, "one.test"), shown(gate, "two.test"))
        assert sorted(gate.notes) == ["one.test", "two.test"]


@pytest.mark.parametrize("pause", ["", "await asyncio.sleep(0)"], ids=["def", "async def"])
async def test_a_certificate_plugin_that_raises_refuses_the_client(
    pause: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raising = plugin(certificate=f"{pause}\nif kong.request.get_host() == 'bad.test':\n    raise ValueError('no')")
    async with served(tmp_path, {"raising": raising}, **WITH_FILES) as gate:
        await refused(gate, "bad.test")
        assert "raising" in caplog.text and "ValueError: no" in caplog.text
        await gate.serves_on()


SLOW = {"slow": plugin(certificate="note('in')\nawait asyncio.sleep(60)")}


async def dialling(gate: Served) -> None:
    """A client gets no TLS."""
    with pytest.raises((OSError, EOFError)):
        await asyncio.open_connection("127.0.0.1", gate.port, ssl=tls.client_context(), server_hostname="localhost")


async def test_a_slow_certificate_plugin_counts_toward_the_time_for_the_handshake(tmp_path: Path) -> None:
    async with served(tmp_path, SLOW, secure=True, gateway={"limits": {"handshake_timeout": 150}}) as gate:
        await dialling(gate)
        assert not gate.server._busy()


async def test_a_drain_does_not_wait_for_a_slow_certificate_plugin(tmp_path: Path) -> None:
    async with served(tmp_path, SLOW, secure=True) as gate:
        client = asyncio.create_task(dialling(gate))
        await gate.notes_come(1)
        await gate.server.drain(timeout=0.05)
        await client
        assert not gate.server._busy()


async def test_a_plugin_of_one_route_has_no_certificate_phase(tmp_path: Path) -> None:
    seeing = plugin(certificate="note('certificate')", ws_handshake="note('ws_handshake')")
    use = [{"name": "seeing", "route": "main"}]
    async with served(tmp_path, {"seeing": seeing}, use=use, **WITH_FILES) as gate:
        await gate.serves_on()
        assert gate.notes == ["ws_handshake"]
