"""The driver over transports in memory: what passes, what waits, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from framegate import driver
from framegate.errors import HookError
from framegate.hook_failure import hook_error
from framegate.session.session import Session
from tests.kit.frames import Frame, binary, close, cont, ping, text
from tests.kit.pairs import turns, until
from tests.kit.rig import FIN, RESET, Rig

pytestmark = pytest.mark.usefixtures("loop_kind")

SIDES = pytest.mark.parametrize("name", ["client", "upstream"])


class Gate:
    """A hook that awaits a future for every frame whose payload is told."""

    def __init__(self, *payloads: bytes) -> None:
        self.futures = {payload: asyncio.get_running_loop().create_future() for payload in payloads}
        self.asked: list[bytes] = []

    def __call__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        self.asked.append(payload)
        return self.futures.get(payload, payload)

    def let(self, payload: bytes, result: Any) -> None:
        if isinstance(result, BaseException):
            self.futures[payload].set_exception(result)
        else:
            self.futures[payload].set_result(result)


async def closed(rig: Rig, code: int = 1000) -> None:
    """The client closes, the upstream answers."""
    rig.client.says(close(code))
    await until(lambda: rig.session.upstream.close_sent)
    rig.upstream.says(close(code))
    await rig.record()


class TestRelaying:
    """Bytes of one side go to the other."""

    async def test_a_conversation(self) -> None:
        rig = Rig()
        rig.client.says(text("hello"), ping("?"))
        await rig.upstream.gets(text("hello"), ping("?"))
        rig.upstream.says(text("hi", fin=False), cont("!", fin=True))
        await rig.client.gets(text("hi", fin=False), cont("!", fin=True))
        rig.client.says(close(1000, "bye"))
        await rig.upstream.gets(close(1000, "bye"))
        rig.upstream.says(close(1000))
        await rig.client.gets(close(1000), FIN)
        await rig.upstream.gets(FIN)
        record = await rig.record()
        assert (record.ended_by, record.why, record.client.frames, record.upstream.frames) == ("client", "close", 3, 3)
        assert record.duration >= 0

    async def test_what_was_read_behind_the_handshakes_comes_first(self) -> None:
        early = Rig().client.wire(text("early"))
        rig = Rig(from_client=early + early[:3], from_upstream=b"\x81\x05first")
        rig.client.says_raw(early[3:])
        rig.upstream.says(text("second"))
        await rig.upstream.gets(text("early"), text("early"))
        await rig.client.gets(text("first"), text("second"))
        await closed(rig)

    @SIDES
    async def test_a_side_that_was_at_its_end_already(self, name: str) -> None:
        def prepare(rig: Rig) -> None:
            rig.peer(name).ours.at_end = True

        rig = Rig(from_upstream=b"\x81\x04last", prepare=prepare)
        if name == "upstream":
            await rig.client.gets(text("last"), close(1014, "upstream connection lost"), FIN)
        else:
            await rig.upstream.gets(close(1001), FIN)
        assert (await rig.record()).why == "eof"

    async def test_a_hook_sees_and_changes(self) -> None:
        rig = Rig(lambda origin, typ, payload, last, code: payload.upper() if typ == "text" else payload)
        rig.client.says(text("abc"), binary(b"abc"))
        await rig.upstream.gets(text("ABC"), binary(b"abc"))
        await closed(rig)

    async def test_the_record_is_logged_in_one_line(self, caplog: pytest.LogCaptureFixture) -> None:
        rig = Rig()
        with caplog.at_level(logging.INFO, logger="framegate.session"):
            await closed(rig)
        (line,) = [entry.getMessage() for entry in caplog.records if entry.getMessage().startswith("session ")]
        assert line.startswith("session ended_by=client why=close ") and "client.close_received=1000" in line


class TestAwaitedHooks:
    """A hook whose result is awaitable: its lane waits and keeps its order; the other lane goes on."""

    @SIDES
    async def test_the_lane_waits_and_the_other_goes_on(self, name: str) -> None:
        gate = Gate(b"slow")
        rig = Rig(gate)
        side, other = rig.peer(name), rig.peer("upstream" if name == "client" else "client")
        side.says(text("slow"), ping("behind"), text("and this"))
        other.says(text("meanwhile"))
        await side.gets(text("meanwhile"))
        await other.gets_nothing()
        assert not rig.reads(name) and rig.reads(other.name)
        side.says(text("much later"))
        await other.gets_nothing()
        gate.let(b"slow", b"SLOW")
        await other.gets(text("SLOW"), ping("behind"), text("and this"), text("much later"))
        assert rig.reads(name)
        assert gate.asked.count(b"slow") == 1
        await closed(rig)

    async def test_a_coroutine(self) -> None:
        async def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
            await asyncio.sleep(0)
            return payload[::-1]

        rig = Rig(hook)
        rig.client.says(text("abc"), text("def"), text("ghi"))
        await rig.upstream.gets(text("cba"), text("fed"), text("ihg"))
        rig.client.leaves()
        await rig.upstream.gets(close(1001), FIN)
        await rig.record()

    @pytest.mark.parametrize("result", [None, "changed", (b"x", None)])
    async def test_results_of_every_kind(self, result: Any) -> None:
        gate = Gate(b"slow")
        rig = Rig(gate)
        rig.client.says(text("slow"), text("next"))
        await until(lambda: gate.asked)
        gate.let(b"slow", result)
        came = {None: [], "changed": [text("changed")], (b"x", None): [text("x")]}[result]
        await rig.upstream.gets(*came, text("next"))
        await closed(rig)

    @pytest.mark.parametrize("result", [ValueError("secret"), 17, asyncio.CancelledError()], ids=repr)
    async def test_a_failure_closes_both_sides_without_detail(
        self, result: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        gate = Gate(b"slow")
        rig = Rig(gate)
        rig.client.says(text("slow"), text("next"))
        await until(lambda: gate.asked)
        gate.let(b"slow", result)
        await rig.upstream.gets(close(1011), FIN)
        await rig.client.gets(close(1011), FIN)
        record = await rig.record()
        error = hook_error(record)
        assert isinstance(error, HookError) and error.record is record
        assert any("on_frame failed on a frame of the client" in entry.getMessage() for entry in caplog.records)

    async def test_the_end_of_the_stream_behind_it_loses_nothing(self) -> None:
        gate = Gate(b"slow", b"slower")
        rig = Rig(gate)
        rig.client.says(text("slow"), text("slower"), text("last words"))
        rig.client.leaves()
        await rig.upstream.gets_nothing()
        gate.let(b"slow", b"slow")
        await rig.upstream.gets(text("slow"))
        gate.let(b"slower", b"slower")
        await rig.upstream.gets(text("slower"), text("last words"), close(1001), FIN)
        record = await rig.record()
        assert (record.ended_by, record.why) == ("client", "eof")

    async def test_the_session_may_end_meanwhile(self) -> None:
        gate = Gate(b"slow")
        rig = Rig(gate)
        rig.client.says(text("slow"), close(1000, "bye"))
        await until(lambda: gate.asked)
        rig.driver.end("drain")
        await rig.client.gets(close(1001), FIN)
        await rig.upstream.gets(close(1001), FIN)
        gate.let(b"slow", b"too late")
        await turns()
        rig.upstream.says(close(1001))
        record = await rig.record()
        assert record.client.close_received == (1000, "bye")

    async def test_the_hook_is_cancelled_when_its_side_is_gone(self) -> None:
        cancelled = []

        async def hook(*frame: Any) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(frame[0])
                raise

        rig = Rig(hook)
        rig.client.says(text("a"))
        await until(lambda: rig.driver.client.hook)
        await turns(2)
        rig.driver.abort()
        assert (await rig.driver.done).why == "drain"
        await turns()
        assert cancelled == ["client"]

    async def test_waiting_for_a_hook_is_not_waiting_for_the_peer(self) -> None:
        gate = Gate(b"slow")
        rig = Rig(gate, idle_timeout=60, recv_timeout=30)
        rig.client.says(text("slow"))
        await until(lambda: gate.asked)
        await asyncio.sleep(0.05)
        gate.let(b"slow", b"slow")
        await rig.upstream.gets(text("slow"))
        assert rig.session.client.incoming.last_frame <= rig.driver.loop.time(), "no frame comes from the future"
        await closed(rig)

    async def test_a_fault_of_our_own_behind_it_ends_the_session(self, caplog: pytest.LogCaptureFixture) -> None:
        gate = Gate(b"slow")

        def broken(*line: Any) -> None:
            raise LookupError("a fault of our own")

        rig = Rig(gate)
        rig.client.says(text("slow"))
        await until(lambda: gate.asked)
        rig.session.client.incoming.trace = broken
        gate.let(b"slow", b"slow")
        await rig.client.gets(close(1011), FIN)
        await rig.upstream.gets(close(1011), FIN)
        await rig.record()


class TestFailures:
    """What fails is logged with what its author needs, and told to nobody else."""

    async def test_a_hook_that_raises_is_logged_with_its_own_lines(self, caplog: pytest.LogCaptureFixture) -> None:
        def hook(*frame: Any) -> None:
            raise ValueError("secret")

        rig = Rig(hook)
        rig.upstream.says(text("x"))
        await rig.client.gets(close(1011), FIN)
        (entry,) = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
        assert entry.getMessage() == "on_frame failed on a frame of the upstream"
        assert entry.exc_info is not None and entry.exc_info[2] is not None
        assert entry.exc_info[2].tb_frame.f_code.co_name == "hook"
        await rig.record()

    async def test_a_result_that_cannot_be_sent_is_logged_in_one_line(self, caplog: pytest.LogCaptureFixture) -> None:
        rig = Rig(lambda *frame: 17)
        rig.upstream.says(text("x"))
        await rig.client.gets(close(1011), FIN)
        (entry,) = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
        assert entry.getMessage().startswith("on_frame failed on a frame of the upstream: the hook returned int")
        assert entry.exc_info is None
        await rig.record()

    async def test_a_fault_of_our_own_closes_both_sides(self, caplog: pytest.LogCaptureFixture) -> None:
        def prepare(rig: Rig) -> None:
            rig.session.client.incoming.trace = broken

        def broken(*line: Any) -> None:
            raise LookupError("a fault of our own")

        rig = Rig(prepare=prepare)
        rig.client.says(text("x"))
        await rig.client.gets(close(1011), FIN)
        assert any(entry.getMessage() == "internal error, the session ends" for entry in caplog.records)
        record = await rig.record()
        assert record.detail == "internal error: LookupError('a fault of our own')"
        assert hook_error(record) is None

    @pytest.mark.parametrize("what", ["heard", "eof", "tick"])
    async def test_a_fault_of_our_own_anywhere_leaves_no_session_behind(
        self, what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(*arguments: Any) -> None:
            raise LookupError("a fault of our own")

        monkeypatch.setattr(driver if what == "tick" else Session, what, broken)
        rig = Rig(max_lifetime=0.01 if what == "tick" else None)
        if what == "heard":
            rig.client.says(Frame(0x3))
        elif what == "eof":
            rig.client.leaves()
        record = await asyncio.wait_for(rig.driver.done, 3)
        assert (record.why, record.detail) == ("hook", "internal error: LookupError('a fault of our own')")
        assert (record.client.close_sent, record.upstream.close_sent) == ((1011, ""), (1011, ""))
        assert [entry.getMessage() for entry in caplog.records if entry.levelno == logging.ERROR] == [
            "internal error, the session ends"
        ]

    async def test_a_fault_after_the_end_is_only_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        rig = Rig()
        await closed(rig)
        rig.driver.crashed(rig.driver.client.conduit, LookupError("late"))
        assert rig.driver.done.result().why == "close"
        assert any(entry.getMessage() == "internal error, the session ends" for entry in caplog.records)

    async def test_there_is_no_hook_error_without_a_failed_hook(self) -> None:
        rig = Rig()
        rig.client.says(Frame(0x3))
        record = await rig.record()
        assert record.why == "protocol" and hook_error(record) is None


class TestBackpressure:
    """At the high-water mark toward one side the other is not read, until a quarter of it is left."""

    @SIDES
    async def test_a_slow_reader_stops_the_other_side(self, name: str) -> None:
        rig = Rig(write_high_water=1000)
        sender, reader = rig.peer(name), rig.peer("upstream" if name == "client" else "client")
        reader.transport.pause_reading()
        sender.says(binary(b"x" * 600))
        await turns()
        assert rig.reads(name)
        sender.says(binary(b"y" * 600))
        await until(lambda: not rig.reads(name))
        assert rig.reads(reader.name)
        sender.says(binary(b"z"))
        await turns()
        reader.transport.resume_reading()
        await reader.gets(binary(b"x" * 600), binary(b"y" * 600), binary(b"z"))
        assert rig.reads(name)
        await closed(rig)

    @SIDES
    async def test_reading_goes_on_after_a_hook_when_the_queue_has_gone(self, name: str) -> None:
        # The queue stays below the mark, but above the quarter at which reading would go on.
        gate = Gate(b"slow")
        rig = Rig(gate, write_high_water=1000)
        sender, reader = rig.peer(name), rig.peer("upstream" if name == "client" else "client")
        reader.transport.pause_reading()
        sender.says(binary(b"x" * 500), text("slow"))
        await until(lambda: not rig.reads(name))
        gate.let(b"slow", b"slow")
        await turns()
        reader.transport.resume_reading()
        sender.says(text("next"))
        await reader.gets(binary(b"x" * 500), text("slow"), text("next"))
        await closed(rig)

    async def test_reading_goes_on_after_a_pause_when_the_queue_has_gone(self) -> None:
        rig = Rig(write_high_water=1000)
        rig.upstream.transport.pause_reading()
        rig.client.says(binary(b"x" * 500))
        await turns()
        rig.driver.pause("client", True)
        rig.driver.pause("client", False)
        rig.upstream.transport.resume_reading()
        rig.client.says(text("next"))
        await rig.upstream.gets(binary(b"x" * 500), text("next"))
        await closed(rig)

    async def test_what_the_session_may_hold_is_limited(self) -> None:
        rig = Rig(max_buffered=1000)
        rig.upstream.transport.pause_reading()
        rig.client.says(binary(b"x" * 900))
        await turns()
        assert not rig.session.ended
        rig.client.says(binary(b"x" * 900))
        await rig.client.gets(close(1009, "Payload Too Large"), FIN)
        rig.upstream.transport.resume_reading()
        await rig.upstream.gets(binary(b"x" * 900), binary(b"x" * 900), close(1001), FIN)
        assert (await rig.record()).why == "limit"

    @SIDES
    async def test_pause_and_resume(self, name: str) -> None:
        rig = Rig()
        side, other = rig.peer(name), rig.peer("upstream" if name == "client" else "client")
        rig.driver.pause(name, True)
        side.says(text("waits"))
        await other.gets_nothing()
        other.says(text("passes"))
        await side.gets(text("passes"))
        rig.driver.pause(name, False)
        await other.gets(text("waits"))
        await closed(rig)

    async def test_a_paused_side_is_read_again_when_the_session_ends(self) -> None:
        rig = Rig()
        rig.driver.pause("client", True)
        rig.driver.end("drain")
        rig.client.says(close(1001))
        rig.upstream.says(close(1001))
        record = await rig.record()
        assert record.client.close_received == (1001, "")


class TestInjecting:
    """Messages of our own."""

    @SIDES
    async def test_it_is_done_at_once_below_the_mark(self, name: str) -> None:
        rig = Rig()
        done = rig.driver.inject(name, "text", b"ours")
        assert done.done()
        await rig.peer(name).gets(text("ours"))
        await closed(rig)

    @SIDES
    async def test_above_it_when_the_queue_has_gone(self, name: str) -> None:
        rig = Rig(write_high_water=1000)
        rig.peer(name).transport.pause_reading()
        first = rig.driver.inject(name, "binary", b"x" * 2000)
        second = rig.driver.inject(name, "binary", b"y")
        given_up = rig.driver.inject(name, "binary", b"z")
        given_up.cancel()
        await turns()
        assert not first.done() and not second.done()
        rig.peer(name).transport.resume_reading()
        await asyncio.wait_for(asyncio.gather(first, second), 3)
        await rig.peer(name).gets(binary(b"x" * 2000), binary(b"y"), binary(b"z"))
        await closed(rig)

    async def test_nobody_waits_for_ever(self) -> None:
        rig = Rig(write_high_water=1000)
        rig.client.transport.pause_reading()
        waiting = rig.driver.inject("client", "binary", b"x" * 2000)
        given_up = rig.driver.inject("client", "binary", b"x")
        given_up.cancel()
        rig.driver.abort()
        await asyncio.wait_for(waiting, 3)
        await rig.driver.done

    async def test_from_within_the_hook_it_goes_before_the_frame_in_hand(self) -> None:
        def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
            if typ == "text":
                rig.driver.inject("upstream", "text", b"before")
                rig.driver.inject("client", "text", b"told")
            return payload

        rig = Rig(hook)
        rig.client.says(text("a"))
        await rig.upstream.gets(text("before"), text("a"))
        await rig.client.gets(text("told"))
        await closed(rig)

    async def test_the_pong_is_consumed(self) -> None:
        rig = Rig()
        rig.driver.inject("client", "ping", b"ours")
        await rig.client.gets(ping("ours"))
        rig.client.says(Frame(0xA, b"ours"), text("next"))
        await rig.upstream.gets(text("next"))
        await closed(rig)


class TestInTheHook:
    """Whether a hook is what runs now, and what it may ask for."""

    async def test_it_is_known(self) -> None:
        seen = []

        async def later(payload: bytes) -> bytes:
            seen.append(rig.driver.in_hook())
            return payload

        def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
            seen.append(rig.driver.in_hook())
            return later(payload) if typ == "text" else payload

        rig = Rig(hook)
        assert not rig.driver.in_hook()
        rig.client.says(text("a"))
        await rig.upstream.gets(text("a"))
        assert (seen, rig.driver.in_hook()) == ([True, True], False)
        await closed(rig)

    async def test_it_may_end_the_session(self) -> None:
        def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
            if payload == b"end":
                rig.driver.end("policy", client=(1008, b"no"), upstream=(1001, b""))
                rig.driver.end("policy", client=(4000, b"ignored"))
            return payload

        rig = Rig(hook)
        rig.client.says(text("a"), text("end"), text("b"))
        await rig.upstream.gets(text("a"), close(1001), FIN)
        await rig.client.gets(close(1008, "no"), FIN)
        assert (await rig.record()).why == "policy"

    async def test_it_may_stop_the_reading(self) -> None:
        def hook(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
            rig.driver.pause("client", payload == b"pause")
            return payload

        rig = Rig(hook)
        rig.client.says(text("pause"))
        await rig.upstream.gets(text("pause"))
        assert not rig.reads("client")
        rig.client.says(text("later"))
        await rig.upstream.gets_nothing()
        rig.driver.pause("client", False)
        await rig.upstream.gets(text("later"))
        await closed(rig)


class TestEndings:
    """How the two streams end."""

    @SIDES
    async def test_a_lost_side(self, name: str) -> None:
        rig = Rig()
        rig.peer(name).transport.abort()
        if name == "client":
            await rig.upstream.gets(close(1001), FIN)
        else:
            await rig.client.gets(close(1014, "upstream connection lost"), FIN)
        record = await rig.record()
        assert (record.ended_by, record.why, record.detail) == (name, "eof", f"{name}: reset by the other end")

    async def test_the_client_is_let_go_though_the_upstream_lingers(self) -> None:
        # RFC 6455, section 7.1.1: the server closes the connection first.
        rig = Rig()
        rig.client.says(close(1000))
        await rig.upstream.gets(close(1000))
        rig.upstream.says(close(1000))
        await rig.client.gets(close(1000), FIN)
        rig.client.leaves()
        await until(lambda: rig.left)
        assert not rig.driver.done.done() and not rig.client.ours.is_open()
        await rig.record()

    async def test_a_client_that_has_ended_its_stream_still_gets_the_answer(self) -> None:
        rig = Rig()
        rig.client.says(close(1000, "bye"))
        rig.client.leaves()
        await rig.upstream.gets(close(1000, "bye"))
        rig.upstream.says(text("late"), close(1001))
        await rig.client.gets(text("late"), close(1001), FIN)
        assert (await rig.record()).client.close_sent == (1001, "")

    async def test_a_silent_side_is_let_go(self) -> None:
        rig = Rig(lingering_timeout=0.02)
        rig.client.says(close(4000, "bye"))
        await rig.client.gets(close(4000), FIN)
        await until(lambda: RESET in rig.upstream._so_far())
        rig.client.leaves()
        record = await asyncio.wait_for(rig.driver.done, 3)
        assert record.detail == "no answer of the upstream to the close frame"

    async def test_the_rest_of_a_half_written_frame_goes_before_the_close_frame(self) -> None:
        rig = Rig()
        wire = rig.client.wire(binary(b"x" * 300))
        rig.client.says_raw(wire[:100])
        await until(lambda: rig.session.client.incoming.mid_frame)
        rig.driver.end("drain")
        await rig.client.gets(close(1001), FIN)
        rig.client.says_raw(wire[100:])
        await rig.upstream.gets(binary(b"x" * 300), close(1001), FIN)
        await rig.record()

    async def test_last_words_to_a_side_that_reads_slowly(self) -> None:
        rig = Rig()
        rig.client.transport.pause_reading()
        rig.upstream.says(text("data"))
        await turns()
        rig.client.leaves()
        rig.driver.end("drain")
        await turns()
        rig.client.transport.resume_reading()
        await rig.client.gets(text("data"), close(1001), FIN)
        await rig.record()

    async def test_abort_says_goodbye_and_waits_for_nobody(self) -> None:
        rig = Rig()
        rig.driver.abort()
        record = await rig.driver.done
        assert (record.ended_by, record.why) == ("proxy", "drain")
        await rig.client.gets(close(1001), FIN)
        await rig.upstream.gets(close(1001), FIN)
        rig.driver.abort()
        assert rig.left == 1

    async def test_abort_of_an_ending_session(self) -> None:
        rig = Rig()
        rig.driver.end("policy", client=(4000, b"bye"))
        rig.driver.abort("policy")
        await rig.client.gets(close(4000, "bye"), FIN)
        await rig.upstream.gets(close(4000, "bye"), FIN)
        assert (await rig.driver.done).why == "policy"


class TestClocks:
    """One timer serves all limits of a session."""

    async def test_idleness(self) -> None:
        rig = Rig(idle_timeout=0.02)
        rig.client.says(text("x"))
        await rig.upstream.gets(text("x"), close(1001), FIN)
        await rig.client.gets(close(1001), FIN)
        record = await rig.record()
        assert (record.why, record.detail) == ("timeout", "idle_timeout")

    async def test_lifetime(self) -> None:
        rig = Rig(max_lifetime=0.02)
        await rig.upstream.gets(close(1001), FIN)
        assert (await rig.record()).detail == "max_lifetime"

    async def test_a_side_without_a_sign_of_life(self) -> None:
        rig = Rig(ping_interval=0.02, ping_timeout=0.02)
        await until(lambda: RESET in rig.client._so_far())
        record = await rig.record()
        assert (record.why, record.client.close_sent) == ("timeout", None)

    async def test_no_timer_is_left_when_it_is_over(self) -> None:
        rig = Rig(max_lifetime=60, idle_timeout=50)
        assert rig.driver._timer is not None
        await closed(rig)
        assert rig.driver._timer is None

    async def test_no_timer_runs_for_idleness_of_a_side_that_is_not_read(self) -> None:
        rig = Rig(idle_timeout=50)
        assert rig.driver._timer is not None
        rig.driver.pause("client", True)
        assert rig.driver._timer is None
        rig.driver.pause("client", False)
        assert rig.driver._timer is not None
        await closed(rig)

    async def test_an_earlier_limit_moves_the_timer(self) -> None:
        rig = Rig(max_lifetime=50, lingering_timeout=0.01)
        rig.client.says(close(1000))
        await rig.client.gets(close(1000), FIN)
        await rig.record()

    async def test_without_limits_there_is_no_timer(self) -> None:
        rig = Rig()
        rig.client.says(text("x"))
        await rig.upstream.gets(text("x"))
        assert rig.driver._timer is None
        await closed(rig)
