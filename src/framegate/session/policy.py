"""What is done with the frames of one side: the lane's hook, joining and limits.

The library treats both sides alike, by the proxy's options; the gateway gives each side its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from framegate.codec.deflate import Deflater, Inflater
from framegate.options import ProxyOptions


class LanePolicy(NamedTuple):
    """How what one side sends is treated.

    Attributes:
        hook: called ``hook(origin, typ, payload, last, code)`` for each frame, or None.
        aggregate: whether fragments are joined before the hook and the forwarding.
        max_size: most payload bytes of a frame, of the whole message when joining; None is unlimited.
        max_fragments: most data frames in one message; None is unlimited.
        validate: whether the payloads of texts must be UTF-8 (RFC 6455, section 8.1).
        deflate: whether that side may send compressed messages (RFC 7692).
        inflater: what inflates them; without one they pass as they are.
        deflater: what deflates toward the other side.
    """

    hook: Callable[..., Any] | None = None
    aggregate: bool = False
    max_size: int | None = None
    max_fragments: int | None = None
    validate: bool = False
    deflate: bool = False
    inflater: Inflater | None = None
    deflater: Deflater | None = None

    @property
    def reads(self) -> bool:
        """Whether whole payloads are held."""
        return self.hook is not None or self.aggregate or self.recodes

    @property
    def recodes(self) -> bool:
        """Whether messages may have to be inflated or deflated."""
        return self.inflater is not None or self.deflater is not None


class Policies(NamedTuple):
    """One policy for what each side sends."""

    client: LanePolicy
    upstream: LanePolicy


def policies_of(options: ProxyOptions, hook: Callable[..., Any] | None) -> Policies:
    """The same hook and options for both sides.

    Args:
        options: how the session is proxied; ``options.on_frame`` is not looked at.
        hook: the hook to ask, or None.
    """
    reads = options.reads_payloads(hook is not None)
    validate = options.checks_utf8(hook is not None)

    def policy(side: str) -> LanePolicy:
        return LanePolicy(
            hook,
            options.aggregate_fragments,
            options.effective_max_frame_size(side, reads),
            options.max_fragments(side),
            validate,
        )

    return Policies(policy("client"), policy("upstream"))
