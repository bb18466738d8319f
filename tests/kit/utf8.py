"""Texts that are UTF-8 and texts that are not, after Markus Kuhn's stress test (RFC 3629).

The judge is Python's own strict decoder; "a beginning" is whatever some ending makes valid.
"""

from __future__ import annotations

from itertools import product

VALID = {
    "empty": b"",
    "ascii": b"plain",
    "kosme": "κόσμε".encode(),
    "first of two bytes": b"\xc2\x80",
    "first of three bytes": b"\xe0\xa0\x80",
    "first of four bytes": b"\xf0\x90\x80\x80",
    "last of one byte": b"\x7f",
    "last of two bytes": b"\xdf\xbf",
    "last of three bytes": b"\xef\xbf\xbf",
    "last of four bytes": b"\xf4\x8f\xbf\xbf",
    "before the surrogates": b"\xed\x9f\xbf",
    "after the surrogates": b"\xee\x80\x80",
    "replacement character": b"\xef\xbf\xbd",
    "not characters, but scalar values": b"\xef\xbf\xbe\xf0\x9f\xbf\xbf",
    "nul": b"a\x00b",
    "mixed": "aß€😀".encode() * 3,
}

INVALID = {
    "lone continuation 80": b"\x80",
    "lone continuation bf": b"a\xbfb",
    "lead without continuation": b"\xc3 ",
    "three-byte lead and one continuation": b"\xe2\x82 ",
    "four-byte lead and two continuations": b"\xf0\x9f\x98 ",
    "lead after lead": b"\xc3\xc3\xa4",
    "overlong slash in two bytes": b"\xc0\xaf",
    "overlong slash in three bytes": b"\xe0\x80\xaf",
    "overlong slash in four bytes": b"\xf0\x80\x80\xaf",
    "overlong 7f": b"\xc1\xbf",
    "overlong 7ff": b"\xe0\x9f\xbf",
    "overlong ffff": b"\xf0\x8f\xbf\xbf",
    "overlong nul": b"\xc0\x80",
    "first high surrogate": b"\xed\xa0\x80",
    "last low surrogate": b"\xed\xbf\xbf",
    "pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "110000": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "f5": b"\xf5\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "far behind": "κόσμε".encode() * 5 + b"\xff" + b"x" * 20,
}

UNFINISHED = {
    "one of two": b"\xc3",
    "one of three": b"x\xe2",
    "two of three": b"x\xe2\x82",
    "one of four": b"\xf0",
    "two of four": b"\xf0\x9f",
    "three of four": b"ok " + b"\xf0\x9f\x98",
    "a narrow one": b"\xed",
    "another": b"\xf4\x8f",
}


def is_valid(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_beginning(data: bytes) -> bool:
    """Whether some ending makes it valid."""
    seconds = (b"\x80", b"\x90", b"\xa0")
    endings = [b"", *seconds, *(second + b"\x80" * more for second, more in product(seconds, (1, 2)))]
    return any(is_valid(data + ending) for ending in endings)


def breaks_at(data: bytes) -> int:
    """How many bytes it takes until no ending can make them valid."""
    return next(size for size in range(1, len(data) + 1) if not is_beginning(data[:size]))
