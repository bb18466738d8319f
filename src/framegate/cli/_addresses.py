"""Where to listen, as it is written on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framegate.config.addresses import parse_address


@dataclass(frozen=True, slots=True)
class Listen:
    """A place to listen at: a host and a port, or the path of a Unix socket."""

    host: str | None = None
    port: int | None = None
    path: str | None = None

    def place(self) -> dict[str, Any]:
        """The arguments of ``serve`` and ``reverse_proxy`` that name this place."""
        return {"unix_path": self.path} if self.path is not None else {"host": self.host, "port": self.port}

    def url(self, port: int | None, *, tls: bool) -> str:
        """The address as the ready line prints it, with the real port."""
        if self.path is not None:
            return str(self)
        return f"{'wss' if tls else 'ws'}://{self._bracketed()}:{port}"

    def _bracketed(self) -> str:
        return f"[{self.host}]" if self.host is not None and ":" in self.host else str(self.host)

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path is not None else f"{self._bracketed()}:{self.port}"


def parse_listen(text: str) -> Listen:
    """Read ``HOST:PORT``, ``[IPV6]:PORT`` or ``unix:PATH``.

    Raises:
        ValueError: it is none of them; the message names the mend.
    """
    address = parse_address(text)
    return Listen(address.host, address.port, address.path)
