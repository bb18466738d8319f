"""The upstream and the place of the gateways of these tests."""

from __future__ import annotations

from tests.operate.conftest import echo, place  # noqa: F401
