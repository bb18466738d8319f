"""Work on raw bytes: masking (RFC 6455, section 5.3), incremental UTF-8 validation (section 8.1), appending.

A masking key is an int whose lowest byte is the key's first byte, so that it reads the same on every machine. The
compiled build takes the same functions from the kernels in ``_octets_c.pxd``.
"""

from __future__ import annotations

import codecs
import os

try:
    import cython
except ImportError:  # Cython is not installed
    from framegate import _pure as cython

if not cython.compiled:
    from framegate.codec.constants import MASKED

UTF8_ACCEPT = 0
UTF8_REJECT = -1

_POOL_SIZE = 4096


def unmask(data: bytearray, start: int, end: int, key: int) -> bytes:
    """Copy ``data[start:end]``, XORed with ``key`` from its first byte on; a key of 0 copies only."""
    if not 0 <= start <= end <= len(data):
        raise IndexError("range outside of the data")
    if cython.compiled:
        return copy_unmasked(data, start, end, key)
    if key == 0:
        return bytes(data[start:end])
    return _xor(data[start:end], key)


def append(out: bytearray, data: bytearray, start: int, end: int) -> None:
    """Append ``data[start:end]`` to ``out``."""
    if not 0 <= start <= end <= len(data):
        raise IndexError("range outside of the data")
    if cython.compiled:
        append_range(out, data, start, end)
    else:
        with memoryview(data) as view:
            out += view[start:end]


def append_payload(out: bytearray, payload: bytes, key: int) -> None:
    """Append ``payload`` to ``out``, XORed with ``key``."""
    if cython.compiled:
        append_masked(out, payload, key)
    else:
        out += _xor(payload, key) if key else payload


def validate_utf8(data: bytearray, start: int, end: int, key: int, phase: int, state: int) -> int:
    """Go on validating UTF-8 over ``data[start:end]``, which is masked with ``key`` from its byte ``phase & 3`` on.

    Args:
        state: what the call for the bytes before these returned; ``UTF8_ACCEPT`` at the start of a message.

    Returns:
        ``UTF8_ACCEPT`` between characters, ``UTF8_REJECT`` as soon as no continuation can make the bytes valid, else
        a number to pass to the next call.
    """
    if not 0 <= start <= end <= len(data):
        raise IndexError("range outside of the data")
    if cython.compiled:
        return scan_utf8(data, start, end, key, phase, state)
    piece = bytes(data[start:end])
    if key:
        piece = _xor(piece, _rotated(key, phase))
    return _scan(piece, state)


def validate_utf8_bytes(payload: bytes, state: int) -> int:
    """The same for a payload that stands alone and unmasked."""
    if cython.compiled:
        return scan_utf8_bytes(payload, state)
    return _scan(payload, state)


def _scan(piece: bytes, state: int) -> int:
    at = 0
    while state > 0 and at < len(piece):
        state = _step(piece[at], state)
        at += 1
    if state != UTF8_ACCEPT:
        return state
    try:
        _, consumed = codecs.utf_8_decode(piece[at:], "strict", False)
    except UnicodeDecodeError:
        return UTF8_REJECT
    for octet in piece[at + consumed :]:
        state = _step(octet, state)
    return state


# A state above 0 says how many continuation bytes are missing and the range of the next one: RFC 3629, section 4,
# narrows the second byte after E0, ED, F0 and F4 (no overlong forms, no surrogates, nothing above U+10FFFF).
def _expect(missing: int, lowest: int = 0x80, highest: int = 0xBF) -> int:
    return missing << 16 | lowest << 8 | highest


def _step(octet: int, state: int) -> int:
    if state == UTF8_ACCEPT:
        return _lead(octet)
    if not state >> 8 & 0xFF <= octet <= state & 0xFF:
        return UTF8_REJECT
    missing = (state >> 16) - 1
    return _expect(missing) if missing else UTF8_ACCEPT


def _lead(octet: int) -> int:
    # Python's decoder leaves nothing over but the beginning of a character, so the lead is a valid one.
    if octet <= 0xDF:
        return _expect(1)
    if octet <= 0xEF:
        return _expect(2, 0xA0 if octet == 0xE0 else 0x80, 0x9F if octet == 0xED else 0xBF)
    return _expect(3, 0x90 if octet == 0xF0 else 0x80, 0x8F if octet == 0xF4 else 0xBF)


def _rotated(key: int, phase: int) -> int:
    shift = 8 * (phase & 3)
    return (key >> shift | key << (32 - shift)) & 0xFFFFFFFF


def _xor(data: bytes | bytearray, key: int) -> bytes:
    # One XOR of two big integers beats a loop over the bytes by two orders of magnitude.
    size = len(data)
    pattern = (key.to_bytes(4, "little") * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pattern, "little")).to_bytes(size, "little")


class KeySource:
    """Fresh masking keys from the operating system's random source, read in blocks.

    RFC 6455, section 5.3: the key must be derived from a strong source of entropy and must not be predictable. A
    block costs one system call for a thousand keys. A process that forks must not share what is left of a block with
    its child: :func:`reset` is called there.
    """

    def __init__(self) -> None:
        self.pool = b""
        self.at = 0

    def next_key(self) -> int:
        """The next key, never 0 (0 stands for "not masked" here)."""
        while True:
            if self.at + 4 > len(self.pool):
                self.pool = os.urandom(_POOL_SIZE)
                self.at = 0
            at = self.at
            pool = self.pool
            self.at = at + 4
            key = pool[at] | pool[at + 1] << 8 | pool[at + 2] << 16 | pool[at + 3] << 24
            if key:
                return key

    def reset(self) -> None:
        """Forget the block, in a forked child."""
        self.pool = b""
        self.at = 0


KEYS = KeySource()
os.register_at_fork(after_in_child=KEYS.reset)


def append_frame(out: bytearray, first: int, payload: bytes, masked: bool) -> None:
    """Append a whole frame, its length in the minimal form (RFC 6455, section 5.2).

    Args:
        first: the first byte: FIN and opcode.
        masked: whether it is masked, with a fresh key.
    """
    size = len(payload)
    mask_bit = MASKED if masked else 0
    out.append(first)
    if size < 126:
        out.append(mask_bit | size)
    elif size < 0x10000:
        out.append(mask_bit | 126)
        out += size.to_bytes(2, "big")
    else:
        out.append(mask_bit | 127)
        out += size.to_bytes(8, "big")
    key = 0
    if masked:
        key = KEYS.next_key()
        out.append(key & 0xFF)
        out.append(key >> 8 & 0xFF)
        out.append(key >> 16 & 0xFF)
        out.append(key >> 24)
    append_payload(out, payload, key)
