"""Results as `python -m benchmarks` keeps them, small ones made for a test."""

from __future__ import annotations

from typing import Any

from benchmarks.charts.run import Run, checked

Row = tuple[str, str, str, list[float]]

FRAME, TRIPS, P50, P99 = "cpu_us_per_frame", "trips_per_second", "p50_us", "p99_us"
SETUP, IDLE = "cpu_us_per_connection", "kib_per_idle_connection"

SMALL: list[Row] = [
    (FRAME, "64 B, 16 × 8", "nginx", [0.6, 0.64, 0.7]),
    (FRAME, "64 B, 16 × 8", "framegate", [0.7, 0.8, 0.72]),
    (FRAME, "64 B, 16 × 8", "framegate-edit", [0.9, 1.0, 0.95]),
    (FRAME, "64 B, 16 × 8", "websockets", [13.0, 14.0, 13.5]),
    (FRAME, "1 MiB, 16 × 8", "nginx", [1100.0, 1000.0, 1200.0]),
    (FRAME, "1 MiB, 16 × 8", "framegate", [260.0, 270.0, 250.0]),
    (FRAME, "64 B, 16 × 1", "nginx", [5.0, 5.1, 5.2]),
    (FRAME, "64 B, 16 × 1", "framegate", [5.5, 5.6, 5.7]),
    (FRAME, "64 B, 1 × 1", "nginx", [7.0, 7.1, 7.2]),
    (P50, "64 B, 1 × 1", "nginx", [30.0, 31.0, 32.0]),
    (P99, "64 B, 1 × 1", "nginx", [40.0, 46.0, 47.0]),
    (P50, "64 B, 1 × 1", "framegate", [33.0, 34.0, 35.0]),
    (P99, "64 B, 1 × 1", "framegate", [50.0, 51.0, 57.0]),
    (SETUP, "8 at a time", "nginx", [80.0, 78.0, 79.0]),
    (SETUP, "8 at a time", "framegate", [430.0, 440.0, 436.0]),
    (IDLE, "10000 connections", "nginx", [17.7]),
    (IDLE, "10000 connections", "framegate", [8.4]),
]


def document(rows: list[Row], elsewhere: float = 0.0) -> dict[str, Any]:
    keys = ("metric", "scenario", "peer", "values")
    return {
        "started_at": "2026-01-02T03:04:05+00:00",
        "command": "python -m benchmarks",
        "commit": "0123456789ab",
        "machine": {"cpu_model": "Some CPU", "cpus": 2, "pinned_to_cpu": 1, "kernel": "Linux 6.1.2-some x86_64"},
        "versions": {"nginx": "nginx/1.22.1"},
        "plan": {"rounds": 3, "seconds": 0.5},
        "elsewhere": {"median": elsewhere, "low": 0.0, "high": elsewhere},
        "rows": [dict(zip(keys, row, strict=True)) for row in rows],
    }


def run(rows: list[Row], elsewhere: float = 0.0) -> Run:
    return checked(document(rows, elsewhere), "a result")
