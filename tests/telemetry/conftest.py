"""The echo upstream and the folder of gateways that run as processes."""

from __future__ import annotations

from tests.operate.conftest import echo, place

__all__ = ["echo", "place"]
