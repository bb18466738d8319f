"""Targets with names: records and their lifetimes, from a real name server over UDP, and from the system's resolver."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from framegate.config.configuration import Dns
from framegate.gateway.dialling import Dialler
from framegate.gateway.upstreams.lookup import Answer, LookupFailed, NameServers, System, lookup_of
from framegate.gateway.upstreams.seat import Place
from tests.gateway.pools import Pool, named, pooled
from tests.kit import raw, tls
from tests.kit.nameserver import NameServer, name_server
from tests.kit.raw import RawUpstream


@pytest.fixture
def zone() -> Iterator[NameServer]:
    with name_server() as server:
        yield server


NO_HOSTS = Path("/nonexistent")


def asking(zone: NameServer, **fields: Any) -> NameServers:
    return NameServers(Dns(resolver=(("127.0.0.1", zone.port),), **{"hosts_file": NO_HOSTS, **fields}))


async def found(lookup: NameServers | System, name: str, *, srv: bool = False) -> list[str]:
    return [str(place) for place in (await lookup.find(name, 8000, srv=srv)).places]


# One question


async def test_the_addresses_of_a_name_are_its_places(zone: NameServer, loop_kind: str) -> None:
    zone.has("chat.test", "A", "10.0.0.2", "10.0.0.1", ttl=30)
    assert await asking(zone).find("chat.test", 8000, srv=False) == Answer(
        (Place("10.0.0.1", 8000), Place("10.0.0.2", 8000)), 30
    )


async def test_the_first_kind_of_record_that_there_is_counts(zone: NameServer) -> None:
    zone.has("both.test", "A", "10.0.0.1")
    zone.has("both.test", "AAAA", "fd00::1")
    zone.has("six.test", "AAAA", "fd00::6")
    assert await found(asking(zone), "both.test") == ["10.0.0.1:8000"]
    assert await found(asking(zone, order=("AAAA", "A")), "both.test") == ["[fd00::1]:8000"]
    assert await found(asking(zone), "six.test") == ["[fd00::6]:8000"]
    assert await found(asking(zone, order=("A",)), "six.test") == []


async def test_srv_records_have_their_own_ports_and_weights(zone: NameServer) -> None:
    zone.has("_chat._tcp.test", "SRV", "1 30 9001 one.test.", "1 10 9002 two.test.", "2 50 9003 spare.test.", ttl=60)
    zone.has("one.test", "A", "10.0.0.1", ttl=5)
    zone.has("two.test", "A", "10.0.0.2", ttl=90)
    zone.has("spare.test", "A", "10.0.0.3")
    answer = await asking(zone).find("_chat._tcp.test", 8000, srv=True)
    assert answer.places == (Place("10.0.0.1", 9001, 30, "one.test"), Place("10.0.0.2", 9002, 10, "two.test"))
    assert answer.ttl == 5, "the shortest of all that had a part in it"


async def test_srv_records_come_first_where_the_order_says_so(zone: NameServer) -> None:
    zone.has("chat.test", "SRV", "0 0 9001 one.test.")
    zone.has("chat.test", "A", "10.0.0.9")
    zone.has("one.test", "A", "10.0.0.1")
    assert await found(asking(zone), "chat.test") == ["10.0.0.1:9001"]
    assert await found(asking(zone, order=("A", "SRV")), "chat.test") == ["10.0.0.9:8000"]


async def test_where_only_srv_records_count_addresses_do_not(zone: NameServer) -> None:
    zone.has("chat.test", "A", "10.0.0.9")
    assert await found(asking(zone), "chat.test", srv=True) == []


async def test_a_service_that_is_decidedly_not_there_has_no_places(zone: NameServer) -> None:
    zone.has("gone.test", "SRV", "0 0 0 .")
    assert await found(asking(zone), "gone.test", srv=True) == []


async def test_an_alias_is_followed_and_its_lifetime_counts(zone: NameServer) -> None:
    zone.has("www.test", "CNAME", "real.test.", ttl=7)
    zone.has("real.test", "A", "10.0.0.1", ttl=60)
    assert await asking(zone, order=("A",)).find("www.test", 8000, srv=False) == Answer((Place("10.0.0.1", 8000),), 7)


async def test_that_there_is_no_such_name_is_an_answer_and_trouble_is_none(zone: NameServer) -> None:
    assert await found(asking(zone), "nobody.test") == []
    zone.failing = True
    with pytest.raises(LookupFailed, match="SERVFAIL"):
        await asking(zone).find("nobody.test", 8000, srv=False)


GARBAGE = {
    "nothing": b"",
    "noise": bytes(range(100)),
    "a head alone": b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00",
    "a name that points at itself": b"\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_what_is_no_answer_is_a_failure(garbage: bytes, zone: NameServer) -> None:
    zone.garbage = garbage
    lookup = asking(zone)
    lookup._resolver.lifetime = 0.3
    with pytest.raises(LookupFailed):
        await lookup.find("chat.test", 8000, srv=False)


async def test_a_lifetime_of_0_is_a_second(zone: NameServer) -> None:
    zone.has("chat.test", "A", "10.0.0.1", ttl=0)
    assert (await asking(zone, order=("A",)).find("chat.test", 8000, srv=False)).ttl == 1


async def test_the_hosts_file_comes_before_the_name_servers(zone: NameServer, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("# ours\n10.1.1.1 Chat.test other.test # a comment\nfd00::7 chat.test\nnonsense x.test\n")
    zone.has("chat.test", "A", "10.0.0.1")
    assert await found(asking(zone, hosts_file=hosts), "chat.TEST") == ["10.1.1.1:8000"]
    assert await found(asking(zone, hosts_file=hosts, order=("AAAA", "A")), "chat.test") == ["[fd00::7]:8000"]
    assert zone.asked == []
    hosts.write_text("10.1.1.2 other.test\n")
    assert await found(asking(zone, hosts_file=hosts), "other.test") == ["10.1.1.2:8000"]
    assert await found(asking(zone, hosts_file=hosts), "chat.test") == ["10.0.0.1:8000"]


async def test_the_second_name_server_is_asked_where_the_first_one_is_dead(zone: NameServer) -> None:
    with name_server() as dead:
        dead.failing = True
        zone.has("chat.test", "A", "10.0.0.1")
        servers = (("127.0.0.1", dead.port), ("127.0.0.1", zone.port))
        assert await found(NameServers(Dns(servers, NO_HOSTS)), "chat.test") == ["10.0.0.1:8000"]


async def test_the_systems_resolver_knows_the_hosts_file(loop_kind: str) -> None:
    assert "127.0.0.1:8000" in await found(System(Dns(order=("A",))), "localhost")


async def test_the_systems_resolver_says_that_there_is_no_such_name_or_that_it_cannot_tell() -> None:
    try:
        assert await found(System(Dns()), "nobody.invalid") == []
    except LookupFailed as error:
        assert str(error)


async def test_a_name_that_cannot_be_one_is_a_failure_and_no_traceback() -> None:
    with pytest.raises(LookupFailed):
        await System(Dns()).find("x" * 70 + ".test", 8000, srv=False)


def test_who_is_asked_depends_on_what_the_file_says() -> None:
    servers = Dns(resolver=(("127.0.0.1", 53),))
    assert isinstance(lookup_of(Dns(), srv=False), System)
    assert isinstance(lookup_of(Dns(), srv=True), NameServers)
    assert isinstance(lookup_of(servers, srv=False), NameServers)


# A running gateway


@asynccontextmanager
async def serving(
    tmp_path: Path, zone: NameServer, *, target: dict[str, Any] | None = None, dns: dict[str, Any] | None = None,
    **more: Any,
) -> AsyncIterator[Pool]:  # fmt: skip
    """A gateway whose upstream has one target with a name."""
    gateway = {"dns": {"resolver": [f"127.0.0.1:{zone.port}"], "order": ["A"], "error_ttl": 0.1, **(dns or {})}}
    entry = {"target": "chat.test", **(target or {})}
    async with pooled(tmp_path, {}, targets=[entry], gateway=gateway, **more) as pool:
        yield pool


@asynccontextmanager
async def twins() -> AsyncIterator[tuple[int, dict[str, RawUpstream]]]:
    """Two upstreams with one port, on two addresses."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(raw.raw_upstream(named("one")))
        two = RawUpstream(named("two"))
        try:
            server = await asyncio.start_server(two.serve_one, "127.0.0.2", one.port)
        except OSError:
            pytest.skip("127.0.0.2 is no address of this machine")
        two.port = one.port
        try:
            yield one.port, {"one": one, "two": two}
        finally:
            server.close()
            await two.release()
            await one.release()


