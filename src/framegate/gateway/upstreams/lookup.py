"""From a name to places: the system's resolver, or name servers of one's own with dnspython.

One question at a time, without memory; :mod:`framegate.gateway.upstreams.names` keeps the answers.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from framegate.config.configuration import Dns
from framegate.gateway.upstreams.seat import Place
from framegate.resolve import family_of

if TYPE_CHECKING:
    import dns.asyncresolver

SYSTEM_TTL = 10.0
"""Seconds for which an answer of the system's resolver and of the hosts file counts, which tell no time."""

LEAST_TTL = 1.0
"""Seconds for which every answer counts: a TTL of 0 would mean a question for each session."""

_FAMILIES = {"A": socket.AF_INET, "AAAA": socket.AF_INET6}
_NO_SUCH_NAME = {
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
}


class Answer(NamedTuple):
    """Where a name leads, maybe to nowhere, and for how many seconds that counts."""

    places: tuple[Place, ...]
    ttl: float


class LookupFailed(Exception):
    """There was no answer; the message says why."""


class Lookup(Protocol):
    """Asks for a name."""

    async def find(self, name: str, port: int, *, srv: bool) -> Answer:
        """The places of ``name``; of an SRV record its own ports, else ``port``.

        Args:
            srv: only SRV records count.

        Raises:
            LookupFailed: there was no answer. That there is no such name is one.
        """


def lookup_of(dns: Dns, *, srv: bool) -> Lookup:
    """Who is asked: name servers where the file names some, and for SRV records, else the system's resolver."""
    return NameServers(dns) if dns.resolver or srv else System(dns)


class System:
    """The system's resolver, which knows the hosts file and whatever else the system is set up for."""

    def __init__(self, dns: Dns) -> None:
        self._order = [_FAMILIES[kind] for kind in dns.order if kind in _FAMILIES] or list(_FAMILIES.values())

    async def find(self, name: str, port: int, *, srv: bool) -> Answer:
        """As of :class:`Lookup`; SRV records are beyond it."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_NAME:
                return Answer((), SYSTEM_TTL)
            raise LookupFailed(error.strerror or str(error)) from error
        except (OSError, UnicodeError) as error:
            raise LookupFailed(str(error)) from error
        for wanted in self._order:
            places = {Place(str(address[0]), port) for family, _, _, _, address in found if family == wanted}
            if places:
                # Resolvers rotate their answers; that is no change.
                return Answer(tuple(sorted(places, key=str)), SYSTEM_TTL)
        return Answer((), SYSTEM_TTL)


class NameServers:
    """Name servers, asked with dnspython; those of ``/etc/resolv.conf`` where none are named."""

    def __init__(self, dns: Dns) -> None:
        self._dns = dns
        self._resolver = _resolver(dns.resolver)

    async def find(self, name: str, port: int, *, srv: bool) -> Answer:
        """As of :class:`Lookup`: the hosts file first, then the first kind of ``order`` of which there are records."""
        kinds = [kind for kind in self._dns.order if kind != "SRV"]
        if not srv and (listed := self._listed(name, port, kinds)):
            return Answer(listed, SYSTEM_TTL)
        for kind in ("SRV",) if srv else self._dns.order:
            answer = await (self._services(name) if kind == "SRV" else self._addresses(name, port, (kind,)))
            if answer.places:
                return answer
        return Answer((), LEAST_TTL)

    def _listed(self, name: str, port: int, kinds: Sequence[str]) -> tuple[Place, ...]:
        listed = _hosts(self._dns.hosts_file).get(name.rstrip(".").lower(), ())
        for kind in kinds:
            if places := tuple(Place(address, port) for address in listed if family_of(address) == _FAMILIES[kind]):
                return places
        return ()

    async def _addresses(self, name: str, port: int, kinds: Sequence[str]) -> Answer:
        for kind in kinds:
            records, ttl = await self._ask(name, kind)
            if records:
                return Answer(tuple(sorted((Place(record.address, port) for record in records), key=str)), ttl)
        return Answer((), LEAST_TTL)

    async def _services(self, name: str) -> Answer:
        records, ttl = await self._ask(name, "SRV")
        # RFC 2782: "A client MUST attempt to contact the target host with the lowest-numbered priority it can reach".
        best = min((record.priority for record in records), default=0)
        places: list[Place] = []
        kinds = [kind for kind in self._dns.order if kind != "SRV"] or list(_FAMILIES)
        for record in records:
            host = record.target.to_text(omit_final_dot=True)
            # A target of "." means that the service is not there.
            if record.priority != best or host in ("", "."):
                continue
            found = Answer(self._listed(host, record.port, kinds), ttl)
            if not found.places:
                found = await self._addresses(record.target.to_text(), record.port, kinds)
                ttl = min(ttl, found.ttl)
            places += [Place(place.host, record.port, record.weight, host) for place in found.places]
        return Answer(tuple(sorted(places, key=str)), ttl)

    async def _ask(self, name: str, kind: str) -> tuple[list[Any], float]:
        import dns.exception
        import dns.resolver

        try:
            answer = await self._resolver.resolve(name, kind, search=True, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return [], LEAST_TTL
        except dns.exception.DNSException as error:
            raise LookupFailed(f"{kind}: {error}") from error
        except (OSError, ValueError) as error:
            # No network, a name that cannot be one; and what a broken answer may make of a parser.
            raise LookupFailed(f"{kind}: {error}") from error
        if answer.rrset is None:
            return [], LEAST_TTL
        return list(answer), max(float(answer.chaining_result.minimum_ttl), LEAST_TTL)


def _resolver(servers: Sequence[tuple[str, int]]) -> dns.asyncresolver.Resolver:
    import dns.asyncresolver
    import dns.nameserver
    import dns.resolver

    try:
        resolver = dns.asyncresolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        resolver = dns.asyncresolver.Resolver(configure=False)
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in servers]
    return resolver


def _hosts(file: Path) -> dict[str, tuple[str, ...]]:
    try:
        changed = file.stat().st_mtime_ns
    except OSError:
        return {}
    return _hosts_as_of(file, changed)


@lru_cache(4)
def _hosts_as_of(file: Path, changed: int) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        if family_of(address) is not None:
            for name in names:
                found[name.lower()] = (*found.get(name.lower(), ()), address)
    return found
