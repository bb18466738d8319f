"""What all transports have in common, the one in memory and those over a socket."""

from __future__ import annotations

import pytest

from tests.kit.pairs import Kind, turns, until

pytestmark = pytest.mark.usefixtures("loop_kind")

BIG = bytes(range(256)) * 4096


def send(transport: object, data: bytes) -> None:
    transport.write(bytearray(data), None, 0, 0)  # type: ignore[attr-defined]


class TestWriting:
    """What one end writes the other receives, in order."""

    async def test_both_ways(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk()
        send(near, b"there")
        send(far, b"and back")
        await until(lambda: far_notes.data == b"there" and near_notes.data == b"and back")
        near.abort()
        far.abort()

    async def test_two_parts_of_which_either_may_be_missing(self, kind: Kind) -> None:
        near, _, far, notes = kind.talk()
        near.write(bytearray(b"first,"), bytearray(b"--second,--"), 2, 9)
        near.write(bytearray(b"third,"), None, 0, 0)
        near.write(None, bytearray(b"--fourth--"), 2, 8)
        await until(lambda: notes.data == b"first,second,third,fourth")
        near.abort()
        far.abort()

    @pytest.mark.parametrize("sizes", [(1 << 20, 0), (0, 1 << 20), (1 << 19, 1 << 19), (10, 1 << 20), (1 << 20, 10)])
    async def test_more_than_fits_at_once(self, kind: Kind, sizes: tuple[int, int]) -> None:
        near, _, far, notes = kind.talk()
        first, second = bytearray(BIG[: sizes[0]]), bytearray(b"<" + BIG[: sizes[1]] + b">")
        near.write(first, second, 1, 1 + sizes[1])
        near.write(None, bytearray(b"behind it"), 0, 9)
        expected = BIG[: sizes[0]] + BIG[: sizes[1]] + b"behind it"
        first[:] = b""
        second[:] = b"\xee" * len(second)
        await until(lambda: len(notes.data) == len(expected))
        assert notes.data == expected and near.queued == 0
        near.abort()
        far.abort()

    async def test_the_buffers_are_the_callers_again_when_write_returns(self, kind: Kind) -> None:
        near, _, far, notes = kind.talk()
        buffer = bytearray(b"one")
        near.write(None, buffer, 0, 3)
        buffer[:] = b"two"
        near.write(buffer, None, 0, 0)
        buffer.extend(b"!")
        await until(lambda: notes.data == b"onetwo")
        near.abort()
        far.abort()


class TestReading:
    """Reading begins when it is asked for, and pauses likewise."""

    async def test_a_new_transport_does_not_read(self, kind: Kind) -> None:
        near, far = kind.pair()
        notes = kind.notes()
        far.set_receiver(notes)
        send(near, b"early")
        await turns()
        assert (notes.data, far.reading) == (b"", False)
        far.resume_reading()
        await until(lambda: notes.data == b"early")
        assert far.reading
        near.abort()
        far.abort()

    async def test_a_paused_transport_lets_the_data_wait(self, kind: Kind) -> None:
        near, _, far, notes = kind.talk()
        far.pause_reading()
        far.pause_reading()
        send(near, b"waits")
        await turns()
        assert notes.data == b""
        far.resume_reading()
        far.resume_reading()
        await until(lambda: notes.data == b"waits")
        near.abort()
        far.abort()

    async def test_the_receiver_can_change(self, kind: Kind) -> None:
        near, _, far, first = kind.talk()
        send(near, b"one")
        await until(lambda: first.data == b"one")
        second = kind.notes()
        far.set_receiver(second)
        send(near, b"two")
        await until(lambda: second.data == b"two")
        assert first.data == b"one"
        near.abort()
        far.abort()

    async def test_a_receiver_may_pause_within_its_call(self, kind: Kind) -> None:
        near, _, far, notes = kind.talk()

        class Pausing:
            def received(self, data: bytearray, start: int, end: int) -> None:
                notes.data += data[start:end]
                far.pause_reading()

        far.set_receiver(kind.notes(Pausing))
        send(near, b"one")
        await until(lambda: notes.data)
        send(near, b"two")
        await turns()
        assert notes.data == b"one"
        near.abort()
        far.abort()


class TestBackpressure:
    """What is not read waits, is counted, and is told when it has gone."""

    async def test_the_queue_is_counted(self, kind: Kind) -> None:
        near, far = kind.pair()
        assert near.queued == 0
        send(near, BIG)
        before = near.queued
        assert 0 < before <= len(BIG)
        send(near, b"x" * 10)
        assert near.queued == before + 10
        near.abort()
        far.abort()
        assert near.queued == 0

    async def test_drained_is_told_once_when_it_has_gone(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk(high_water=1000)
        far.pause_reading()
        send(near, BIG)
        await turns()
        assert near_notes.drains == 0 and near.queued >= 1000
        far.resume_reading()
        await until(lambda: len(far_notes.data) == len(BIG))
        await until(lambda: near_notes.drains)
        await turns()
        assert (near_notes.drains, near.queued) == (1, 0)
        near.abort()
        far.abort()

    async def test_below_the_mark_nobody_is_told(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk()
        near.set_high_water(len(BIG) * 2)
        far.pause_reading()
        send(near, BIG)
        await turns()
        far.resume_reading()
        await until(lambda: len(far_notes.data) == len(BIG))
        await turns()
        assert near_notes.drains == 0
        near.abort()
        far.abort()

    async def test_after_a_shutdown_the_last_bytes_are_told_of_whatever_the_mark(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk()
        near.set_high_water(len(BIG) * 2)
        far.pause_reading()
        send(near, BIG)
        near.shutdown()
        await turns()
        far.resume_reading()
        await until(lambda: far_notes.ends)
        await turns()
        assert near_notes.drains >= 1
        near.abort()
        far.abort()


class TestShutdown:
    """What is queued goes out, then the end of the stream; reading goes on."""

    async def test_the_other_end_hears_the_end_once(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk()
        send(near, b"last words")
        near.shutdown()
        near.shutdown()
        await until(lambda: far_notes.ends)
        await turns()
        assert (far_notes.data, far_notes.ends) == (b"last words", [None])
        assert far.at_end and not far.reading and far.is_open()
        send(far, b"answer")
        await until(lambda: near_notes.data == b"answer")
        assert near.is_open() and not near.at_end
        near.abort()
        far.abort()

    async def test_what_is_queued_comes_first(self, kind: Kind) -> None:
        near, _, far, notes = kind.talk()
        far.pause_reading()
        send(near, BIG)
        near.shutdown()
        await turns()
        assert notes.ends == []
        far.resume_reading()
        await until(lambda: notes.ends)
        assert notes.data == BIG
        near.abort()
        far.abort()

    async def test_nothing_is_written_behind_it(self, kind: Kind) -> None:
        near, _, far, notes = kind.talk()
        near.shutdown()
        send(near, b"too late")
        await until(lambda: notes.ends)
        assert (notes.data, near.queued) == (b"", 0)
        near.abort()
        far.abort()

    async def test_both_ends_may(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk()
        near.shutdown()
        far.shutdown()
        await until(lambda: near_notes.ends and far_notes.ends)
        assert (near_notes.ends, far_notes.ends) == ([None], [None])
        near.resume_reading()
        assert not near.reading
        near.abort()
        far.abort()


class TestClose:
    """What is queued goes out, then the connection is closed; nothing more is read."""

    async def test_with_an_empty_queue(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk()
        near.close()
        await until(lambda: not near.is_open() and far_notes.ends)
        assert far_notes.ends == [None]
        send(far, b"nobody reads this")
        await turns()
        assert near_notes.data == b""
        far.abort()

    async def test_with_a_full_one(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk()
        far.pause_reading()
        send(near, BIG)
        near.close()
        send(near, b"too late")
        await turns()
        assert near.is_open()
        far.resume_reading()
        await until(lambda: far_notes.ends)
        assert far_notes.data == BIG
        await until(lambda: not near.is_open())
        assert near_notes.ends == []
        far.abort()

    async def test_after_a_shutdown(self, kind: Kind) -> None:
        near, _, far, far_notes = kind.talk()
        near.shutdown()
        await until(lambda: far_notes.ends)
        near.close()
        await turns()
        assert not near.is_open()
        far.abort()


class TestAbort:
    """The connection is closed at once, and the receiver hears nothing more."""

    async def test_the_other_end_sees_the_connection_end(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk()
        near.abort()
        assert not near.is_open() and near.at_end and not near.reading
        await until(lambda: far_notes.ends)
        assert len(far_notes.ends) == 1
        far.abort()
        await turns()
        assert near_notes.ends == []

    async def test_twice_is_once(self, kind: Kind) -> None:
        near, _, far, far_notes = kind.talk()
        near.abort()
        near.abort()
        await until(lambda: far_notes.ends)
        await turns()
        assert len(far_notes.ends) == 1
        far.abort()

    async def test_nothing_can_be_done_afterwards(self, kind: Kind) -> None:
        near, notes, far, _ = kind.talk()
        near.abort()
        send(near, b"too late")
        near.shutdown()
        near.close()
        near.leave()
        near.resume_reading()
        assert (near.queued, near.reading, near.is_open(), notes.drains) == (0, False, False, 0)
        far.abort()

    async def test_what_is_queued_is_forgotten(self, kind: Kind) -> None:
        near, _, far, far_notes = kind.talk()
        far.pause_reading()
        send(near, BIG)
        near.abort()
        far.resume_reading()
        await until(lambda: far_notes.ends)
        assert len(far_notes.data) < len(BIG)
        far.abort()

    async def test_a_receiver_may_abort_within_its_call(self, kind: Kind) -> None:
        near, _, far, _ = kind.talk()

        class Aborting:
            def received(self, data: bytearray, start: int, end: int) -> None:
                far.abort()

        far.set_receiver(kind.notes(Aborting))
        send(near, b"go away")
        await until(lambda: not far.is_open())
        near.abort()


class TestLeave:
    """Closed in order, without waiting for the other end."""

    async def test_what_was_written_goes_out_and_then_the_end(self, kind: Kind) -> None:
        near, near_notes, far, far_notes = kind.talk()
        send(near, b"last words")
        near.leave()
        await until(lambda: far_notes.ends)
        assert (far_notes.data, far_notes.ends) == (b"last words", [None])
        await until(lambda: not near.is_open())
        assert near_notes.ends == []
        far.abort()

    async def test_after_a_shutdown(self, kind: Kind) -> None:
        near, _, far, far_notes = kind.talk()
        near.shutdown()
        await until(lambda: far_notes.ends)
        near.leave()
        await turns()
        assert not near.is_open()
        far.abort()

    async def test_after_the_other_end_has_left(self, kind: Kind) -> None:
        near, near_notes, far, _ = kind.talk()
        far.leave()
        await until(lambda: near_notes.ends)
        near.leave()
        await turns()
        assert not near.is_open()