async def where(pool: Pool) -> str:
    async with raw.connected(pool.gate.port) as client:
        name = client.head.get("X-Target") or ""
        client.reset()
    return name


def addresses(pool: Pool) -> list[str | None]:
    return [each["address"] for each in pool.dialler.health()[0]["targets"]]


async def test_sessions_go_to_every_address_of_a_name(tmp_path: Path, zone: NameServer, loop_kind: str) -> None:
    zone.has("chat.test", "A", "127.0.0.1", "127.0.0.2", ttl=60)
    async with twins() as (port, _), serving(tmp_path, zone, target={"target": f"chat.test:{port}"}) as pool:
        assert Counter([await where(pool) for _ in range(4)]) == {"one": 2, "two": 2}
        assert addresses(pool) == [f"127.0.0.1:{port}", f"127.0.0.2:{port}"]
        assert zone.count("chat.test", "A") == 1


async def test_the_name_is_what_the_target_is_told(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1", ttl=60)
    async with twins() as (port, upstreams), serving(tmp_path, zone, target={"target": f"chat.test:{port}"}) as pool:
        await where(pool)
        assert (await upstreams["one"].accepted()).head.get("Host") == f"chat.test:{port}"


async def test_a_name_is_followed_when_its_answer_is_over(
    tmp_path: Path, zone: NameServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "framegate.gateway")
    zone.has("chat.test", "A", "127.0.0.1", ttl=1)
    async with twins() as (port, _), serving(tmp_path, zone, target={"target": f"chat.test:{port}"}) as pool:
        began = time.monotonic()
        assert await where(pool) == "one"
        zone.has("chat.test", "A", "127.0.0.2", ttl=1)
        assert await where(pool) == "one"
        await pool.until(lambda: addresses(pool) == [f"127.0.0.2:{port}"])
        assert time.monotonic() - began > 0.9
        assert await where(pool) == "two"
    assert f"upstream 'pool': the name chat.test leads to 127.0.0.2:{port}" in caplog.messages


async def test_a_session_goes_on_where_the_name_leads_no_more(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1")
    async with twins() as (port, upstreams):
        fields: dict[str, Any] = {"target": {"target": f"chat.test:{port}"}, "dns": {"valid_ttl": 0.1}}
        async with serving(tmp_path, zone, **fields) as pool:
            async with raw.connected(pool.gate.port) as client:
                upstream = await upstreams["one"].accepted()
                zone.has("chat.test", "A", "127.0.0.2")
                await pool.until(lambda: addresses(pool) == [f"127.0.0.2:{port}"])
                client.send(raw.frames.text("still here"))
                assert await upstream.recv() == raw.frames.text("still here")
                await upstream.release()
                client.reset()
            await pool.gate.idle()


async def test_a_stale_answer_is_used_while_there_is_no_new_one_and_the_trouble_is_told_once(
    tmp_path: Path, zone: NameServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "framegate.gateway")
    zone.has("chat.test", "A", "127.0.0.1")
    async with twins() as (port, _):
        fields: dict[str, Any] = {"target": {"target": f"chat.test:{port}"}, "dns": {"valid_ttl": 0.1}}
        async with serving(tmp_path, zone, **fields) as pool:
            assert await where(pool) == "one"
            zone.failing = True
            before = len(zone.asked)
            await pool.until(lambda: len(zone.asked) > before + 3)
            assert await where(pool) == "one"
            zone.failing = False
            zone.has("chat.test", "A", "127.0.0.2")
            await pool.until(lambda: addresses(pool) == [f"127.0.0.2:{port}"])
            assert await where(pool) == "two"
    assert len([each for each in caplog.messages if "the name chat.test cannot be looked up" in each]) == 1
    assert caplog.messages.count("upstream 'pool': the name chat.test is found again") == 1


async def test_an_answer_that_is_too_old_is_not_used(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1")
    async with twins() as (port, _):
        dns = {"valid_ttl": 0.1, "stale_ttl": 0.3}
        async with serving(tmp_path, zone, target={"target": f"chat.test:{port}"}, dns=dns) as pool:
            assert await where(pool) == "one"
            zone.failing = True
            await pool.until(lambda: addresses(pool) == [None])
            assert (await pool.gate.asked())[0].status == 503
            (target,) = pool.dialler.health()[0]["targets"]
            assert (target["healthy"], target["live"]) == (False, 0)
            assert target["reason"].startswith("chat.test cannot be looked up: A: ")


async def test_a_name_that_is_not_there_is_503_until_it_is(tmp_path: Path, zone: NameServer) -> None:
    async with twins() as (port, _), serving(tmp_path, zone, target={"target": f"chat.test:{port}"}) as pool:
        assert (await pool.gate.asked())[0].status == 503
        assert pool.dialler.health()[0]["targets"][0]["reason"] == "chat.test has no addresses"
        zone.has("chat.test", "A", "127.0.0.2")
        await pool.until(lambda: addresses(pool) == [f"127.0.0.2:{port}"])
        assert await where(pool) == "two"


async def test_name_servers_that_are_silent_hold_nobody_longer_than_the_time_for_connecting(
    tmp_path: Path, zone: NameServer
) -> None:
    zone.silent = True
    async with serving(tmp_path, zone, service={"host": "pool", "connect_timeout": 200}) as pool:
        for _ in range(2):
            assert (await pool.gate.asked())[0].status == 503
        assert pool.dialler.health()[0]["targets"][0]["reason"] == "not looked up yet"


async def test_a_name_whose_records_are_removed_leads_nowhere(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1")
    async with twins() as (port, _):
        fields: dict[str, Any] = {"target": {"target": f"chat.test:{port}"}, "dns": {"valid_ttl": 0.1}}
        async with serving(tmp_path, zone, **fields) as pool:
            assert await where(pool) == "one"
            zone.has("chat.test", "A")
            await pool.until(lambda: addresses(pool) == [None])


async def test_an_address_that_is_dead_is_left_for_another_one_of_the_name(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1", "127.0.0.3", ttl=60)
    checks = {"passive": {"unhealthy": {"tcp_failures": 1}}}
    async with twins() as (port, _):
        async with serving(tmp_path, zone, target={"target": f"chat.test:{port}"}, healthchecks=checks) as pool:
            assert [await where(pool) for _ in range(4)] == ["one"] * 4
            healthy = {each["address"]: each["healthy"] for each in pool.dialler.health()[0]["targets"]}
            assert healthy == {f"127.0.0.1:{port}": True, f"127.0.0.3:{port}": False}


async def test_sessions_without_background_work_renew_a_name_too(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1")
    async with twins() as (port, upstreams):
        fields: dict[str, Any] = {"target": {"target": f"chat.test:{port}"}, "dns": {"valid_ttl": 0.1}}
        checks = {"active": {"type": "tcp", "healthy": {"interval": 0.05}}}
        async with serving(tmp_path, zone, healthchecks=checks, **fields) as pool:
            await pool.dialler.close()
            assert await where(pool) == "one"
            zone.has("chat.test", "A", "127.0.0.3")
            await asyncio.sleep(0.15)
            assert await where(pool) == "one", "the old answer serves while the new one is on its way"
            await pool.until(lambda: addresses(pool) == [f"127.0.0.3:{port}"])
            zone.has("chat.test", "A", "127.0.0.2")
            await asyncio.sleep(0.15)
            assert await where(pool) == "two", "where the old address is dead, the new answer is waited for"
            await asyncio.sleep(0.1)
            assert upstreams["two"].connections == 1, "what was ended does not begin again: there are no checks"


async def test_a_reload_keeps_what_a_name_led_to(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1", ttl=60)
    async with twins() as (port, _), serving(tmp_path, zone, target={"target": f"chat.test:{port}"}) as pool:
        async with raw.connected(pool.gate.port) as client:
            zone.failing = True
            new = Dialler(pool.gate.gateway.config)
            new.start(pool.dialler)
            try:
                (found,) = new.health()[0]["targets"]
                assert (found["address"], found["live"]) == (f"127.0.0.1:{port}", 1)
            finally:
                await new.close()
            client.reset()


async def test_tls_verifies_the_name_and_not_the_address(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1", ttl=60)
    authority = {"id": str(uuid.uuid4()), "cert": tls.authority().cert_pem.bytes().decode()}
    for name, status in (("chat.test", 101), ("other.test", 502)):
        async with raw.raw_upstream(named("one"), ssl=tls.server_context(name)) as upstream:
            service = {"host": "pool", "protocol": "wss", "ca_certificates": [authority["id"]]}
            target = {"target": f"chat.test:{upstream.port}"}
            fields: dict[str, Any] = {"service": service, "certificates": [authority]}
            async with serving(tmp_path, zone, target=target, **fields) as pool:
                async with raw.dialled(pool.gate.port) as client:
                    client.send_raw(raw.heads.upgrade_request())
                    assert (await client.recv_head()).status == status
                    client.reset()
                await upstream.release()


async def test_an_unhealthy_address_that_comes_back_to_a_name_is_tried_again(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1")
    checks = {"passive": {"unhealthy": {"session_failures": 1, "session_time": 60}}, "ejection_time": 0.4}
    async with twins() as (port, upstreams):
        fields: dict[str, Any] = {"target": {"target": f"chat.test:{port}"}, "dns": {"valid_ttl": 0.1}}
        async with serving(tmp_path, zone, healthchecks=checks, **fields) as pool:
            async with raw.connected(pool.gate.port) as stays:
                upstream = await upstreams["one"].accepted()
                async with raw.connected(pool.gate.port) as client:
                    (await upstreams["one"].accepted()).reset()
                    assert (await client.recv_close())[0] == 1014
                await pool.until(lambda: not pool.dialler.health()[0]["targets"][0]["healthy"])
                for address in ("127.0.0.2", "127.0.0.1"):
                    zone.has("chat.test", "A", address)
                    await pool.until(lambda address=address: addresses(pool) == [f"{address}:{port}"])
                (known,) = pool.dialler.health()[0]["targets"]
                assert (known["healthy"], known["live"]) == (False, 1)
                await pool.until(lambda: pool.dialler.health()[0]["targets"][0]["healthy"])
                await upstream.release()
                stays.reset()


async def test_srv_records_of_a_target_give_ports_and_weights(tmp_path: Path, zone: NameServer) -> None:
    async with AsyncExitStack() as stack:
        ports = {name: (await stack.enter_async_context(raw.raw_upstream(named(name)))).port for name in ("a", "b")}
        records = (f"0 30 {ports['a']} a.test.", f"0 10 {ports['b']} b.test.")
        zone.has("_chat._tcp.test", "SRV", *records, ttl=60)
        for name in ("a.test", "b.test"):
            zone.has(name, "A", "127.0.0.1", ttl=60)
        async with serving(tmp_path, zone, target={"target": "_chat._tcp.test", "srv": True}) as pool:
            assert Counter([await where(pool) for _ in range(8)]) == {"a": 6, "b": 2}


@pytest.mark.parametrize("use_srv_name", [False, True])
async def test_the_name_in_the_srv_record_may_be_what_the_target_is_told(
    use_srv_name: bool, tmp_path: Path, zone: NameServer
) -> None:
    zone.has("one.test", "A", "127.0.0.1", ttl=60)
    async with raw.raw_upstream(named("a")) as upstream:
        zone.has("_chat._tcp.test", "SRV", f"0 0 {upstream.port} one.test.", ttl=60)
        target = {"target": "_chat._tcp.test", "srv": True}
        async with serving(tmp_path, zone, target=target, use_srv_name=use_srv_name) as pool:
            await where(pool)
            host = "one.test" if use_srv_name else "_chat._tcp.test"
            assert (await upstream.accepted()).head.get("Host") == f"{host}:{upstream.port}"


async def test_the_host_of_a_service_is_asked_for_at_the_same_name_servers(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.3", "127.0.0.2", ttl=60)
    async with twins() as (port, upstreams):
        service = {"host": "chat.test", "port": port}
        async with serving(tmp_path, zone, service=service) as pool:
            assert [await where(pool) for _ in range(2)] == ["two", "two"]
            assert (await upstreams["two"].accepted()).head.get("Host") == f"chat.test:{port}"


async def test_active_checks_go_to_every_address_of_a_name(tmp_path: Path, zone: NameServer) -> None:
    zone.has("chat.test", "A", "127.0.0.1", "127.0.0.3")
    checks = {"active": {"type": "tcp", "healthy": {"interval": 0.05}, "unhealthy": {"tcp_failures": 1}}}
    async with twins() as (port, upstreams):
        fields: dict[str, Any] = {"target": {"target": f"chat.test:{port}"}, "dns": {"valid_ttl": 0.1}}
        async with serving(tmp_path, zone, healthchecks=checks, **fields) as pool:

            def healthy() -> dict[str | None, bool]:
                return {each["address"]: each["healthy"] for each in pool.dialler.health()[0]["targets"]}

            await pool.until(lambda: healthy() == {f"127.0.0.1:{port}": True, f"127.0.0.3:{port}": False})
            zone.has("chat.test", "A", "127.0.0.2")
            await pool.until(lambda: healthy() == {f"127.0.0.2:{port}": True})
            await pool.until(lambda: upstreams["two"].connections)
