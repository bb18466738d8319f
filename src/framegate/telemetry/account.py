"""One connection as it is watched: told what happens to it, it tells the traces and the access log.

Whatever it is called with, it does not fail and does not wait.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from framegate.errors import HookError
from framegate.options import ProxyOptions
from framegate.pdk.exchange import Exchange
from framegate.proxy import Proxy, Response
from framegate.request import Request
from framegate.session.record import SessionRecord
from framegate.telemetry.facts import ending, whose
from framegate.upstream_options import UpstreamOptions

if TYPE_CHECKING:
    from framegate.handshake import UpstreamURL
    from framegate.telemetry.observer import Observer
    from framegate.telemetry.spans import Spans


class Account:
    """What becomes of one opening request.

    Args:
        observer: whom it is told to.
        request: the request.
        exchange: as plugins see it.
        spans: its part of a trace, or None.
    """

    __slots__ = ("_begun", "_exchange", "_observer", "_over", "_request", "_subprotocol", "spans")

    def __init__(self, observer: Observer, request: Request, exchange: Exchange, spans: Spans | None) -> None:
        self._observer = observer
        self._request = request
        self._exchange = exchange
        self._begun = time.monotonic()
        self._subprotocol: str | None = None
        self._over = False
        self.spans = spans

    def proxy(self, options: ProxyOptions) -> Proxy:
        """The proxy of the request, which tells what it does."""
        proxy = ObservedProxy._with(self._request, options)
        assert isinstance(proxy, ObservedProxy)
        proxy.account = self
        return proxy

    def accepted(self, subprotocol: str | None) -> None:
        """The client has been sent its 101."""
        self._begun = time.monotonic()
        self._subprotocol = subprotocol
        if self.spans is not None:
            self.spans.accepted(self._exchange, subprotocol)

    def refused(self, status: int, error: str = "") -> None:
        """The client has been sent another status, unless it has left."""
        if self._request._connection.answered:
            self._not_served("refused", status, error)

    def ended(self, record: SessionRecord) -> None:
        """The session is over."""
        self._over = True
        if self.spans is not None:
            self.spans.ended(self._exchange, record)
        self._write(
            {
                "event": "session",
                **whose(self._exchange),
                "status": 101,
                "subprotocol": self._subprotocol,
                "duration": round(record.duration, 6),
                **ending(record),
            }
        )

    def close(self, error: BaseException | None) -> None:
        """The handler is done, with ``error`` if it has raised."""
        if not self._over:
            connection = self._request._connection
            if connection.switched:
                self._not_served("session", 101, f"the session did not begin: {error}")
            elif connection.gone:
                self._not_served("left", None, "the client left before it was answered")
            elif isinstance(error, asyncio.CancelledError):
                self._not_served("refused", 503, "the gateway ended before the handshake was complete")
            else:
                self._not_served("refused", 500, "" if error is None else f"{type(error).__name__}: {error}")
        self._observer.closed()

    def _not_served(self, event: str, status: int | None, error: str) -> None:
        self._over = True
        if self.spans is not None:
            self.spans.not_served(self._exchange, status, error)
        self._write(
            {
                "event": event,
                **whose(self._exchange),
                "status": status,
                "duration": round(time.monotonic() - self._begun, 6),
                "error": error or None,
            }
        )

    def _write(self, facts: dict[str, Any]) -> None:
        log = self._observer.log
        if log is not None:
            trace_id = None if self.spans is None else self.spans.trace_id
            log.put({"time": time.time(), **facts, "trace_id": trace_id})


class ObservedProxy(Proxy):
    """A proxy that tells its account of each attempt, of the 101 and of the end."""

    account: Account

    async def connect_upstream_to(self, url: UpstreamURL, how: UpstreamOptions) -> Response:
        spans = self.account.spans
        if spans is None:
            return await super().connect_upstream_to(url, how)
        attempt, how = spans.attempt(self.account._exchange, url, how)
        try:
            response = await super().connect_upstream_to(url, how)
        except BaseException as error:
            attempt.failed(error)
            raise
        attempt.succeeded(response.status)
        return response

    def _accept(self, selected: str | None, edit: Any) -> None:
        super()._accept(selected, edit)
        self.account.accepted(selected)

    async def execute(self) -> SessionRecord:
        try:
            record = await super().execute()
        except HookError as error:
            self.account.ended(error.record or self.record())
            raise
        except asyncio.CancelledError:
            self.account.ended(self.record())
            raise
        self.account.ended(record)
        return record
