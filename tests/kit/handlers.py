"""Handlers that connect to one upstream and keep what came of it."""

from __future__ import annotations

from typing import Any

import framegate
from tests.kit import raw
from tests.kit.heads import Head, upgrade_request


class Handler:
    """Connects to one upstream in the way of the test, and notes what came of it."""

    def __init__(self, url: str = "", options: dict[str, Any] | None = None, **connect: Any) -> None:
        self.url, self.options, self.connect = url, options or {}, connect
        self.requests: list[framegate.Request] = []
        self.failures: list[BaseException] = []
        self.responses: list[Any] = []

    async def __call__(self, request: framegate.Request) -> None:
        self.requests.append(request)
        proxy = framegate.Proxy(request, **self.options)
        try:
            self.responses.append(await proxy.connect_upstream(self.url, **self.connect))
        except BaseException as error:
            self.failures.append(error)
            raise
        await proxy.connect_client()
        await proxy.execute()


async def asked(server: framegate.Server, request: bytes | None = None) -> tuple[Head, bytes]:
    """What a client is answered that is refused."""
    async with raw.dialled(server.port) as client:
        client.send_raw(request or upgrade_request())
        head = await client.recv_head()
        assert head.status != 101
        return head, await client.rest()
