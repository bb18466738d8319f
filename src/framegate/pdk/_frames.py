"""Frames in the hands of plugins: ``kong.websocket.client`` and ``.upstream``, and the chain of plugins that they pass.

Compiled, because it runs for each frame. A face is good for the call that it was made for: it reaches the frame only
while its plugin runs, so that a plugin that keeps ``kong`` for later cannot touch a frame that is not its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from framegate.codec.close import check_sendable, other_close
from framegate.codec.close import may_be_sent as may_send
from framegate.codec.constants import MAX_CLOSE_REASON, MAX_CONTROL_PAYLOAD, NORMAL
from framegate.errors import PDKError
from framegate.options import AUTO_MAX_FRAME_SIZE
from framegate.pdk.failure import PluginFailure
from framegate.pdk.phases import FRAME_PHASE_OF, WS_HANDSHAKE, wrong_phase

try:
    import cython  # noqa: F401
except ImportError:  # Cython is not installed
    from framegate import _pure as cython  # noqa: F401

MAX_PAYLOAD_SIZE = 32 * 1024 * 1024
"""The most that ``set_max_payload_size`` takes, in bytes: the maximum of Kong's websocket-size-limit plugin."""

_monotonic = time.monotonic


class Durations:
    """How long calls took, as a histogram.

    Args:
        bounds: seconds, ascending; a call of exactly that long counts below it.

    Attributes:
        counts: how many calls fell below each bound and above the one before, and last those above all of them.
        total: seconds of all calls together.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """One more call."""
        index = 0
        count = len(self.bounds)
        while index < count and seconds > self.bounds[index]:
            index += 1
        self.counts[index] += 1
        self.total += seconds


class Flight:
    """The frame that the plugins of one lane decide on.

    Attributes:
        typ: ``"text"``, ``"binary"``, ``"ping"``, ``"pong"`` or ``"close"``.
        payload: what will be forwarded; for a close frame the reason.
        code: the status of a close frame that has one, else None.
        outcome: the name of the function that has decided, ``"drop_frame"`` or ``"close"``, or None.
    """

    def __init__(self) -> None:
        self.typ = ""
        self.payload = b""
        self.code: Any = None
        self.received: Any = None
        self.shown: Any = None
        self.outcome: Any = None

    def begin(self, typ: str, payload: bytes, code: Any) -> None:
        """The next frame."""
        self.typ = typ
        self.payload = payload
        self.code = code
        self.received = code
        self.shown = None
        self.outcome = None

    def show(self) -> Any:
        """What ``get_frame`` gives."""
        if self.typ == "text" or self.typ == "close":
            self.shown = (self.payload.decode(), self.typ, self.code)
        else:
            self.shown = (self.payload, self.typ, self.code)
        return self.shown

    def verdict(self) -> Any:
        """What the lane is told: the payload, with the code where it was changed, or None to forward nothing."""
        if self.outcome is not None:
            return None
        if self.code is not self.received:
            return self.payload, self.code
        return self.payload


class FrameFace:
    """``kong.websocket.client`` or ``kong.websocket.upstream``.

    Args:
        side: ``"client"`` or ``"upstream"``, whose frames it is about.
        phase: the phase that it was made for.
        exchange: the connection.
    """

    def __init__(self, side: str, phase: str, exchange: Any) -> None:
        self.side = side
        self.phase = phase
        self.exchange = exchange
        self.flight: Any = None

    def get_frame(self) -> Any:
        """The frame in flight, with what earlier plugins changed: ``(data, typ, status)``.

        ``data`` is ``str`` for a text and for the reason of a close frame, ``bytes`` otherwise. ``typ`` is ``"text"``,
        ``"binary"``, ``"ping"``, ``"pong"`` or ``"close"``; fragments have been joined. ``status`` is the int of a
        close frame that has one, else None.

        Phases: its own frame phase (``ws_client_frame`` for ``client``, ``ws_upstream_frame`` for ``upstream``).

        Source: ``get_frame`` of Kong's WebSocket PDK.

        Raises:
            PDKError: called in another phase, or after the call of the plugin has ended.
        """
        flight = self.flight
        if flight is None:
            raise self._misplaced("get_frame")
        if flight.shown is not None:
            return flight.shown
        return flight.show()

    def set_frame_data(self, data: str | bytes) -> None:
        """Put ``data`` in the place of the frame's payload, for later plugins and for the peer.

        ``str`` is sent as UTF-8. For a close frame it is the reason: at most 123 bytes of UTF-8; for a ping or pong at
        most 125 bytes (RFC 6455, section 5.5).

        Phases: its own frame phase.

        Source: ``set_frame_data`` of Kong's WebSocket PDK.

        Raises:
            PDKError: ``data`` is neither ``str`` nor ``bytes``, too long, or not UTF-8 where the frame is a text or a
                close frame; the frame was dropped or the connection closed; another phase.
        """
        flight = self._in_flight("set_frame_data")
        payload: bytes
        if isinstance(data, str):
            try:
                payload = data.encode()
            except UnicodeEncodeError:
                raise self._breach("set_frame_data", "data holds surrogates, which have no UTF-8") from None
        elif isinstance(data, bytes):
            payload = data
            if flight.typ == "text" or flight.typ == "close":
                try:
                    payload.decode()
                except UnicodeDecodeError:
                    raise self._breach("set_frame_data", f"data of a {flight.typ} frame must be UTF-8") from None
        else:
            raise self._breach("set_frame_data", f"data must be str or bytes, not {type(data).__name__}")
        if flight.typ == "close":
            self._check_length(flight.typ, payload, MAX_CLOSE_REASON)
        elif flight.typ == "ping" or flight.typ == "pong":
            self._check_length(flight.typ, payload, MAX_CONTROL_PAYLOAD)
        flight.payload = payload
        flight.shown = None

    def set_status(self, status: int) -> None:
        """Put ``status`` in the place of the close frame's status, for later plugins and for the peer.

        A status that may be sent: 1000-1003, 1007-1014, 3000-4999 (RFC 6455, section 7.4).

        Phases: its own frame phase.

        Source: ``set_status`` of Kong's WebSocket PDK.

        Raises:
            PDKError: the frame is no close frame; the status may not be sent; the frame was dropped or the connection
                closed; another phase.
        """
        flight = self._in_flight("set_status")
        if flight.typ != "close":
            raise self._breach("set_status", f"only a close frame has a status, this is a {flight.typ} frame")
        if not isinstance(status, int) or isinstance(status, bool):
            raise self._breach("set_status", f"status must be an int, not {type(status).__name__}")
        if not may_send(status):
            raise self._breach(
                "set_status", f"status {status} may not be sent (1000-1003, 1007-1014 and 3000-4999 may)"
            )
        if status != flight.code:
            flight.code = status
        flight.shown = None

    def drop_frame(self) -> None:
        """Do not forward the frame; later plugins do not see it.

        Phases: its own frame phase.

        Source: ``drop_frame`` of Kong's WebSocket PDK.

        Raises:
            PDKError: the frame is a close frame; it was dropped or the connection closed already; another phase.
        """
        flight = self._in_flight("drop_frame")
        if flight.typ == "close":
            raise self._breach("drop_frame", "a close frame cannot be dropped")
        flight.outcome = "drop_frame"

    def close(
        self, status: int = NORMAL, message: str = "", peer_status: int | None = None, peer_message: str | None = None
    ) -> None:
        """Send both sides a close frame at once; the frame in flight is not forwarded, later plugins do not run.

        The first pair goes to this side, the second one to the other: ``kong.websocket.client.close(1008, "no")`` tells
        the client 1008. Without ``peer_status`` the other side is told the same where the status is 1000 or 1001, else
        1001 without a message; with ``peer_status`` alone its message is empty. A status that may be sent: 1000-1003,
        1007-1014, 3000-4999; a message has at most 123 bytes of UTF-8.

        Phases: its own frame phase.

        Source: ``close`` of Kong's WebSocket PDK; what omitted arguments mean is framegate's.

        Raises:
            PDKError: a status may not be sent, or a message is too long: nothing is sent; the frame was dropped or the
                connection closed already; another phase.
        """
        flight = self._in_flight("close")
        peer_status, peer_message = other_close(status, message, peer_status, peer_message)
        try:
            check_sendable(status, message, what="status and message")
            check_sendable(peer_status, peer_message, what="peer_status and peer_message")
        except (TypeError, ValueError) as error:
            raise self._breach("close", str(error)) from None
        flight.outcome = "close"
        if self.side == "client":
            self.exchange.link.close(status, message, peer_status, peer_message)
        else:
            self.exchange.link.close(peer_status, peer_message, status, message)

    def set_max_payload_size(self, size: int) -> None:
        """Limit what this side may send in one message, in bytes, from the next frame on.

        It holds for texts and binary messages and for the running total while fragments are joined; control frames are
        never limited. Over it, the sender is sent 1009 and the other side 1001. 0 restores the default: 1 MiB for the
        client, 16 MiB for the upstream. At most 32 MiB.

        Phases: ``ws_handshake`` and its own frame phase.

        Source: ``set_max_payload_size`` of Kong's WebSocket PDK; defaults and maximum are those of its
        websocket-size-limit plugin.

        Raises:
            PDKError: ``size`` is not an int from 0 to 33554432; another phase.
        """
        if self.flight is None and self.phase != WS_HANDSHAKE:
            raise self._misplaced("set_max_payload_size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_PAYLOAD_SIZE:
            raise self._breach(
                "set_max_payload_size", f"size must be an int from 0 to {MAX_PAYLOAD_SIZE} (32 MiB), not {size!r}"
            )
        most = size if size else AUTO_MAX_FRAME_SIZE[self.side]
        if self.flight is None:
            if self.exchange.answered:
                raise self._breach("set_max_payload_size", f"{WS_HANDSHAKE} is over")
            self.exchange.max_payload_sizes[self.side] = most
        else:
            self.exchange.link.set_max_payload_size(self.side, most)

    def _in_flight(self, function: str) -> Any:
        flight = self.flight
        if flight is None:
            raise self._misplaced(function)
        if flight.outcome is not None:
            raise self._breach(function, f"nothing can be changed after {flight.outcome}()")
        return flight

    def _check_length(self, typ: str, payload: bytes, most: int) -> None:
        if len(payload) > most:
            raise self._breach(
                "set_frame_data", f"data of a {typ} frame has at most {most} bytes, this has {len(payload)}"
            )

    def _breach(self, function: str, rule: str) -> PDKError:
        return PDKError(f"kong.websocket.{self.side}.{function}: {rule}")

    def _misplaced(self, function: str) -> PDKError:
        name = f"kong.websocket.{self.side}.{function}"
        own = FRAME_PHASE_OF[self.side]
        if self.phase == own:
            return PDKError(f"{name}: {own} is over for this frame; it was called after the plugin had returned")
        allowed = (WS_HANDSHAKE, own) if function == "set_max_payload_size" else (own,)
        return wrong_phase(name, allowed, self.phase)


class Step:
    """One plugin of the chain.

    Args:
        plugin: its name.
        call: its method.
        fresh: makes a ``kong`` and its face of this side; where the plugin is awaited, which may overlap with what it
            has left running, a new pair for each frame.
        reuse: whether one pair serves all frames.
        durations: takes down how long a call took, or None.
    """

    def __init__(
        self, plugin: str, call: Callable[[Any], Any], fresh: Callable[[], Any], reuse: bool, durations: Any = None
    ) -> None:
        self.plugin = plugin
        self.durations = durations
        self.call = call
        self.fresh = fresh
        self.reuse = reuse
        self.kong: Any = None
        self.face: Any = None


class Chain:
    """The plugins that see what one side sends; its :meth:`on_frame` is the lane's hook.

    Args:
        phase: the frame phase.
        steps: the plugins in their order.
        watch: who is told of slow plugins and useless results.
        finish: ``finish(chain, awaitable, index)``: the coroutine that goes on where a plugin is to be awaited.
    """

    def __init__(self, phase: str, steps: list[Step], watch: Any, finish: Callable[..., Any]) -> None:
        self.phase = phase
        self.steps = steps
        self.watch = watch
        self.limit = watch.limit
        self.finish = finish
        self.flight = Flight()
        # One frame in so many is timed; which one is the first, the watch spreads over the chains.
        self.stride = watch.stride
        self.until_timed = watch.next_offset() if watch.stride else 0
        self.timing = False
        self.begun = 0.0

    def on_frame(self, origin: str, typ: str, payload: bytes, last: bool, code: Any) -> Any:
        """The hook: what the plugins have made of the frame."""
        self.flight.begin(typ, payload, code)
        if self.stride:
            self.until_timed -= 1
            self.timing = self.until_timed == 0
            if self.timing:
                self.until_timed = self.stride
        return self.run(0)

    def run(self, index: int) -> Any:
        """Run the plugins from ``index`` on: the verdict, or an awaitable of it."""
        flight = self.flight
        count = len(self.steps)
        watched = self.limit > 0 or self.timing
        before = _monotonic() if watched else 0.0
        taken = 0.0
        while index < count:
            step = self.steps[index]
            index += 1
            if step.kong is None or not step.reuse:
                step.kong, step.face = step.fresh()
            face = step.face
            face.flight = flight
            try:
                result = step.call(step.kong)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                face.flight = None
                raise PluginFailure(step.plugin, self.phase, error) from error
            if watched:
                now = _monotonic()
                taken = now - before
                if taken > self.limit > 0:
                    self.watch.slow(step.plugin, self.phase, taken)
                self.begun = before
                before = now
            if result is not None:
                if hasattr(result, "__await__"):
                    # What the plugin has left running on an earlier frame must not reach the one that waits here.
                    step.kong = None
                    return self.finish(self, result, index)
                self.watch.useless(step.plugin, self.phase, result)
            if self.timing and step.durations is not None:
                step.durations.add(taken)
            face.flight = None
            if flight.outcome is not None:
                break
        return flight.verdict()

    def awaited(self, face: FrameFace) -> bool:
        """A plugin that had to be awaited is done with the frame: whether the next one follows."""
        face.flight = None
        return self.flight.outcome is None

    def time_awaited(self, step: Step) -> None:
        """A plugin that had to be awaited has returned: its time counts from its call on, waiting included."""
        if self.timing and step.durations is not None:
            step.durations.add(_monotonic() - self.begun)

    def verdict(self) -> Any:
        """What has been decided."""
        return self.flight.verdict()
