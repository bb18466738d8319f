"""One direction of a session: the frames of one side on their way to the other.

A lane takes windows of bytes with :meth:`Lane.feed`, lets the hook decide on each frame, and leaves what goes to the
other side in two places, in this order: ``out`` (bytes of its own, or None) and the *run*, a range of ``run_data`` in
which nothing was changed. While nobody changes anything there is only the run, a part of the window itself, and nothing
is copied. The caller writes both and calls :meth:`Lane.written` before the window is used again.

``feed`` and ``resume`` answer with what the session has to know of, at most one thing a call: after any answer but
``OK`` and ``WAITING`` the rest of the window is not relayed any more. The lane knows nothing of the other lane, of
clocks and of sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framegate.codec.close import may_be_sent
from framegate.session.verdict import Verdict, as_bytes, checked_reason

try:
    import cython
except ImportError:  # Cython is not installed
    from framegate import _pure as cython

if cython.compiled:
    from cython.cimports.framegate.codec._octets_c import append_frame, append_masked, append_range, scan_utf8_bytes
    from cython.cimports.framegate.codec._parser_c import Parser
else:
    from framegate.codec._octets import append as append_range
    from framegate.codec._octets import append_frame
    from framegate.codec._octets import append_payload as append_masked
    from framegate.codec._octets import validate_utf8_bytes as scan_utf8_bytes
    from framegate.codec._parser import Parser
    from framegate.codec.constants import (
        CHUNK,
        CLOSE,
        CONTINUATION,
        FIN,
        FRAME,
        MAX_CONTROL_PAYLOAD,
        NEED,
        NO_CODE,
        PING,
        PONG,
        RSV1,
        TEXT,
    )
    from framegate.session.signals import (
        BROKEN,
        CLOSE_SEEN,
        CLOSED,
        DISCARD,
        DONE,
        FINISH,
        HOOK_FAILED,
        OK,
        RELAY,
        SWALLOWED,
        WAITING,
    )

_NOT_WORTH_IT = 16
"""Bytes below which a message is not deflated: it would hardly become smaller."""

_TYPES: Any = (
    "continuation", "text", "binary", None, None, None, None, None, "close", "ping", "pong",
)  # fmt: skip


class Lane:
    """The frames of ``origin`` on their way to the other side.

    Args:
        origin: ``"client"`` or ``"upstream"``, the side that sends them.
        parser: for that side's bytes.
        hook: called ``hook(origin, typ, payload, last, code)`` for each frame, or None to relay unseen.
        aggregate: join the fragments of a message before the hook and the forwarding.
        masked_out: whether frames that are encoded anew are masked (toward an upstream they are).
        check_text: whether text that a hook changed must be UTF-8.
    """

    def __init__(
        self,
        origin: str,
        parser: Parser,
        hook: Callable[..., Any] | None = None,
        aggregate: bool = False,
        masked_out: bool = False,
        check_text: bool = True,
    ) -> None:
        self.origin = origin
        self.parser = parser
        self.hook = hook
        self.aggregate = aggregate
        self.masked_out = masked_out
        self.check_text = check_text
        # Whether messages may have to be inflated or deflated (RFC 7692), what deflates toward the other side, and
        # whether it does so with the message that goes out.
        self.recoding = False
        self.deflater: Any = None
        self.packing = False
        self.mode = RELAY
        # Called with a verdict ("relayed", "changed", "dropped") for each frame, for the debug log.
        self.trace: Callable[..., None] | None = None
        # Called with a line for the log that is no failure.
        self.warn: Callable[[str], None] | None = None
        # Toward the other side.
        self.out: bytearray | None = None
        self.run_data: bytearray | None = None
        self.run_start = 0
        self.run_stop = 0
        # Whether the stream toward the other side stands inside a frame, or inside a message.
        self.mid_frame = False
        self.mid_message = False
        self.out_utf8 = 0
        # Our own frames that wait for the end of that frame or message.
        self.queue: list[tuple[int, bytes]] | None = None
        # The policy that holds from the next message on, while that is still to come.
        self.heir: Any = None
        # Payloads of our own pings that the origin has not answered yet.
        self.own_pings: list[bytes] | None = None
        self.joined: bytearray | None = None
        # The frame that a hook decides on.
        self.opcode = 0
        self.kind = 0
        self.fin = False
        self.code = NO_CODE
        self.raw = False
        self.payload = b""
        self.pending: Any = None
        # What the session is told.
        self.close_code = NO_CODE
        self.close_reason = b""
        self.seen_code = NO_CODE
        self.seen_reason = b""
        self.failure: BaseException | None = None
        self.frames = 0
        self.messages = 0
        self.payload_bytes = 0
        self.texts = 0
        self.text_bytes = 0
        self.pings = 0
        self.pongs = 0
        # Answers to pings of ours among them: nobody's business but ours, so they keep no session from being idle.
        self.own_pongs = 0
        self.dropped = 0
        self.changed = 0
        self.last_frame = 0.0

    def feed(self, window: bytearray, start: int, end: int) -> int:
        """Take ``window[start:end]``, the next bytes of the origin."""
        if self.mode == DONE:
            return OK
        if self.pending is not None:
            # Reading is paused, but some transports deliver what was on its way. When the session is ending, what is
            # read here is discarded anyway.
            if self.mode == RELAY:
                self.parser.extend(window, start, end)
                return OK
            signal = self._pump()
            if signal != OK or self.mode == DONE:
                return signal
        self.parser.feed(window, start, end)
        return self._pump()

    def resume(self, result: Any) -> int:
        """Go on with the result of the awaitable that stood in ``pending``."""
        self.pending = None
        if self.mode == DONE:
            self.parser.discard()
            return OK
        if self.mode == RELAY:
            signal = self._decide(result, False)
            if signal != OK:
                return signal
            if self.queue is not None:
                self._release_queue()
        return self._pump()

    def fail(self, error: BaseException) -> int:
        """Go on after the awaitable that stood in ``pending`` has raised."""
        self.pending = None
        self.failure = error
        return HOOK_FAILED

    def go_on(self) -> int:
        """Go on with the rest of the window after a failed hook, once the session has decided."""
        if self.mode == DONE or self.pending is not None:
            return OK
        return self._pump()

    def written(self) -> None:
        """What stood in ``out`` and the run has been taken."""
        self.out = None
        self.run_data = None
        self.run_start = 0
        self.run_stop = 0

    def buffered(self) -> int:
        """Bytes that the lane holds: an incomplete frame or message, what waits behind a pending hook."""
        size = self.parser.buffered()
        if self.joined is not None:
            size += len(self.joined)
        if self.queue is not None:
            for _, payload in self.queue:
                size += len(payload)
        return size

    def send(self, opcode: int, payload: bytes) -> bool:
        """A frame of our own toward the other side: a control frame as soon as no frame is cut in two by it, a message
        as soon as no message is. Returns whether it went out at once."""
        if self.mid_frame or (self.mid_message and opcode < CLOSE) or (self.queue and opcode < CLOSE):
            if self.queue is None:
                self.queue = []
            self.queue.append((opcode, payload))
            return False
        self._encode(opcode, True, payload)
        return True

    def rebind(self, policy: Any) -> None:
        """From the next message on, treat the frames as ``policy`` says, a :class:`LanePolicy`; what it says of
        compression is not looked at. Not to be called while the lane is at work."""
        if self.mode != RELAY:
            return
        self.heir = policy
        if not self._inherit() and self.queue is None:
            # A queue, even an empty one, is looked at behind each frame; so nobody pays who does not wait.
            self.queue = []

    def halt(self) -> bool:
        """Relay nothing more but the rest of the frame that stands half written toward the other side.

        Returns whether the stream toward the other side is free for a close frame now.
        """
        if self.mode == RELAY:
            self.mode = FINISH if self.mid_frame else DISCARD
            if self.mode == DISCARD:
                self.parser.skim()
            self.joined = None
            self.queue = None
        return not self.mid_frame

    def finish(self) -> None:
        """Take nothing more from the origin, not even a close frame."""
        self.mode = DONE
        self.joined = None
        self.queue = None
        if self.pending is None:
            self.parser.discard()

    def _pump(self) -> int:
        parser = self.parser
        while True:
            event = parser.next()
            if event == FRAME:
                if self.mode != RELAY:
                    if parser.opcode == CLOSE:
                        return self._see_close()
                    continue
                self.frames += 1
                self.payload_bytes += parser.length
                if parser.opcode >= CLOSE:
                    if self._counts_as_own():
                        continue
                else:
                    if parser.kind == TEXT:
                        self.text_bytes += parser.length
                        self.texts += parser.fin
                    self.messages += parser.fin
                if self.aggregate and parser.opcode < CLOSE and (not parser.fin or parser.opcode == CONTINUATION):
                    signal = self._join()
                elif self.hook is not None or (self.recoding and parser.opcode < CLOSE and self._recodes()):
                    signal = self._consult()
                else:
                    signal = self._relay()
                if signal != OK:
                    return signal
                if self.queue is not None:
                    self._release_queue()
            elif event == NEED:
                return OK
            elif event == CHUNK:
                self._relay_chunk()
            elif self.mode == DISCARD:
                # Who has been told to go may say what he likes.
                self.finish()
                return OK
            else:
                return BROKEN

    def _relay(self) -> int:
        parser = self.parser
        if self.trace is not None:
            self._traced("relayed", parser.payload())
        self._extend_run()
        if parser.opcode < CLOSE:
            self.mid_message = not parser.fin
        elif parser.opcode == CLOSE:
            return self._closed(parser.close_code, parser.payload())
        return OK

    def _relay_chunk(self) -> None:
        parser = self.parser
        if self.mode == RELAY:
            if parser.first:
                self.frames += 1
                if self.trace is not None:
                    self._traced("relayed", parser.payload())
            self.payload_bytes += parser.stop - parser.payload_start
            if parser.kind == TEXT:
                self.text_bytes += parser.stop - parser.payload_start
        elif self.mode != FINISH:
            return
        self._extend_run()
        self.mid_frame = not parser.last
        self.mid_message = self.mid_frame or not parser.fin
        if parser.last:
            if self.mode == RELAY:
                self.messages += parser.fin
                self.texts += parser.fin and parser.kind == TEXT
            else:
                self.mode = DISCARD
                parser.skim()
            if self.queue is not None:
                self._release_queue()

    def _consult(self) -> int:
        parser = self.parser
        self.opcode = parser.opcode
        self.kind = parser.kind
        self.fin = parser.fin
        self.code = parser.close_code
        self.raw = not self.recoding or parser.opcode >= CLOSE or not self._recodes()
        return self._ask(parser.payload())

    def _recodes(self) -> bool:
        # Whether the data frame at hand cannot go out as the bytes that came in.
        parser = self.parser
        return self.deflater is not None or (parser.compressed and parser.inflater is not None)

    def _join(self) -> int:
        parser = self.parser
        if self.joined is None:
            self.joined = bytearray()
        append_masked(self.joined, parser.payload(), 0)
        if not parser.fin:
            return OK
        message = bytes(self.joined)
        self.joined = None
        self.opcode = self.kind = parser.kind
        self.fin = True
        self.code = NO_CODE
        self.raw = False
        return self._ask(message)

    def _ask(self, payload: bytes) -> int:
        self.payload = payload
        if self.hook is None:
            return self._forward(payload, False)
        try:
            result = self.hook(
                self.origin, _TYPES[self.opcode], payload, self.fin, None if self.code == NO_CODE else self.code
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # sys.exit() and a stray CancelledError too: a hook ends its session, never the program.
            self.failure = error
            return HOOK_FAILED
        if self.mode != RELAY:
            # The hook closed the session: "discards the frame in the hook".
            self._refuse_awaitable(result)
            return OK
        return self._decide(result, True)

    def _decide(self, result: Any, may_wait: bool) -> int:
        if result is self.payload:
            return self._forward(self.payload, False)
        try:
            if result is None:
                return self._drop()
            if type(result) is bytes:
                return self._changed(result)
            if type(result) is str:
                return self._changed(as_bytes(result))
            if isinstance(result, tuple):
                return self._decide_pair(result)
            if hasattr(result, "__await__"):
                if not may_wait:
                    self._refuse_awaitable(result)
                    raise Verdict("the awaited result of the hook is itself awaitable")
                return self._wait(result)
            return self._changed(as_bytes(result))
        except Verdict as error:
            self.failure = error
            return HOOK_FAILED

    def _decide_pair(self, result: Any) -> int:
        if len(result) != 2:
            raise Verdict(f"the hook returned a tuple of {len(result)}; it takes (payload, code)")
        payload, code = result
        if payload is None:
            return self._drop()
        payload = payload if payload is self.payload else as_bytes(payload)
        if self.opcode == CLOSE and code is not None:
            if not isinstance(code, int) or isinstance(code, bool):
                raise Verdict(f"the hook returned a close code that is no int but {type(code).__name__}")
            if not may_be_sent(code):
                raise Verdict(f"the hook returned close code {code}, which may not be sent")
            if code != self.code:
                self.code = code
                return self._forward(checked_reason(payload), True)
        return self._changed(payload)

    def _changed(self, payload: bytes) -> int:
        if payload == self.payload:
            return self._forward(self.payload, False)
        if self.opcode >= CLOSE:
            if self.opcode == CLOSE:
                checked_reason(payload)
                if self.code == NO_CODE:
                    # RFC 6455, section 5.5.1: a reason stands behind a code, never alone.
                    if self.warn is not None:
                        self.warn("the hook returned a close reason without a code: left out")
                    return self._forward(self.payload, False)
            elif len(payload) > MAX_CONTROL_PAYLOAD:
                raise Verdict(f"the hook returned {len(payload)} bytes for a control frame, which takes 125")
        return self._forward(payload, True)

    def _forward(self, payload: bytes, changed: bool) -> int:
        # The frame in hand goes out: as the bytes that came in where it can, encoded anew where it must.
        opcode = self.opcode
        if opcode < CLOSE:
            if self.kind == TEXT and self.check_text and (changed or not self.fin or opcode == CONTINUATION):
                if not self._text_holds(payload, opcode):
                    self.failure = Verdict("the hook's results make a text that is not UTF-8")
                    return HOOK_FAILED
            if opcode == CONTINUATION and not self.mid_message:
                # The fragments before this one were dropped: it begins the message now.
                opcode = self.kind
                self.raw = False
            self.mid_message = not self.fin
        if changed:
            self.changed += 1
        if self.trace is not None:
            self._traced("changed" if changed else "relayed", payload)
        if self.raw and not changed:
            self._extend_run()
        elif opcode == CLOSE:
            self._encode(CLOSE, True, self.code.to_bytes(2, "big") + payload if self.code != NO_CODE else b"")
        else:
            self._encode(opcode, self.fin, payload)
        if opcode == CLOSE:
            return self._closed(self.code, payload)
        return OK

    def _text_holds(self, payload: bytes, opcode: int) -> bool:
        state = 0 if opcode == TEXT or not self.mid_message else self.out_utf8
        self.out_utf8 = scan_utf8_bytes(payload, state)
        return self.out_utf8 == 0 or (self.out_utf8 > 0 and not self.fin)

    def _drop(self) -> int:
        self.dropped += 1
        self._traced("dropped", self.payload)
        if self.opcode == CLOSE:
            self.mode = DONE
            return SWALLOWED
        if self.opcode < CLOSE and self.fin and self.mid_message:
            # The receiver has seen the beginning of this message: it is owed an end.
            if self.kind == TEXT and self.check_text and self.out_utf8 != 0:
                raise Verdict("the hook dropped the end of a text inside a character")
            self.mid_message = False
            self._encode(CONTINUATION, True, b"")
        return OK

    def _wait(self, awaitable: Any) -> int:
        self.parser.own_window()
        self.pending = awaitable
        return WAITING

    def _closed(self, code: int, reason: bytes) -> int:
        self.close_code = code
        self.close_reason = reason
        self.seen_code = self.parser.close_code
        self.seen_reason = reason if self.hook is None else self.payload
        self.mode = DONE
        return CLOSED

    def _see_close(self) -> int:
        self.seen_code = self.parser.close_code
        self.seen_reason = self.parser.payload()
        self.finish()
        return CLOSE_SEEN

    def _counts_as_own(self) -> bool:
        # Counts the control frame at hand, and tells whether it answers a ping of ours.
        opcode = self.parser.opcode
        self.pings += opcode == PING
        self.pongs += opcode == PONG
        pings = self.own_pings
        if opcode != PONG or pings is None:
            return False
        payload = self.parser.payload()
        if payload not in pings:
            return False
        # Section 5.5.3: a pong answers the latest ping; those before it may stay unanswered.
        del pings[: pings.index(payload) + 1]
        self.own_pongs += 1
        return True

    def _extend_run(self) -> None:
        parser = self.parser
        if parser.data is self.run_data and parser.start == self.run_stop:
            self.run_stop = parser.stop
            return
        self._settle_run()
        self.run_data = parser.data
        self.run_start = parser.start
        self.run_stop = parser.stop

    def _settle_run(self) -> None:
        # Moves the run behind what stands in `out`.
        run = self.run_data
        if run is None:
            return
        if self.out is None:
            if self.run_start == 0 and self.run_stop == len(run) and run is not self.parser.window:
                # A frame that came in pieces: its buffer is handed on, not copied.
                self.out = run
                self.run_data = None
                return
            self.out = bytearray()
        append_range(self.out, run, self.run_start, self.run_stop)
        self.run_data = None

    def _encode(self, opcode: int, fin: bool, payload: bytes) -> None:
        self._settle_run()
        if self.out is None:
            self.out = bytearray()
        first = opcode | FIN if fin else opcode
        if self.deflater is not None and opcode < CLOSE:
            packed = self._packed(opcode, fin, payload)
            if packed is not None:
                payload = packed
                if opcode != CONTINUATION:
                    first = first | RSV1
        append_frame(self.out, first, payload, self.masked_out)

    def _packed(self, opcode: int, fin: bool, payload: bytes) -> Any:
        # The deflated payload, or None where the message goes out as it is.
        if opcode == CONTINUATION:
            return self.deflater.deflate(payload, fin) if self.packing else None
        self.packing = not fin
        if not fin:
            return self.deflater.deflate(payload, False)
        if len(payload) < _NOT_WORTH_IT:
            return None
        packed = self.deflater.deflate(payload, True)
        if len(packed) < len(payload):
            return packed
        # It goes out as it is, so the other end's context will not have it: ours must not, either.
        self.deflater.forget()
        return None

    def _release_queue(self) -> None:
        queue, self.queue = self.queue, None
        for opcode, payload in queue or ():
            self.send(opcode, payload)
        if self.heir is not None and not self._inherit() and self.queue is None:
            self.queue = []

    def _inherit(self) -> bool:
        parser = self.parser
        if self.mode != RELAY:
            return True
        if self.pending is not None or self.joined is not None or self.mid_message or parser.is_busy():
            return False
        heir, self.heir = self.heir, None
        self.hook = heir.hook
        self.aggregate = heir.aggregate
        self.check_text = heir.validate
        parser.stream = not (heir.hook is not None or heir.aggregate or self.recoding)
        parser.validate = heir.validate
        parser.joined = heir.aggregate
        parser.max_size = -1 if heir.max_size is None else heir.max_size
        parser.max_fragments = -1 if heir.max_fragments is None else heir.max_fragments
        return True

    def _refuse_awaitable(self, result: Any) -> None:
        close = getattr(result, "close", None)
        if close is not None and hasattr(result, "__await__"):
            close()

    def _traced(self, verdict: str, payload: bytes) -> None:
        if self.trace is None:
            return
        parser = self.parser
        length = len(payload) if parser.length < len(payload) or self.hook is not None else parser.length
        code = self.code if self.hook is not None else parser.close_code
        opcode = parser.kind if self.aggregate else parser.opcode
        self.trace(verdict, self.origin, _TYPES[opcode], parser.fin, length, payload, code)
