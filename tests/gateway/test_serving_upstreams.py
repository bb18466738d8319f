"""Which target of an upstream a session goes to, and what becomes of targets that are not there."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.pools import Pool, named, pooled, unused
from tests.kit import heads, raw
from tests.kit.frames import close, text
from tests.kit.heads import Head, response
from tests.kit.served import plugin

# Round-robin


async def test_targets_take_turns_by_weight(tmp_path: Path) -> None:
    async with pooled(tmp_path, {"a": 30, "b": 10, "c": 0}) as pool:
        seen = [await pool.went() for _ in range(8)]
        assert Counter(seen) == {"a": 6, "b": 2}
        assert Counter(seen[:4]) == {"a": 3, "b": 1}


async def test_a_target_without_weight_never_gets_a_session(tmp_path: Path) -> None:
    async with pooled(tmp_path, {"idle": 0}, first=(unused(),)) as pool:
        head, body = await pool.gate.asked()
        assert (head.status, json.loads(body)) == (502, {"message": "the upstream server is not available"})
        assert pool.targets["idle"].connections == 0


# Least connections


async def test_least_connections_counts_live_sessions(tmp_path: Path) -> None:
    async with pooled(tmp_path, {"a": 100, "b": 100}, algorithm="least-connections") as pool:
        async with pool.session() as (first, _), pool.session() as (second, _):
            assert {first, second} == {"a", "b"}
            assert pool.live() == {"a": 1, "b": 1}
            async with pool.session() as (third, client):
                fuller = third
                assert pool.live()[fuller] == 2
                async with pool.session() as (fourth, _):
                    assert fourth != fuller
                client.send(close(1000))
        await pool.ended()


async def test_a_target_whose_sessions_end_gets_the_next_ones(tmp_path: Path) -> None:
    short = {"options": {"lingering_timeout": 50, "lingering_time": 50}}
    async with pooled(tmp_path, {"a": 100, "b": 100}, algorithm="least-connections", gateway=short) as pool:
        async with AsyncExitStack() as stack:
            names = [(await stack.enter_async_context(pool.session()))[0] for _ in range(4)]
            assert Counter(names) == {"a": 2, "b": 2}
            await pool.targets["a"].release()
            while pool.live()["a"]:
                await asyncio.sleep(0.005)
            more = [(await stack.enter_async_context(pool.session()))[0] for _ in range(2)]
            assert more == ["a", "a"]
        await pool.ended()


# Consistent hashing


async def hashed(pool: Pool, values: range | list[str], name: str = "X-User") -> dict[str, str]:
    return {str(value): await pool.went([(name, str(value))]) for value in values}


async def test_the_same_header_goes_to_the_same_target(tmp_path: Path) -> None:
    async with pooled(tmp_path, {"a": 100, "b": 100, "c": 100}, hash_on="header", hash_on_header="X-User") as pool:
        once = await hashed(pool, range(20))
        assert set(once.values()) == {"a", "b", "c"}
        assert await hashed(pool, range(20)) == once


async def test_whoever_belongs_to_a_dead_target_keeps_another_one(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"hash_on": "header", "hash_on_header": "X-User", "first": (unused(),)}
    async with pooled(tmp_path, {"a": 100, "b": 100}, **fields) as pool:
        once = await hashed(pool, range(12))
        assert set(once.values()) == {"a", "b"}
        assert await hashed(pool, range(12)) == once


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_address_that_counts_is_hashed(trusted: bool, tmp_path: Path) -> None:
    gateway = {"trusted_ips": ["127.0.0.1"]} if trusted else {}
    async with pooled(tmp_path, {"a": 100, "b": 100}, hash_on="ip", gateway=gateway) as pool:
        seen = await hashed(pool, [f"203.0.113.{number}" for number in range(12)], "X-Forwarded-For")
        assert len(set(seen.values())) == (2 if trusted else 1)


async def test_a_cookie_is_set_on_the_101_and_honoured_next_time(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"hash_on": "cookie", "hash_on_cookie": "seat", "hash_on_cookie_path": "/chat"}
    async with pooled(tmp_path, {"a": 100, "b": 100, "c": 100}, **fields, cookie="theirs=1") as pool:
        for _ in range(5):
            async with pool.session() as (name, client):
                theirs, ours = sorted(client.head.all("Set-Cookie"), reverse=True)
            assert theirs == "theirs=1"
            cookie, _, path = ours.partition("; ")
            assert cookie.startswith("seat=") and path == "Path=/chat"
            for _ in range(2):
                async with pool.session([("Cookie", f"x=y; {cookie}")]) as (again, client):
                    assert again == name
                    assert client.head.all("Set-Cookie") == ["theirs=1"]
        await pool.ended()


async def test_a_consumer_keeps_its_target(tmp_path: Path) -> None:
    consumers = [{"username": name, "keyauth_credentials": [{"key": name}]} for name in ("ann", "bob", "cid", "dee")]
    fields: dict[str, Any] = {"hash_on": "consumer", "use": [{"name": "key-auth"}], "consumers": consumers}
    async with pooled(tmp_path, {"a": 100, "b": 100}, **fields) as pool:
        once = await hashed(pool, ["ann", "bob", "cid", "dee"], "apikey")
        assert await hashed(pool, ["ann", "bob", "cid", "dee"], "apikey") == once


HASHED: dict[str, tuple[dict[str, Any], str, list[tuple[str, str]]]] = {
    "path": ({"hash_on": "path"}, "/room/{}", []),
    "query_arg": ({"hash_on": "query_arg", "hash_on_query_arg": "user"}, "/?x={0}&user={0}", []),
    "named capture": ({"hash_on": "uri_capture", "hash_on_uri_capture": "room"}, "/room/{}", []),
    "numbered capture": ({"hash_on": "uri_capture", "hash_on_uri_capture": "1"}, "/room/{}", []),
    "fallback": (
        {"hash_on": "consumer", "hash_fallback": "header", "hash_fallback_header": "X-User"},
        "/",
        [("X-User", "{}")],
    ),
    "two header fields": (
        {"hash_on": "header", "hash_on_header": "X-User"},
        "/",
        [("X-User", "same"), ("X-User", "{}")],
    ),
}


@pytest.mark.parametrize(("fields", "target", "extra"), HASHED.values(), ids=HASHED)
async def test_whatever_is_hashed_keeps_its_target(
    fields: dict[str, Any], target: str, extra: list[tuple[str, str]], tmp_path: Path
) -> None:
    service = {"routes": [{"paths": [r"~/room/(?<room>\w+)", "/"]}]}
    async with pooled(tmp_path, {"a": 100, "b": 100}, service=service, **fields) as pool:
        rounds = []
        for _ in range(2):
            seen = []
            for value in range(10):
                headers = [(name, text_.format(value)) for name, text_ in extra]
                seen.append(await pool.went(headers, target=target.format(value)))
            rounds.append(seen)
        assert rounds[0] == rounds[1]
        assert set(rounds[0]) == {"a", "b"}


# Targets that are not there


async def test_a_dead_target_is_left_for_the_next_one(tmp_path: Path) -> None:
    async with pooled(tmp_path, {"a": 100}, first=(unused(), unused())) as pool:
        assert [await pool.went() for _ in range(4)] == ["a"] * 4


@pytest.mark.parametrize(("retries", "served_all"), [(0, False), (1, True)])
async def test_retries_bound_the_attempts(retries: int, served_all: bool, tmp_path: Path) -> None:
    async with pooled(tmp_path, {"a": 100}, first=(unused(),), service={"retries": retries}) as pool:
        statuses = []
        for _ in range(2):
            async with raw.dialled(pool.gate.port) as client:
                client.send_raw(heads.upgrade_request())
                statuses.append((await client.recv_head()).status)
        assert sorted(statuses) == ([101, 101] if served_all else [101, 502])
        await pool.ended()


async def test_a_target_that_does_not_answer_is_left_too(tmp_path: Path) -> None:
    async with raw.raw_upstream(raw.say_nothing) as mute:
        fields: dict[str, Any] = {"first": (mute.authority,), "service": {"connect_timeout": 150}}
        async with pooled(tmp_path, {"a": 100}, **fields) as pool:
            assert [await pool.went() for _ in range(2)] == ["a", "a"]
            assert mute.connections == 1


async def test_where_all_are_dead_the_answer_is_502(tmp_path: Path) -> None:
    async with pooled(tmp_path, {}, first=(unused(), unused())) as pool:
        head, _ = await pool.gate.asked()
        assert head.status == 502


async def test_a_target_that_refuses_is_not_asked_around(tmp_path: Path) -> None:
    async with raw.raw_upstream(raw.answer(response("403 Forbidden", b"no"))) as refusing:
        async with pooled(tmp_path, {"a": 100}, first=(refusing.authority,)) as pool:
            answers: list[Head] = []
            for _ in range(2):
                async with raw.dialled(pool.gate.port) as client:
                    client.send_raw(heads.upgrade_request())
                    answers.append(await client.recv_head())
            assert sorted(head.status for head in answers) == [101, 403]
            await pool.ended()


async def test_a_client_that_leaves_before_its_101_is_not_counted(tmp_path: Path) -> None:
    async with raw.raw_upstream(raw.say_nothing) as mute:
        async with pooled(tmp_path, {"a": 0}, first=(mute.authority,)) as pool:
            balancer = pool.gate.gateway._dialler._pools["pool"].balancer
            (target,) = [target for target in balancer.upstream.targets if target.weight]
            async with raw.dialled(pool.gate.port) as client:
                client.send_raw(heads.upgrade_request())
                await mute.accepted()
                assert balancer.live(target) == 1
                client.close()
            await pool.gate.idle()
            assert balancer.live(target) == 0


async def test_a_plugin_may_choose_an_upstream_or_a_target(tmp_path: Path) -> None:
    choosing = plugin(
        ws_handshake="""
        where = kong.request.get_header("x-where")
        if where == "pool":
            kong.service.set_upstream("pool")
        else:
            kong.service.set_target("127.0.0.1", int(where))
        """
    )
    async with pooled(tmp_path, {"a": 100}, service={"host": "127.0.0.1"}, plugins={"choosing": choosing}) as pool:
        assert await pool.went([("X-Where", "pool")]) == "a"
        async with raw.raw_upstream(named("own")) as own:
            async with pool.session([("X-Where", str(own.port))]) as (name, client):
                assert name == "own"
                client.send(text("hello"))
                assert await (await own.accepted()).recv() == text("hello")
                assert set(pool.live().values()) == {0}
