"""Clients that come by a proxy which speaks the PROXY protocol: reading its header off the socket, and a connection
whose client is the one that the header tells of."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from framegate.connection import ClientConnection, Host
from framegate.listeners import local_port
from framegate.proxy_protocol import MAX_HEADER, Header, Malformed, read_header
from framegate.request import TLSInfo
from framegate.transport import Transport
from framegate.transport.client_hello import readable

Peer = tuple[str, int] | None


async def take_header(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> Header:
    """Wait for the header on ``sock`` and take it, and not one byte of what comes behind it.

    Raises:
        Malformed: what comes is none.
        OSError: the connection broke.
    """
    taken = b""
    while True:
        await readable(loop, sock)
        try:
            seen = sock.recv(MAX_HEADER, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            continue
        if not seen:
            raise Malformed("the connection ended within the header" if taken else "no header came")
        found = read_header(taken + seen)
        # As long as the header is not whole, whatever has come belongs to it.
        piece = sock.recv(len(seen) if found is None else found[1] - len(taken))
        if found is not None:
            return found[0]
        taken += piece


def client_of(header: Header, peer: Peer) -> Peer:
    """The client's address: the told one, else that of the connection itself."""
    return header.source if header.told else peer


def port_of(header: Header, sock: socket.socket) -> int | None:
    """The port that the client came to, likewise; None on a Unix socket."""
    if header.told:
        return None if header.destination is None else header.destination[1]
    return local_port(sock)


class ProxiedConnection(ClientConnection):
    """A client that has connected to a proxy, which has connected to us.

    Args:
        server: who has accepted it.
        transport: the proxy's connection.
        peer: as :func:`client_of` says.
        header: what the proxy has said.
    """

    __slots__ = ("_header", "secure_before_us")

    def __init__(self, server: Host, transport: Transport, peer: Peer, header: Header) -> None:
        super().__init__(server, transport, peer)
        self._header = header
        self.secure_before_us = header.tls is not None

    def tls_info(self) -> TLSInfo | None:
        """The connection's TLS; where it has none, the client's as the proxy has ended it."""
        info = super().tls_info()
        said = self._header.tls
        if info is not None or said is None:
            return info
        certificate: dict[str, Any] | None = None
        if said.verified and said.common_name is not None:
            certificate = {"subject": ((("commonName", said.common_name),),)}
        return TLSInfo(said.version, self._header.authority, certificate)

    def local_port(self) -> int | None:
        """The port that the client came to, or None on a Unix socket."""
        address = self.local_address()
        return None if address is None else address[1]

    def local_address(self) -> Peer:
        """Where the client came to, or None on a Unix socket."""
        return self._header.destination if self._header.told else super().local_address()
