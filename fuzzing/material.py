"""What cases are made of: bytes as text, cuts, and the frames of a peer who mostly keeps to the rules."""

from __future__ import annotations

from random import Random

from framegate.codec.deflate import Deflater
from tests.kit import frames

KEY = b"\x37\xfa\x21\x3d"

WORDS = ["", "a", "hello", "ß", "€uro", "😀", "x" * 20, "y" * 125, "z" * 126, "0123456789" * 30]
CODES = [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]
BAD_CODES = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535]


def text_of(data: bytes) -> str:
    return data.decode("latin-1")


def bytes_of(text: str) -> bytes:
    return text.encode("latin-1")


def noise(rng: Random, most: int) -> bytes:
    return rng.randbytes(rng.randint(0, most))


def cut(rng: Random, data: bytes, most: int = 5) -> list[bytes]:
    """The bytes in pieces, sometimes byte by byte."""
    if 0 < len(data) < 200 and rng.random() < 0.05:
        return [data[at : at + 1] for at in range(len(data))]
    places = sorted(rng.randint(0, len(data)) for _ in range(rng.randint(0, most)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def mutated(rng: Random, data: bytes, odd: list[bytes]) -> bytes:
    """The bytes with a few places removed, doubled or replaced."""
    for _ in range(rng.choice([0, 1, 1, 1, 2, 4])):
        at = rng.randint(0, len(data))
        behind = min(len(data), at + rng.choice([0, 0, 1, 1, 2, 5, 30]))
        put = rng.choice([b"", rng.choice(odd), rng.choice(odd), rng.randbytes(1), data[at:behind] * 2])
        data = data[:at] + put + data[behind:]
    return data


class Speaker:
    """Makes the frames of one side, well ordered but for what goes wrong with a chance of ``wrong``.

    Args:
        takeover: whether the context of compressed messages is kept; None where none is compressed.
    """

    def __init__(self, rng: Random, side: str, wrong: float, takeover: bool | None = None) -> None:
        self.takeover = takeover
        self._deflater = Deflater(bool(takeover))
        self.rng = rng
        self.masked = side == "client"
        self.wrong = wrong
        self.rest: list[bytes] = []

    def next(self) -> bytes:
        """The bytes of the next frame."""
        rng = self.rng
        if rng.random() < self.wrong:
            return self._wrong()
        if rng.random() < 0.25:
            return self.wire(rng.choice([frames.PING, frames.PONG]), noise(rng, 8))
        if self.rest:
            return self.rest.pop(0)
        return self._message()

    def close(self) -> bytes:
        rng = self.rng
        if rng.random() < 0.15:
            return self.wire(frames.CLOSE, b"")
        return self.wire(frames.CLOSE, rng.choice(CODES).to_bytes(2, "big") + rng.choice(WORDS[:6]).encode())

    def wire(self, opcode: int, payload: bytes, fin: bool = True, **more: object) -> bytes:
        key = self.rng.choice([KEY, b"\0\0\0\0", self.rng.randbytes(4)]) if self.masked else False
        return frames.frame(opcode, payload, fin, key, **more)  # type: ignore[arg-type]

    def _message(self) -> bytes:
        rng = self.rng
        opcode = rng.choice([frames.TEXT, frames.TEXT, frames.BINARY])
        payload = "".join(rng.choice(WORDS) for _ in range(rng.randint(0, 3))).encode()
        if opcode == frames.BINARY and rng.random() < 0.05:
            payload += rng.randbytes(1) * rng.choice([3_000, 65_535, 65_536, 70_000])
        parts = cut(rng, payload, rng.choice([0, 0, 0, 1, 3])) if len(payload) < 1000 else [payload]
        last, rsv = len(parts) - 1, 0
        if self.takeover is not None and rng.random() < 0.6:
            rsv = 4
            parts = [self._deflater.deflate(part, at == last) for at, part in enumerate(parts)]
            if rng.random() < self.wrong:
                parts[last] = mutated(rng, parts[last], [b"\0", b"\xff", b"\x03\x00"])
        made = [self.wire(0 if at else opcode, part, at == last, rsv=0 if at else rsv) for at, part in enumerate(parts)]
        self.rest = made[1:]
        return made[0]

    def _wrong(self) -> bytes:
        rng = self.rng
        payload = rng.choice(WORDS).encode() if rng.random() < 0.5 else noise(rng, 140)
        kind = rng.randint(0, 8)
        if kind == 0:
            return noise(rng, 20) or b"\x00"
        if kind == 1:
            return self.wire(frames.TEXT, payload + rng.choice([b"\xff", b"\xe2\x82", b"\xed\xa0\x80"]))
        if kind == 2:
            return self.wire(frames.CLOSE, rng.choice(BAD_CODES).to_bytes(2, "big") + payload[:100])
        if kind == 3:
            return self.wire(frames.CLOSE, rng.choice([b"\x03", b"\x03\xe8\xff", b"\x03\xe8" + payload[:130]]))
        if kind == 4:
            return self.wire(rng.randint(0, 15), payload, rng.random() < 0.5, rsv=rng.choice([0, 0, 1, 2, 4]))
        if kind == 5:
            return self.wire(rng.choice([1, 2, 9]), payload, length_form=rng.choice([16, 64]))
        if kind == 6:
            return self.wire(2, payload, announced=rng.choice([3, 70_000, 2**31, 2**63 - 1, 2**63]), length_form=64)
        if kind == 7:
            return frames.frame(rng.choice([1, 2, 9]), payload, True, False if self.masked else KEY)
        return self.wire(rng.choice([0, 1, 2]), payload, rng.random() < 0.5)
