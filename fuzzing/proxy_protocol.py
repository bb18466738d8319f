"""Fuzzes the reader of PROXY protocol headers: headers that were written, cut, damaged and joined with what follows.

Allowed outcomes: a header and its length, ``None`` for more bytes, or ``Malformed`` in one line; what follows a header
never changes it, what is cut off its end is always waited for, and what was written reads back as it was.
"""

from __future__ import annotations

from random import Random
from typing import Any

from framegate.proxy_protocol import MAX_HEADER, Header, Malformed, read_header, write_header

_HOSTS = {
    4: ["192.0.2.7", "127.0.0.1", "0.0.0.0", "255.255.255.255"],
    6: ["2001:db8::7", "::1", "::", "::ffff:192.0.2.7"],
}
_SIZES = [0, 1, 2, 4, 8, 128, 129, 300]
_TYPES = [0x01, 0x02, 0x03, 0x04, 0x05, 0x20, 0x21, 0x30, 0xE0, 0xFF]
_TAILS = [b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"PROXY ", b"\r\n\r\n\x00\r\nQUIT\n", bytes(300)]


def make(rng: Random) -> Any:
    version, family = rng.choice([1, 2]), rng.choice([4, 6])
    ends = [(rng.choice(_HOSTS[family]), rng.randint(0, 65535)) for _ in range(2)]
    count = rng.choice([0, 0, 1, 3])
    tlvs = [(rng.choice(_TYPES), rng.randbytes(rng.choice(_SIZES)).hex()) for _ in range(count)]
    return {
        "version": version,
        "ends": ends if rng.random() < 0.9 else None,
        "tlvs": tlvs if version == 2 else [],
        "damage": [[rng.random(), rng.randrange(256)] for _ in range(rng.choice([0, 0, 1, 2, 5]))],
        "tail": rng.choice(_TAILS).hex(),
        "cut": rng.random(),
    }


def check(case: Any) -> None:
    source, destination = (tuple(end) for end in case["ends"]) if case["ends"] else (None, None)
    tlvs = tuple((kind, bytes.fromhex(value)) for kind, value in case["tlvs"])
    written = write_header(case["version"], source, destination, tlvs)
    if not tlvs:
        found = read_header(written)
        assert found is not None and found[1] == len(written)
        assert (found[0].version, found[0].told) == (case["version"], source is not None)
        assert source is None or found[0].source is not None and found[0].source[1] == source[1]
    wire = bytearray(written)
    for place, octet in case["damage"]:
        wire[int(place * len(wire))] = octet
    _check_reading(bytes(wire), bytes.fromhex(case["tail"]), case["cut"])


def _check_reading(wire: bytes, tail: bytes, cut: float) -> None:
    whole = _read(wire)
    if not isinstance(whole, tuple):
        assert whole is None or "\n" not in whole
        return
    header, size = whole
    assert isinstance(header, Header) and 0 < size <= min(len(wire), MAX_HEADER)
    assert _read(wire[:size] + tail) == whole, "what follows a header has changed it"
    assert _read(wire[: int(cut * size)]) is None, "a header that is cut is not waited for"


def _read(data: bytes) -> tuple[Header, int] | str | None:
    try:
        return read_header(data)
    except Malformed as error:
        return str(error)
