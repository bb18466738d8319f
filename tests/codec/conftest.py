"""The codec in both builds; a codec also for both senders."""

from __future__ import annotations

import pytest

from tests.kit.builds import NAMES, Build
from tests.kit.parsing import Codec


@pytest.fixture(params=NAMES)
def build(request: pytest.FixtureRequest) -> Build:
    return Build(request.param)


@pytest.fixture(params=["client", "upstream"])
def codec(build: Build, request: pytest.FixtureRequest) -> Codec:
    """Frames of a client are masked, frames of an upstream are not (RFC 6455, section 5.1)."""
    return Codec(build, request.param)
