"""Which plugins run on a connection, which configuration of each, and in which order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.frames import text
from tests.kit.served import plugin, served

PHASES = ("ws_handshake", "ws_client_frame", "ws_upstream_frame", "ws_close")

MARK = "({'mark': {'type': 'string', 'default': 'default'}},)"


def marking(priority: int = 0, phases: Iterable[str] = PHASES) -> str:
    """A plugin that notes its mark in each phase."""
    return plugin(priority=priority, schema=MARK, **{phase: "note(self.config['mark'])" for phase in phases})


# Order


@pytest.mark.parametrize("phase", ["rewrite", *PHASES])
async def test_plugins_run_by_priority_and_those_of_one_priority_by_name(phase: str, tmp_path: Path) -> None:
    priorities = {"zebra": 100, "beta": 5, "alpha": 5, "gamma_ray": 5, "middle": 50, "last": -1000, "none": 0}
    plugins = {name: plugin(priority=p, **{phase: f"note('{name}')"}) for name, p in priorities.items()}
    async with served(tmp_path, plugins) as gate, gate.talk() as talk:
        if phase == "ws_client_frame":
            talk.client.send(text("x"))
            await talk.upstream.recv()
        if phase == "ws_upstream_frame":
            talk.upstream.send(text("x"))
            await talk.client.recv()
    assert gate.notes == ["zebra", "middle", "alpha", "beta", "gamma_ray", "none", "last"]


async def test_the_order_of_the_file_has_no_meaning(tmp_path: Path) -> None:
    plugins = {name: plugin(ws_handshake=f"note('{name}')") for name in ("a", "b", "c")}
    for order in itertools.permutations("abc"):
        async with served(tmp_path, plugins, use=[{"name": name} for name in order]) as gate, gate.talk():
            assert gate.notes == ["a", "b", "c"]


async def test_a_bundled_plugin_takes_its_place_by_its_priority(tmp_path: Path) -> None:
    body = "note(self.config['mark'], kong.client.get_consumer() is not None)"
    plugins = {name: plugin(priority=p, schema=MARK, ws_handshake=body) for name, p in (("early", 2000), ("late", 900))}
    use = [{"name": name, "config": {"mark": name}} for name in plugins]
    consumers = [{"username": "ann", "keyauth_credentials": [{"key": "k"}]}]
    async with (
        served(tmp_path, plugins, use=[*use, {"name": "key-auth"}], consumers=consumers) as gate,
        gate.talk(extra=[("apikey", "k")]),
    ):
        assert gate.notes == [("early", False), ("late", True)]


async def test_a_disabled_plugin_does_not_run(tmp_path: Path) -> None:
    plugins = {"one": marking(), "two": marking()}
    use = [{"name": "one", "enabled": False, "config": {"mark": "one"}}, {"name": "two", "config": {"mark": "two"}}]
    async with served(tmp_path, plugins, use=use) as gate, gate.talk() as talk:
        talk.client.send(text("x", fin=False))
        talk.upstream.send(text("x"))
        await talk.client.recv()
    assert gate.notes == ["two", "two", "two"]


async def test_a_disabled_configuration_leaves_the_next_one_its_place(tmp_path: Path) -> None:
    use = [
        {"name": "one", "config": {"mark": "global"}},
        {"name": "one", "route": "main", "enabled": False, "config": {"mark": "route"}},
    ]
    async with served(tmp_path, {"one": marking()}, use=use) as gate, gate.talk():
        assert gate.notes == ["global"]


async def test_a_plugin_that_is_not_configured_does_not_run(tmp_path: Path) -> None:
    async with served(tmp_path, {"one": marking()}, use=[]) as gate, gate.talk():
        assert gate.notes == []


async def test_a_plugin_for_wss_alone_does_not_run_for_a_ws_client(tmp_path: Path) -> None:
    use = [{"name": "one", "protocols": ["wss"]}]
    async with served(tmp_path, {"one": marking()}, use=use) as gate, gate.talk():
        assert gate.notes == []
    async with served(tmp_path, {"one": marking()}, use=use, secure=True) as gate, gate.talk():
        assert gate.notes == ["default"]


# Scope

SCOPES: list[tuple[str, ...]] = [
    ("consumer", "route", "service"),
    ("consumer", "route"),
    ("consumer", "service"),
    ("route", "service"),
    ("consumer",),
    ("route",),
    ("service",),
    (),
]
"""The most specific first."""

NAMES = {"consumer": "ann", "route": "main", "service": "main"}

ANN: dict[str, Any] = {
    "consumers": [{"username": "ann", "keyauth_credentials": [{"key": "ann's"}]}, {"username": "bob"}]
}

AS_ANN = [("apikey", "ann's")]


def entry(scope: tuple[str, ...], **names: str) -> dict[str, Any]:
    return {
        "name": "one",
        "config": {"mark": "+".join(scope) or "global"},
        **{level: {**NAMES, **names}[level] for level in scope},
    }


@pytest.mark.parametrize("first", range(len(SCOPES)), ids=lambda first: "+".join(SCOPES[first]) or "global")
async def test_the_most_specific_configuration_runs_alone_in_every_phase(first: int, tmp_path: Path) -> None:
    use = [entry(scope) for scope in reversed(SCOPES[first:])]
    async with (
        served(tmp_path, {"one": marking()}, use=[*use, {"name": "key-auth"}], **ANN) as gate,
        gate.talk(extra=AS_ANN) as talk,
    ):
        talk.client.send(text("x"))
        await talk.upstream.recv()
        talk.upstream.send(text("x"))
        await talk.client.recv()
    assert gate.notes == ["+".join(SCOPES[first]) or "global"] * len(PHASES)


@pytest.mark.parametrize("level", ["consumer", "route", "service"])
async def test_a_configuration_for_somebody_else_does_not_run(level: str, tmp_path: Path) -> None:
    other = {"consumer": "bob", "route": "side", "service": "aside"}[level]
    use = [entry(scope, **{level: other}) for scope in SCOPES if level in scope]
    services = [{"name": "aside", "url": "ws://127.0.0.1:9", "routes": [{"name": "side", "paths": ["/side"]}]}]
    # A route belongs to one service: who names both names the pair.
    use = [one for one in use if not {"route", "service"} <= one.keys() or level == "consumer"]
    async with (
        served(tmp_path, {"one": marking()}, use=[*use, {"name": "key-auth"}], services=services, **ANN) as gate,
        gate.talk(extra=AS_ANN),
    ):
        assert gate.notes == []


async def test_a_consumer_s_configuration_waits_until_the_consumer_is_known(tmp_path: Path) -> None:
    early, late = marking(priority=2000), marking(priority=10)
    use = [
        {"name": name, "config": {"mark": f"{name} of {who or 'all'}"}, **({"consumer": who} if who else {})}
        for name in ("early", "late")
        for who in ("ann", "")
    ]
    async with (
        served(tmp_path, {"early": early, "late": late}, use=[*use, {"name": "key-auth"}], **ANN) as gate,
        gate.talk(extra=AS_ANN) as talk,
    ):
        talk.client.send(text("x"))
        await talk.upstream.recv()
    one = ["early of all", "late of ann"]
    assert gate.notes == one * 3, "what ran in the handshake stays for the whole session"


async def test_a_plugin_can_say_who_the_consumer_is(tmp_path: Path) -> None:
    says = plugin(priority=1, ws_handshake="kong.client.authenticate(kong.client.load_consumer('ann'), None)")
    use = [{"name": "says"}, entry(("consumer",)), entry(())]
    async with served(tmp_path, {"says": says, "one": marking()}, use=use, **ANN) as gate:
        head = await gate.upstream_head()
    assert gate.notes == ["consumer"] * 2
    assert head.get("X-Consumer-Username") == "ann"


async def test_two_services_have_each_their_own_configuration(tmp_path: Path) -> None:
    use = [entry(("service",)), {"name": "one", "service": "aside", "config": {"mark": "aside"}}]
    body = "note(self.config['mark'], kong.router.get_service()['name'], kong.router.get_route()['name'])"
    plugins = {"one": plugin(schema=MARK, ws_handshake=body + "\nkong.response.exit(403)")}
    services = [{"name": "aside", "url": "ws://127.0.0.1:9", "routes": [{"name": "side", "paths": ["/side"]}]}]
    async with served(tmp_path, plugins, use=use, services=services) as gate:
        await gate.asked(target="/side/x")
        await gate.asked(target="/")
    assert gate.notes == [("aside", "aside", "side"), ("service", "main", "main")]


# rewrite and certificate


@pytest.mark.parametrize("scope", SCOPES, ids="+".join)
async def test_rewrite_and_certificate_run_for_what_is_configured_globally(
    scope: tuple[str, ...], tmp_path: Path
) -> None:
    body = {phase: f"note('{phase}')" for phase in ("certificate", "rewrite")}
    plugins = {"one": plugin(schema=MARK, **body)}
    use = [entry(scope), {"name": "key-auth"}]
    async with served(tmp_path, plugins, use=use, secure=True, **ANN) as gate, gate.talk(extra=AS_ANN):
        assert gate.notes == ([] if scope else ["certificate", "rewrite"])


async def test_rewrite_runs_before_the_route_is_known_and_without_one(tmp_path: Path) -> None:
    plugins = {
        "one": plugin(rewrite="note(kong.router.get_route(), kong.request.get_path())", ws_handshake="note('?')")
    }
    async with served(tmp_path, plugins, route={"paths": ["/known"]}) as gate:
        head, body = await gate.asked(target="/unknown")
        assert (head.status, gate.notes) == (404, [(None, "/unknown")])


async def test_a_global_rewrite_runs_though_the_route_has_its_own_configuration(tmp_path: Path) -> None:
    phases = ("rewrite", "ws_handshake")
    use = [entry(()), entry(("route",))]
    async with served(tmp_path, {"one": marking(phases=phases)}, use=use) as gate, gate.talk():
        assert gate.notes == ["global", "route"]


# Who is skipped


async def test_after_an_exit_no_later_plugin_runs_in_the_handshake(tmp_path: Path) -> None:
    plugins = {
        "first": plugin(priority=3, ws_handshake="note('first')"),
        "second": plugin(priority=2, ws_handshake="note('second')\nkong.response.exit(403)"),
        "third": plugin(priority=1, ws_handshake="note('third')"),
    }
    async with served(tmp_path, plugins) as gate:
        head, _ = await gate.asked()
        assert (head.status, gate.notes) == (403, ["first", "second"])


async def test_after_an_exit_in_rewrite_the_handshake_has_no_phase(tmp_path: Path) -> None:
    plugins = {
        "first": plugin(priority=2, rewrite="kong.response.exit(403)"),
        "second": plugin(priority=1, rewrite="note('rewrite')", ws_handshake="note('handshake')"),
    }
    async with served(tmp_path, plugins) as gate:
        head, _ = await gate.asked()
        assert (head.status, gate.notes) == (403, [])
        assert gate.origin.connections == 0
