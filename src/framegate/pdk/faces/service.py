"""``kong.service``."""

from __future__ import annotations

from framegate._rules import nearest
from framegate.handshake import parse_upstream_url
from framegate.pdk.exchange import Exchange
from framegate.pdk.faces._checks import a_str, an_int, broken
from framegate.pdk.faces.service_request import ServiceRequest
from framegate.pdk.phases import check_before_the_answer

_MAX_TIMEOUT = 2**31 - 2
_MAX_RETRIES = 2**15 - 1


class Service:
    """The connection to the upstream, before it is made."""

    __slots__ = ("_exchange", "_phase")

    def __init__(self, exchange: Exchange, phase: str) -> None:
        self._exchange = exchange
        self._phase = phase

    @property
    def request(self) -> ServiceRequest:
        """``kong.service.request``: the opening request to the upstream."""
        return ServiceRequest(self._exchange, self._phase)

    def set_target(self, host: str, port: int) -> None:
        """Connect to this host and port, and to no target of an upstream entity.

        Args:
            host: a name, or an IPv4 or IPv6 address.
            port: 1 to 65535.

        Raises:
            PDKError: ``host`` is neither name nor address; ``port`` is out of range; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.set_target`` of Kong's PDK, which takes the port 0 too.
        """
        function = "kong.service.set_target"
        check_before_the_answer(function, self._phase, self._exchange.answered)
        a_str(function, "host", host)
        an_int(function, "port", port, 1, 65535)
        plan = self._exchange.upstream
        plan.target, plan.upstream = (_checked_host(function, host), port), None

    def set_upstream(self, host: str) -> None:
        """Balance over the targets of this upstream entity, as if the service's host were its name.

        Args:
            host: the name of the upstream entity.

        Raises:
            PDKError: there is no upstream entity of this name; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.set_upstream`` of Kong's PDK, which returns the error.
        """
        function = "kong.service.set_upstream"
        check_before_the_answer(function, self._phase, self._exchange.answered)
        entities = self._exchange.entities
        if entities.first("upstreams", "name", a_str(function, "host", host)) is None:
            names = [str(upstream.get("name")) for upstream in entities.all("upstreams")]
            raise broken(function, f"there is no upstream named {host!r}{nearest(host, names)}")
        plan = self._exchange.upstream
        plan.target, plan.upstream = None, host

    def set_timeouts(self, connect_timeout: int, write_timeout: int, read_timeout: int) -> None:
        """Set the timeouts of this connection in the place of the service's.

        Args:
            connect_timeout: for connecting and the opening handshake, in milliseconds, 1 to 2147483646.
            write_timeout: between two writes, in milliseconds, 1 to 2147483646.
            read_timeout: between two reads, in milliseconds, 1 to 2147483646.

        Raises:
            PDKError: one is not an int in this range; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.set_timeouts`` of Kong's PDK.
        """
        function = "kong.service.set_timeouts"
        check_before_the_answer(function, self._phase, self._exchange.answered)
        an_int(function, "connect_timeout", connect_timeout, 1, _MAX_TIMEOUT)
        an_int(function, "write_timeout", write_timeout, 1, _MAX_TIMEOUT)
        an_int(function, "read_timeout", read_timeout, 1, _MAX_TIMEOUT)
        plan = self._exchange.upstream
        plan.connect_timeout, plan.write_timeout, plan.read_timeout = connect_timeout, write_timeout, read_timeout

    def set_retries(self, retries: int) -> None:
        """Set how often connecting is tried again, in the place of the service's ``retries``.

        Args:
            retries: 0 to 32767.

        Raises:
            PDKError: it is not an int in this range; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.set_retries`` of Kong's PDK.
        """
        check_before_the_answer("kong.service.set_retries", self._phase, self._exchange.answered)
        self._exchange.upstream.retries = an_int("kong.service.set_retries", "retries", retries, 0, _MAX_RETRIES)


def _checked_host(function: str, host: str) -> str:
    bare = host.removeprefix("[").removesuffix("]")
    try:
        url = parse_upstream_url(f"ws://[{bare}]/" if ":" in bare else f"ws://{host}/")
    except ValueError:
        url = None
    if url is None or url.host != bare.lower():
        raise broken(function, f"host {host!r} is neither a host name nor an IPv4 or IPv6 address")
    return url.host
