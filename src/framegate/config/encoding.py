"""Percent-encoding in its normal form (RFC 3986, section 6.2.2), in which paths are routed."""

from __future__ import annotations

import re

_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")  # RFC 3986, section 2.3
# RFC 3986, section 3.3, pchar and "/". Brackets are no pchar, but browsers leave them as they are, and so does this.
_TRIPLET_OR_OTHER = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/\[\]]")


def normalise_encoding(text: str) -> str:
    """``text`` with the percent-encodings of unreserved characters decoded, and all others in upper case.

    What may not stand in a path, and a percent sign that begins no encoding, is percent-encoded.
    """
    return _TRIPLET_OR_OTHER.sub(_encoded, text)


def percent_encoded(text: str) -> str:
    """Every octet of ``text``, as UTF-8, percent-encoded."""
    return "".join(f"%{octet:02X}" for octet in text.encode("utf-8", "surrogatepass"))


def _encoded(match: re.Match[str]) -> str:
    found = match[0]
    if len(found) == 1:
        return percent_encoded(found)
    char = chr(int(found[1:], 16))
    return char if _UNRESERVED.fullmatch(char) else found.upper()
