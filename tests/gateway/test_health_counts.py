"""What makes a place healthy and unhealthy: counts in a row, kept apart for active checks and sessions."""

from __future__ import annotations

from framegate.config.configuration import ActiveChecks, Healthchecks, Limits, PassiveChecks
from framegate.gateway.upstreams.health import SUCCESS, Health, Kind, Outcome, Source

OFF = Limits()


def health(active: Limits = OFF, passive: Limits = OFF) -> Health:
    return Health(Healthchecks(ActiveChecks(limits=active), PassiveChecks(limits=passive)))


def told(of: Health, *kinds: Kind, source: Source = "active") -> bool:
    for kind in kinds:
        of.report(source, Outcome(kind, "why"))
    return of.healthy


ALL = Limits(successes=2, tcp_failures=3, timeouts=3, http_failures=3, session_failures=3)


def test_a_new_place_is_healthy() -> None:
    assert health().healthy


def test_a_limit_of_0_is_never_reached() -> None:
    of = health()
    assert told(of, *["tcp_failures"] * 300, *["timeouts"] * 300, *["http_failures"] * 300, *["session_failures"] * 300)


def test_so_many_failures_in_a_row_make_it_unhealthy() -> None:
    for kind in ("tcp_failures", "timeouts", "http_failures", "session_failures"):
        of = health(ALL)
        assert told(of, kind, kind)
        assert not told(of, kind)


def test_a_success_between_failures_clears_them() -> None:
    assert told(health(ALL), "timeouts", "timeouts", "successes", "timeouts", "timeouts")


def test_a_success_clears_failures_where_successes_are_not_counted_too() -> None:
    of = health(Limits(tcp_failures=2))
    assert told(of, "tcp_failures", "successes", "tcp_failures")


def test_broken_sessions_are_cleared_by_good_ones_and_not_by_handshakes() -> None:
    of = health(ALL)
    assert told(of, "session_failures", "successes", "session_failures", "good_sessions", "session_failures")
    assert not told(of, "successes", "session_failures", "successes", "session_failures")


def test_failures_of_different_kinds_are_counted_apart() -> None:
    of = health(ALL)
    assert told(of, "tcp_failures", "timeouts", "http_failures", "tcp_failures", "timeouts", "http_failures")
    assert not told(of, "timeouts")


def test_so_many_successes_in_a_row_make_it_healthy_again() -> None:
    of = health(ALL)
    told(of, *["timeouts"] * 3)
    assert not told(of, "successes", "tcp_failures", "successes")
    assert told(of, "successes")


def test_counts_begin_anew_when_health_changes() -> None:
    of = health(ALL)
    told(of, *["timeouts"] * 3, "successes", "successes")
    assert told(of, "timeouts", "timeouts")
    assert not told(of, "timeouts")


def test_active_checks_and_sessions_are_counted_apart() -> None:
    of = health(Limits(http_failures=2), Limits(tcp_failures=2))
    told(of, "http_failures")
    of.report("passive", SUCCESS)
    assert not told(of, "http_failures")


def test_a_change_has_a_reason_and_is_told_once() -> None:
    of = health(ALL)
    changes: list[tuple[bool, str]] = []
    of.on_change = lambda: changes.append((of.healthy, of.reason))
    told(of, *["tcp_failures"] * 5, source="active")
    told(of, *["successes"] * 3)
    assert changes == [
        (False, "3 failed connections in a row of active checks: why"),
        (True, "2 successes in a row of active checks: why"),
    ]


def test_one_is_not_several() -> None:
    of = health(passive=Limits(session_failures=1))
    told(of, "session_failures", source="passive")
    assert of.reason == "1 session broken off in a row of sessions: why"
