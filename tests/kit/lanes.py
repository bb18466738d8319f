"""A lane in a test's hands: frames of its origin go in, frames for the other side come out.

Windows are scribbled over when what came of them has been taken, as a read buffer is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.kit import frames
from tests.kit.builds import Build
from tests.kit.frames import Frame
from tests.kit.parsing import Codec


class Call(NamedTuple):
    """What a hook was called with, behind the origin."""

    typ: str
    payload: bytes
    last: bool
    code: int | None


class Hook:
    """Notes its calls and answers with the results given, the last of them for ever; a callable result is called with
    the payload, an exception is raised."""

    def __init__(self, *results: Any) -> None:
        self.results = list(results)
        self.origins: list[str] = []
        self.calls: list[Call] = []

    def __call__(self, origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> Any:
        self.origins.append(origin)
        self.calls.append(Call(typ, payload, last, code))
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, BaseException):
            raise result
        return result(payload) if callable(result) else result


def same(payload: bytes) -> bytes:
    """A result for :class:`Hook`: the payload as it came."""
    return payload


class Awaited:
    """An awaitable that is never awaited here: the test resumes the lane itself."""

    def __init__(self) -> None:
        self.closed = 0

    def __await__(self) -> Any:
        raise AssertionError("the lane awaits nothing itself")

    def close(self) -> None:
        self.closed += 1


class Talk:
    """A lane between an origin and the other side.

    Args:
        build: which build.
        hook: the lane's hook.
        origin: who sends; a client's frames are masked, and those that a lane encodes toward an upstream are.
        aggregate, check_text: options of the lane.
        options: of the parser; without a hook or joining data frames are streamed, as in a session.
    """

    def __init__(
        self,
        build: Build,
        hook: Callable[..., Any] | None = None,
        *,
        origin: str = "client",
        aggregate: bool = False,
        check_text: bool = True,
        **options: Any,
    ) -> None:
        self.codec = Codec(build, origin)
        reads = hook is not None or aggregate
        options.setdefault("stream", not reads)
        options.setdefault("validate_utf8", reads and check_text)
        options.setdefault("joined", aggregate)
        self.lane = build.Lane(origin, self.codec.parser(**options), hook, aggregate, origin == "client", check_text)
        self.received = bytearray()
        self.taken = b""

    def feed(self, *values: Frame) -> int:
        """Frames of the origin, in one window; the lane's answer."""
        return self.feed_raw(self.codec.wire(*values))

    def feed_raw(self, data: bytes) -> int:
        window = bytearray(b"<" + data + b">")
        signal: int = self.lane.feed(window, 1, 1 + len(data))
        self.take()
        window[:] = b"\xee" * len(window)
        return signal

    def resume(self, result: Any) -> int:
        signal: int = self.lane.resume(result)
        self.take()
        return signal

    def take(self) -> bytes:
        """What the lane holds for the other side, as a driver takes it."""
        lane = self.lane
        data = b"" if lane.out is None else bytes(lane.out)
        if lane.run_data is not None:
            data += bytes(lane.run_data[lane.run_start : lane.run_stop])
        lane.written()
        assert lane.out is None and lane.run_data is None
        self.taken += data
        self.received += data
        return data

    def came(self) -> list[Frame]:
        """The whole frames that have come to the other side since the last look."""
        self.take()
        seen = []
        while (wire := frames.split(self.received)) is not None:
            assert wire.masked == self.codec.masked, "frames keep the masking of their origin"
            assert wire.frame.rsv == 0
            seen.append(wire.frame)
            del self.received[: len(wire.octets)]
        return seen

    def after(self, *values: Frame) -> list[Frame]:
        """What comes of frames that bring nothing but OK."""
        signal = self.feed(*values)
        assert signal == 0, f"signal {signal}: {self.lane.failure!r} {self.lane.parser.error}"
        return self.came()
