"""Plays a case on both builds, and holds what came out against the account.

No byte is invented, none is lost while the session is open but by a verdict, nothing stands behind a close frame, every
close frame is explained, buffers keep to their limits, the counters agree with what passed, the session ends within the
lingering limits once a side has gone, and the builds do the same.
"""

from __future__ import annotations

import logging
from typing import Any

from framegate.session.signals import DISCARD, DONE
from fuzzing.reference import Doubt, Inflates, Spoken, read
from fuzzing.session.account import Account, arguments, asked, check_well_formed, without_own_pongs
from fuzzing.session.case import takeover
from fuzzing.session.stage import OWN_PING, Complaints, Stage, frames_of, on_build
from tests.kit.builds import NAMES
from tests.kit.frames import CLOSE, PING, PONG, Frame

_log = logging.getLogger("framegate.session")
_OTHER = {"client": "upstream", "upstream": "client"}
_HEADER = 14


def check(case: Any) -> None:
    try:
        seen = [_played(name, case) for name in NAMES]
    except Doubt:
        return
    for number, states in enumerate(zip(*seen, strict=True)):
        assert all(state == states[0] for state in states), f"the builds differ after step {number}: {states}"


def _played(build: str, case: Any) -> list[Any]:
    complaints = Complaints()
    _log.addHandler(complaints)
    level, propagate, disabled = _log.level, _log.propagate, _log.disabled
    _log.propagate, _log.disabled = False, False
    try:
        with on_build(build):
            stage = Stage(case)
            try:
                return _play(stage, case, complaints)
            finally:
                stage.loop.forget()
    finally:
        _log.removeHandler(complaints)
        _log.level, _log.propagate, _log.disabled = level, propagate, disabled


def _play(stage: Stage, case: Any, complaints: Complaints) -> list[Any]:
    states = []
    for step in case.get("steps", []):
        stage.step(step)
        _no_faults(complaints)
        if stage.loop.idle:
            _check_buffers(stage)
        states.append(stage.snapshot())
    stage.loop.settle()
    for side in stage.peers:
        Passed(stage, side).check(complete=stage.quiet)
    _leave(stage, case)
    _no_faults(complaints)
    _check_end(stage)
    states.append((stage.snapshot(), str(stage.driver.done.result()).partition("duration")[0]))
    return states


def _no_faults(complaints: Complaints) -> None:
    if complaints.faults:
        raise complaints.faults[0]


def _check_buffers(stage: Stage) -> None:
    options = stage.options
    held = 0
    for side, peer in stage.peers.items():
        link = stage.link(side)
        lane, policy = link.leg.incoming, getattr(stage.policies, side)
        held += lane.buffered() + peer.ours.queued
        limit = 0 if not policy.reads else policy.max_size
        if limit is not None and lane.pending is None:
            packed = limit + limit // 4 + 1024 if policy.inflater else 0
            assert lane.parser.buffered() <= _HEADER + max(125, limit, packed), f"the {side}'s lane holds too much"
            waits = sum(len(payload) for _, payload in stage.peers[_OTHER[side]].injected)
            assert lane.buffered() <= lane.parser.buffered() + limit * policy.aggregate + waits + 125
        if stage.link(_OTHER[side]).transport.queued >= options.write_high_water and link.transport.is_open():
            assert not link.reading or lane.mode in (DISCARD, DONE), f"the {side} is read while the other takes nothing"
    if options.max_buffered is not None and not any(peer.injected for peer in stage.peers.values()):
        assert held <= options.max_buffered or stage.session.ended, f"{held} bytes are held"


def _leave(stage: Stage, case: Any) -> None:
    """Everything goes on, then one side goes and the other does nothing more."""
    for side in stage.peers:
        stage.step(["go", side])
        stage.step(["resume", side])
    _answer_all(stage)
    stage.step([case.get("how", "fin"), case.get("leaver", "client")])
    _answer_all(stage)
    stage.loop.advance(2 * stage.options.lingering_time + 0.1)
    assert stage.driver.done.done(), f"the session goes on: {stage.snapshot()}"
    stage.loop.settle()


def _answer_all(stage: Stage) -> None:
    while any(stage.waiting.values()):
        for side in stage.peers:
            stage.step(["answer", side])


