"""The phases of a plugin: their names, their order, and which face works in which.

Knows no plugin and runs nothing.
"""

from __future__ import annotations

from typing import Final

from framegate.errors import PDKError

CERTIFICATE: Final = "certificate"
REWRITE: Final = "rewrite"
WS_HANDSHAKE: Final = "ws_handshake"
WS_CLIENT_FRAME: Final = "ws_client_frame"
WS_UPSTREAM_FRAME: Final = "ws_upstream_frame"
WS_CLOSE: Final = "ws_close"

PHASES: Final = (CERTIFICATE, REWRITE, WS_HANDSHAKE, WS_CLIENT_FRAME, WS_UPSTREAM_FRAME, WS_CLOSE)
"""All phases, in the order in which a connection meets them."""

FRAME_PHASE_OF: Final = {"client": WS_CLIENT_FRAME, "upstream": WS_UPSTREAM_FRAME}
"""The phase that sees what a side sends."""

GLOBAL_ONLY: Final = frozenset({CERTIFICATE, REWRITE})
"""Phases before the route is known: only plugins that are configured for everything run in them."""

BEFORE_THE_ANSWER: Final = (REWRITE, WS_HANDSHAKE)
"""Phases in which the request to the upstream and the answer to the client can still be changed."""


def wrong_phase(function: str, allowed: tuple[str, ...], phase: str) -> PDKError:
    """The error for a call of ``function`` in ``phase``."""
    return PDKError(f"{function} may be called in {' and '.join(allowed)}, not in {phase}")


def check_phase(function: str, allowed: tuple[str, ...], phase: str) -> None:
    """Raise :class:`PDKError` where ``function`` is called outside the phases that allow it."""
    if phase not in allowed:
        raise wrong_phase(function, allowed, phase)
