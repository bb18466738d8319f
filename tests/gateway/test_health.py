"""Healthy and unhealthy targets of a running gateway: active checks, what sessions tell, and who gets the sessions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from framegate.gateway.dialling import Dialler
from tests.gateway.pools import named, pooled, unused
from tests.kit import frames, heads, raw, tls
from tests.kit.frames import close, text
from tests.kit.heads import response
from tests.kit.raw import RawPeer, Script

FAST = {"healthy": {"interval": 0.05, "successes": 2}, "unhealthy": {"interval": 0.05}}


def active(type: str = "http", **unhealthy: Any) -> dict[str, Any]:
    return {"active": {"type": type, **FAST, "unhealthy": {"interval": 0.05, **unhealthy}}}


def passive(healthy: dict[str, Any] | None = None, **unhealthy: Any) -> dict[str, Any]:
    return {"passive": {"healthy": healthy or {}, "unhealthy": unhealthy}}


class Moody:
    """A target that answers sessions and health checks as it is told to.

    Attributes:
        status: of its health, at ``/health``.
        session: what it does with sessions.
    """

    def __init__(self, name: str) -> None:
        self.status = "200 OK"
        self.session: Script = named(name)
        self.checks = 0

    async def __call__(self, peer: RawPeer) -> None:
        if peer.head.start.startswith("GET /health "):
            self.checks += 1
            await raw.answer(response(self.status))(peer)
        else:
            await self.session(peer)


def http(**unhealthy: Any) -> dict[str, Any]:
    checks = active(**{"http_failures": 2, **unhealthy})
    checks["active"]["http_path"] = "/health"
    return checks


def said(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if words in record.getMessage()]


# Active checks


async def test_a_target_whose_check_fails_gets_no_sessions_until_it_succeeds_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, loop_kind: str
) -> None:
    caplog.set_level(logging.INFO, "framegate.gateway")
    scripts = {name: Moody(name) for name in ("a", "b")}
    async with pooled(tmp_path, {"a": 100, "b": 100}, scripts=scripts, healthchecks=http()) as pool:
        await pool.until(lambda: scripts["a"].checks)
        assert {await pool.went() for _ in range(4)} == {"a", "b"}
        scripts["a"].status = "503 Service Unavailable"
        known = await pool.until_healthy("a", False)
        assert known["reason"] == "2 failures by status in a row of active checks: status 503"
        assert {await pool.went() for _ in range(6)} == {"b"}
        scripts["a"].status = "200 OK"
        known = await pool.until_healthy("a")
        assert known["reason"] == "2 successes in a row of active checks"
        assert {await pool.went() for _ in range(4)} == {"a", "b"}
    assert len(said(caplog, "is unhealthy: 2 failures by status")) == 1
    assert len(said(caplog, "is healthy again: 2 successes")) == 1


async def test_an_unhealthy_target_keeps_its_sessions(tmp_path: Path) -> None:
    scripts = {name: Moody(name) for name in ("a", "b")}
    async with pooled(tmp_path, {"a": 100, "b": 0}, scripts=scripts, healthchecks=http()) as pool:
        async with pool.session() as (name, client):
            assert name == "a"
            scripts["a"].status = "500 X"
            await pool.until_healthy("a", False)
            client.send(text("still here"))
            peer = await pool.targets["a"].accepted()
            while "health" in peer.head.start:
                peer = await pool.targets["a"].accepted()
            assert await peer.recv() == text("still here")
            assert pool.live()["a"] == 1
        await pool.ended()


async def test_where_all_targets_are_unhealthy_the_answer_is_503(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scripts = {name: Moody(name) for name in ("a", "b")}
    async with pooled(tmp_path, {"a": 100, "b": 100}, scripts=scripts, healthchecks=http()) as pool:
        for script in scripts.values():
            script.status = "500 X"
        for name in scripts:
            await pool.until_healthy(name, False)
        before = {name: upstream.connections - scripts[name].checks for name, upstream in pool.targets.items()}
        head, body = await pool.gate.asked()
        assert (head.status, head.get("Retry-After")) == (503, None)
        assert json.loads(body) == {"message": "the upstream server is not available"}
        for script in scripts.values():
            script.status = "200 OK"
        for name in scripts:
            await pool.until_healthy(name)
        assert all(number <= 1 for number in before.values())
        assert await pool.went() in ("a", "b")
    assert said(caplog, "upstream 'pool' has 2 of 2 targets unhealthy: 503")


async def test_below_the_threshold_the_answer_is_503(tmp_path: Path) -> None:
    scripts = {name: Moody(name) for name in ("a", "b")}
    checks = {**http(), "threshold": 60}
    async with pooled(tmp_path, {"a": 100, "b": 100}, scripts=scripts, healthchecks=checks) as pool:
        scripts["a"].status = "500 X"
        await pool.until_healthy("a", False)
        head, _ = await pool.gate.asked()
        assert head.status == 503
        assert pool.dialler.health()[0]["available"] is False


async def test_a_dead_target_is_found_out_before_a_session_meets_it(tmp_path: Path) -> None:
    dead = unused()
    checks = active("tcp", tcp_failures=1)
    async with pooled(tmp_path, {"a": 100}, first=(dead,), healthchecks=checks, service={"retries": 0}) as pool:
        await pool.until_healthy(dead, False)
        assert [await pool.went() for _ in range(4)] == ["a"] * 4


async def test_a_target_that_hangs_is_found_out(tmp_path: Path) -> None:
    checks = active("websocket", timeouts=2)
    checks["active"]["timeout"] = 0.1
    async with pooled(tmp_path, {"a": 100}, scripts={"a": raw.say_nothing}, healthchecks=checks) as pool:
        known = await pool.until_healthy("a", False)
        assert known["reason"] == "2 time-outs in a row of active checks: no answer within 0.1 seconds"


async def test_a_websocket_check_speaks_websocket(tmp_path: Path) -> None:
    async def answering(peer: RawPeer) -> None:
        await raw.accept()(peer)
        # The last check is cut off with the test.
        with contextlib.suppress(EOFError, OSError):
            peer.send(frames.pong((await peer.recv()).payload))
            peer.send(await peer.recv())
        peer.half_close()

    scripts = {"good": answering, "bad": raw.accept(then=b"\x88\x02\x03\xf3")}
    checks = active("websocket", tcp_failures=1)
    async with pooled(tmp_path, {"good": 100, "bad": 100}, scripts=scripts, healthchecks=checks) as pool:
        await pool.until_healthy("bad", False)
        await pool.until(lambda: pool.targets["good"].connections > 2)
        assert pool.known()["good"]["healthy"]
        assert pool.known()["bad"]["reason"].endswith("closed with 1011 instead of answering a ping")


@pytest.mark.parametrize(("verified", "healthy"), [(True, True), (True, False), (False, True)])
async def test_https_checks_trust_whom_the_service_trusts(verified: bool, healthy: bool, tmp_path: Path) -> None:
    trusted = tls.authority() if healthy and verified else tls.stranger()
    authority = {"id": str(uuid.uuid4()), "cert": trusted.cert_pem.bytes().decode()}
    script = raw.answer(response("200 OK"))
    async with raw.raw_upstream(script, ssl=tls.server_context("chat.example")) as upstream:
        checks = active("https", tcp_failures=1)
        checks["active"].update(https_verify_certificate=verified, https_sni="chat.example")
        fields: dict[str, Any] = {
            "service": {"protocol": "wss", "ca_certificates": [authority["id"]]},
            "certificates": [authority],
            "healthchecks": checks,
            "first": (upstream.authority,),
        }
        async with pooled(tmp_path, {}, **fields) as pool:
            if healthy:
                await pool.until(lambda: upstream.connections > 3)
            else:
                known = await pool.until_healthy(upstream.authority, False)
                assert "certificate verify failed" in known["reason"]
            assert pool.known()[upstream.authority]["healthy"] is healthy
        await upstream.release()


async def test_a_target_without_weight_is_not_checked(tmp_path: Path) -> None:
    scripts = {name: Moody(name) for name in ("a", "b")}
    async with pooled(tmp_path, {"a": 100, "b": 0}, scripts=scripts, healthchecks=http()) as pool:
        await pool.until(lambda: scripts["a"].checks > 2)
        assert scripts["b"].checks == 0


async def test_no_more_checks_run_at_a_time_than_allowed(tmp_path: Path) -> None:
    running, most = 0, 0

    async def slow(peer: RawPeer) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.03)
        running -= 1
        await raw.answer(response("200 OK"))(peer)

    names = [f"t{number}" for number in range(6)]
    checks = active("http", timeouts=1)
    checks["active"]["concurrency"] = 2
    scripts = dict.fromkeys(names, slow)
    async with pooled(tmp_path, dict.fromkeys(names, 100), scripts=scripts, healthchecks=checks) as pool:
        await pool.until(lambda: all(target.connections > 1 for target in pool.targets.values()))
        assert most == 2


async def test_when_the_dialler_is_closed_nothing_is_checked_any_more(tmp_path: Path) -> None:
    scripts = {"a": Moody("a")}
    async with pooled(tmp_path, {"a": 100}, scripts=scripts, healthchecks=http()) as pool:
        await pool.until(lambda: scripts["a"].checks)
        await pool.dialler.close()
        before = scripts["a"].checks
        await asyncio.sleep(0.2)
        assert scripts["a"].checks == before
        assert await pool.went() == "a"


# What sessions tell


async def test_handshakes_that_fail_make_a_target_unhealthy(tmp_path: Path) -> None:
    dead = unused()
    async with pooled(tmp_path, {"a": 100}, first=(dead,), healthchecks=passive(tcp_failures=2)) as pool:
        assert [await pool.went() for _ in range(6)] == ["a"] * 6
        known = pool.known()[dead]
        assert not known["healthy"]
        assert known["reason"].startswith("2 failed connections in a row of sessions: upstream ")


async def test_handshakes_that_take_too_long_make_a_target_unhealthy(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"scripts": {"mute": raw.say_nothing}, "service": {"connect_timeout": 100}}
    async with pooled(tmp_path, {"mute": 100, "a": 100}, healthchecks=passive(timeouts=1), **fields) as pool:
        assert [await pool.went() for _ in range(4)] == ["a"] * 4
        assert pool.targets["mute"].connections == 1
        assert not pool.known()["mute"]["healthy"]


REFUSED = [(503, {}, False), (403, {}, True), (403, {"http_statuses": [403]}, False), (503, {"type": "tcp"}, True)]


@pytest.mark.parametrize(("status", "fields", "healthy"), REFUSED)
async def test_refusals_count_by_their_status(
    status: int, fields: dict[str, Any], healthy: bool, tmp_path: Path
) -> None:
    checks = passive(http_failures=2, **{name: value for name, value in fields.items() if name != "type"})
    checks["passive"]["type"] = fields.get("type", "http")
    scripts = {"a": raw.answer(response(f"{status} No"))}
    async with pooled(tmp_path, {"a": 100}, scripts=scripts, healthchecks=checks) as pool:
        for _ in range(2):
            head, _body = await pool.gate.asked()
            assert head.status == status
        assert pool.known()["a"]["healthy"] is healthy
        head, _body = await pool.gate.asked()
        assert head.status == (status if healthy else 503)


async def test_a_101_between_refusals_clears_them(tmp_path: Path) -> None:
    target = Moody("a")
    checks = passive(http_failures=2)
    async with pooled(tmp_path, {"a": 100}, scripts={"a": target}, healthchecks=checks) as pool:
        accepting = target.session
        for _ in range(3):
            target.session = raw.answer(response("500 X"))
            assert (await pool.gate.asked())[0].status == 500
            target.session = accepting
            assert await pool.went() == "a"
        assert pool.known()["a"]["healthy"]


ENDINGS = {
    "reset": (None, "reset", False),
    "end": (None, "close", False),
    "protocol": (b"\xff\x00", "keep", False),
    "internal error": (close(1011), "half_close", False),
    "try again later": (close(1013), "half_close", False),
    "normal": (close(1000), "half_close", True),
    "going away": (close(1001), "half_close", True),
}


@pytest.mark.parametrize(("last", "ending", "healthy"), ENDINGS.values(), ids=ENDINGS)
async def test_sessions_that_a_target_breaks_off_soon_make_it_unhealthy(
    last: Any, ending: str, healthy: bool, tmp_path: Path
) -> None:
    async def script(peer: RawPeer) -> None:
        await raw.accept()(peer)
        if isinstance(last, bytes):
            peer.send_raw(last)
        elif last is not None:
            peer.send(last)
        if ending != "keep":
            getattr(peer, ending)()

    checks = passive(session_failures=2, session_time=10)
    short = {"options": {"lingering_timeout": 50, "lingering_time": 50}}
    async with pooled(tmp_path, {"a": 100}, scripts={"a": script}, healthchecks=checks, gateway=short) as pool:
        for _ in range(2):
            async with raw.connected(pool.gate.port) as client:
                code, _reason = await client.recv_close()
                client.send(close(code if code in (1000, 1001, 1011, 1013) else None))
            await pool.gate.idle()
        assert pool.known()["a"]["healthy"] is healthy
        assert pool.live() == {"a": 0}


async def test_a_session_that_lasted_is_no_failure_however_it_ends(tmp_path: Path) -> None:
    checks = passive(session_failures=1, session_time=0.05)
    async with pooled(tmp_path, {"a": 100}, healthchecks=checks) as pool:
        async with pool.session() as (_, client):
            await asyncio.sleep(0.1)
            (await pool.targets["a"].accepted()).reset()
            assert (await client.recv_close())[0] == 1014
        await pool.ended()
        assert pool.known()["a"]["healthy"]


async def test_a_good_session_between_broken_ones_clears_them(tmp_path: Path) -> None:
    async def breaking(peer: RawPeer) -> None:
        await raw.accept()(peer)
        peer.reset()

    target = Moody("a")
    checks = passive(session_failures=2, session_time=10)
    async with pooled(tmp_path, {"a": 100}, scripts={"a": target}, healthchecks=checks) as pool:
        accepting = target.session
        for _ in range(3):
            target.session = breaking
            async with raw.connected(pool.gate.port) as client:
                assert (await client.recv_close())[0] == 1014
            await pool.gate.idle()
            target.session = accepting
            assert await pool.went() == "a"
        assert pool.known()["a"]["healthy"]


async def test_what_the_client_breaks_off_is_not_the_targets_fault(tmp_path: Path) -> None:
    checks = passive(session_failures=1, session_time=10)
    async with pooled(tmp_path, {"a": 100}, healthchecks=checks) as pool:
        for send in (b"\x81\x00", b"\xff\xff"):
            async with pool.session() as (_, client):
                client.send_raw(send)
                client.reset()
        await pool.ended()
        assert pool.known()["a"]["healthy"]


async def test_a_target_that_nobody_checks_is_tried_again_after_its_ejection_time(tmp_path: Path) -> None:
    target = Moody("a")
    target.session = raw.answer(response("503 X"))
    checks = {**passive(http_failures=1), "ejection_time": 0.15}
    async with pooled(tmp_path, {"a": 100}, scripts={"a": target}, healthchecks=checks) as pool:
        assert [(await pool.gate.asked())[0].status for _ in range(2)] == [503, 503]
        assert pool.targets["a"].connections == 1
        target.session = named("a")
        known = await pool.until_healthy("a")
        assert known["reason"] == "tried again after 0.15 seconds"
        assert await pool.went() == "a"


async def test_active_checks_bring_back_what_sessions_have_made_unhealthy(tmp_path: Path) -> None:
    target = Moody("a")
    target.session = raw.answer(response("503 X"))
    checks = {**http(), **passive(http_failures=1), "ejection_time": 0.01}
    checks["active"]["unhealthy"]["interval"] = 0.3
    async with pooled(tmp_path, {"a": 100}, scripts={"a": target}, healthchecks=checks) as pool:
        assert (await pool.gate.asked())[0].status == 503
        await asyncio.sleep(0.1)
        assert not pool.known()["a"]["healthy"], "the ejection time is for targets that nobody checks"
        known = await pool.until_healthy("a")
        assert known["reason"] == "2 successes in a row of active checks"


# Slow start, limits, insight


async def test_a_target_that_is_healthy_again_gets_few_sessions_at_first(tmp_path: Path) -> None:
    scripts = {name: Moody(name) for name in ("a", "b")}
    fields: dict[str, Any] = {"scripts": scripts, "healthchecks": http(), "slow_start": 3_600_000}
    async with pooled(tmp_path, {"a": 100, "b": 100}, **fields) as pool:
        scripts["a"].status = "500 X"
        await pool.until_healthy("a", False)
        scripts["a"].status = "200 OK"
        await pool.until_healthy("a")
        assert pool.known()["a"]["share"] == pytest.approx(0.01, abs=0.001)
        assert Counter([await pool.went() for _ in range(10)])["a"] <= 1


async def test_a_full_target_is_passed_over_and_where_all_are_full_the_answer_is_503(tmp_path: Path) -> None:
    fields = {"a": {"max_connections": 1}, "b": {"max_connections": 2}}
    async with pooled(tmp_path, {"a": 100, "b": 100}, fields=fields) as pool:
        async with pool.session(), pool.session(), pool.session() as (_, last):
            assert pool.live() == {"a": 1, "b": 2}
            head, body = await pool.gate.asked()
            assert (head.status, head.get("Retry-After")) == (503, "5")
            assert json.loads(body) == {"message": "the upstream server is not available"}
            last.send(close(1000))
        await pool.ended()
        assert await pool.went() in ("a", "b")


async def test_handshakes_under_way_count_as_connections(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"scripts": {"mute": raw.say_nothing}, "fields": {"mute": {"max_connections": 1}}}
    async with pooled(tmp_path, {"mute": 100}, **fields) as pool:
        async with raw.dialled(pool.gate.port) as client:
            client.send_raw(heads.upgrade_request())
            await pool.targets["mute"].accepted()
            assert (await pool.gate.asked())[0].status == 503
            client.close()
        await pool.gate.idle()
        assert pool.live() == {"mute": 0}


async def test_what_is_known_is_plain_data(tmp_path: Path) -> None:
    fields = {"a": {"max_connections": 7}}
    async with pooled(tmp_path, {"a": 30, "b": 0}, fields=fields) as pool:
        async with pool.session():
            (found,) = pool.dialler.health()
            where = pool.targets["a"].authority
            assert json.loads(json.dumps(found)) == found
            assert (found["upstream"], found["algorithm"], found["available"]) == ("pool", "round-robin", True)
            assert found["targets"][0] == {
                "target": where,
                "address": where,
                "weight": 30,
                "share": 1.0,
                "healthy": True,
                "reason": "",
                "live": 1,
                "max_connections": 7,
            }
            assert (found["targets"][1]["weight"], found["targets"][1]["share"]) == (0, 0.0)
        await pool.ended()


# Reloads


async def test_health_survives_a_reload(tmp_path: Path) -> None:
    dead = unused()
    async with pooled(tmp_path, {"a": 100}, first=(dead,), healthchecks=passive(tcp_failures=1)) as pool:
        assert [await pool.went() for _ in range(2)] == ["a", "a"]
        async with pool.session():
            new = Dialler(pool.gate.gateway.config)
            new.start(pool.dialler)
            try:
                (found,) = new.health()
                known = {each["address"]: (each["healthy"], each["live"]) for each in found["targets"]}
                assert known == {dead: (False, 0), pool.targets["a"].authority: (True, 1)}
            finally:
                await new.close()
        await pool.ended()


async def test_the_ejection_time_goes_on_after_a_reload(tmp_path: Path) -> None:
    dead = unused()
    checks = {**passive(tcp_failures=1), "ejection_time": 0.2}
    async with pooled(tmp_path, {"a": 100}, first=(dead,), healthchecks=checks) as pool:
        assert [await pool.went() for _ in range(2)] == ["a", "a"]
        new = Dialler(pool.gate.gateway.config)
        new.start(pool.dialler)
        try:
            assert not new.health()[0]["targets"][0]["healthy"]
            await pool.until(lambda: new.health()[0]["targets"][0]["healthy"])
        finally:
            await new.close()
