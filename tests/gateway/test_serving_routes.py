"""Which route a client's request takes, asked over real sockets: each route's service has the route's name as path."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.kit import heads, raw
from tests.kit.heads import Head
from tests.kit.raw import RawUpstream
from tests.kit.served import Served, served

JSON = "application/json; charset=utf-8"
NO_ROUTE = {"message": "no route matched with those values"}


class Routes:
    """A gateway with several routes, and where requests went."""

    def __init__(self, gate: Served, upstream: RawUpstream) -> None:
        self.gate = gate
        self.upstream = upstream

    async def went(self, target: str = "/", *, host: str = "gateway.test", extra: heads.Headers = ()) -> str:
        """The name of the route, and behind it what is left of the path."""
        request = heads.upgrade_request(target, replace={"Host": host}, extra=extra)
        head = await self.gate.upstream_head(upstream=self.upstream, request=request)
        return head.target[1:]

    async def refused(self, target: str = "/", *, host: str = "gateway.test", extra: heads.Headers = ()) -> Head:
        """The head of the answer to a request that no route takes."""
        request = heads.upgrade_request(target, replace={"Host": host}, extra=extra)
        head, body = await self.gate.asked(request)
        assert (head.status, head.get("Content-Type"), json.loads(body)) == (404, JSON, NO_ROUTE)
        assert head.get("Connection") == "close"
        return head


@asynccontextmanager
async def routing(
    folder: Path, *, secure: bool = False, services: Mapping[str, Any] | None = None, **routes: Mapping[str, Any]
) -> AsyncIterator[Routes]:
    """A gateway with these routes by name; ``services`` are fields that all services have."""
    async with raw.raw_upstream() as upstream:
        entities = [
            {"name": name, "url": f"{upstream.url}/{name}", "routes": [{"name": name, **route}], **(services or {})}
            for name, route in routes.items()
        ]
        async with served(folder, service={"routes": []}, services=entities, secure=secure) as gate:
            yield Routes(gate, upstream)


# Paths


async def test_a_path_is_a_prefix_byte_for_byte(tmp_path: Path) -> None:
    async with routing(tmp_path, chat={"paths": ["/chat"]}) as routes:
        assert await routes.went("/chat") == "chat"
        assert await routes.went("/chat/room") == "chat/room"
        assert await routes.went("/chatx") == "chat/x"
        await routes.refused("/Chat")
        await routes.refused("/cha")
        await routes.refused("/x/chat")


async def test_the_longest_prefix_comes_first(tmp_path: Path) -> None:
    routes = {"short": {"paths": ["/a"]}, "long": {"paths": ["/a/b/c", "/x"]}, "middle": {"paths": ["/a/b"]}}
    async with routing(tmp_path, **routes) as asked:
        assert await asked.went("/a/x") == "short/x"
        assert await asked.went("/a/b/x") == "middle/x"
        assert await asked.went("/a/b/c/x") == "long/x"
        assert await asked.went("/x/y") == "long/y"


async def test_a_regular_expression_comes_before_every_prefix_and_is_anchored(tmp_path: Path) -> None:
    routes = {"prefix": {"paths": ["/rooms/lobby/long"]}, "regex": {"paths": [r"~/rooms/(?<room>\w+)/(\d+)"]}}
    async with routing(tmp_path, **routes) as asked:
        assert await asked.went("/rooms/lobby/42/x") == "regex/x"
        assert await asked.went("/rooms/lobby/longer") == "prefix/er"
        await asked.refused("/all/rooms/lobby/42")


async def test_of_several_regular_expressions_the_highest_priority_wins(tmp_path: Path) -> None:
    routes = {
        "low": {"paths": ["~/[a-z]+"], "regex_priority": 1},
        "high": {"paths": ["~/a[a-z]+"], "regex_priority": 5},
        "middle": {"paths": ["~/ab[a-z]+"], "regex_priority": 3},
    }
    async with routing(tmp_path, **routes) as asked:
        assert await asked.went("/abc") == "high"
        assert await asked.went("/bbc") == "low"


async def test_what_is_percent_encoded_or_has_dots_is_routed_by_its_normal_form(tmp_path: Path) -> None:
    async with routing(tmp_path, chat={"paths": ["/chat"]}, admin={"paths": ["/admin"]}) as routes:
        assert await routes.went("/%63hat/x") == "chat/x"
        assert await routes.went("/chat/../admin/x") == "admin/x"
        assert await routes.went("/chat/%2e%2E/admin/x") == "admin/x"
        assert await routes.went("//chat//x") == "chat/x"
        await routes.refused("/chat/../other")


# Hosts, headers, methods


async def test_a_route_with_a_host_takes_that_host_whatever_its_case_and_port(tmp_path: Path) -> None:
    async with routing(tmp_path, one={"hosts": ["one.test"]}, any={"paths": ["/"]}) as routes:
        assert await routes.went(host="one.test") == "one"
        assert await routes.went(host="ONE.Test:8443") == "one"
        assert await routes.went(host="one.test.") == "one"
        assert await routes.went(host="x.one.test") == "any"


async def test_a_wildcard_stands_for_one_end_of_a_host(tmp_path: Path) -> None:
    routes = {
        "front": {"hosts": ["*.example.test"]},
        "back": {"hosts": ["shop.*"]},
        "exact": {"hosts": ["a.example.test"]},
    }
    async with routing(tmp_path, **routes) as asked:
        assert await asked.went(host="b.example.test") == "front"
        assert await asked.went(host="c.b.example.test") == "front"
        assert await asked.went(host="shop.anything") == "back"
        assert await asked.went(host="a.example.test") == "exact"
        await asked.refused(host="example.test")


async def test_a_host_with_a_port_takes_that_port_only(tmp_path: Path) -> None:
    async with routing(tmp_path, one={"hosts": ["one.test:8443"]}, other={"hosts": ["two.test:80"]}) as routes:
        assert await routes.went(host="one.test:8443") == "one"
        await routes.refused(host="one.test:8444")
        await routes.refused(host="one.test")
        assert await routes.went(host="two.test") == "other"


async def test_an_ipv6_address_is_a_host(tmp_path: Path) -> None:
    async with routing(tmp_path, six={"hosts": ["[::1]"]}) as routes:
        assert await routes.went(host="[::1]:9000") == "six"


async def test_a_route_with_headers_wants_one_value_of_each(tmp_path: Path) -> None:
    routes = {
        "beta": {"paths": ["/"], "headers": {"X-Version": ["beta", "gamma"]}},
        "eu": {"paths": ["/"], "headers": {"X-Version": ["beta"], "X-Region": ["~*^eu-"]}},
        "plain": {"paths": ["/"]},
    }
    async with routing(tmp_path, **routes) as asked:
        assert await asked.went(extra=[("x-version", "GAMMA")]) == "beta"
        assert await asked.went(extra=[("X-Version", "beta"), ("X-Region", "eu-west")]) == "eu"
        assert await asked.went(extra=[("X-Version", "beta"), ("X-Region", "us-east")]) == "beta"
        assert await asked.went(extra=[("X-Version", "alpha")]) == "plain"
        assert await asked.went() == "plain"


async def test_more_criteria_come_before_a_longer_path(tmp_path: Path) -> None:
    routes = {"longer": {"paths": ["/a/long/path"]}, "richer": {"paths": ["/a"], "hosts": ["one.test"]}}
    async with routing(tmp_path, **routes) as asked:
        assert await asked.went("/a/long/path", host="one.test") == "richer/long/path"
        assert await asked.went("/a/long/path") == "longer"


async def test_the_method_of_a_handshake_may_be_said(tmp_path: Path) -> None:
    async with routing(tmp_path, one={"paths": ["/a"], "methods": ["GET"]}) as routes:
        assert await routes.went("/a") == "one"


# Server names


async def test_a_route_with_snis_takes_the_clients_that_asked_for_one(tmp_path: Path) -> None:
    routes = {"local": {"paths": ["/"], "snis": ["localhost"]}, "other": {"paths": ["/"], "snis": ["other.test"]}}
    async with routing(tmp_path, secure=True, **routes) as asked:
        assert await asked.went() == "local"


async def test_a_client_that_asked_for_another_name_is_not_taken(tmp_path: Path) -> None:
    async with routing(tmp_path, secure=True, other={"paths": ["/"], "snis": ["other.test"]}) as routes:
        await routes.refused()


# What is not served


async def test_without_a_route_the_answer_is_404_with_json(tmp_path: Path) -> None:
    async with routing(tmp_path, chat={"paths": ["/chat"]}) as routes:
        await routes.refused("/")
        assert routes.upstream.connections == 0
        assert await routes.went("/chat") == "chat"


async def test_the_routes_of_a_disabled_service_are_not_there(tmp_path: Path) -> None:
    async with routing(tmp_path, services={"enabled": False}, chat={"paths": ["/chat"]}) as routes:
        await routes.refused("/chat")


async def test_a_wss_route_asks_a_ws_client_to_upgrade(tmp_path: Path) -> None:
    async with routing(tmp_path, chat={"paths": ["/chat"], "protocols": ["wss"]}) as routes:
        head, body = await routes.gate.asked(target="/chat")
        assert (head.status, json.loads(body)) == (426, {"message": "please use wss"})
        assert head.get("Location") is None
        assert routes.upstream.connections == 0


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_wss_route_may_redirect_a_ws_client(status: int, tmp_path: Path) -> None:
    route = {"paths": ["/chat"], "protocols": ["wss"], "https_redirect_status_code": status}
    async with routing(tmp_path, chat=route) as routes:
        request = heads.upgrade_request("/chat/room?a=b&c", replace={"Host": "one.test:8000"})
        head, _ = await routes.gate.asked(request)
        assert (head.status, head.get("Location")) == (status, "wss://one.test/chat/room?a=b&c")


async def test_a_wss_route_lets_a_wss_client_in(tmp_path: Path) -> None:
    async with routing(tmp_path, secure=True, chat={"paths": ["/chat"], "protocols": ["wss"]}) as routes:
        assert await routes.went("/chat") == "chat"