def _check_end(stage: Stage) -> None:
    record = stage.driver.done.result()
    assert stage.client_left == 1
    assert stage.loop.idle and not stage.loop.timers, "something is still to be done"
    assert all(task.done() for task in stage.loop.tasks), "a hook is still waited for"
    for side, peer in stage.peers.items():
        assert not peer.ours.is_open(), f"the {side}'s transport is open"
        passed = Passed(stage, side)
        passed.check(complete=False)
        passed.check_record(record)


class Passed:
    """What one side sent, and what the other one got."""

    def __init__(self, stage: Stage, side: str) -> None:
        self.stage, self.side = stage, side
        self.sender, self.receiver = stage.peers[side], stage.peers[_OTHER[side]]
        self.lane = stage.session.leg(side).incoming
        self.policy = policy = getattr(stage.policies, side)
        self.spoken = _spoken(stage, side)
        received, self.rest = frames_of(self.receiver.data)
        check_well_formed(received, bool(stage.deflate and stage.deflate.get(_OTHER[side])))
        if stage.deflate and policy.reads:
            agreed = stage.deflate.get(_OTHER[side]) or [True, True, 15, 15]
            window_bits = agreed[3 if side == "client" else 2]
            received = _inflated(received, Inflates(bool(takeover(stage.deflate, _OTHER[side], False)), window_bits))
        self.close = received.pop() if received and received[-1].opcode == CLOSE else None
        self.received = [frame for frame in received if not self._is_ours(frame)]
        self.calls = stage.calls[side] if stage.hook else None
        seen = [call[:4] for call in self.calls or ()] if stage.hook else list(map(arguments, self.received))
        values = without_own_pongs(asked(self.spoken, policy.aggregate), seen)
        self.account = Account(values, self.calls, policy.validate)
        self.arguments = [value.arguments for value in values]
        self.ours = [frame for frame in received if self._is_ours(frame)]

    def _is_ours(self, frame: Frame) -> bool:
        if frame.opcode == PING and frame.payload.startswith(OWN_PING):
            return True
        return frame.fin and (frame.opcode, frame.payload) in self.receiver.injected

    def check(self, complete: bool) -> None:
        self._check_calls(complete)
        out = list(self.account.out)
        if self.close is not None and len(self.received) + 1 == len(out) and out[-1] == self.close:
            out.pop()
        assert self.received == out[: len(self.received)], f"the {_OTHER[self.side]} got {self.received}, of {out}"
        self._check_rest(complete)
        self._check_injected(complete)
        if complete:
            assert not self.account.failed, "a verdict that cannot be followed was followed"
            assert self.spoken.code is None, f"a fault of the {self.side} was not seen"
            assert self.received == out, f"lost: {out[len(self.received) :]}"
        self._check_counters(complete)

    def _check_calls(self, complete: bool) -> None:
        if self.calls is not None:
            calls = [call[:4] for call in self.calls]
            assert calls == self.arguments[: len(calls)], f"the hook saw {calls}, of {self.arguments}"
            assert not complete or len(calls) == len(self.arguments), "the hook did not see everything"

    def _check_rest(self, complete: bool) -> None:
        streams = not self.policy.reads
        assert streams or not self.rest, f"a part of a frame: {self.rest!r}"
        if self.rest:
            numbers, count = self.account.numbers, len(self.received)
            wire = self.spoken.wires[numbers[count]] if count < len(numbers) else self.spoken.rest
            assert wire.startswith(self.rest), f"{self.rest!r} was invented"
        if complete and streams:
            assert len(self.rest) + self.lane.parser.buffered() == len(self.spoken.rest), "bytes were lost"

    def _check_injected(self, complete: bool) -> None:
        injected = self.receiver.injected
        for is_data in (True, False):
            wanted = [item for item in injected if (item[0] < CLOSE) == is_data]
            came = [frame[:2] for frame in self.ours if (frame.opcode < CLOSE) == is_data]
            came = [item for item in came if not item[1].startswith(OWN_PING)]
            assert came == wanted[: len(came)], f"of the injected {wanted} came {came}"
            waits = self.lane.mid_frame or (is_data and self.lane.mid_message) or self.lane.queue
            assert not complete or waits or came == wanted, f"of the injected {wanted} came only {came}"

    def _check_counters(self, complete: bool) -> None:
        lane, account, frames = self.lane, self.account, self.spoken.frames
        size, begun = sum(len(frame.payload) for frame in frames), bool(self.spoken.rest)
        messages = sum(frame.fin for frame in frames if frame.opcode < CLOSE)
        partial = len(self.spoken.rest)
        assert lane.frames <= len(frames) + begun and lane.messages <= messages + begun
        assert lane.payload_bytes <= size + partial
        assert lane.dropped <= account.dropped and lane.changed <= account.changed
        if complete:
            streamed = max(0, len(self.rest) - _header(self.rest))
            assert lane.frames == len(frames) + bool(self.rest) and lane.messages == messages
            assert lane.payload_bytes == size + streamed
            assert (lane.dropped, lane.changed) == (account.dropped, account.changed)
        elif self.calls is not None and not self.policy.aggregate:
            own = sum(frame.opcode == PONG for frame in frames)
            assert len(self.calls) <= lane.frames <= len(self.calls) + own

    def check_record(self, record: Any) -> None:
        """The record and the close frames, once all is over."""
        other = _OTHER[self.side]
        sent, received = getattr(record, other).close_sent, getattr(record, self.side).close_received
        if self.close is not None:
            assert sent == (self.close.code, self.close.reason), f"the record has {sent}, {other} got {self.close}"
            assert self._explained(self.close), f"nothing explains {self.close} toward the {other}"
        elif sent is not None:
            assert self.receiver.ends != ["fin"] or self.receiver.gone, f"{sent} toward the {other} was lost"
        in_order = self.sender.gone == "fin" and self.receiver.ends == ["fin"]
        if in_order and (record.ended_by, record.why) == (self.side, "eof"):
            lost = self.account.out[len(self.received) :]
            assert not lost and not self.account.failed, f"lost before the end of the stream: {lost}"
            assert self.calls is None or len(self.calls) == len(self.arguments), "the hook did not see everything"
            # Behind a close frame, one that the hook dropped too, nothing is looked at.
            closed = any(frame.opcode == CLOSE for frame in self.spoken.frames)
            assert self.spoken.code is None or closed, f"a fault of the {self.side} was not seen"
        # Of a side that has been told to go nothing is checked any more but its close frame.
        readings = self.spoken, read(self.sender.sent, self.side == "client", False, deflate=self.policy.deflate)
        closes = [(one.code, one.reason) for spoken in readings for one in spoken.frames if one.opcode == CLOSE]
        assert received is None or received in closes, f"the record has {received} from the {self.side}"

    def _explained(self, close: Frame) -> bool:
        stage, other = self.stage, _OTHER[self.side]
        if self.account.out[len(self.received) :] == [close]:
            return True
        known = {(1001, "")}
        place = 0 if other == "client" else 2
        known |= {(one[place], one[place + 1].decode()) for one in stage.decided}
        theirs = _spoken(stage, other)
        if theirs.code is not None:
            known.add((theirs.code, "Payload Too Large" if theirs.code == 1009 else ""))
        if stage.options.max_buffered is not None:
            known.add((1009, "Payload Too Large"))
        known |= {(one.code, "") for one in theirs.frames if one.opcode == CLOSE}
        if other == "client" and stage.peers["upstream"].gone:
            known.add((1014, "upstream connection lost"))
        if any(Passed(stage, side).account.failed for side in stage.peers):
            known.add((1011, ""))
        return (close.code, close.reason) in known


def _spoken(stage: Stage, side: str) -> Spoken:
    policy = getattr(stage.policies, side)
    return read(
        stage.peers[side].sent,
        side == "client",
        policy.validate,
        -1 if policy.max_size is None else policy.max_size,
        -1 if policy.max_fragments is None else policy.max_fragments,
        policy.aggregate,
        policy.deflate,
        Inflates(bool(takeover(stage.deflate, side, True))) if policy.inflater else None,
    )


def _inflated(received: list[Frame], inflates: Inflates) -> list[Frame]:
    plain, compressed = [], False
    for frame in received:
        if frame.opcode < CLOSE:
            compressed = bool(frame.rsv) if frame.opcode else compressed
            if compressed:
                frame = frame._replace(payload=inflates.plain(frame.payload, frame.fin), rsv=0)
        plain.append(frame)
    return plain


def _header(data: bytes) -> int:
    if len(data) < 2:
        return 0
    width = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
    return 2 + width + 4 * (data[1] >> 7)
