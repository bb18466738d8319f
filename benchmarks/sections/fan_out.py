"""One message to all: the upstream sends what one client asks for to each of many."""

from __future__ import annotations

from .. import load
from ..bench import Bench, in_turn, running
from ..peers import upstreams
from ..peers.kinds import Peer
from ..results import FAN_OUT, FAN_OUT_P50, FAN_OUT_P99


def measure(bench: Bench) -> None:
    with (
        running(upstreams.start_fan_out(bench.new_folder())) as upstream,
        # Each peer has connections only while it is measured, so the others hear nothing.
        bench.all_up(bench.names, upstream) as all_peers,
    ):
        for number in range(bench.plan.rounds):
            bench.say(f"fan-out: round {number + 1} of {bench.plan.rounds}")
            for peer in in_turn(all_peers, number):
                _measure_peer(bench, peer, upstream)


def _measure_peer(bench: Bench, peer: Peer, upstream: Peer) -> None:
    connections = bench.plan.fan_out_connections
    scenario = f"64 B to {connections} connections"
    measured = load.measure_fan_out(peer, upstream, connections, bench.plan.seconds)
    bench.results.elsewhere.append(measured.elsewhere)
    if measured.proxy_cpu is not None:
        bench.results.add(FAN_OUT, scenario, peer.name, measured.proxy_cpu * 1e6 / measured.count)
    bench.results.add(FAN_OUT_P50, scenario, peer.name, measured.p50_us)
    bench.results.add(FAN_OUT_P99, scenario, peer.name, measured.p99_us)
