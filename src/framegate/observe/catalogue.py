"""Every metric that framegate has, as a table: names, labels, meanings, and how the values of workers become one.

Where values come from, other modules know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]
Merging = Literal["sum", "min", "worker", "once"]
"""What becomes of one value a worker: their sum, the smallest, one series a worker with the label
``worker``; or there is one value only, which no worker has."""

PREFIX: Final = "framegate_"

SESSION_SECONDS: Final = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
"""Upper bounds of the buckets for how long sessions last, in seconds: from what fails at once to a day."""

PLUGIN_SECONDS: Final = (1e-06, 5e-06, 1e-05, 5e-05, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Upper bounds for calls of plugins, in seconds: from a look at a frame to an answer that comes from far away."""

OF_ROUTE: Final = ("route", "service")


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric.

    Attributes:
        name: as it is queried, ``_total`` included.
        kind: its type.
        help: what it means.
        labels: their names, in order.
        merging: how the values of several workers become one.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    merging: Merging = "sum"

    @property
    def own_labels(self) -> tuple[str, ...]:
        """The labels that a worker gives it: without ``worker`` where that is added to what it tells."""
        return tuple(label for label in self.labels if label != "worker") if self.merging == "worker" else self.labels

    @property
    def family(self) -> str:
        """The name without ``_total``, as the client library wants it."""
        return self.name.removesuffix("_total")


def _counter(name: str, help: str, *labels: str, merging: Merging = "sum") -> Definition:
    return Definition(f"{PREFIX}{name}", "counter", help, labels, merging)


def _gauge(name: str, help: str, *labels: str, merging: Merging = "sum") -> Definition:
    return Definition(f"{PREFIX}{name}", "gauge", help, labels, merging)


CONNECTIONS_ACTIVE = _gauge("connections_active", "Client connections that are open, those before their 101 included.")
CONNECTIONS = _counter("connections_total", "Client connections accepted.")
HANDSHAKES = _counter(
    "handshakes_total",
    "Opening requests of clients by the status that answered them, 101 included.",
    "status",
    *OF_ROUTE,
)
SESSIONS_ACTIVE = _gauge("sessions_active", "Sessions that live.", *OF_ROUTE)
WORKER_SESSIONS = _gauge("worker_sessions", "Sessions that live in a worker.", "worker", merging="worker")
SESSIONS = _counter(
    "sessions_total", "Sessions that have ended, by who ended them and why.", *OF_ROUTE, "ended_by", "why"
)
SESSION_DURATION = Definition(
    f"{PREFIX}session_duration_seconds", "histogram", "How long sessions lasted that have ended.", OF_ROUTE
)
CLOSES = _counter(
    "closes_total",
    "Ended sessions by the close code that decided it: of the side that closed, else the one that framegate sent.",
    "initiator",
    "code",
    "reason",
    *OF_ROUTE,
)
FRAMES = _counter("frames_total", "Frames that came in, dropped ones included.", "direction", "type", *OF_ROUTE)
MESSAGES = _counter("messages_total", "Complete messages that came in.", "direction", "type", *OF_ROUTE)
BYTES = _counter(
    "bytes_total",
    "Payload bytes that came in: of text messages, and of everything else.",
    "direction",
    "type",
    *OF_ROUTE,
)
FRAMES_DROPPED = _counter(
    "frames_dropped_total", "Frames (messages, where they are joined) that a plugin dropped.", "direction", *OF_ROUTE
)
FRAMES_EDITED = _counter("frames_edited_total", "Likewise, that a plugin changed.", "direction", *OF_ROUTE)
QUEUED = _gauge("queued_bytes", "Bytes that wait to be sent to this side, over all live sessions.", "side")
BLOCKED = _gauge(
    "sessions_blocked", "Live sessions whose queue to this side is full, so that the other side is not read.", "side"
)
PLUGIN_DURATION = Definition(
    f"{PREFIX}plugin_duration_seconds",
    "histogram",
    "How long calls of plugins took, waiting included. In frame phases, of one frame in 16.",
    ("plugin", "phase"),
)
PLUGIN_FAILURES = _counter("plugin_failures_total", "Calls of plugins that raised.", "plugin", "phase")
TARGET_HEALTH = _gauge(
    "upstream_target_health",
    "The share of a target's addresses that may be picked, as the worker sees it that sees the least: 1 is healthy.",
    "upstream",
    "target",
    merging="min",
)
TARGET_CONNECTIONS = _gauge("upstream_target_connections", "Live sessions of a target.", "upstream", "target")

WORKER_UP = _gauge("worker_up", "Whether a worker answers.", "worker", merging="once")
WORKER_RESTARTS = _counter("worker_restarts_total", "Workers that were started again.", merging="once")
READY = _gauge("ready", "Whether new clients are welcome, as /readyz says.", merging="once")
RELOAD_SUCCESS = _gauge(
    "config_last_reload_success", "Whether the last reload was served; 1 before the first one.", merging="once"
)
RELOAD_TIME = _gauge(
    "config_last_reload_timestamp_seconds",
    "When the configuration was last read, in seconds since the epoch.",
    merging="once",
)
RELOADS = _counter("config_reloads_total", "Reloads by how they went.", "result", merging="once")
CERTIFICATE_EXPIRY = _gauge(
    "certificate_expiry_timestamp_seconds",
    "When a certificate that clients or upstreams are shown expires, in seconds since the epoch.",
    "source",
    "name",
    merging="once",
)
BUILD = _gauge("build_info", "1, with the version and what it runs on.", "version", "build", "python", merging="once")

OF_WORKERS: Final = (
    CONNECTIONS_ACTIVE,
    CONNECTIONS,
    HANDSHAKES,
    SESSIONS_ACTIVE,
    WORKER_SESSIONS,
    SESSIONS,
    SESSION_DURATION,
    CLOSES,
    FRAMES,
    MESSAGES,
    BYTES,
    FRAMES_DROPPED,
    FRAMES_EDITED,
    QUEUED,
    BLOCKED,
    PLUGIN_DURATION,
    PLUGIN_FAILURES,
    TARGET_HEALTH,
    TARGET_CONNECTIONS,
)
"""What each worker has."""

OF_THE_WHOLE: Final = (
    WORKER_UP,
    WORKER_RESTARTS,
    READY,
    RELOAD_SUCCESS,
    RELOAD_TIME,
    RELOADS,
    CERTIFICATE_EXPIRY,
    BUILD,
)
"""What the gateway has as a whole."""

OF_PROCESSES: Final = (
    Definition("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds."),
    Definition("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", ("worker",), "worker"),
    Definition("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", ("worker",), "worker"),
    Definition("process_open_fds", "gauge", "Number of open file descriptors.", ("worker",), "worker"),
    Definition("process_max_fds", "gauge", "Maximum number of open file descriptors.", ("worker",), "worker"),
    Definition(
        "process_start_time_seconds",
        "gauge",
        "Start time of the process since unix epoch in seconds.",
        ("worker",),
        "worker",
    ),
)
"""What the client library tells of a process (Linux); of each worker, and of the supervisor."""

METRICS: Final = (*OF_WORKERS, *OF_THE_WHOLE, *OF_PROCESSES)
BY_FAMILY: Final = {definition.family: definition for definition in METRICS}
