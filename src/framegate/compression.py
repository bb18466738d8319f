"""permessage-deflate over both legs of a connection (RFC 7692): what is offered, what is answered, what follows for the
session.

Where nothing looks into payloads, the client's offer goes to the upstream and its answer back, and compressed messages
pass as they are. Otherwise each leg is negotiated on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from framegate.handshake.extensions import (
    OFFER,
    Deflate,
    Extension,
    accept,
    parse_extensions,
    passable,
)
from framegate.options import ProxyOptions
from framegate.session.compression import passing, terminated
from framegate.session.policy import Policies

Mode = Literal["pass", "terminate", "off"]

_OFFERED = parse_extensions([OFFER])


def mode_of(options: ProxyOptions, policies: Policies) -> Mode:
    """What ``compression`` means for a session that is treated like this."""
    if options.compression != "auto":
        return options.compression
    looks = any(policy.reads or policy.max_size is not None or policy.validate for policy in policies)
    return "terminate" if looks else "pass"


class Compression:
    """The compression of one connection, as its handshakes go on.

    Args:
        mode: what :func:`mode_of` says.
        client_offers: the client's ``Sec-WebSocket-Extensions`` fields.
    """

    __slots__ = ("_client", "_mode", "_offers", "_upstream")

    def __init__(self, mode: Mode, client_offers: Sequence[str]) -> None:
        self._mode = mode
        self._offers = parse_extensions(client_offers) if mode != "off" else []
        self._client: Deflate | None = None
        self._upstream: Deflate | None = None

    def offer(self, client_done: bool) -> list[Extension]:
        """What the upstream is offered.

        Args:
            client_done: whether the client has had its 101 already, which selected no extension.
        """
        if self._mode == "terminate":
            return _OFFERED
        if self._mode == "pass" and not client_done:
            return passable(self._offers)
        return []

    def agreed_upstream(self, deflate: Deflate | None) -> None:
        """Note what the upstream has agreed to."""
        self._upstream = deflate

    def answer(self, from_upstream: Extension | None, upstream_done: bool) -> str | None:
        """What the client's 101 selects.

        Args:
            from_upstream: what the upstream's selected.
            upstream_done: whether the upstream is connected; before that, no extension is selected.
        """
        if not upstream_done:
            return None
        if self._mode == "pass":
            return None if from_upstream is None else str(from_upstream)
        accepted = accept(self._offers) if self._mode == "terminate" else None
        if accepted is None:
            return None
        self._client, selected = accepted
        return str(selected)

    def applied(self, policies: Policies, options: ProxyOptions) -> Policies:
        """``policies`` with what was agreed upon."""
        if self._mode == "pass" and self._upstream is not None:
            return passing(policies)
        if self._client is None and self._upstream is None:
            return policies
        return terminated(policies, options, self._client, self._upstream)
