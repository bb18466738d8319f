"""Health checks: from what the file says to what the gateway runs with."""

from __future__ import annotations

from framegate.config import configuration as made
from framegate.config.model import healthchecks as model


def healthchecks(found: model.Healthchecks | None) -> made.Healthchecks:
    """An upstream's checks; what is left out has its defaults, with which nothing is checked."""
    checks = found or model.Healthchecks()
    return made.Healthchecks(
        active=_active(checks.active or model.ActiveChecks()),
        passive=_passive(checks.passive or model.PassiveChecks()),
        threshold=checks.threshold,
        ejection_time=checks.ejection_time,
    )


def _active(checks: model.ActiveChecks) -> made.ActiveChecks:
    healthy, unhealthy = checks.healthy or model.ActiveHealthy(), checks.unhealthy or model.ActiveUnhealthy()
    return made.ActiveChecks(
        type=checks.type,
        timeout=checks.timeout,
        concurrency=checks.concurrency,
        http_path=checks.http_path,
        headers=tuple((name, value) for name, values in checks.headers.items() for value in values),
        https_sni=checks.https_sni,
        https_verify_certificate=checks.https_verify_certificate,
        healthy_interval=healthy.interval,
        unhealthy_interval=unhealthy.interval,
        healthy_statuses=frozenset(healthy.http_statuses),
        unhealthy_statuses=frozenset(unhealthy.http_statuses),
        limits=made.Limits(healthy.successes, unhealthy.tcp_failures, unhealthy.timeouts, unhealthy.http_failures),
    )


def _passive(checks: model.PassiveChecks) -> made.PassiveChecks:
    healthy, unhealthy = checks.healthy or model.PassiveHealthy(), checks.unhealthy or model.PassiveUnhealthy()
    return made.PassiveChecks(
        type=checks.type,
        healthy_statuses=frozenset(healthy.http_statuses),
        unhealthy_statuses=frozenset(unhealthy.http_statuses),
        session_time=unhealthy.session_time,
        limits=made.Limits(
            healthy.successes,
            unhealthy.tcp_failures,
            unhealthy.timeouts,
            unhealthy.http_failures,
            unhealthy.session_failures,
        ),
    )
