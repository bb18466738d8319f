"""Whether a header field of the configuration can be sent, found out before there is a request."""

from __future__ import annotations

from framegate.pdk import PDKError
from framegate.pdk.exchange import Exchange
from framegate.pdk.faces.service_request import ServiceRequest
from framegate.pdk.phases import WS_HANDSHAKE


def check_header(name: str, value: str = "") -> None:
    """Raise ValueError where ``kong.service.request.set_header`` would refuse this field."""
    try:
        ServiceRequest(Exchange(), WS_HANDSHAKE).set_header(name, value)
    except PDKError as error:
        _, _, rule = str(error).partition(": ")
        raise ValueError(rule) from None
