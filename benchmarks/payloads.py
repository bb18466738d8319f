"""The compressed messages: JSON-like text, deflated beforehand so that the load generator need not do it."""

from __future__ import annotations

import json
import random
import zlib
from functools import cache
from pathlib import Path

# The load generator writes the number of each message here.
NUMBER = b"00000000"
# A stored block (RFC 1951, section 3.2.4) that holds the number alone: what follows it stays as it is.
STORED = bytes([0, len(NUMBER), 0, 0xFF ^ len(NUMBER), 0xFF]) + NUMBER
LAST = "."
WORDS = "the quick brown fox jumps over lazy dog and runs away again".split()
# zlib's own default.
LEVEL = 6
SEED = 2


def plain(size: int) -> bytes:
    """What stands behind the number in a message of `size` bytes, the same in every run."""
    rng = random.Random(SEED)
    text = ""
    while len(text) < size:
        words = " ".join(rng.choice(WORDS) for _ in range(8))
        event = {"id": rng.randrange(10**9), "user": rng.choice(["ann", "bob"]), "text": words}
        text += json.dumps(event) + "\n"
    return text[: size - len(NUMBER) - 1].encode() + LAST.encode()


# Once a process, so that a file of an earlier version is not taken for this one's.
@cache
def write(folder: Path, size: int) -> Path:
    """The file with the payload of a compressed message of `size` bytes, without context (RFC 7692, section 7.2.1)."""
    file = folder / f"deflated-{size}"
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(plain(size)) + packer.flush(zlib.Z_SYNC_FLUSH)
    file.write_bytes(STORED + packed.removesuffix(b"\x00\x00\xff\xff"))
    return file
