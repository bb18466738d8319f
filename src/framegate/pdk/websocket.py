"""``kong.websocket``: both sides of the session, and what belongs to neither."""

from __future__ import annotations

from typing import Any

from framegate._build import pick
from framegate.errors import PDKError, UsageError
from framegate.pdk.exchange import Exchange
from framegate.pdk.phases import WS_CLIENT_FRAME, WS_CLOSE, WS_UPSTREAM_FRAME, check_phase, wrong_phase
from framegate.session.record import SessionRecord

FrameFace = pick("framegate.pdk._frames").FrameFace

_FRAME_PHASES = (WS_CLIENT_FRAME, WS_UPSTREAM_FRAME)


class WebSocket:
    """``kong.websocket``.

    Attributes:
        client: what the client sends: :class:`~framegate.pdk._frames.FrameFace`.
        upstream: what the upstream sends.
    """

    __slots__ = ("_exchange", "_phase", "client", "upstream")

    def __init__(self, exchange: Exchange, phase: str) -> None:
        self._exchange = exchange
        self._phase = phase
        self.client = FrameFace("client", phase, exchange)
        self.upstream = FrameFace("upstream", phase, exchange)

    def inject(self, side: str, typ: str, data: str | bytes) -> Any:
        """Send a message of one's own to ``side``, before the frame in flight; no plugin sees it.

        It takes effect at once; the result may be awaited to wait until the queue toward that side is short again.

        Args:
            side: ``"client"`` or ``"upstream"``, the receiver.
            typ: ``"text"``, ``"binary"``, ``"ping"`` or ``"pong"``; the pong to an injected ping is not relayed.
            data: ``str`` is sent as UTF-8; at most 125 bytes for ping and pong.

        Phases: ``ws_client_frame``, ``ws_upstream_frame``, and what a plugin has left running there.

        Source: framegate's own.

        Raises:
            PDKError: another phase; an argument breaks a rule; that side has been sent a close frame.
        """
        function = "kong.websocket.inject"
        check_phase(function, _FRAME_PHASES, self._phase)
        link = self._exchange.link
        if link is None:
            raise PDKError(f"{function}: the session is over")
        try:
            return link.inject(side, typ, data)
        except (TypeError, ValueError, UsageError) as error:
            raise PDKError(f"{function}: {str(error).removeprefix('inject: ')}") from None

    def session(self) -> SessionRecord:
        """The record of the session: running in the frame phases, finished in ``ws_close``.

        Phases: ``ws_client_frame``, ``ws_upstream_frame``, ``ws_close``.

        Source: framegate's own.

        Raises:
            PDKError: another phase.
        """
        exchange = self._exchange
        if exchange.record is not None:
            return exchange.record
        if exchange.link is None:
            raise wrong_phase("kong.websocket.session", (*_FRAME_PHASES, WS_CLOSE), self._phase)
        return exchange.link.record()
