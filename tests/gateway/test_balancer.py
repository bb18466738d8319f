"""The balancer: turns by weight, the least busy target, and keys that stay with their target."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import framegate
from framegate.config.configuration import Target
from framegate.gateway.balancer import Balancer
from framegate.gateway.upstreams.seat import Seat
from tests.gateway.entities import target, upstream

A, B, C = target("a"), target("b"), target("c")
ALGORITHMS = ["round-robin", "least-connections", "consistent-hashing"]

each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def balancer(*targets: Target, algorithm: str = "round-robin", slots: int = 10000) -> Balancer:
    return Balancer(upstream(*targets, algorithm=algorithm, slots=slots))


def picks(of: Balancer, times: int) -> list[str]:
    chosen = [of.pick() for _ in range(times)]
    return [each.name for each in chosen if each is not None]


def seat(of: Balancer, target: Target) -> Seat:
    """The one place of a target."""
    (only,) = of.of(target)
    return only


def owners(of: Balancer, keys: list[str], exclude: tuple[Target, ...] = ()) -> dict[str, str]:
    chosen = {key: of.pick(key, [seat(of, each) for each in exclude]) for key in keys}
    return {key: each.name for key, each in chosen.items() if each is not None}


# What holds for every algorithm


@each_algorithm
@pytest.mark.parametrize("key", [None, "ada"])
def test_without_targets_there_is_none_to_pick(algorithm: str, key: str | None) -> None:
    assert balancer(algorithm=algorithm).pick(key) is None


@each_algorithm
@pytest.mark.parametrize("key", [None, "ada"])
def test_a_target_of_weight_0_is_never_picked(algorithm: str, key: str | None) -> None:
    of = balancer(target("off", 0), A, algorithm=algorithm)

    assert {of.pick(key) for _ in range(5)} == {seat(of, A)}
    assert of.pick(key, [seat(of, A)]) is None


@each_algorithm
@pytest.mark.parametrize("key", [None, "ada"])
def test_targets_that_failed_are_left_out_until_none_is_left(algorithm: str, key: str | None) -> None:
    of = balancer(A, B, C, algorithm=algorithm)
    tried: list[Seat] = []
    while (another := of.pick(key, tried)) is not None:
        tried.append(another)

    assert sorted(each.name for each in tried) == ["a", "b", "c"]


@given(
    st.sampled_from(ALGORITHMS),
    st.lists(st.integers(0, 3), max_size=5),
    st.sets(st.integers(0, 4)),
    st.none() | st.text(max_size=3),
)
def test_a_pick_is_a_target_with_weight_that_is_not_excluded_if_there_is_one(
    algorithm: str, weights: list[int], excluded: set[int], key: str | None
) -> None:
    targets = [target(f"t{number}", weight) for number, weight in enumerate(weights)]
    exclude = [each for number, each in enumerate(targets) if number in excluded]
    eligible = [each for each in targets if each.weight > 0 and each not in exclude]

    of = balancer(*targets, algorithm=algorithm)
    picked = of.pick(key, [seat(of, each) for each in exclude])

    assert picked is not None and picked.target in eligible if eligible else picked is None


def test_an_algorithm_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="upstream backend: algorithm 'latency' is none of round-robin"):
        balancer(A, algorithm="latency")


# In turn


def test_targets_of_one_weight_take_turns() -> None:
    assert picks(balancer(A, B, C), 6) == ["a", "b", "c", "a", "b", "c"]


def test_turns_follow_the_weights_and_are_spread_out() -> None:
    assert picks(balancer(target("a", 5), target("b", 1), target("c", 1)), 7) == ["a", "a", "b", "a", "c", "a", "a"]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(any))
def test_each_round_of_turns_gives_every_target_its_weight(weights: list[int]) -> None:
    of = balancer(*(target(f"t{number}", weight) for number, weight in enumerate(weights)))
    rounds = [Counter(picks(of, sum(weights))) for _ in range(3)]

    assert rounds == [Counter({f"t{number}": weight for number, weight in enumerate(weights)})] * 3


def test_a_target_that_was_left_out_for_a_while_does_not_catch_up() -> None:
    of = balancer(A, B)
    for _ in range(10):
        of.pick(exclude=[seat(of, A)])

    assert Counter(picks(of, 4)) == {"a": 2, "b": 2}


# The least busy


def test_the_target_with_the_fewest_live_sessions_is_picked() -> None:
    of = balancer(A, B, C, algorithm="least-connections")
    for each in (A, A, B, B, C):
        of.acquire(seat(of, each))

    assert of.pick() is seat(of, C)


def test_sessions_count_by_weight_the_new_one_included() -> None:
    big, small = target("big", 200), target("small", 100)
    of = balancer(small, big, algorithm="least-connections")
    order = []
    for _ in range(6):
        picked = of.pick()
        assert picked is not None
        of.acquire(picked)
        order.append(picked.name)

    assert order == ["big", "small", "big", "big", "small", "big"]


def test_of_equally_busy_targets_the_one_that_has_waited_longest_is_picked() -> None:
    assert picks(balancer(A, B, C, algorithm="least-connections"), 6) == ["a", "b", "c", "a", "b", "c"]


def test_a_session_that_has_ended_counts_no_more() -> None:
    of = balancer(A, B, algorithm="least-connections")
    for each in (A, A, B, B, B):
        of.acquire(seat(of, each))
    for _ in range(2):
        of.release(seat(of, B))

    assert (of.live(A), of.live(B)) == (2, 1)
    assert of.pick() is seat(of, B)


@each_algorithm
def test_sessions_are_counted_whatever_the_algorithm(algorithm: str) -> None:
    of = balancer(A, algorithm=algorithm)
    of.acquire(seat(of, A))

    assert of.live(A) == 1


def test_a_session_cannot_end_that_did_not_begin() -> None:
    with pytest.raises(ValueError, match="no session to a was acquired"):
        of = balancer(A)
        of.release(seat(of, A))


def test_targets_of_other_upstreams_have_no_places() -> None:
    with pytest.raises(KeyError):
        balancer(A).of(B)


# By hash

KEYS = [f"client-{number}" for number in range(2000)]
some_targets = st.lists(
    st.builds(target, st.sampled_from([f"t{number}:80" for number in range(8)]), st.integers(1, 200)),
    min_size=2,
    max_size=8,
    unique_by=lambda each: each.target,
)


def test_a_key_always_gets_the_same_target() -> None:
    of = balancer(A, B, C, algorithm="consistent-hashing")

    assert {of.pick("ada") for _ in range(20)} == {of.pick("ada")}


def test_without_a_key_targets_take_turns() -> None:
    assert picks(balancer(A, B, C, algorithm="consistent-hashing"), 4) == ["a", "b", "c", "a"]


@given(some_targets)
def test_the_order_of_the_targets_does_not_matter(targets: list[Target]) -> None:
    keys = KEYS[:50]

    assert owners(balancer(*targets, algorithm="consistent-hashing"), keys) == owners(
        balancer(*reversed(targets), algorithm="consistent-hashing"), keys
    )


@given(some_targets)
def test_where_a_target_leaves_only_its_own_keys_move(targets: list[Target]) -> None:
    gone, *others = targets
    keys = KEYS[:100]
    before = owners(balancer(*targets, algorithm="consistent-hashing"), keys)
    after = owners(balancer(*others, algorithm="consistent-hashing"), keys)

    assert {key: owner for key, owner in before.items() if owner != gone.target}.items() <= after.items()


@given(some_targets)
def test_where_a_target_gets_more_weight_keys_move_only_to_it(targets: list[Target]) -> None:
    one, *others = targets
    keys = KEYS[:100]
    before = owners(balancer(*targets, algorithm="consistent-hashing"), keys)
    after = owners(balancer(target(one.target, one.weight * 3), *others, algorithm="consistent-hashing"), keys)

    assert {after[key] for key in keys if after[key] != before[key]} <= {one.target}


@given(some_targets)
def test_a_failed_target_is_replaced_as_if_it_were_gone(targets: list[Target]) -> None:
    failed, *others = targets
    keys = KEYS[:50]

    assert owners(balancer(*targets, algorithm="consistent-hashing"), keys, (failed,)) == owners(
        balancer(*others, algorithm="consistent-hashing"), keys
    )


def test_keys_are_shared_out_by_weight() -> None:
    of = balancer(target("a", 100), target("b", 200), target("c", 500), algorithm="consistent-hashing")
    shares = Counter(owners(of, KEYS).values())

    assert shares["a"] < shares["b"] < shares["c"]
    for name, share in (("a", 1 / 8), ("b", 2 / 8), ("c", 5 / 8)):
        assert shares[name] / len(KEYS) == pytest.approx(share, abs=0.05)


def test_there_are_no_more_places_than_slots() -> None:
    targets = [target(f"t{number}") for number in range(50)]

    assert len(set(owners(balancer(*targets, algorithm="consistent-hashing", slots=10), KEYS).values())) <= 10


def test_every_process_gives_a_key_the_same_target() -> None:
    script = (
        "from tests.gateway.entities import target, upstream\n"
        "from framegate.gateway.balancer import Balancer\n"
        "of = Balancer(upstream(*map(target, 'abc'), algorithm='consistent-hashing'))\n"
        "print([of.pick(f'client-{number}').name for number in range(40)])\n"
    )
    paths = [str(Path(framegate.__file__).parents[1]), str(Path(__file__).parents[2])]
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    here = list(owners(balancer(A, B, C, algorithm="consistent-hashing"), KEYS[:40]).values())

    assert seen == {f"{here}\n"}
