"""The faces of other libraries against each other, without anything between."""

from __future__ import annotations

import pytest

from tests.kit import tls
from tests.kit.libraries import CLIENTS, CLOSE_ME, ECHOES, answer_to


@pytest.mark.parametrize("client_name", CLIENTS)
@pytest.mark.parametrize("upstream_name", ECHOES)
async def test_clients_and_echoes_understand_each_other(client_name: str, upstream_name: str, loop_kind: str) -> None:
    async with ECHOES[upstream_name](tls.server_context()) as port:
        url = f"wss://127.0.0.1:{port}"
        async with CLIENTS[client_name](url, tls.client_context()) as client:
            await client.send("text")
            assert await client.recv() == "text"
            await client.send_fragments([b"bin", b"", b"ary"])
            assert await client.recv() == b"binary"
            await client.ping(b"payload")
            assert (await client.close(4001, "bye"))[0] == answer_to(upstream_name, 4001)
        async with CLIENTS[client_name](url, tls.client_context()) as client:
            await client.send(CLOSE_ME)
            assert await client.closed() == (4002, "as asked")
