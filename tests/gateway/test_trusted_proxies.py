"""Whose word about the client's address counts: header fields of trusted peers, and real proxies in front."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.config.files import complaint, config
from tests.gateway.fronts import haproxy, needs_haproxy, needs_nginx, nginx
from tests.kit import raw, tls
from tests.kit.frames import text
from tests.kit.heads import Head
from tests.kit.served import Served, plugin, served

SEEING = {
    "seeing": plugin(
        ws_handshake="note(kong.client.get_ip(), kong.client.get_forwarded_ip(), kong.client.get_forwarded_port())"
    )
}


def trusting(*more: str, **fields: Any) -> dict[str, Any]:
    return {"trusted_ips": ["127.0.0.1", *more], **fields}


async def forwarded(folder: Path, gateway: dict[str, Any], *fields: tuple[str, str]) -> Any:
    """Address and port of the client that sends these fields, as plugins are told."""
    async with served(folder, SEEING, gateway=gateway) as gate:
        await gate.upstream_head(extra=list(fields))
        ((peer, address, port),) = gate.notes
        assert peer == "127.0.0.1"
        return address, port


FOR = "X-Forwarded-For"


@pytest.mark.parametrize(
    ("recursive", "said", "address"),
    [
        (True, "203.0.113.9, 10.0.0.2, 10.0.0.1", "203.0.113.9"),
        (True, "spoofed, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (True, "10.0.0.2, 10.0.0.1", "10.0.0.2"),
        (True, "nonsense, 10.0.0.1", "10.0.0.1"),
        (True, "nonsense", "127.0.0.1"),
        (False, "203.0.113.9, 10.0.0.2, 10.0.0.1", "10.0.0.1"),
        (False, "203.0.113.9", "203.0.113.9"),
        (False, "203.0.113.9, nonsense", "127.0.0.1"),
    ],
)
async def test_the_last_address_that_is_not_trusted_is_the_clients(
    recursive: bool, said: str, address: str, tmp_path: Path
) -> None:
    gateway = trusting("10.0.0.0/8", real_ip_recursive=recursive)
    assert (await forwarded(tmp_path, gateway, (FOR, said)))[0] == address


async def test_another_field_may_tell_it(tmp_path: Path) -> None:
    gateway = trusting(real_ip_header="X-Real-IP")
    fields = (("X-Real-IP", "203.0.113.9:4711"), (FOR, "198.51.100.1"))
    assert await forwarded(tmp_path, gateway, *fields) == ("203.0.113.9", 4711)


async def test_a_field_that_is_not_the_one_tells_nothing(tmp_path: Path) -> None:
    gateway = trusting(real_ip_header="X-Real-IP")
    assert (await forwarded(tmp_path, gateway, (FOR, "198.51.100.1")))[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("for=203.0.113.9", ("203.0.113.9", None)),
        ('For="[2001:db8::7]:4711";proto=https;by=10.0.0.1', ("2001:db8::7", 4711)),
        ('for=198.51.100.1, for="203.0.113.9:1", for=10.0.0.1', ("203.0.113.9", 1)),
        ('host="a,b;for=6.6.6.6";for=203.0.113.9', ("203.0.113.9", None)),
        ("for=203.0.113.9, for=_hidden, for=10.0.0.1", ("10.0.0.1", None)),
        ("for=203.0.113.9, proto=https, for=10.0.0.1", ("10.0.0.1", None)),
        ("xfor=203.0.113.9", ("127.0.0.1", "its port")),
        ('for="203.0.113.9', ("127.0.0.1", "its port")),
    ],
)
async def test_forwarded_may_tell_it(said: str, found: tuple[str, Any], tmp_path: Path) -> None:
    address, port = await forwarded(tmp_path, trusting("10.0.0.0/8", real_ip_header="Forwarded"), ("Forwarded", said))
    assert address == found[0] and (port == found[1] or found[1] == "its port")


async def test_peers_on_unix_sockets_are_trusted_where_the_file_says_so(tmp_path: Path) -> None:
    for trusted, address in ((["unix:"], "203.0.113.9"), (["127.0.0.1"], None)):
        path = str(tmp_path / "gw.sock")
        gateway = {"listen": [f"unix:{path}"], "trusted_ips": trusted}
        async with served(tmp_path, SEEING, gateway=gateway) as gate:
            async with raw.connected(None, unix_path=path, extra=[(FOR, "203.0.113.9")]):
                upstream = await gate.origin.accepted()
                head = upstream.head
                await upstream.release()
            await gate.idle()
            assert gate.notes == [(None, address, None)]
            assert head.get(FOR) == ("203.0.113.9, unknown" if address else "unknown")


async def test_kong_ip_knows_them_too(tmp_path: Path) -> None:
    seeing = {"seeing": plugin(ws_handshake="note(kong.ip.is_trusted(None), kong.ip.is_trusted('10.0.0.1'))")}
    for trusted, said in ((["unix:"], (True, False)), (["10.0.0.0/8"], (False, True))):
        async with served(tmp_path, seeing, gateway={"trusted_ips": trusted}) as gate:
            await gate.upstream_head()
            assert gate.notes == [said]


def test_what_kong_would_be_told_is_pointed_to_its_place(tmp_path: Path) -> None:
    said = complaint(tmp_path, yaml.safe_dump({"gateway": {"real_ip_header": "proxy_protocol"}}))
    assert said == (
        "3: gateway.real_ip_header: 'proxy_protocol' is not served "
        "(write proxy_protocol: true beside the address in listen)"
    )
    assert "must be the name of a header field" in complaint(tmp_path, "gateway: {real_ip_header: 'a b'}\n")


def test_the_fields_default_to_what_most_proxies_send(tmp_path: Path) -> None:
    found = config(tmp_path, "gateway: {trusted_ips: ['unix:', 10.0.0.1]}\n").gateway.trusted_ips
    assert (found.header, found.recursive, found.unix, len(found)) == (FOR, True, True, 1)


# Real proxies


async def through(gate: Served, port: int, **how: Any) -> tuple[tuple[str, int], Head]:
    """The client's own address as it dials a front, and what the upstream is asked; frames pass both ways."""
    async with raw.connected(port, **how) as client:
        upstream = await gate.origin.accepted()
        client.send(text("there"))
        assert await upstream.recv() == text("there")
        upstream.send(text("and back"))
        assert await client.recv() == text("and back")
        address: tuple[str, int] = client._writer.get_extra_info("sockname")
        await upstream.release()
    await gate.idle()
    return address, upstream.head


