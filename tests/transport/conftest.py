"""Every kind of transport, on both loops."""

from __future__ import annotations

import pytest

from tests.kit.pairs import KINDS, Kind


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


@pytest.fixture(params=KINDS[1:])
def tcp(request: pytest.FixtureRequest) -> Kind:
    """The kinds that have a socket."""
    return Kind(request.param)
