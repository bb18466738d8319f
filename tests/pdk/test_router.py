"""``kong.router``: what the router decided."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pdk.stage import before_the_request, kong

ROUTE = {"id": "route-1", "name": "chat", "paths": ["/chat"], "service": {"id": "service-1"}}
SERVICE = {"id": "service-1", "name": "chat", "host": "127.0.0.1"}


def test_route_and_service_have_the_fields_of_the_file() -> None:
    router = kong(route=ROUTE, service=SERVICE).router
    route, service = router.get_route(), router.get_service()
    assert route is not None and service is not None
    assert (route["name"], route["paths"], route["service"]["id"]) == ("chat", ("/chat",), "service-1")
    assert service["host"] == "127.0.0.1"


def test_route_and_service_cannot_be_changed() -> None:
    route: Any = kong(route=ROUTE).router.get_route()
    with pytest.raises(TypeError):
        route["name"] = "other"
    with pytest.raises(TypeError):
        route["service"]["id"] = "other"


def test_there_is_no_route_before_the_router_has_decided() -> None:
    for probe in (before_the_request(), kong(phase="rewrite")):
        assert probe.router.get_route() is probe.router.get_service() is None
