"""The gateway's listeners: plain and TLS ones, each with the gateway's handler."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from framegate.arrivals import Proxies
from framegate.config.configuration import Listen
from framegate.errors import ConfigError
from framegate.gateway.certificates import Certificates, file_context
from framegate.gateway.handler import Gateway
from framegate.options import ServerLimits
from framegate.pdk.exchange import Exchange
from framegate.pdk.failure import PluginFailure, log_failure
from framegate.server import Server, serving
from framegate.transport.telling import reason_of

_log = logging.getLogger("framegate.gateway")


class ClientTLS:
    """Chooses the certificate that a client is shown, after the plugins of the ``certificate`` phase have run."""

    def __init__(self, gateway: Gateway, certificates: Certificates) -> None:
        self._gateway = gateway
        self._certificates = certificates

    async def choose(
        self, server_name: str | None, peer: tuple[str, int] | None, local_port: int | None
    ) -> tuple[ssl.SSLContext, Exchange]:
        """The context, and the connection as the plugins of this phase have left it.

        Raises:
            OSError: there is no certificate for that name, or a plugin has failed.
        """
        try:
            exchange = await self._gateway.certificate(server_name, peer, local_port)
        except PluginFailure as failure:
            log_failure(failure)
            raise ConnectionAbortedError(str(failure)) from failure
        context = self._certificates.context_for(server_name)
        if context is None:
            raise ConnectionAbortedError(f"there is no certificate for the server name {server_name!r}")
        return context, exchange


@asynccontextmanager
async def listening(gateway: Gateway, listen: Listen) -> AsyncIterator[Server]:
    """Serve at one of the gateway's addresses; leaving the context drains.

    Raises:
        ConfigError: the certificate of the address cannot be used.
        OSError: the address cannot be listened on.
    """
    limits = ServerLimits.of(**gateway.config.gateway.limits)
    tls, proxies = tls_of(gateway, listen), proxies_of(gateway, listen)
    gateway.start()
    place = {"unix_path": listen.path} if listen.path is not None else {"host": listen.host, "port": listen.port}
    async with serving(gateway.handle, limits, tls, proxies, **place) as server:
        yield server
    await gateway.close()


def tls_of(gateway: Gateway, listen: Listen) -> ClientTLS | None:
    """How an address of the gateway speaks TLS; None where it does not.

    Raises:
        ConfigError: its certificate cannot be used.
    """
    return ClientTLS(gateway, _certificates(gateway, listen)) if listen.tls else None


def proxies_of(gateway: Gateway, listen: Listen) -> Proxies | None:
    """Who puts a header of the PROXY protocol before everything else at an address of the gateway; None for nobody."""
    return gateway.config.gateway.trusted_ips.holds if listen.proxy_protocol else None


def _certificates(gateway: Gateway, listen: Listen) -> Certificates:
    where, rules = f"listen {listen}", listen.rules
    own = None if listen.cert is None else file_context(listen.cert, listen.key, where=where, rules=rules)
    try:
        return Certificates(gateway.config.snis, own, rules)
    except OSError as error:
        raise ConfigError(f"{where}: {rules.client_ca}: {reason_of(error)}") from None
