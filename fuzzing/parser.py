"""Fuzzes the parser: any bytes, cut anywhere, under any limits.

Allowed outcomes: frames and pieces, and at most one failure. The frames are those of the reference, the failure has
its code; neither depends on the cuts, on streaming, or on the build; what is held stays within the limits.
"""

from __future__ import annotations

from random import Random
from typing import Any

from framegate.codec.deflate import Inflater
from fuzzing.material import Speaker, bytes_of, cut, noise, text_of
from fuzzing.reference import Doubt, Inflates, read
from tests.kit.builds import NAMES, Build
from tests.kit.parsing import Codec, Failure, Reading

_HEADER = 14
_CONTROL = 125


def make(rng: Random) -> Any:
    side = rng.choice(["client", "upstream"])
    takeover = rng.choice([None, None, True, False])
    speaker = Speaker(rng, side, rng.choice([0.0, 0.1, 0.3]), takeover)
    data = b"".join(speaker.next() for _ in range(rng.randint(0, 8)))
    data += rng.choice([b"", b"", speaker.close(), noise(rng, 60), speaker.next()[:-1]])
    return {
        "side": side,
        "pieces": [text_of(piece) for piece in cut(rng, data)],
        "validate_utf8": rng.random() < 0.7,
        "max_size": rng.choice([-1, -1, 0, 20, 130, 300]),
        "max_fragments": rng.choice([-1, -1, 1, 2, 3]),
        "joined": rng.random() < 0.4,
        "takeover": takeover,
    }


def check(case: Any) -> None:
    side = case["side"]
    pieces = [bytes_of(piece) for piece in case["pieces"]]
    options = {name: case[name] for name in ("validate_utf8", "max_size", "max_fragments", "joined") if name in case}
    data = b"".join(pieces)
    takeover = case.get("takeover")
    compressed = {} if takeover is None else {"deflate": True, "inflates": Inflates(takeover)}
    try:
        spoken = read(data, side == "client", **options, **compressed)
    except Doubt:
        return
    expected: list[Any] = [*spoken.frames] + ([] if spoken.code is None else [spoken.code])
    # What is inflated is held until it is whole.
    for stream in (False, True) if takeover is None else (False,):
        said = [_heard(name, side, stream, pieces, options, takeover) for name in NAMES]
        whole = [_heard(name, side, stream, [data], options, takeover) for name in NAMES]
        assert all(one.events == said[0].events and one.raw == said[0].raw for one in said), "the builds differ"
        assert all(one.events == whole[0].events and one.raw == whole[0].raw for one in whole), "the builds differ"
        for one in (said[0], whole[0]):
            coded = [event.code if isinstance(event, Failure) else event for event in one.frames]
            assert coded == expected, (coded, expected)
            assert data.startswith(one.raw), "a byte was invented"


def _heard(
    name: str, side: str, stream: bool, pieces: list[bytes], options: dict[str, Any], takeover: bool | None
) -> Reading:
    reading = Codec(Build(name), side).reading(stream=stream, **options)
    limit = options.get("max_size", -1)
    if takeover is not None:
        reading.parser.deflate, reading.parser.inflater = True, Inflater(takeover)
        limit += 0 if limit < 0 else limit // 4 + 1024
    for piece in pieces:
        reading.feed(piece)
        most = _CONTROL if stream else max(limit, _CONTROL)
        if stream or limit >= 0:
            assert reading.parser.buffered() <= _HEADER + most, "more is held than the limits allow"
    return reading
