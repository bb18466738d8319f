"""Messages kept in flight, and connections opened and closed: all peers up at once and measured in turn, round after
round, so that a slow minute hits all of them. Serves the plain loads, TLS and compression."""

from __future__ import annotations

from .. import load
from ..bench import Bench, in_turn
from ..peers import KINDS
from ..peers.kinds import PLAIN, Peer
from ..results import SETUP
from ..scenarios import Scenario, named


def measure(bench: Bench, scenarios: list[Scenario], setting: str = PLAIN, with_setup: bool = False) -> None:
    names = bench.who_can(setting)
    if not names or not bench.provides(setting):
        return
    with bench.echo(setting) as upstream, bench.all_up(names, upstream, setting) as running:
        for number in range(bench.plan.rounds):
            bench.say(f"{setting}: round {number + 1} of {bench.plan.rounds}")
            for scenario in scenarios:
                _measure_scenario(bench, scenario, in_turn(running, number), upstream)
            if with_setup:
                for peer in in_turn(running, number):
                    _measure_setup(bench, setting, peer, upstream)


def _measure_scenario(bench: Bench, scenario: Scenario, running: list[Peer], upstream: Peer) -> None:
    for peer in running:
        largest = KINDS[peer.name].largest
        if largest is None or scenario.size <= largest:
            bench.note_trips(scenario, peer, load.measure_trips(peer, upstream, scenario, bench.plan.seconds))


def _measure_setup(bench: Bench, setting: str, peer: Peer, upstream: Peer) -> None:
    at_once = bench.plan.setup_connections
    measured = load.measure_setup(peer, upstream, at_once, bench.plan.setup_count)
    if measured.proxy_cpu is not None:
        scenario = named(f"{at_once} at a time", setting)
        bench.results.add(SETUP, scenario, peer.name, measured.proxy_cpu * 1e6 / measured.count)