@needs_nginx
async def test_nginx_in_front_tells_the_client_by_x_forwarded_for(tmp_path: Path) -> None:
    fields = (
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto https;",
        "proxy_set_header Host $host;",
    )
    async with served(tmp_path, SEEING, gateway=trusting()) as gate, nginx(tmp_path, gate.port, *fields) as port:
        _, head = await through(gate, port, extra=[(FOR, "203.0.113.9")])
        assert gate.notes == [("127.0.0.1", "203.0.113.9", None)]
        assert head.get(FOR) == "203.0.113.9, 127.0.0.1, 127.0.0.1"
        assert head.get("X-Forwarded-Proto") == "https"


@needs_nginx
async def test_nginx_in_front_tells_the_client_by_x_real_ip(tmp_path: Path) -> None:
    gateway = trusting(real_ip_header="X-Real-IP", real_ip_recursive=False)
    field = "proxy_set_header X-Real-IP 203.0.113.9;"
    async with served(tmp_path, SEEING, gateway=gateway) as gate, nginx(tmp_path, gate.port, field) as port:
        await through(gate, port, extra=[("X-Real-IP", "198.51.100.1")])
        assert gate.notes == [("127.0.0.1", "203.0.113.9", None)]


@needs_nginx
async def test_nginx_in_front_tells_the_client_by_forwarded(tmp_path: Path) -> None:
    field = 'proxy_set_header Forwarded "for=\\"[2001:db8::7]:4711\\";proto=https, for=$remote_addr";'
    gateway = trusting(real_ip_header="Forwarded")
    async with served(tmp_path, SEEING, gateway=gateway) as gate, nginx(tmp_path, gate.port, field) as port:
        await through(gate, port)
        assert gate.notes == [("127.0.0.1", "2001:db8::7", 4711)]


