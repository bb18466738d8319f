"""A scripted conversation between a client and an upstream, with plugins between them."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any, NamedTuple, Self, TypeVar

from framegate.errors import UsageError
from framegate.options import ProxyOptions
from framegate.pdk.entities import Entities, Entity, frozen
from framegate.pdk.exchange import Exchange
from framegate.pdk.exit import Exit
from framegate.pdk.failure import PluginFailure, Watch, log_failure
from framegate.pdk.phases import WS_CLOSE
from framegate.pdk.policies import policies_for
from framegate.pdk.run import run_each
from framegate.pdk.testing.chosen import Choice, Config, instances
from framegate.pdk.testing.frames import Frame, as_frame, encoded
from framegate.pdk.testing.log_lines import LogLine, kept
from framegate.pdk.testing.opening import (
    Answer,
    Headers,
    UpstreamRequest,
    accepted,
    before_the_session,
    opening_request,
    pairs,
    refused,
    upstream_request,
)
from framegate.pdk.testing.private_loop import PrivateLoop
from framegate.pdk.testing.stage import Stage
from framegate.session.record import SessionRecord

ROUTE = {"id": "5a1d0000-0000-4000-8000-000000000001", "name": "test-route", "paths": ["/"], "protocols": ["ws", "wss"]}
SERVICE = {
    "id": "5a1d0000-0000-4000-8000-000000000002",
    "name": "test-service",
    "protocol": "ws",
    "host": "upstream.test",
    "port": 80,
}
CLIENT = ("192.0.2.1", 50000)

T = TypeVar("T")


class Reaction(NamedTuple):
    """What came of one step.

    Attributes:
        client: the frames that the client has got.
        upstream: those that the upstream has got.
    """

    client: list[Frame]
    upstream: list[Frame]


class Conversation:
    """One connection through plugins, from the opening request to ``ws_close``, without sockets.

    The session between the two peers is the real one, with its limits, joined fragments and close rules, and the
    plugins run as in the gateway: in the order of their priorities, with defaults filled in. Nothing is routed: the
    plugins are taken as configured for everything, and ``path`` as the router's, normalised.

    Args:
        *plugins: each a file, the name of a bundled or installed plugin, a class, or ``(one of these, its config)``.
        config: the configuration of the first one.
        path: path and query of the opening request.
        headers: its further header fields, as a mapping or as pairs; they replace the usual ones of the same name.
        subprotocols: what the client offers.
        host: the ``Host`` that it asks for.
        scheme: ``"wss"`` for a client with TLS; then ``certificate`` runs as well.
        server_name: the name that its TLS asks for (SNI).
        peer: its address and port; None is a Unix socket.
        trusted: networks of trusted proxies.
        consumer, credential: who the client is, as if a plugin had found out before.
        entities: what the configuration holds, by kind: ``{"consumers": [{"username": "anna"}]}``.
        route, service: the entities of the route; ``service`` is where the upstream is.
        options: options of :class:`framegate.Proxy`, such as ``max_fragments_client``.
        raises: whether a plugin that fails raises here, as :class:`PluginFailure` with the plugin's own exception as
            its cause; otherwise the peers get what they would get, and the failure is in ``failures``.
        patience: seconds that a plugin may take for one frame.

    Raises:
        ConfigError: a plugin cannot be used, or its configuration is wrong.

    Attributes:
        plugins: the plugins, ready to run, in their order; ``plugins[0].handler`` is the object of the class Plugin.
        exchange: the connection as plugins are given it.
        answer: what the opening request was answered with, or None before :meth:`handshake`.
        upstream_request: what the upstream was asked, or None.
        record: the session's record, once it has ended.
        log: what the plugins have logged.
        failures: what they have raised.
    """

    def __init__(
        self,
        *plugins: Choice,
        config: Config = None,
        path: str = "/",
        headers: Headers | None = None,
        subprotocols: Sequence[str] = (),
        host: str = "gateway.test",
        scheme: str = "ws",
        server_name: str | None = None,
        peer: tuple[str, int] | None = CLIENT,
        trusted: Iterable[str] = (),
        consumer: Entity | None = None,
        credential: Entity | None = None,
        entities: Mapping[str, Iterable[Entity]] | None = None,
        route: Entity | None = None,
        service: Entity | None = None,
        options: Mapping[str, Any] | None = None,
        raises: bool = True,
        patience: float = 5.0,
    ) -> None:
        self.plugins = instances(plugins, config)
        self.answer: Answer | None = None
        self.upstream_request: UpstreamRequest | None = None
        self.log: list[LogLine] = []
        self.failures: list[BaseException] = []
        self._head = opening_request(path, host, pairs(headers), subprotocols)
        self.exchange = Exchange(
            peer=peer,
            scheme=scheme,
            local_port=443 if scheme == "wss" else 80,
            server_name=server_name,
            started_at=time.time(),
            entities=Entities(entities),
            trusted=[ip_network(network) for network in trusted],
            path=self._head.path,
            consumer=frozen(consumer),
            credential=frozen(credential),
        )
        self._route = frozen({**ROUTE, **(route or {})})
        self._service = frozen({**SERVICE, **(service or {})})
        self._options = ProxyOptions.of(**(options or {}))
        self._raises = raises
        self._patience = patience
        self._watch = Watch()
        self._stage: Stage | None = None
        self._loop = PrivateLoop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.close()

    @property
    def failure(self) -> BaseException | None:
        """The first of ``failures``, or None."""
        return self.failures[0] if self.failures else None

    @property
    def record(self) -> SessionRecord | None:
        """The session's record, once it has ended."""
        return self.exchange.record

    @property
    def to_client(self) -> list[Frame]:
        """All frames that the client has got."""
        return [] if self._stage is None else self._stage.to_client

    @property
    def to_upstream(self) -> list[Frame]:
        """All frames that the upstream has got."""
        return [] if self._stage is None else self._stage.to_upstream

    @property
    def closed(self) -> bool:
        """Whether the end is decided, and both sides have been told."""
        return self._stage is not None and self._stage.session.ended

    def handshake(
        self,
        *,
        status: int = 101,
        headers: Headers | None = None,
        subprotocol: str | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Run the phases before the session, and answer the client.

        Args:
            status: what the upstream answers, unless a plugin has refused the client before; anything but 101 refuses.
            headers: fields of the upstream's answer.
            subprotocol: the one that the upstream selects.
            body: the body of its refusal.
        """
        if self.answer is None:
            with self._step():
                self.answer = self._run(self._open(status, pairs(headers), subprotocol, body))
        return self.answer

    def client_sends(self, *frames: Frame | str | bytes) -> Reaction:
        """The client sends frames, which arrive together; a ``str`` is a text, ``bytes`` are a binary message."""
        return self._says("client", frames)

    def upstream_sends(self, *frames: Frame | str | bytes) -> Reaction:
        """The upstream sends frames, likewise."""
        return self._says("upstream", frames)

    def client_leaves(self) -> Reaction:
        """The client's connection ends without a close frame, and with it the session: ``ws_close`` runs."""
        return self._leaves("client")

    def upstream_leaves(self) -> Reaction:
        """The upstream's connection ends in the same way."""
        return self._leaves("upstream")

    def waits(self, seconds: float) -> Reaction:
        """Let time pass for what plugins have left running; it is real time."""
        stage = self._running()
        return self._reaction(stage, stage.rest(seconds))

    def ends(self, code: int = 1000, reason: str = "") -> SessionRecord:
        """See to the end: a side that was sent a close frame answers it, both connections end, and ``ws_close`` runs.
        Where nobody has begun to close, the client does, with this code and reason."""
        stage = self._running()
        self._reaction(stage, self._end(stage, code, reason))
        assert self.record is not None
        return self.record

    async def _open(self, status: int, headers: list[tuple[str, str]], subprotocol: str | None, body: bytes) -> Answer:
        exchange = self.exchange
        try:
            answer = await before_the_session(
                exchange, self._head, self._route, self._service, self.plugins, self._watch
            )
        except PluginFailure as failure:
            log_failure(failure)
            self.failures.append(failure)
            answer = Exit(500, b'{"message": "an unexpected error occurred"}', [("Content-Type", "application/json")])
        if answer is not None:
            return refused(exchange, answer.status, answer.headers, answer.body)
        self.upstream_request = upstream_request(exchange)
        if status != 101:
            return refused(exchange, status, headers, body)
        if subprotocol is not None and subprotocol not in self.upstream_request.subprotocols:
            raise ValueError(f"the upstream was not offered the subprotocol {subprotocol!r}")
        policies = policies_for(self._options, exchange, self.plugins, self._watch)
        self._stage = exchange.link = Stage(self._options, policies, self._patience)
        return accepted(exchange, headers, subprotocol)

    def _says(self, side: str, frames: Iterable[Frame | str | bytes]) -> Reaction:
        stage = self._running()
        wire = b"".join(encoded(as_frame(frame), masked=side == "client") for frame in frames)
        return self._reaction(stage, stage.says(side, wire))

    def _leaves(self, side: str) -> Reaction:
        stage = self._running()

        async def leave_and_end() -> None:
            await stage.leaves(side)
            await self._end(stage, 1000, "")

        return self._reaction(stage, leave_and_end())

    async def _end(self, stage: Stage, code: int, reason: str) -> None:
        exchange = self.exchange
        record = await stage.ends(code, reason)
        exchange.record, exchange.link = record, None
        for failure in await run_each(WS_CLOSE, exchange, self.plugins, self._watch):
            log_failure(failure)
            self.failures.append(failure)

    def _running(self) -> Stage:
        answer = self.handshake()
        if self._stage is None:
            raise UsageError(f"there is no session: the handshake was answered with {answer.status}")
        if self.record is not None:
            raise UsageError("the conversation is over")
        return self._stage

    def _reaction(self, stage: Stage, step: Coroutine[Any, Any, Any]) -> Reaction:
        before = len(stage.to_client), len(stage.to_upstream)
        with self._step():
            self._run(step)
        return Reaction(stage.to_client[before[0] :], stage.to_upstream[before[1] :])

    def _run(self, step: Coroutine[Any, Any, T]) -> T:
        with kept(self.log):
            return self._loop.run(step)

    @contextmanager
    def _step(self) -> Iterator[None]:
        before = len(self.failures)
        yield
        if self._stage is not None:
            self.failures += self._stage.failures
            self._stage.failures.clear()
        if self._raises and len(self.failures) > before:
            raise self.failures[before]
