"""``correlation-id``: gives each connection an id that the upstream, the log and, if wanted, the client are told."""

from __future__ import annotations

import itertools
import os
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from framegate.pdk import FieldError
from framegate.pdk.kong import Kong
from framegate.plugins._header_check import check_header

version = "1.0.0"
priority = 100001


class _Process:
    """What the ids of one process are made of."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.id = str(uuid.uuid4())
        self.count = itertools.count(1)
        self.connections = itertools.count(1)


_process = _Process()
# A forked worker that went on counting would give out the ids of its siblings.
os.register_at_fork(after_in_child=_process.renew)


def _tracker(kong: Kong) -> str:
    # One request comes on a connection.
    return "-".join(
        [
            kong.node.get_hostname(),
            str(kong.request.get_port() or 0),
            str(os.getpid()),
            str(next(_process.connections)),
            "1",
            f"{time.time():.3f}",
        ]
    )


_GENERATORS: Final[Mapping[str, Callable[[Kong], str]]] = {
    "uuid": lambda kong: str(uuid.uuid4()),
    "uuid#counter": lambda kong: f"{_process.id}#{next(_process.count)}",
    "tracker": _tracker,
}

Schema = (
    {
        "header_name": {
            "type": "string",
            "required": True,
            "default": "Kong-Request-ID",
            "description": "The header field that carries the id.",
        }
    },
    {
        "generator": {
            "type": "string",
            "required": True,
            "default": "uuid#counter",
            "one_of": list(_GENERATORS),
            "description": "How an id is made: a random UUID; a UUID of the process and a number; or host, port, "
            "process, connection, 1 and time.",
        }
    },
    {
        "echo_downstream": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether the client is told the id, in the 101 or the refusal.",
        }
    },
)


class Plugin:
    """One configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._name: str = config["header_name"]
        self._generate = _GENERATORS[config["generator"]]
        self._echo: bool = config["echo_downstream"]
        try:
            if self._name.lower() == "host":
                raise ValueError("Host is the name of the server")
            check_header(self._name)
        except ValueError as error:
            raise FieldError("header_name", str(error)) from None

    def ws_handshake(self, kong: Kong) -> None:
        """Take the id that the client has sent, or make one."""
        id = kong.request.get_header(self._name)
        if not id:
            id = self._generate(kong)
            kong.service.request.set_header(self._name, id)
        kong.ctx.shared.correlation_id = id
        kong.log.set_serialize_value("correlation_id", id)
        if self._echo:
            kong.response.set_header(self._name, id)
