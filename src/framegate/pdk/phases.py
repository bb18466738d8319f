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


def check_before_the_answer(function: str, phase: str, answered: bool) -> None:
    """Raise :class:`PDKError` where ``function`` can no longer change the request to the upstream or the answer.

    Args:
        function: its whole name.
        phase: the phase that ``kong`` was made for.
        answered: whether the handshake phases are over: a plugin may have kept ``kong`` for later.
    """
    check_phase(function, BEFORE_THE_ANSWER, phase)
    if answered:
        raise PDKError(f"{function}: {phase} is over; it was called after the handshake had been decided")
