"""What the upstream is asked for: the path in its normal form, what is stripped and put before it, query and Host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kit import heads, raw
from tests.kit.heads import Head
from tests.kit.served import Served, plugin, served


async def asked_upstream(gate: Served, target: str, **how: Any) -> str:
    """The target of the request to the upstream."""
    return (await gate.upstream_head(target, **how)).target


# Paths


@pytest.mark.parametrize(
    ("client", "upstream"),
    [
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("/a/%2e%2e/b", "/b"),
        ("/a//b///c", "/a/b/c"),
        ("/%7euser/%41", "/~user/A"),
        ("/a%2fb", "/a%2Fb"),
        ("/a%2F..%2Fb", "/a%2F..%2Fb"),
        ("/%c3%a4", "/%C3%A4"),
        ("/a%20b", "/a%20b"),
        ("/a%3fb", "/a%3Fb"),
        ("/a%", "/a%25"),
        ("/a;v=1,2/$&'()*+=:@!", "/a;v=1,2/$&'()*+=:@!"),
        ("/", "/"),
        ("/a/", "/a/"),
    ],
)
async def test_the_path_goes_upstream_in_its_normal_form(client: str, upstream: str, tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        assert await asked_upstream(gate, client) == upstream


@pytest.mark.parametrize("query", ["a=%2e%2E/../b", "//", "%zz", "a=b?c=d&&", "%C3%A4=%41"])
async def test_the_query_goes_upstream_as_it_came(query: str, tmp_path: Path) -> None:
    async with served(tmp_path, service={"path": "/base"}) as gate:
        assert await asked_upstream(gate, f"/x/../y?{query}") == f"/base/y?{query}"


async def test_an_empty_query_adds_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        assert await asked_upstream(gate, "/a?") == "/a"


@pytest.mark.parametrize(
    ("base", "route", "client", "upstream"),
    [
        (None, {"paths": ["/chat"]}, "/chat", "/"),
        (None, {"paths": ["/chat"]}, "/chat/room", "/room"),
        (None, {"paths": ["/chat/"]}, "/chat/room", "/room"),
        (None, {"paths": ["/chat"], "strip_path": False}, "/chat/room", "/chat/room"),
        ("/base", {"paths": ["/chat"]}, "/chat/room", "/base/room"),
        ("/base/", {"paths": ["/chat"]}, "/chat/room", "/base/room"),
        ("/base", {"paths": ["/chat"]}, "/chat", "/base"),
        ("/base", {"paths": ["/chat"]}, "/chat/", "/base/"),
        ("/base", {"paths": ["/chat"], "strip_path": False}, "/chat/room", "/base/chat/room"),
        ("/base/", {"paths": ["/chat"], "strip_path": False}, "/chat/room", "/base/chat/room"),
        ("/base", {"paths": ["/chat"]}, "/chatroom", "/base/room"),
        ("/base", {"paths": ["/chat"]}, "/chat../secret", "/base/secret"),
        ("/base", {"paths": [r"~/v\d+"]}, "/v12/room", "/base/room"),
        ("/base", {"paths": [r"~/v\d+"], "strip_path": False}, "/v12/room", "/base/v12/room"),
        ("/base", {"paths": ["/chat"], "path_handling": "v1"}, "/chatroom", "/baseroom"),
        ("/base", {"paths": None, "hosts": ["gateway.test"]}, "/chat/room", "/base/chat/room"),
    ],
)
async def test_service_and_route_make_the_path(
    base: str | None, route: Mapping[str, Any], client: str, upstream: str, tmp_path: Path
) -> None:
    service = {} if base is None else {"path": base}
    fields = {name: value for name, value in {"paths": ["/"], **route}.items() if value is not None}
    async with served(tmp_path, service={**service, "routes": [fields]}) as gate:
        assert await asked_upstream(gate, client) == upstream


async def test_captures_of_a_regular_expression_are_for_plugins(tmp_path: Path) -> None:
    seeing = plugin(ws_handshake="note(kong.request.get_uri_captures())")
    async with served(tmp_path, {"seeing": seeing}, route={"paths": [r"~/(?<room>\w+)/(\d+)"]}) as gate:
        await gate.upstream_head("/lobby/42/x")
        ((unnamed, named),) = gate.notes
        assert (list(unnamed), dict(named)) == (["lobby", "42"], {"room": "lobby"})


# Host


async def host_upstream(gate: Served, host: str = "gateway.test:8000", **how: Any) -> str | None:
    request = heads.upgrade_request(replace={"Host": host})
    return (await gate.upstream_head(request=request, **how)).get("Host")


async def test_the_host_is_the_services(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        assert await host_upstream(gate) == gate.origin.authority


async def test_a_route_may_preserve_the_clients_host(tmp_path: Path) -> None:
    async with served(tmp_path, route={"preserve_host": True}) as gate:
        assert await host_upstream(gate) == "gateway.test:8000"


@pytest.mark.parametrize(
    ("upstream", "route", "host"),
    [
        ({}, {}, None),
        ({"host_header": "chat.internal:99"}, {}, "chat.internal:99"),
        ({"host_header": "chat.internal"}, {"preserve_host": True}, "gateway.test:8000"),
    ],
    ids=["target", "host_header", "preserve_host"],
)
async def test_behind_an_upstream_the_host_is_the_targets_or_what_the_upstream_says(
    upstream: dict[str, Any], route: dict[str, Any], host: str | None, tmp_path: Path
) -> None:
    async with raw.raw_upstream() as target:
        entity = {"name": "pool", "targets": [{"target": target.authority}], **upstream}
        async with served(tmp_path, service={"host": "pool"}, route=route, upstreams=[entity]) as gate:
            assert await host_upstream(gate, upstream=target) == (host or target.authority)


# Everything else of the request


async def test_the_request_upstream_is_an_upgrade_of_framegates_own(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        head: Head = await gate.upstream_head(
            extra=[
                ("Origin", "https://app.test"),
                ("Cookie", "a=b"),
                ("X-Hop", "mine"),
                ("Keep-Alive", "timeout=5"),
                ("TE", "trailers"),
                ("Sec-WebSocket-Extensions", "x-own; a=b, permessage-deflate"),
            ]
        )
        assert head.start == "GET / HTTP/1.1"
        assert (head.get("Connection"), head.get("Upgrade")) == ("Upgrade", "websocket")
        assert (head.get("Sec-WebSocket-Version"), head.get("Sec-WebSocket-Extensions")) == (
            "13",
            "permessage-deflate",
        )
        assert head.get("Sec-WebSocket-Key") not in (None, heads.KEY)
        assert (head.get("Origin"), head.get("Cookie"), head.get("X-Hop")) == ("https://app.test", "a=b", "mine")
        assert (head.get("Keep-Alive"), head.get("TE")) == (None, None)


async def test_what_the_client_nominates_in_connection_ends_here(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        request = heads.upgrade_request(replace={"Connection": "keep-alive, Upgrade, X-Hop"}, extra=[("X-Hop", "1")])
        head = await gate.upstream_head(request=request)
        assert (head.get("X-Hop"), head.get("Connection")) == (None, "Upgrade")
