"""The small numbers by which a lane and its session speak. ``signals.pxd`` repeats them for the compiled modules."""

from __future__ import annotations

from typing import Final

# What Lane.feed() and Lane.resume() answer.
OK: Final = 0
WAITING: Final = 1
"""The hook's result is awaitable and stands in ``pending``; reading from the origin pauses."""
CLOSED: Final = 2
"""A close frame was forwarded."""
SWALLOWED: Final = 3
"""The hook dropped a close frame."""
BROKEN: Final = 4
"""The origin broke the protocol or a limit; the parser says which."""
HOOK_FAILED: Final = 5
"""The hook raised or returned what cannot be sent: ``failure``."""
CLOSE_SEEN: Final = 6
"""In a lane that relays nothing any more: the origin's close frame came."""

# Lane.mode.
RELAY: Final = 0
FINISH: Final = 1
"""Only the rest of the frame that is half written is relayed."""
DISCARD: Final = 2
"""Nothing is relayed; a close frame is still noticed."""
DONE: Final = 3
"""Nothing is looked at."""
