"""The lanes in both builds, and in both directions."""

from __future__ import annotations

import pytest

from tests.kit.builds import NAMES, Build


@pytest.fixture(params=NAMES)
def build(request: pytest.FixtureRequest) -> Build:
    return Build(request.param)


@pytest.fixture(params=["client", "upstream"])
def origin(request: pytest.FixtureRequest) -> str:
    return request.param
