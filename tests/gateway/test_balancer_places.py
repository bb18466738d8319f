"""What changes the balancer's choice while it runs: health, limits, slow starts, names that move, reloads."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from framegate.config.configuration import Healthchecks, Target
from framegate.gateway.balancer import Balancer
from framegate.gateway.upstreams.seat import Place, Seat
from tests.gateway.entities import target, upstream

A, B, C = target("a"), target("b"), target("c")
each_algorithm = pytest.mark.parametrize("algorithm", ["round-robin", "least-connections", "consistent-hashing"])


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def balancer(*targets: Target, clock: Clock | None = None, **fields: Any) -> Balancer:
    return Balancer(upstream(*targets, **fields), clock=clock or Clock())


def seat(of: Balancer, target: Target) -> Seat:
    (only,) = of.of(target)
    return only


def picks(of: Balancer, times: int, *, hold: bool = False) -> Counter[str]:
    counted: Counter[str] = Counter()
    for number in range(times):
        picked = of.pick(f"key-{number}" if of.upstream.algorithm == "consistent-hashing" else None)
        assert picked is not None
        counted[picked.name] += 1
        if hold:
            of.acquire(picked)
    return counted


def limited(name: str, most: int) -> Target:
    return Target(id=name, target=name, host=name, max_connections=most)


# Health


@each_algorithm
def test_an_unhealthy_target_is_not_picked(algorithm: str) -> None:
    of = balancer(A, B, algorithm=algorithm)
    seat(of, A).health.turn(False, "it is ill")
    assert picks(of, 10) == {"b": 10}
    assert of.available


@each_algorithm
def test_where_all_are_unhealthy_there_is_none(algorithm: str) -> None:
    of = balancer(A, B, algorithm=algorithm)
    for each in (A, B):
        seat(of, each).health.turn(False, "it is ill")
    assert of.pick("key") is None
    assert not of.available
    assert of.shortage() == ("has 2 of 2 targets unhealthy", False)


def test_below_the_threshold_nobody_is_picked() -> None:
    of = balancer(target("a", 60), target("b", 40), healthchecks=Healthchecks(threshold=40))
    (big,), (small,) = map(of.of, of.upstream.targets)
    big.health.turn(False, "it is ill")
    assert of.pick() is small
    big.health.turn(True, "")
    of = balancer(target("a", 60), target("b", 40), healthchecks=Healthchecks(threshold=40.5))
    of.of(of.upstream.targets[0])[0].health.turn(False, "it is ill")
    assert of.pick() is None
    assert of.shortage() == ("has 1 of 2 targets unhealthy, less than 40.5 % of the weight is left", False)


def test_keys_of_an_unhealthy_target_move_and_come_back_and_others_stay() -> None:
    of = balancer(A, B, C, algorithm="consistent-hashing")
    keys = [f"key-{number}" for number in range(60)]

    def owners() -> dict[str, str]:
        return {key: picked.name for key in keys if (picked := of.pick(key)) is not None}

    before = owners()
    seat(of, A).health.turn(False, "it is ill")
    without = owners()
    assert {key for key in keys if before[key] != without[key]} == {key for key in keys if before[key] == "a"}
    seat(of, A).health.turn(True, "")
    assert owners() == before


def test_without_targets_the_shortage_is_another_one() -> None:
    assert balancer().shortage() == ("has no target with an address and a weight", False)
    assert balancer(target("a", 0)).shortage() == ("has no target with an address and a weight", False)


# Limits of connections


@each_algorithm
def test_a_full_target_is_not_picked_until_a_session_ends(algorithm: str) -> None:
    of = balancer(limited("a", 2), B, algorithm=algorithm)
    full = seat(of, of.upstream.targets[0])
    for each in (full, seat(of, B), seat(of, B)):
        of.acquire(each)
    assert "a" in picks(of, 20)
    of.acquire(full)
    assert picks(of, 20) == {"b": 20}
    of.release(full)
    assert "a" in picks(of, 20)


def test_where_all_are_full_the_shortage_will_end() -> None:
    of = balancer(limited("a", 1))
    of.acquire(of.seats()[0])
    assert of.pick() is None
    assert of.available
    assert of.shortage() == ("has as many connections as its healthy targets may have", True)


# Slow start


def test_at_first_nobody_starts_slowly() -> None:
    assert picks(balancer(A, B, slow_start=10_000), 10) == {"a": 5, "b": 5}


@pytest.mark.parametrize("algorithm", ["round-robin", "least-connections"])
def test_a_target_that_is_healthy_again_gets_its_share_little_by_little(algorithm: str) -> None:
    clock = Clock()
    of = balancer(A, B, clock=clock, algorithm=algorithm, slow_start=10_000)
    healed = seat(of, A)
    of.recovered(healed)
    shares = []
    for _ in range(5):
        for each in of.seats():
            each.load.live = each.credit = 0
        shares.append((of.share(healed), picks(of, 120, hold=True)["a"]))
        clock.now += 2.5
    assert shares == [(0.01, 1), (0.25, 24), (0.5, 40), (0.75, pytest.approx(51, abs=1)), (1, 60)]


def test_a_target_alone_gets_everything_however_slowly_it_starts() -> None:
    of = balancer(A, slow_start=10_000)
    of.recovered(seat(of, A))
    assert picks(of, 5) == {"a": 5}


def test_without_a_slow_start_a_target_has_its_full_share_at_once() -> None:
    of = balancer(A, B)
    of.recovered(seat(of, A))
    assert of.share(seat(of, A)) == 1
    assert picks(of, 10) == {"a": 5, "b": 5}


def test_hashing_knows_no_slow_start() -> None:
    of = balancer(A, B, algorithm="consistent-hashing", slow_start=10_000)
    before = picks(of, 100)
    of.recovered(seat(of, A))
    assert picks(of, 100) == before


# Names that move


ONE, TWO, THREE = (Place(f"10.0.0.{number}", 8000) for number in (1, 2, 3))


def test_each_address_of_a_name_is_a_place_with_the_targets_weight() -> None:
    of = balancer(target("a", 50), target("b", 100))
    assert of.move(of.upstream.targets[0], [ONE, TWO], later=False)
    assert picks(of, 8) == {"a (10.0.0.1:8000)": 2, "a (10.0.0.2:8000)": 2, "b": 4}


def test_weights_of_srv_records_count_and_0_is_the_least() -> None:
    of = balancer(A, target("off", 0))
    of.move(A, [ONE._replace(weight=3), TWO._replace(weight=0)], later=False)
    of.move(of.upstream.targets[1], [THREE._replace(weight=9)], later=False)
    assert picks(of, 8) == {"a (10.0.0.1:8000)": 6, "a (10.0.0.2:8000)": 2}


@each_algorithm
def test_a_place_that_is_gone_is_not_picked_and_its_sessions_end_in_order(algorithm: str) -> None:
    of = balancer(A, algorithm=algorithm)
    of.move(A, [ONE, TWO], later=False)
    gone, stays = of.of(A)
    of.acquire(gone)
    assert of.move(A, [TWO], later=True)
    assert of.seats() == [stays]
    assert picks(of, 5) == {stays.name: 5}
    of.release(gone)
    assert gone.live == 0


def test_a_place_that_comes_back_still_has_its_sessions() -> None:
    of = balancer(A)
    of.move(A, [ONE, TWO], later=False)
    of.acquire(of.of(A)[0])
    of.move(A, [TWO], later=True)
    of.move(A, [ONE, TWO], later=True)
    assert [each.live for each in of.of(A)] == [1, 0]


def test_the_same_places_are_no_change() -> None:
    of = balancer(A)
    of.move(A, [ONE, TWO], later=False)
    before = of.of(A)
    assert not of.move(A, [ONE, TWO], later=True)
    assert of.of(A) == before


def test_a_place_that_is_new_starts_slowly_and_the_first_ones_do_not() -> None:
    clock = Clock()
    of = balancer(A, clock=clock, slow_start=10_000)
    of.move(A, [ONE], later=False)
    of.move(A, [ONE, TWO], later=True)
    clock.now += 5
    assert [of.share(each) for each in of.of(A)] == [1, 0.5]


def test_a_target_that_is_nowhere_is_not_picked() -> None:
    of = balancer(A)
    of.move(A, [], later=True)
    assert (of.pick(), of.live(A), of.seats()) == (None, 0, [])


# Reloads


def test_a_reload_keeps_what_is_known_of_the_targets_that_stay() -> None:
    old = balancer(A, B)
    old.acquire(seat(old, A))
    seat(old, B).health.turn(False, "it is ill")
    new = balancer(A, B, C)
    new.adopt(old)
    assert (new.live(A), new.live(B), new.live(C)) == (1, 0, 0)
    assert [each.health.healthy for each in new.seats()] == [True, False, True]
    assert seat(new, B).health.reason == "it is ill"
    old.release(seat(old, A))
    assert new.live(A) == 0


def test_a_reload_goes_on_with_a_slow_start_and_begins_those_of_new_targets() -> None:
    clock = Clock()
    old = balancer(A, B, clock=clock, slow_start=10_000)
    old.recovered(seat(old, A))
    clock.now += 5
    new = balancer(A, B, C, clock=clock, slow_start=10_000)
    new.adopt(old)
    assert [new.share(each) for each in new.seats()] == [0.5, 1, 0.01]


def test_a_reload_keeps_the_places_of_names() -> None:
    old = balancer(A)
    old.move(A, [ONE, TWO], later=False)
    old.acquire(old.of(A)[1])
    new = balancer(A, slow_start=10_000)
    new.move(A, [], later=False)
    new.adopt(old)
    new.move(A, [ONE, TWO, THREE], later=False)
    assert [each.live for each in new.of(A)] == [0, 1, 0]
    assert [new.share(each) for each in new.of(A)] == [1, 1, 0.01]


def test_a_reload_takes_the_new_weight_of_a_target() -> None:
    old = balancer(target("a", 10), B)
    new = balancer(target("a", 300), B)
    new.adopt(old)
    assert picks(new, 8) == {"a": 6, "b": 2}
