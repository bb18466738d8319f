"""The ``kong`` object: what a plugin's method is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framegate.pdk.exchange import Exchange
from framegate.pdk.faces.client import Client
from framegate.pdk.faces.ctx import Ctx
from framegate.pdk.faces.db import DB
from framegate.pdk.faces.ip import IP
from framegate.pdk.faces.log import Log
from framegate.pdk.faces.node import Node
from framegate.pdk.faces.request import Request
from framegate.pdk.faces.response import Response
from framegate.pdk.faces.router import Router
from framegate.pdk.faces.service import Service
from framegate.pdk.phases import BEFORE_THE_ANSWER
from framegate.pdk.plugin import PluginInstance

if TYPE_CHECKING:
    from framegate.pdk.websocket import WebSocket


class Kong:
    """One connection in the hands of one plugin, in one phase.

    One may be made for each call, so making one costs next to nothing: each noun is made when it is asked for.

    Args:
        exchange: the connection.
        plugin: the plugin, and which of its configurations.
        phase: the phase that runs.
        websocket: ``kong.websocket``.
    """

    __slots__ = ("websocket", "_exchange", "_plugin", "_phase", "_request")

    def __init__(self, exchange: Exchange, plugin: PluginInstance, phase: str, websocket: WebSocket) -> None:
        self.websocket = websocket
        self._exchange = exchange
        self._plugin = plugin
        self._phase = phase
        self._request: Request | None = None

    @property
    def request(self) -> Request:
        """The client's opening request."""
        if self._request is not None:
            return self._request
        request = Request(self._exchange)
        # It holds the parsed header fields. A ``kong`` of a frame phase lives as long as the session, and must not.
        if self._phase in BEFORE_THE_ANSWER:
            self._request = request
        return request

    @property
    def client(self) -> Client:
        """Who the client is, and where it comes from."""
        return Client(self._exchange, self._phase)

    @property
    def service(self) -> Service:
        """The connection to the upstream, before it is made."""
        return Service(self._exchange, self._phase)

    @property
    def response(self) -> Response:
        """The answer to the client's opening request."""
        return Response(self._exchange, self._phase)

    @property
    def router(self) -> Router:
        """The matched route and its service."""
        return Router(self._exchange)

    @property
    def ctx(self) -> Ctx:
        """What plugins keep for the time of the connection."""
        return Ctx(self._exchange, self._plugin.id)

    @property
    def log(self) -> Log:
        """The log."""
        return Log(self._exchange, self._plugin.type.name)

    @property
    def ip(self) -> IP:
        """Which addresses are trusted."""
        return IP(self._exchange)

    @property
    def node(self) -> Node:
        """The process."""
        return Node(self._exchange.node)

    @property
    def db(self) -> DB:
        """What the configuration holds."""
        return DB(self._exchange.entities)
