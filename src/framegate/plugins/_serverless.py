"""What pre-function and post-function share: chunks of Python in the configuration, by phase.

Both are for whoever may run any code in the gateway anyway: a chunk is Python without a sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from framegate.pdk import FieldError
from framegate.pdk.phases import PHASES
from framegate.plugins._chunks import Chunk, ChunkError, Run, compile_chunk

# Kong's own phases for other services, and where their chunks belong here.
_ELSEWHERE: Final = {
    "access": "ws_handshake",
    "header_filter": "ws_handshake",
    "body_filter": "ws_upstream_frame",
    "log": "ws_close",
}
_WHEN: Final = {
    "certificate": "before the TLS handshake is answered; only where the plugin is configured for everything",
    "rewrite": "before the route is known; only where the plugin is configured for everything",
    "ws_handshake": "before the upstream is dialled",
    "ws_client_frame": "for each message and control frame of the client",
    "ws_upstream_frame": "for each message and control frame of the upstream",
    "ws_close": "once the session is over",
}
_CHUNKS: Final[dict[str, Any]] = {"type": "array", "default": [], "elements": {"type": "string"}}

Schema: Final = (
    *({phase: {**_CHUNKS, "description": f"Chunks of Python to run {_WHEN[phase]}."}} for phase in PHASES),
    *(
        {name: {**_CHUNKS, "description": f"Not for WebSocket services: must be empty. See {instead}."}}
        for name, instead in _ELSEWHERE.items()
    ),
)
"""The fields of both plugins."""

entity_checks: Final = ({"at_least_one_of": list(PHASES)},)


class _Phase:
    """A phase whose method is made of the chunks of each configuration."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, plugin: Serverless | None, owner: type | None = None) -> Any:
        if plugin is None:
            return self
        if self._name not in plugin.phases:
            raise AttributeError(f"no chunk for {self._name}")
        return plugin.runs[self._name]

    def __call__(self, plugin: Serverless, kong: Any) -> Any:
        return self.__get__(plugin)(kong)


class Serverless:
    """One configuration: its chunks, and the global names that they share.

    Args:
        name: the plugin's name.
        config: chunks by phase.

    Attributes:
        phases: those that have chunks.
        runs: by phase, what is called with ``kong``.

    Raises:
        FieldError: a chunk cannot be used.
    """

    certificate = _Phase()
    rewrite = _Phase()
    ws_handshake = _Phase()
    ws_client_frame = _Phase()
    ws_upstream_frame = _Phase()
    ws_close = _Phase()

    def __init__(self, name: str, config: Mapping[str, Any]) -> None:
        for phase, instead in _ELSEWHERE.items():
            if config.get(phase):
                raise FieldError(phase, f"WebSocket services have no phase {phase}: move its chunks to {instead}")
        self.names: dict[str, Any] = {"__name__": name}
        self.runs: dict[str, Run] = {
            phase: _in_order([self._chunk(name, phase, index, source) for index, source in enumerate(config[phase])])
            for phase in PHASES
            if config.get(phase)
        }
        self.phases = frozenset(self.runs)

    def _chunk(self, plugin: str, phase: str, index: int, source: str) -> Chunk:
        field = f"{phase}[{index}]"
        try:
            return compile_chunk(source, f"{plugin}:{field}", self.names)
        except ChunkError as error:
            raise FieldError(field, str(error)) from error


def _in_order(chunks: Sequence[Chunk]) -> Run:
    if len(chunks) == 1:
        return chunks[0].run
    if not any(chunk.is_async for chunk in chunks):
        runs = [chunk.run for chunk in chunks]

        def run(kong: Any) -> None:
            for each in runs:
                each(kong)

        return run

    async def run_and_await(kong: Any) -> None:
        for chunk in chunks:
            result = chunk.run(kong)
            if chunk.is_async:
                await result

    return run_and_await
