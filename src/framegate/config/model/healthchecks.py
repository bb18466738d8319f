"""The checks under ``healthchecks`` of an upstream. Their times are seconds, as in Kong."""

from __future__ import annotations

from typing import Annotated, Literal

from framegate.config.model.fields import HEADER_NAME, KONG, Between, Form, HostName, Model, field, refusal

ACTIVE_HEALTHY = [200, 302]
ACTIVE_UNHEALTHY = [429, 404, 500, 501, 502, 503, 504, 505]
PASSIVE_HEALTHY = [*range(200, 209), 226, *range(300, 309)]
PASSIVE_UNHEALTHY = [429, 500, 503]


def _check_one_line(text: str) -> None:
    # To Python, $ stands before a line end at the end too.
    if text.endswith("\n"):
        raise refusal("must not end with a line break", "take it out")


Interval = Annotated[float, Between(0, 65535)]
Patience = Annotated[float, Between(0.001, 65535)]
Count = Annotated[int, Between(0, 255)]
Status = Annotated[int, Between(100, 999)]
HeaderField = Annotated[str, Form(HEADER_NAME, "the name of a header field")]
FieldValue = Annotated[
    str, Form(r"^[\t\x20-\x7e\xa0-\xff]*$", "the value of a header field", "of visible characters", _check_one_line)
]
AbsolutePath = Annotated[
    str,
    Form(r"^/[!\x22$-~]*$", "a path that begins with /, maybe with a query", "percent-encode others", _check_one_line),
]


class ActiveHealthy(Model):
    """What active checks make of healthy targets, and what makes one healthy."""

    interval: Interval = field(0, origin=KONG, unit="s")
    """Between two checks of a healthy target; 0: it is not checked."""
    http_statuses: list[Status] = field(ACTIVE_HEALTHY, origin=KONG)
    """Statuses that are a success."""
    successes: Count = field(0, origin=KONG)
    """So many in a row make a target healthy; 0: none do."""


class ActiveUnhealthy(Model):
    """What active checks make of unhealthy targets, and what makes one unhealthy."""

    interval: Interval = field(0, origin=KONG, unit="s")
    """Between two checks of an unhealthy target; 0: it is not checked."""
    http_statuses: list[Status] = field(ACTIVE_UNHEALTHY, origin=KONG)
    """Statuses that are a failure."""
    tcp_failures: Count = field(0, origin=KONG)
    """So many failed connections in a row make a target unhealthy; 0: none do."""
    timeouts: Count = field(0, origin=KONG)
    """So many time-outs in a row do; 0: none do."""
    http_failures: Count = field(0, origin=KONG)
    """So many failures by status in a row do; 0: none do."""


class ActiveChecks(Model):
    """Checks that the gateway makes by itself."""

    type: Literal["tcp", "http", "https", "websocket", "websockets"] = field("http", origin=KONG)
    """``tcp``: it connects. ``http``, ``https``: a GET. ``websocket``, ``websockets`` (TLS): a ping is answered."""
    timeout: Patience = field(1, origin=KONG, unit="s")
    """Longest time for one check."""
    concurrency: Annotated[int, Between(1, 2**31 - 1)] = field(10, origin=KONG)
    """Most checks at a time."""
    http_path: AbsolutePath = field("/", origin=KONG)
    """What is asked for, by ``websocket`` too."""
    headers: dict[HeaderField, list[FieldValue]] = field({}, origin=KONG)
    """Further header fields of the request."""
    https_sni: HostName | None = field(None, origin="`host_header`, else the target's name")
    """The name that TLS asks for and verifies."""
    https_verify_certificate: bool = field(True, origin=KONG)
    """Whether the certificate is verified, with the authorities of the services that use the upstream."""
    healthy: ActiveHealthy | None = field(None)
    """Checks of healthy targets, and successes."""
    unhealthy: ActiveUnhealthy | None = field(None)
    """Checks of unhealthy targets, and failures."""


class PassiveHealthy(Model):
    """What sessions tell of healthy targets. A 101 is always a success."""

    http_statuses: list[Status] = field(PASSIVE_HEALTHY, origin=KONG)
    """Statuses of refused handshakes that are a success all the same."""
    successes: Count = field(0, origin=KONG)
    """So many in a row make a target healthy; 0: none do."""


class PassiveUnhealthy(Model):
    """What sessions tell of unhealthy targets."""

    http_statuses: list[Status] = field(PASSIVE_UNHEALTHY, origin=KONG)
    """Statuses of refused handshakes that are a failure."""
    tcp_failures: Count = field(0, origin=KONG)
    """So many handshakes in a row that failed without an answer make a target unhealthy; 0: none do."""
    timeouts: Count = field(0, origin=KONG)
    """So many in a row that took longer than ``connect_timeout`` do; 0: none do."""
    http_failures: Count = field(0, origin=KONG)
    """So many failures by status in a row do; 0: none do."""
    session_failures: Count = field(0, origin="off, as the others")
    """So many sessions in a row that the target broke off within ``session_time`` do; 0: none do."""
    session_time: Patience = field(1, origin="a server that fails on its first message fails at once", unit="s")
    """How soon a session must break off to be a failure."""


class PassiveChecks(Model):
    """What the sessions tell of their targets."""

    type: Literal["tcp", "http", "https"] = field("http", origin=KONG)
    """``tcp`` leaves the statuses of refused handshakes out."""
    healthy: PassiveHealthy | None = field(None)
    """What makes a target healthy."""
    unhealthy: PassiveUnhealthy | None = field(None)
    """What makes a target unhealthy."""


class Healthchecks(Model):
    """What makes targets healthy and unhealthy."""

    active: ActiveChecks | None = field(None)
    """Checks that the gateway makes by itself."""
    passive: PassiveChecks | None = field(None)
    """What the sessions tell of their targets."""
    threshold: Annotated[float, Between(0, 100)] = field(0, origin=KONG)
    """The percentage of the weights that must be healthy; with less, the upstream gets no sessions at all."""
    ejection_time: Interval = field(30, origin="Envoy's base_ejection_time", unit="s")
    """An unhealthy target that active checks do not bring back is tried again after this long; 0: never, as in Kong."""