@needs_nginx
async def test_nginx_that_is_not_trusted_tells_nothing(tmp_path: Path) -> None:
    field = "proxy_set_header X-Forwarded-For 203.0.113.9;"
    async with served(tmp_path, SEEING) as gate, nginx(tmp_path, gate.port, field) as port:
        _, head = await through(gate, port)
        assert gate.notes[0][:2] == ("127.0.0.1", "127.0.0.1")
        assert head.get(FOR) == "127.0.0.1"


@needs_haproxy
@pytest.mark.parametrize("how", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
async def test_haproxy_in_front_tells_the_client_by_the_proxy_protocol(how: str, tmp_path: Path) -> None:
    gateway = trusting(listen=[{"address": "127.0.0.1:0", "proxy_protocol": True}])
    async with served(tmp_path, SEEING, gateway=gateway) as gate, haproxy(tmp_path, gate.port, how) as port:
        # An address that the front does not use itself, so that the two cannot be taken for each other.
        address, head = await through(gate, port, local_addr=("127.0.0.77", 0))
        assert gate.notes == [("127.0.0.77", "127.0.0.77", address[1])]
        assert head.get(FOR) == "127.0.0.77"
        assert head.get("X-Forwarded-Port") == str(port)


@needs_haproxy
async def test_haproxy_in_front_passes_tls_on_behind_its_header(tmp_path: Path) -> None:
    leaf = tls.authority().issue_cert("localhost")
    (tmp_path / "own.pem").write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    listen = {"address": "127.0.0.1:0", "proxy_protocol": True, "tls": {"cert": "own.pem"}}
    gateway = trusting(listen=[listen])
    async with served(tmp_path, SEEING, gateway=gateway) as gate:
        async with haproxy(tmp_path, gate.port, "send-proxy-v2") as port:
            how = {"ssl": tls.client_context(), "server_hostname": "localhost", "local_addr": ("127.0.0.77", 0)}
            _, head = await through(gate, port, **how)
            assert gate.notes[0][0] == "127.0.0.77"
            assert head.get("X-Forwarded-Proto") == "https"


@needs_haproxy
async def test_haproxy_checks_the_gateway_with_headers_that_tell_of_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = trusting(listen=[{"address": "127.0.0.1:0", "proxy_protocol": True}])
    how = "send-proxy-v2 check inter 50ms check-send-proxy"
    with caplog.at_level(logging.INFO, "framegate"):
        async with served(tmp_path, SEEING, gateway=gateway) as gate, haproxy(tmp_path, gate.port, how) as port:
            for _ in range(5):
                await through(gate, port, local_addr=("127.0.0.77", 0))
            assert {note[0] for note in gate.notes} == {"127.0.0.77"}
    assert "does not begin with a PROXY header" not in caplog.text


@needs_haproxy
@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_haproxy_behind_a_gateway_is_told_of_the_client(version: str, tmp_path: Path) -> None:
    """It takes our header, and tells the next gateway what it was told."""
    (tmp_path / "last").mkdir()
    gateway = trusting(listen=[{"address": "127.0.0.1:0", "proxy_protocol": True}])
    async with served(tmp_path / "last", gateway=gateway) as last:
        async with haproxy(tmp_path, last.port, "send-proxy-v2", bind="accept-proxy") as port:
            async with served(tmp_path, service={"port": port, "proxy_protocol": version}) as first:
                async with raw.connected(first.port, local_addr=("127.0.0.77", 0)) as client:
                    upstream = await last.origin.accepted()
                    client.send(text("by three"))
                    assert await upstream.recv() == text("by three")
                    assert upstream.head.get(FOR) == "127.0.0.77"
                    await upstream.release()
