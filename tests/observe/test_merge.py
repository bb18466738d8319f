"""The numbers of several workers as one."""

from __future__ import annotations

from prometheus_client import Metric

from framegate.observe import catalogue
from framegate.observe.exposition import KONG_PREFIX, families_of, family, histogram, renamed, text_of
from framegate.observe.merge import Ledger
from framegate.observe.tally import Tally
from tests.observe.rig import Numbers

RESIDENT = catalogue.Definition("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.")


def worker(
    *, connections: float = 0, active: float = 0, health: float = 1, calls: tuple[float, ...] = ()
) -> list[Metric]:
    """What one worker tells, after its way over the channel."""
    tally = Tally()
    for seconds in calls:
        tally.durations("tag", "ws_client_frame").add(seconds)
    return families_of(
        text_of(
            [
                family(catalogue.CONNECTIONS, [((), connections)]),
                family(catalogue.CONNECTIONS_ACTIVE, [((), active)]),
                family(catalogue.TARGET_HEALTH, [(("pool", "a:80"), health)]),
                histogram(catalogue.PLUGIN_DURATION, catalogue.PLUGIN_SECONDS, tally.calls.items()),
                family(RESIDENT, [((), 1000 * connections)]),
            ]
        )
    )


def told(ledger: Ledger) -> Numbers:
    return Numbers(text_of(ledger.merged()))


def test_counters_and_histograms_are_summed() -> None:
    ledger = Ledger()
    ledger.take("1", 11, worker(connections=3, calls=(0.2, 0.02)))
    ledger.take("2", 12, worker(connections=4, calls=(0.02,)))
    numbers = told(ledger)
    assert numbers.of("framegate_connections_total") == 7
    assert numbers.of("framegate_plugin_duration_seconds_count", plugin="tag") == 3
    assert numbers.of("framegate_plugin_duration_seconds_bucket", le="0.05") == 2
    assert round(numbers.of("framegate_plugin_duration_seconds_sum"), 6) == 0.24


def test_gauges_are_summed_or_told_by_worker_or_the_worst_counts() -> None:
    ledger = Ledger()
    ledger.take("1", 11, worker(connections=1, active=3, health=1))
    ledger.take("2", 12, worker(connections=2, active=4, health=0.5))
    numbers = told(ledger)
    assert numbers.of("framegate_connections_active") == 7
    assert numbers.of("framegate_upstream_target_health", target="a:80") == 0.5
    assert numbers.of("process_resident_memory_bytes", worker="2") == 2000


def test_what_a_dead_worker_has_counted_still_counts() -> None:
    ledger = Ledger()
    ledger.take("1", 11, worker(connections=3, active=3, calls=(0.2,)))
    ledger.begin_round()
    # Nobody answers: what is known of counters stays, what is known of the moment does not.
    assert told(ledger).of("framegate_connections_total") == 3
    assert told(ledger).of("framegate_connections_active") == 0
    for pid in (21, 22):
        ledger.begin_round()
        ledger.take("1", pid, worker(connections=1, active=1, calls=(0.2,)))
    numbers = told(ledger)
    assert numbers.of("framegate_connections_total") == 5
    assert numbers.of("framegate_connections_active") == 1
    assert numbers.of("framegate_plugin_duration_seconds_count") == 3


def test_a_worker_that_is_asked_again_counts_once() -> None:
    ledger = Ledger()
    ledger.take("1", 11, worker(connections=3))
    ledger.take("1", 11, worker(connections=4))
    assert told(ledger).of("framegate_connections_total") == 4


def test_the_other_names_differ_in_their_beginning_alone() -> None:
    ledger = Ledger()
    ledger.take("1", 11, worker(connections=3, calls=(0.2,)))
    ours = told(ledger)
    theirs = Numbers(text_of(renamed(ledger.merged(), KONG_PREFIX)))
    assert theirs.of("kong_websocket_connections_total") == 3
    assert {name.replace("framegate_", KONG_PREFIX) for name in ours.families} == set(theirs.families)
    assert "process_resident_memory_bytes" in theirs.families
