"""Lets in, or keeps out, clients by the address that they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from framegate.pdk import FieldError
from framegate.pdk.kong import Kong

version = "1.0.0"
priority = 990

UNIX: Final = "unix:"
"""In a list, every client on a Unix socket."""

_ELEMENTS = {"type": "string"}

Schema = (
    {
        "allow": {
            "type": "array",
            "elements": _ELEMENTS,
            "description": "Addresses and networks (CIDR) that are let in, and no others. unix: stands for clients on "
            "a Unix socket.",
        }
    },
    {
        "deny": {
            "type": "array",
            "elements": _ELEMENTS,
            "description": "Addresses and networks (CIDR) that are refused, even where allow lets them in.",
        }
    },
    {
        "status": {
            "type": "integer",
            "required": True,
            "default": 403,
            "between": [400, 599],
            "description": "The status of a refusal.",
        }
    },
    {
        "message": {
            "type": "string",
            "description": "The message of a refusal; IP address not allowed: and the address where it is not given.",
        }
    },
)

entity_checks = ({"at_least_one_of": ["allow", "deny"]},)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAPPED = ip_network("::ffff:0:0/96")


class Plugin:
    """One configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._allow = read_list("allow", config["allow"])
        self._deny = read_list("deny", config["deny"])
        self._status: int = config["status"]
        self._message: str | None = config["message"]

    def ws_handshake(self, kong: Kong) -> None:
        said = kong.client.get_forwarded_ip()
        if not self.lets_in(said):
            who = "a client on a Unix socket" if said is None else said
            kong.response.error(self._status, self._message or f"IP address not allowed: {who}")

    def lets_in(self, said: str | None) -> bool:
        """Whether a client with this address may come in; None is one on a Unix socket, which has none.

        Without an address nothing can be said of a client, so that it must be allowed expressly.
        """
        if said is None:
            return UNIX in self._allow and UNIX not in self._deny
        address = plain(ip_address(said))
        return not is_in(address, self._deny) and (not self._allow or is_in(address, self._allow))


def read_list(field: str, entries: Iterable[str] | None) -> tuple[Network | str, ...]:
    """The networks that a field names, and :data:`UNIX`.

    Raises:
        FieldError: an entry is neither.
    """
    return tuple(_read(f"{field}[{index}]", entry) for index, entry in enumerate(entries or ()))


def is_in(address: Address, entries: Iterable[Network | str]) -> bool:
    """Whether one of ``entries`` holds ``address``."""
    return any(not isinstance(entry, str) and address in entry for entry in entries)


def plain(address: Address) -> Address:
    """An IPv4 address that came in IPv6's clothes (RFC 4291, section 2.5.5.2) is the IPv4 address."""
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _read(place: str, entry: str) -> Network | str:
    if entry == UNIX:
        return UNIX
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        wanted = "an IPv4 or IPv6 address or network, such as 192.0.2.0/24, or unix:"
        raise FieldError(place, f"must be {wanted}, not {entry!r}") from None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):  # type: ignore[arg-type]
        mapped = network.network_address.ipv4_mapped
        assert mapped is not None
        return IPv4Network((mapped, network.prefixlen - 96))
    return network
