"""What terminated compression costs beside the deflate calls themselves: ``python -m benchmarks.deflate_cost``.

A lane inflates each message, shows it to a hook that changes nothing, and deflates it again; beside it the same calls
of the library alone, on the same messages.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

from framegate._build import build_name, pick
from framegate.codec.constants import FIN, RSV1, TEXT
from framegate.codec.deflate import LEVEL, MEMORY, TAIL, Deflater, Inflater, zlib

Lane = pick("framegate.session._lane").Lane
Parser = pick("framegate.codec._parser").Parser
append_frame = pick("framegate.codec._octets").append_frame

SIZES = (64, 256, 1024, 16384, 262144)
ROUNDS = 7
READ = 65536
WORDS = "the quick brown fox jumps over lazy dog and runs away again".split()


def message(size: int, rng: random.Random) -> bytes:
    """JSON-like text of ``size`` bytes."""
    body = {"id": rng.randrange(10**9), "user": rng.choice(["ann", "bob"])}
    text = json.dumps({**body, "text": " ".join(rng.choice(WORDS) for _ in range(size // 5))})
    return text[:size].encode()


def through_a_lane(wire: bytearray) -> None:
    parser = Parser(True, stream=False, validate_utf8=True)
    parser.deflate, parser.inflater = True, Inflater()
    lane = Lane("client", parser, lambda origin, typ, payload, last, code: payload, False, True)
    lane.deflater, lane.recoding = Deflater(), True
    for at in range(0, len(wire), READ):
        window = wire[at : at + READ]
        lane.feed(window, 0, len(window))
        lane.written()


def calls_alone(packed: list[bytes]) -> None:
    decoder, encoder = zlib.decompressobj(wbits=-15), zlib.compressobj(LEVEL, zlib.DEFLATED, -15, MEMORY)
    for data in packed:
        plain = decoder.decompress(data) + decoder.decompress(TAIL)
        encoder.compress(plain) + encoder.flush(zlib.Z_SYNC_FLUSH)


def best(run: Callable[[], None], count: int) -> float:
    """CPU microseconds a message, the best of some rounds."""
    least = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        run()
        least = min(least, time.process_time() - before)
    return least / count * 1e6


def main() -> None:
    rng = random.Random(2)
    print(f"{build_name()} build, {zlib.__name__} level {LEVEL}; CPU µs a message")
    for size in SIZES:
        count = max(10, min(5000, 4_000_000 // size))
        deflater = Deflater()
        packed = [deflater.deflate(message(size, rng), True) for _ in range(count)]
        wire = bytearray()
        for data in packed:
            append_frame(wire, FIN | RSV1 | TEXT, data, True)
        lane, alone = best(lambda: through_a_lane(wire), count), best(lambda: calls_alone(packed), count)  # noqa: B023
        print(f"{size:8} B: lane {lane:9.2f}, calls alone {alone:9.2f}, ratio {lane / alone:.2f}")


if __name__ == "__main__":
    main()
