"""Another target before the client's 101: for what, how often, and how long each attempt may take."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.pools import named, pooled, unused
from tests.kit import heads, raw
from tests.kit.heads import Head, response


async def answered(port: int) -> Head:
    async with raw.dialled(port) as client:
        client.send_raw(heads.upgrade_request())
        head = await client.recv_head()
        client.reset()
        return head


async def test_a_status_that_is_named_is_asked_around(tmp_path: Path) -> None:
    scripts = {name: raw.answer(response("503 Busy")) for name in ("busy", "busier")}
    fields: dict[str, Any] = {"scripts": scripts, "retry_on_statuses": [502, 503]}
    async with pooled(tmp_path, {"busy": 100, "busier": 100, "a": 100}, **fields) as pool:
        assert [await pool.went() for _ in range(3)] == ["a"] * 3
        assert pool.targets["busy"].connections > 0


async def test_a_status_that_is_not_named_is_relayed(tmp_path: Path) -> None:
    scripts = {"a": raw.answer(response("403 No", b"not you", [("X-Why", "no")]))}
    async with pooled(tmp_path, {"a": 100}, scripts=scripts, retry_on_statuses=[503]) as pool:
        head, body = await pool.gate.asked()
        assert (head.status, head.get("X-Why"), body) == (403, "no", b"not you")
        assert pool.targets["a"].connections == 1


async def test_where_all_refuse_the_last_refusal_is_relayed(tmp_path: Path) -> None:
    scripts = {name: raw.answer(response("503 Busy", name.encode(), [("X-From", name)])) for name in ("a", "b")}
    async with pooled(tmp_path, {"a": 100, "b": 100}, scripts=scripts, retry_on_statuses=[503]) as pool:
        head, body = await pool.gate.asked()
        assert (head.status, head.get("X-From")) == (503, "b")
        assert body == b"b"
        assert [target.connections for target in pool.targets.values()] == [1, 1]


@pytest.mark.parametrize("retries", [0, 1, 2])
async def test_retries_bound_the_refusals_too(retries: int, tmp_path: Path) -> None:
    names = ("a", "b", "c", "d")
    scripts = {name: raw.answer(response("503 Busy")) for name in names}
    fields: dict[str, Any] = {"scripts": scripts, "retry_on_statuses": [503], "service": {"retries": retries}}
    async with pooled(tmp_path, dict.fromkeys(names, 100), **fields) as pool:
        assert (await pool.gate.asked())[0].status == 503
        assert sum(target.connections for target in pool.targets.values()) == 1 + retries


async def test_each_attempt_has_the_whole_time_for_connecting(tmp_path: Path) -> None:
    scripts = {"one": raw.say_nothing, "two": raw.say_nothing}
    fields: dict[str, Any] = {"scripts": scripts, "service": {"connect_timeout": 300}}
    async with pooled(tmp_path, {"one": 100, "two": 100, "a": 100}, **fields) as pool:
        began = time.monotonic()
        assert await pool.went() == "a"
        assert time.monotonic() - began >= 0.6


async def test_where_all_attempts_take_too_long_the_answer_is_504(tmp_path: Path) -> None:
    scripts = {"one": raw.say_nothing, "two": raw.say_nothing}
    fields: dict[str, Any] = {"scripts": scripts, "service": {"connect_timeout": 100}}
    async with pooled(tmp_path, {"one": 100, "two": 100}, **fields) as pool:
        assert (await pool.gate.asked())[0].status == 504


async def test_what_failed_last_is_what_is_said(tmp_path: Path) -> None:
    scripts = {"busy": raw.answer(response("503 Busy", b"busy"))}
    fields: dict[str, Any] = {"scripts": scripts, "retry_on_statuses": [503]}
    async with pooled(tmp_path, {"busy": 100}, first=(unused(),), **fields) as pool:
        seen = []
        for _ in range(2):
            head, body = await pool.gate.asked()
            seen.append((head.status, body if head.status == 503 else json.loads(body)["message"]))
        assert sorted(seen) == [(502, "the upstream server is not available"), (503, b"busy")]


async def test_an_unhealthy_target_is_no_attempt(tmp_path: Path) -> None:
    checks = {"passive": {"unhealthy": {"tcp_failures": 1}}}
    dead = unused()
    fields: dict[str, Any] = {"first": (dead,), "healthchecks": checks, "service": {"retries": 1}}
    async with pooled(tmp_path, {"a": 100}, **fields) as pool:
        assert await pool.went() == "a"
        assert not pool.known()[dead]["healthy"]
        pool.targets["a"].script = raw.answer(response("403 No"))
        assert (await answered(pool.gate.port)).status == 403
        pool.targets["a"].script = named("a")
        assert [await pool.went() for _ in range(3)] == ["a"] * 3


async def test_a_client_that_leaves_is_not_asked_around_for(tmp_path: Path) -> None:
    checks = {"passive": {"unhealthy": {"tcp_failures": 1, "timeouts": 1}}}
    fields: dict[str, Any] = {"scripts": {"mute": raw.say_nothing}, "healthchecks": checks}
    async with pooled(tmp_path, {"mute": 100}, **fields) as pool:
        async with raw.dialled(pool.gate.port) as client:
            client.send_raw(heads.upgrade_request())
            await pool.targets["mute"].accepted()
            client.close()
        await pool.gate.idle()
        assert pool.known()["mute"]["healthy"]
        assert (pool.targets["mute"].connections, pool.live()) == (1, {"mute": 0})
