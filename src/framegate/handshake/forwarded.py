"""What is said to the upstream about the client's connection: ``X-Forwarded-*`` and ``Forwarded`` (RFC 7239).

``X-Forwarded-Proto`` and ``proto=`` are ``http`` or ``https``, as nginx and Envoy say it and frameworks compare it, not
``ws`` or ``wss``: RFC 7239, section 5.4 has the scheme of the request, and an opening handshake is an HTTP request.
"""

from __future__ import annotations

from multidict import CIMultiDictProxy

from framegate.handshake.grammar import is_token

FORWARDED_NAMES = frozenset(
    {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"}
)

_PROTO = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


def forwarded_fields(
    received: CIMultiDictProxy[str],
    *,
    client_host: str | None,
    client_port: int | None,
    scheme: str,
    server_port: int | None,
    trusted: bool,
) -> list[tuple[str, str]]:
    """The five fields; what a trusted peer said in them is appended to or kept, else nothing of ``received`` counts.

    Raises:
        ValueError: the scheme is not ``ws``, ``wss``, ``http`` or ``https``.
    """
    if scheme not in _PROTO:
        raise ValueError(f"scheme is 'ws' or 'wss', not {scheme!r}")
    proto, host = _PROTO[scheme], received.get("Host")
    said = received if trusted else {}
    ours = {
        "X-Forwarded-For": _append(received, "X-Forwarded-For", _address(client_host), trusted),
        "X-Forwarded-Host": said.get("X-Forwarded-Host", host),
        "X-Forwarded-Proto": said.get("X-Forwarded-Proto", proto),
        "X-Forwarded-Port": said.get("X-Forwarded-Port", None if server_port is None else str(server_port)),
        "Forwarded": _append(received, "Forwarded", _element(client_host, client_port, host, proto), trusted),
    }
    return [(name, value) for name, value in ours.items() if value is not None]


def _append(received: CIMultiDictProxy[str], name: str, value: str, trusted: bool) -> str:
    if not trusted:
        return value
    return ", ".join([*(said for said in received.getall(name, []) if said), value])


def _address(host: str | None) -> str:
    return "unknown" if host is None else host.partition("%")[0]


def _element(client_host: str | None, client_port: int | None, host: str | None, proto: str) -> str:
    by_host = "" if host is None else f"host={_value(host)};"
    return f"for={_value(_node(client_host, client_port))};{by_host}proto={proto}"


def _node(host: str | None, port: int | None) -> str:
    """RFC 7239, section 6: an IPv6 address stands in brackets, and "unknown" for a peer without an address."""
    address = _address(host)
    if ":" in address:
        address = f"[{address}]"
    return address if port is None or host is None else f"{address}:{port}"


def _value(text: str) -> str:
    if is_token(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
