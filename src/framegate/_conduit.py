"""What happens on each read: bytes of one side through their lane to the other side's transport.

The hot half of the driver. It asks the slow half (``driver.py``) only when there is something to decide: a lane that
answers with more than ``OK``, output that the hook made on the way, a full queue, or a limit on what is held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    import cython
except ImportError:  # Cython is not installed
    from framegate import _pure as cython

if cython.compiled:
    from cython.cimports.framegate.session._lane_c import Lane
    from cython.cimports.framegate.session.signals import CLOSED, RELAY
    from cython.cimports.framegate.transport._tcp_c import Receiver, TcpTransport
else:
    from framegate.session._lane import Lane
    from framegate.session.signals import CLOSED, RELAY
    from framegate.transport._tcp import Receiver, TcpTransport


class Conduit(Receiver):
    """Receives one side's bytes.

    Args:
        driver: told of what is not plain relaying: ``heard(conduit, signal)``, ``ended(conduit, error)``,
            ``drained(conduit)``.
        lane: takes the bytes.
        target: the other side's transport.
        high_water: queued bytes toward the target that the driver is told of.
        clock: the time, for the lane's ``last_frame``.
    """

    def __init__(self, driver: Any, lane: Lane, target: Any, high_water: int, clock: Callable[[], float]) -> None:
        self.driver = driver
        self.lane = lane
        self.target = target
        self.tcp = target if isinstance(target, TcpTransport) else None
        self.high_water = high_water
        self.clock = clock
        # Whether last_frame must be kept.
        self.timed = False
        # Whether the driver wants to be told after each read.
        self.watched = False
        # Whether the lane is at work: what the hook asks for now is done when it is not.
        self.feeding = False
        # Whether the hook has asked.
        self.dirty = False

    def received(self, data: bytearray, start: int, end: int) -> None:
        """Relay ``data[start:end]``."""
        lane = self.lane
        frames = lane.frames - lane.own_pongs
        self.feeding = True
        try:
            signal = lane.feed(data, start, end)
        except Exception as error:
            self.feeding = False
            self.driver.crashed(self, error)
            return
        self.feeding = False
        if self.timed and (lane.frames - lane.own_pongs != frames or lane.mid_frame or lane.mode != RELAY):
            lane.last_frame = self.clock()
        if signal != CLOSED:
            # The driver writes a close frame itself, for the end of the stream may go with it.
            self.flush()
        if signal or self.dirty or self.watched or lane.mode != RELAY:
            self.dirty = False
            self.driver.heard(self, signal)

    def resumed(self, error: BaseException | None, result: Any) -> int:
        """Go on after a pending hook: with its ``error``, or with its ``result``. What is to be written then waits for
        :meth:`flush`."""
        self.feeding = True
        try:
            return self.lane.fail(error) if error is not None else self.lane.resume(result)
        finally:
            self.feeding = False

    def flush(self) -> None:
        """Write what the lane holds for the target."""
        lane = self.lane
        if lane.out is None and lane.run_data is None:
            return
        tcp = self.tcp
        if tcp is not None:
            # Typed, for the compiled build: no look-ups on the way of most bytes.
            tcp.write(lane.out, lane.run_data, lane.run_start, lane.run_stop)
            queued = tcp.queued
        else:
            self.target.write(lane.out, lane.run_data, lane.run_start, lane.run_stop)
            queued = self.target.queued
        lane.written()
        if queued >= self.high_water:
            self.dirty = True

    def let_go(self) -> None:
        """Both sides are gone: the driver, which holds this, is held no more, so that nothing is left for the garbage
        collector to find."""
        self.driver = None

    def ended(self, error: Exception | None) -> None:
        """The side's stream has ended."""
        self.driver.ended(self, error)

    def drained(self) -> None:
        """What waits to be sent to this side has become less."""
        self.driver.drained(self)
