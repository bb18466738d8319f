"""What is done with the frames of each side of a connection, by its plugins and limits."""

from __future__ import annotations

from collections.abc import Sequence

from framegate.options import ProxyOptions
from framegate.pdk.exchange import Exchange
from framegate.pdk.failure import Watch
from framegate.pdk.plugin import PluginInstance
from framegate.pdk.run import chain
from framegate.session.policy import LanePolicy, Policies


def policies_for(
    options: ProxyOptions, exchange: Exchange, plugins: Sequence[PluginInstance], watch: Watch
) -> Policies:
    """Messages are joined on a side that a plugin sees the frames of, or whose payloads are limited by a plugin; the
    frames of another side are relayed without being looked at.

    Args:
        options: of the session; what they say of frame sizes holds where no plugin has said otherwise.
        exchange: the connection, after its handshake phases.
        plugins: its plugins, in order.
        watch: who is told of slow plugins.
    """
    return Policies(
        *(_policy(side, options, exchange, chain(side, exchange, plugins, watch)) for side in ("client", "upstream"))
    )


def _policy(side: str, options: ProxyOptions, exchange: Exchange, hook: object) -> LanePolicy:
    limit = exchange.max_payload_sizes.get(side)
    joined = hook is not None or limit is not None or options.aggregate_fragments
    if limit is None:
        limit = options.effective_max_frame_size(side, joined)
    # A plugin is given texts as str, whatever the options say of texts that nobody reads.
    validate = hook is not None or (joined if options.validate_utf8 is None else options.validate_utf8)
    return LanePolicy(hook, joined, limit, options.max_fragments(side), validate)  # type: ignore[arg-type]
