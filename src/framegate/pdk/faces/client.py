"""``kong.client``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from framegate.pdk.entities import Entity, frozen
from framegate.pdk.exchange import Exchange
from framegate.pdk.faces._checks import a_str, broken, translated, wrong_type
from framegate.pdk.faces._forwarded import forwarded_peer, peer_is_trusted
from framegate.pdk.faces._identity import vouch
from framegate.pdk.faces.client_tls import ClientTLS
from framegate.pdk.phases import check_before_the_answer

_SECURE = ("https", "wss")


class Client:
    """Who the client is, and where it comes from."""

    __slots__ = ("_exchange", "_phase")

    def __init__(self, exchange: Exchange, phase: str) -> None:
        self._exchange = exchange
        self._phase = phase

    @property
    def tls(self) -> ClientTLS:
        """``kong.client.tls``: the certificate that the client has shown."""
        return ClientTLS(self._exchange, self._phase)

    def get_ip(self) -> str | None:
        """The address of the connection: the client's, or that of a proxy before us; where that speaks the PROXY
        protocol, the one that it tells. None on a Unix socket.

        Phases: every phase.
        Source: as ``kong.client.get_ip`` of Kong's PDK.
        """
        return None if self._exchange.peer is None else self._exchange.peer[0]

    def get_forwarded_ip(self) -> str | None:
        """The client's address: where the connection comes from a trusted address, as ``real_ip_header`` tells it.

        The field, ``X-Forwarded-For`` by default, is read from its end, past the trusted addresses, so that a client
        cannot choose its own. None on a Unix socket about which nobody told.

        Phases: every phase.
        Source: as ``kong.client.get_forwarded_ip`` of Kong's PDK.
        """
        peer = forwarded_peer(self._exchange)
        return None if peer is None else peer[0]

    def get_port(self) -> int | None:
        """The port that the connection comes from. None on a Unix socket.

        Phases: every phase.
        Source: as ``kong.client.get_port`` of Kong's PDK.
        """
        return None if self._exchange.peer is None else self._exchange.peer[1]

    def get_forwarded_port(self) -> int | None:
        """The port that goes with ``get_forwarded_ip()``; None where the proxy did not tell it.

        Phases: every phase.
        Source: as ``kong.client.get_forwarded_port`` of Kong's PDK.
        """
        peer = forwarded_peer(self._exchange)
        return None if peer is None else peer[1]

    def get_protocol(self, allow_terminated: bool = False) -> str:
        """``"ws"`` or ``"wss"``: the matched route's protocol where it has one, else how the client came.

        Args:
            allow_terminated: whether ``X-Forwarded-Proto`` of a trusted peer counts: ``https`` and ``wss`` there mean
                that a proxy before us terminated TLS.

        Phases: every phase.
        Source: as ``kong.client.get_protocol`` of Kong's PDK, with ``ws`` and ``wss`` for ``http`` and ``https``.
        """
        route = self._exchange.route
        protocols = None if route is None else route.get("protocols")
        if protocols is not None and len(protocols) == 1:
            return str(protocols[0])
        return "wss" if allow_terminated and self._terminated_before_us() else self._exchange.scheme

    def get_consumer(self) -> Entity | None:
        """The consumer that the client was authenticated as, as a read-only mapping; None before that.

        None too where it was authenticated by a credential without a consumer.

        Phases: every phase.
        Source: as ``kong.client.get_consumer`` of Kong's PDK.
        """
        return self._exchange.consumer

    def get_credential(self) -> Entity | None:
        """The credential that the client was authenticated by, as a read-only mapping; None before that.

        Phases: every phase.
        Source: as ``kong.client.get_credential`` of Kong's PDK.
        """
        return self._exchange.credential

    def load_consumer(self, consumer_id: str, search_by_username: bool = True) -> Entity | None:
        """The consumer with this id, else the one with this username, as a read-only mapping; None where there is none.

        Args:
            consumer_id: an id or username.
            search_by_username: whether the username counts.

        Raises:
            PDKError: ``consumer_id`` is not a str.

        Phases: every phase.
        Source: as ``kong.client.load_consumer`` of Kong's PDK, which leaves the username out by default.
        """
        a_str("kong.client.load_consumer", "consumer_id", consumer_id)
        entities = self._exchange.entities
        found = entities.first("consumers", "id", consumer_id)
        return entities.first("consumers", "username", consumer_id) if found is None and search_by_username else found

    def authenticate(self, consumer: Entity | None, credential: Entity | None) -> None:
        """Set who the client is, in the place of what was set before, and tell the upstream.

        The upstream is sent ``X-Consumer-ID``, ``X-Consumer-Username``, ``X-Consumer-Custom-ID`` and
        ``X-Credential-Identifier`` (the credential's ``username``, else its ``id``), those that are known.

        Args:
            consumer: a mapping with ``id``, ``username`` and ``custom_id``, as far as known, or None.
            credential: a mapping with its ``id`` or ``username``, or None.

        Raises:
            PDKError: both are None; one is not a mapping; a value cannot stand in a header; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.client.authenticate`` of Kong's PDK; the headers are what Kong's own plugins send.
        """
        function = "kong.client.authenticate"
        check_before_the_answer(function, self._phase, self._exchange.answered)
        if consumer is None and credential is None:
            raise broken(function, "a consumer or a credential is needed: both are None")
        consumer, credential = _entity(function, "consumer", consumer), _entity(function, "credential", credential)
        with translated(function):
            vouch(self._exchange.upstream.headers, consumer, credential)
        self._exchange.consumer, self._exchange.credential = consumer, credential

    def _terminated_before_us(self) -> bool:
        head = self._exchange.head
        if head is None or not peer_is_trusted(self._exchange):
            return False
        return head.headers.get("X-Forwarded-Proto", "").lower() in _SECURE


def _entity(function: str, argument: str, value: object) -> Entity | None:
    if value is None or isinstance(value, MappingProxyType):
        return value
    if not isinstance(value, Mapping):
        raise wrong_type(function, argument, "a mapping or None", value)
    entity: Entity = frozen(value)
    return entity
