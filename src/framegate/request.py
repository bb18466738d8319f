"""A client's opening request, as the handler sees it."""

from __future__ import annotations

from typing import Any, NamedTuple

from multidict import CIMultiDictProxy

from framegate.errors import UsageError
from framegate.handshake import RequestHead, refusal
from framegate.handshake.grammar import HeaderPairs


class TLSInfo(NamedTuple):
    """The TLS of a client's connection.

    Attributes:
        version: as OpenSSL names it, such as ``"TLSv1.3"``.
        sni: the server name that the client asked for, or None.
        peer_certificate: the client's certificate as :meth:`ssl.SSLSocket.getpeercert` gives it, or None.
    """

    version: str | None
    sni: str | None
    peer_certificate: dict[str, Any] | None


class Request:
    """One client's opening request (RFC 6455, section 4.2.1), checked; passed to the handler of :func:`serve`."""

    __slots__ = ("_connection", "_head")

    def __init__(self, head: RequestHead, connection: Any) -> None:
        self._head = head
        # The ClientConnection that it came on.
        self._connection = connection

    def __repr__(self) -> str:
        return f"<Request {self._head.target} from {self.client}>"

    @property
    def method(self) -> str:
        """Always ``"GET"``."""
        return self._head.method

    @property
    def path(self) -> str:
        """The path as the client wrote it, without the query."""
        return self._head.path

    @property
    def query(self) -> str:
        """The query as the client wrote it, without the question mark; ``""`` when there is none."""
        return self._head.query

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The header fields: case-insensitive, with ``getall(name)`` for those that came more than once."""
        return self._head.headers

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """The subprotocols that the client offers, most wanted first."""
        return self._head.subprotocols

    @property
    def http_version(self) -> str:
        """``"1.1"``."""
        return self._head.http_version

    @property
    def client(self) -> tuple[str, int] | None:
        """The client's address and port; None on a Unix socket."""
        peer: tuple[str, int] | None = self._connection.peer
        return peer

    @property
    def tls(self) -> TLSInfo | None:
        """The connection's TLS, or None. Where a trusted proxy has ended the client's TLS and says so by the PROXY
        protocol, what it says of it."""
        tls: TLSInfo | None = self._connection.tls_info()
        return tls

    async def reject(self, status: int, body: bytes | str = b"", headers: HeaderPairs = ()) -> None:
        """Answer with an HTTP error instead of a 101, and close.

        Args:
            status: 200 to 599.
            body: ``b""`` makes one of the status.
            headers: further ``(name, value)`` pairs.

        Raises:
            UsageError: the request has been answered.
            ValueError: the status or a header may not be sent.
        """
        if self._connection.answered:
            raise UsageError("the request has been answered already")
        payload = body.encode() if isinstance(body, str) else bytes(body)
        pairs = list(headers.items()) if hasattr(headers, "items") else headers
        self._connection.refuse(refusal(status, headers=pairs, body=payload), status)
