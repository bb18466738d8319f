"""Where to listen, as the file writes it."""

from __future__ import annotations

from dataclasses import dataclass

FORMS = "write HOST:PORT, [IPV6]:PORT or unix:PATH"
MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, or the path of a Unix socket."""

    host: str | None = None
    port: int | None = None
    path: str | None = None


def parse_address(text: str) -> Address:
    """Read ``HOST:PORT``, ``[IPV6]:PORT`` or ``unix:PATH``.

    Raises:
        ValueError: it is none of them; the message names the mend.
    """
    if text.startswith("unix:"):
        if path := text.removeprefix("unix:"):
            return Address(path=path)
        raise ValueError("the path of the Unix socket is missing")
    host, colon, port = text.rpartition(":")
    if not colon or "://" in text:
        raise ValueError(FORMS)
    if not (port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
        raise ValueError(f"the port must be a number from 0 to {MAX_PORT}, not {port!r}; {FORMS}")
    if not host:
        raise ValueError(f"the host is missing; 0.0.0.0:{port} is every IPv4 address, [::]:{port} every IPv6 address")
    return Address(_unbracketed(host, port), int(port))


def _unbracketed(host: str, port: str) -> str:
    if host.startswith("[") and host.endswith("]") and ":" in host:
        return host[1:-1]
    if ":" in host:
        raise ValueError(f"an IPv6 address stands in brackets: [{host.strip('[]')}]:{port}")
    if not all(letter.isalnum() or letter in "-._" for letter in host):
        raise ValueError(f"{host!r} is not a host; {FORMS}")
    return host
