"""Fuzzes permessage-deflate: messages there and back, and what is none.

Allowed outcomes: what was deflated inflates to the same bytes whatever the fragments, the windows and the takeover;
anything else gives bytes, ``Corrupt`` or ``TooLong``, and never more than the limit and one byte are made of it.
"""

from __future__ import annotations

import zlib
from random import Random
from typing import Any

from framegate.codec.deflate import TAIL, Corrupt, Deflater, Inflater, TooLong
from fuzzing.material import bytes_of, cut, mutated, noise, text_of


def make(rng: Random) -> Any:
    messages = [[text_of(part) for part in cut(rng, _plain(rng), 4)] for _ in range(rng.randint(1, 5))]
    return {
        "messages": messages,
        "takeover": rng.random() < 0.5,
        "window_bits": rng.randint(9, 15),
        "most": rng.choice([-1, 0, 1, 10, 300, 5000]),
        "garbage": [[text_of(part) for part in cut(rng, _garbage(rng), 3)] for _ in range(rng.randint(0, 3))],
        "ends": rng.random() < 0.2,
    }


def _plain(rng: Random) -> bytes:
    kind = rng.randint(0, 3)
    if kind == 0:
        return noise(rng, 400)
    if kind == 1:
        return rng.randbytes(rng.randint(1, 4)) * rng.choice([0, 1, 20, 3000])
    return b" ".join(rng.choice([b"the", b"frame", b"gate", b"\xff", b"0123456789"]) for _ in range(rng.randint(0, 60)))


def _garbage(rng: Random) -> bytes:
    if rng.random() < 0.3:
        return noise(rng, 60)
    maker = zlib.compressobj(6, zlib.DEFLATED, -15)
    data = maker.compress(_plain(rng)) + maker.flush(rng.choice([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_FINISH]))
    return mutated(rng, data, [b"\0", b"\xff", TAIL, b"\x01\x00\x00\xff\xff", b"\x03\x00"])


def check(case: Any) -> None:
    takeover = bool(case.get("takeover"))
    _check_round_trip(case.get("messages", []), takeover, max(9, min(15, case.get("window_bits", 15))))
    for garbage in case.get("garbage", []):
        _check_garbage([bytes_of(part) for part in garbage], takeover, case.get("most", -1))
    if case.get("ends"):
        _check_ended_streams([bytes_of("".join(parts)) for parts in case.get("messages", [])], takeover)


def _check_round_trip(messages: list[list[str]], takeover: bool, window_bits: int) -> None:
    deflater, inflater, limited = Deflater(takeover, window_bits), Inflater(takeover), Inflater(takeover)
    oracle = zlib.decompressobj(-window_bits)
    for message in messages:
        parts = [bytes_of(part) for part in message]
        packed = [deflater.deflate(part, at == len(parts) - 1) for at, part in enumerate(parts)]
        plain = b"".join(parts)
        assert not packed or not packed[-1].endswith(TAIL)
        if not takeover:
            oracle = zlib.decompressobj(-window_bits)
        if packed:
            assert oracle.decompress(b"".join(packed) + TAIL) == plain, "zlib reads something else"
        back, room = b"", len(plain)
        for at, part in enumerate(packed):
            back += inflater.inflate(part, at == len(parts) - 1)
            room -= len(limited.inflate(part, at == len(parts) - 1, room))
        assert (back, room) == (plain, 0), "exactly the limit passes"


def _check_garbage(parts: list[bytes], takeover: bool, most: int) -> None:
    inflater, made = Inflater(takeover), 0
    for at, part in enumerate(parts):
        try:
            made += len(inflater.inflate(part, at == len(parts) - 1, -1 if most < 0 else most - made))
        except (Corrupt, TooLong):
            return
        assert most < 0 or made <= most, "more was made than the limit allows"


def _check_ended_streams(messages: list[bytes], takeover: bool) -> None:
    """Each message a stream of its own, ended by BFINAL (RFC 7692, section 7.2.3.4)."""
    inflater = Inflater(takeover)
    for plain in messages:
        maker = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = maker.compress(plain) + maker.flush() + b"\x00"
        assert inflater.inflate(packed, True) == plain
