"""The section ``gateway.dns``: how the names of upstreams become addresses. The fields are Kong's ``dns_*``."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from framegate.config.model.fields import KONG, Between, Form, Model, NotEmpty, Text, field, refusal

DNS_PORT = 53
SERVERS = "as in 10.0.0.2 or [fd00::2]:5353"


def split_server(text: str) -> tuple[str, int]:
    """Address and port of a name server.

    Raises:
        ValueError: it is none.
    """
    host, port = text, str(DNS_PORT)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(text)
        port = rest[1:] or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    address = str(ipaddress.ip_address(host))
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ValueError(text)
    return address, int(port)


def _check_server(text: str) -> None:
    try:
        split_server(text)
    except ValueError:
        raise refusal(f"must be the address of a name server, not {text!r}", SERVERS) from None


Server = Annotated[str, Form(r"^[0-9A-Fa-f.:\[\]]+$", "the address of a name server", SERVERS, _check_server)]
Lifetime = Annotated[float, Between(0.1, 315_360_000)]
Record = Literal["SRV", "A", "AAAA"]


class Dns(Model):
    """How the names of upstreams become addresses. Times are seconds, as in Kong's ``dns_*``."""

    resolver: list[Server] = field([], origin="the system's resolver")
    """Name servers to ask, ADDRESS or ADDRESS:PORT."""
    hostsfile: Text = field("/etc/hosts", origin=KONG)
    """A file of names and addresses that comes before the name servers, relative to this file."""
    order: Annotated[list[Record], NotEmpty()] = field(["SRV", "A", "AAAA"], origin="Kong, with IPv6")
    """What is asked for: the first kind of which there are records counts. The system's resolver knows no SRV."""
    valid_ttl: Lifetime | None = field(None, origin="its own; 10 of the system's resolver", unit="s")
    """How long an answer counts."""
    stale_ttl: Annotated[float, Between(0, 315_360_000)] = field(3600, origin=KONG, unit="s")
    """How much longer it counts while it cannot be renewed (RFC 8767)."""
    error_ttl: Lifetime = field(1, origin=KONG, unit="s")
    """After how long a lookup that failed is repeated."""
