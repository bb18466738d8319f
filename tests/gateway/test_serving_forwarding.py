"""What the upstream is told about the client: forwarding headers that count, and identity that nobody may claim."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit import heads, raw
from tests.kit.heads import Head
from tests.kit.served import Served, plugin, served

TRUSTING = {"trusted_ips": ["127.0.0.0/8"]}
CLAIMS = [
    ("X-Forwarded-For", "203.0.113.7, 198.51.100.1"),
    ("X-Forwarded-Host", "shop.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "443"),
    ("Forwarded", "for=203.0.113.7;proto=https"),
]
IDENTITY = ("X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID", "X-Credential-Identifier")


async def asked(gate: Served, extra: heads.Headers = ()) -> Head:
    """The request to the upstream."""
    return await gate.upstream_head(request=heads.upgrade_request(replace={"Host": "gateway.test:80"}, extra=extra))


async def test_the_upstream_is_told_about_the_client(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        head = await asked(gate)
        assert head.get("X-Forwarded-For") == "127.0.0.1"
        assert head.get("X-Forwarded-Host") == "gateway.test:80"
        assert head.get("X-Forwarded-Proto") == "http"
        assert head.get("X-Forwarded-Port") == str(gate.port)
        assert head.get("Forwarded") == 'for=127.0.0.1;host="gateway.test:80";proto=http'


async def test_a_client_over_tls_came_by_https(tmp_path: Path) -> None:
    async with served(tmp_path, secure=True) as gate:
        head = await asked(gate)
        assert head.get("X-Forwarded-Proto") == "https"
        assert (head.get("Forwarded") or "").endswith("proto=https")


async def test_what_a_stranger_claims_is_replaced(tmp_path: Path) -> None:
    async with served(tmp_path, gateway={"trusted_ips": ["10.0.0.0/8"]}) as gate:
        head = await asked(gate, CLAIMS)
        assert head.get("X-Forwarded-For") == "127.0.0.1"
        assert head.get("X-Forwarded-Host") == "gateway.test:80"
        assert head.get("X-Forwarded-Proto") == "http"
        assert head.get("X-Forwarded-Port") == str(gate.port)
        assert "203.0.113.7" not in (head.get("Forwarded") or "")


async def test_what_a_trusted_proxy_says_is_kept_and_appended_to(tmp_path: Path) -> None:
    async with served(tmp_path, gateway=TRUSTING) as gate:
        head = await asked(gate, CLAIMS)
        assert head.get("X-Forwarded-For") == "203.0.113.7, 198.51.100.1, 127.0.0.1"
        assert head.get("X-Forwarded-Host") == "shop.example"
        assert (head.get("X-Forwarded-Proto"), head.get("X-Forwarded-Port")) == ("https", "443")
        ours = 'for=127.0.0.1;host="gateway.test:80";proto=http'
        assert head.get("Forwarded") == f"for=203.0.113.7;proto=https, {ours}"


@pytest.mark.parametrize(("trusted", "address"), [(True, "198.51.100.1"), (False, "127.0.0.1")])
async def test_plugins_see_the_address_that_counts(trusted: bool, address: str, tmp_path: Path) -> None:
    seeing = plugin(ws_handshake="note(kong.client.get_forwarded_ip(), kong.client.get_ip())")
    async with served(tmp_path, {"seeing": seeing}, gateway=TRUSTING if trusted else None) as gate:
        await asked(gate, CLAIMS)
        assert gate.notes == [(address, "127.0.0.1")]


async def test_a_client_on_a_unix_socket_has_no_address_and_no_say(tmp_path: Path) -> None:
    gateway = {"listen": ["unix:s"], "trusted_ips": ["0.0.0.0/0", "::/0"]}
    async with served(tmp_path, gateway=gateway) as gate:
        async with raw.connected(None, unix_path=str(tmp_path / "s"), extra=CLAIMS):
            upstream = await gate.origin.accepted()
            assert upstream.head.get("X-Forwarded-For") == "unknown"
            assert upstream.head.get("X-Forwarded-Host") == "gateway.test"
            assert upstream.head.get("X-Forwarded-Port") is None
            assert upstream.head.get("Forwarded") == "for=unknown;host=gateway.test;proto=http"
            await upstream.release()
        await gate.idle()


# Identity


@pytest.mark.parametrize("spelt", [str, str.lower, lambda name: name.replace("-", "_")], ids=["as is", "lower", "_"])
async def test_identity_that_a_client_claims_never_goes_upstream(spelt: object, tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        head = await asked(gate, [(spelt(name), "root") for name in IDENTITY])  # type: ignore[operator]
        kept = {name.replace("_", "-").lower() for name, _ in head.headers}
        assert kept.isdisjoint(name.lower() for name in IDENTITY)


async def test_nor_on_a_route_whose_plugin_edits_other_headers(tmp_path: Path) -> None:
    adding = plugin(ws_handshake="kong.service.request.set_header('X-Own', 'yes')")
    async with served(tmp_path, {"adding": adding}) as gate:
        head = await asked(gate, [("X-Consumer-ID", "root"), ("X-Own", "no")])
        assert (head.get("X-Consumer-ID"), head.get("X-Own")) == (None, "yes")


async def test_identity_goes_upstream_once_a_plugin_has_found_it_out(tmp_path: Path) -> None:
    consumers = [{"username": "ann", "custom_id": "a-1", "keyauth_credentials": [{"key": "sesame"}]}]
    async with served(tmp_path, use=[{"name": "key-auth"}], consumers=consumers) as gate:
        claims = [("apikey", "sesame"), ("X-Consumer-Username", "root"), ("X_Consumer_Username", "root")]
        head = await asked(gate, claims)
        assert (head.get("X-Consumer-Username"), head.get("X-Consumer-Custom-ID")) == ("ann", "a-1")
        assert head.get("X_Consumer_Username") is None
        refused, _ = await gate.asked(extra=[("apikey", "guess")])
        assert refused.status == 401


async def test_other_headers_that_look_alike_pass(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        head = await asked(gate, [("X-Consumer-Tier", "gold"), ("X_Custom", "1")])
        assert (head.get("X-Consumer-Tier"), head.get("X_Custom")) == ("gold", "1")


# TLS that a proxy in front has ended


@pytest.mark.parametrize(
    ("said", "trusted", "status"),
    [("https", True, 101), ("wss", True, 101), ("http", True, 426), ("gopher", True, 426), ("https", False, 426)],
)
async def test_a_route_for_wss_takes_clients_whose_tls_a_trusted_proxy_has_ended(
    said: str, trusted: bool, status: int, tmp_path: Path
) -> None:
    gateway = {"trusted_ips": ["127.0.0.1/32"]} if trusted else {}
    async with served(tmp_path, gateway=gateway, route={"protocols": ["wss"]}) as gate:
        async with raw.dialled(gate.port) as client:
            client.send_raw(heads.upgrade_request(extra=[("X-Forwarded-Proto", said)]))
            assert (await client.recv_head()).status == status
