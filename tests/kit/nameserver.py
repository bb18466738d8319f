"""A name server on a UDP port of 127.0.0.1, in a thread of its own, that answers as the test says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Key = tuple[str, str]


class NameServer:
    """A zone that changes as the test likes.

    Attributes:
        port: where it answers.
        asked: every question so far, as name and kind of record.
        failing: whether every question is answered with SERVFAIL.
        silent: whether no question is answered at all.
        garbage: what every question is answered with instead; the question's own number may stand before it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.port: int = sock.getsockname()[1]
        self.asked: list[Key] = []
        self.failing = False
        self.silent = False
        self.garbage: bytes | None = None
        self._records: dict[Key, tuple[int, tuple[str, ...]]] = {}
        self._sock = sock

    def has(self, name: str, kind: str, *records: str, ttl: int = 1) -> None:
        """``name`` has these records from now on, and no others of the kind; without any, none."""
        self._records[name.lower(), kind] = ttl, records

    def knows(self, name: str) -> bool:
        return any(key[0] == name and records for key, (_, records) in self._records.items())

    def count(self, name: str, kind: str) -> int:
        """How often this was asked."""
        return self.asked.count((name, kind))

    def serve(self) -> None:
        """Answer until an empty datagram comes."""
        while True:
            wire, sender = self._sock.recvfrom(4096)
            if not wire:
                return
            answer = self._answer(dns.message.from_wire(wire))
            if not self.silent:
                with contextlib.suppress(OSError):
                    self._sock.sendto(answer.to_wire() if self.garbage is None else wire[:2] + self.garbage, sender)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        alias_ttl, alias = self._records.get((name, "CNAME"), (0, ()))
        if alias:
            answer.answer.append(dns.rrset.from_text(question.name, alias_ttl, "IN", "CNAME", *alias))
            name = alias[0].rstrip(".")
        ttl, records = self._records.get((name, kind), (0, ()))
        if records:
            answer.answer.append(dns.rrset.from_text(dns.name.from_text(name), ttl, "IN", kind, *records))
        elif not self.knows(name):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@contextmanager
def name_server() -> Iterator[NameServer]:
    """A running name server, which knows no name at first."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        server = NameServer(sock)
        thread = threading.Thread(target=server.serve, name="name server")
        thread.start()
        try:
            yield server
        finally:
            sock.sendto(b"", sock.getsockname())
            thread.join()
