"""What is counted of a session, and under which words."""

from __future__ import annotations

import pytest

from framegate.observe.tally import Tally, Traffic, code_of
from framegate.session.record import SessionRecord, SideRecord

ROUTE = ("chat", "backend")


def record(ended_by: str, why: str, client: object = None, upstream: object = None) -> SessionRecord:
    """A record with a pair for each side: the close frame that it sent, and the one that it was sent."""
    sides = [SideRecord(*(pair or (None, None))) for pair in (client, upstream)]  # type: ignore[misc]
    return SessionRecord(ended_by, why, duration=2.0, client=sides[0], upstream=sides[1])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (record("client", "close", ((1001, "bye"), (1001, ""))), "1001"),
        (record("upstream", "close", None, ((4000, ""), None)), "other"),
        (record("client", "close", ((None, ""), None)), "1005"),
        (record("upstream", "eof", (None, (1014, "upstream connection lost"))), "1006"),
        (record("client", "protocol", (None, (1002, ""))), "1002"),
        (record("upstream", "limit", (None, (1001, "")), (None, (1009, "Payload Too Large"))), "1009"),
        (record("proxy", "hook", (None, (1011, "")), (None, (1011, ""))), "1011"),
        (record("proxy", "policy", (None, (3000, "")), (None, (1001, ""))), "3000"),
        (record("proxy", "timeout"), "1006"),
    ],
)
def test_the_code_of_a_session_is_that_of_whoever_ended_it(ended: SessionRecord, code: str) -> None:
    assert code_of(ended) == code


def test_a_status_without_a_meaning_is_told_by_its_class() -> None:
    tally = Tally()
    for status in (101, 404, 499, 599, 999):
        tally.answered(status, ROUTE)
    assert {status for status, *_ in tally.handshakes} == {"101", "404", "4xx", "5xx", "other"}


def test_frames_are_told_apart_by_their_types() -> None:
    one = record("client", "close", ((1000, ""), None))
    counts = {"frames": 10, "messages": 5, "bytes": 100, "texts": 3, "text_bytes": 60, "pings": 2, "pongs": 1}
    one.client = SideRecord((1000, ""), **counts)
    traffic = Traffic()
    traffic.add(one)
    sent = dict(traffic.items())["from_client"]
    assert sent == {
        "data": 6, "ping": 2, "pong": 1, "close": 1, "texts": 3, "binaries": 2,
        "text_bytes": 60, "other_bytes": 40, "dropped": 0, "edited": 0,
    }  # fmt: skip


def test_a_session_that_ends_after_it_was_looked_at_counts_from_the_next_look_on() -> None:
    tally = Tally()
    looked_at = tally.begin_look()
    looked_at.add("first")
    tally.ended("first", ROUTE, record("client", "eof"))
    tally.ended("second", ROUTE, record("client", "eof"))
    assert tally.sessions.total() == 1
    tally.end_look()
    assert tally.sessions == {(*ROUTE, "client", "eof"): 2}


def test_how_long_sessions_lasted_is_kept_by_bucket() -> None:
    tally = Tally()
    for duration in (0.1, 0.2, 100_000.0):
        ended = record("client", "eof")
        ended.duration = duration
        tally.ended(object(), ROUTE, ended)
    lifetimes = tally.lifetimes[ROUTE]
    assert (lifetimes.counts[0], lifetimes.counts[1], lifetimes.counts[-1]) == (1, 1, 1)
    assert lifetimes.total == 100_000.3
