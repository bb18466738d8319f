"""What permessage-deflate does to the lanes of a session, once the legs have been negotiated (RFC 7692)."""

from __future__ import annotations

from typing import Protocol

from framegate.codec.deflate import Deflater, Inflater
from framegate.options import ProxyOptions
from framegate.session.policy import LanePolicy, Policies


class Agreed(Protocol):
    """What the ends of a leg have agreed upon; ``server`` is the end that was asked. Windows are in bits, 8 to 15."""

    @property
    def server_no_context_takeover(self) -> bool: ...
    @property
    def client_no_context_takeover(self) -> bool: ...
    @property
    def server_max_window_bits(self) -> int: ...
    @property
    def client_max_window_bits(self) -> int: ...


SMALLEST_WINDOW = 9
"""zlib's smallest window for raw deflate, in bits. Toward a peer that asks for less, nothing is deflated."""


def passing(policies: Policies) -> Policies:
    """Compressed messages pass as they are, both ways."""
    return Policies(*(policy._replace(deflate=True) for policy in policies))


def terminated(policies: Policies, options: ProxyOptions, client: Agreed | None, upstream: Agreed | None) -> Policies:
    """Each leg is inflated and deflated on its own.

    Args:
        policies: without compression.
        options: of the session; a side that is read now has the limit of one that is read.
        client: what was agreed upon with the client, or None.
        upstream: likewise with the upstream.
    """
    return Policies(
        _terminated("client", policies.client, options, client, _of_client(client), _toward_upstream(upstream)),
        _terminated("upstream", policies.upstream, options, upstream, _of_upstream(upstream), _toward_client(client)),
    )


def _terminated(
    side: str,
    policy: LanePolicy,
    options: ProxyOptions,
    leg: Agreed | None,
    inflater: Inflater | None,
    deflater: Deflater | None,
) -> LanePolicy:
    compressed = policy._replace(deflate=leg is not None, inflater=inflater, deflater=deflater)
    if compressed.reads and not policy.reads and policy.max_size is None:
        compressed = compressed._replace(max_size=options.effective_max_frame_size(side, True))
    return compressed


def _of_client(client: Agreed | None) -> Inflater | None:
    return None if client is None else Inflater(not client.client_no_context_takeover)


def _of_upstream(upstream: Agreed | None) -> Inflater | None:
    return None if upstream is None else Inflater(not upstream.server_no_context_takeover)


def _toward_client(client: Agreed | None) -> Deflater | None:
    return None if client is None else _deflater(client.server_no_context_takeover, client.server_max_window_bits)


def _toward_upstream(upstream: Agreed | None) -> Deflater | None:
    return None if upstream is None else _deflater(upstream.client_no_context_takeover, upstream.client_max_window_bits)


def _deflater(no_takeover: bool, window_bits: int) -> Deflater | None:
    return None if window_bits < SMALLEST_WINDOW else Deflater(not no_takeover, window_bits)
