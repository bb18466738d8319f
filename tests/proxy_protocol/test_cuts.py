"""Whatever comes, and however it is cut: a header is found at its end and not before, and what is wrong stays wrong."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from framegate.proxy_protocol import (
    MAX_HEADER,
    SIGNATURE,
    Header,
    Malformed,
    local_header,
    read_header,
    write_header,
)

ENDS = (("192.0.2.7", 4711), ("198.51.100.1", 443))
V6 = (("2001:db8::7", 1), ("::1", 65535))
TLV = st.tuples(st.integers(0, 64), st.binary(max_size=9)).map(
    lambda tlv: struct.pack("!BH", tlv[0], len(tlv[1])) + tlv[1]
)
WHOLE = st.one_of(
    st.sampled_from([write_header(version, *ends) for version in (1, 2) for ends in (ENDS, V6, (None, None))]),
    st.sampled_from([local_header(1), local_header(2)]),
    st.lists(TLV, max_size=4).map(lambda tlvs: b"".join(tlvs)).map(
        lambda tlvs: SIGNATURE + struct.pack("!BBH", 0x21, 0x11, 12 + len(tlvs)) + bytes(12) + tlvs
    ),
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A header in which some bytes may be others, or missing, or too many."""
    octets = bytearray(draw(WHOLE))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(octets)))
        octets[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(octets) + draw(st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01"]))


def outcome(octets: bytes) -> tuple[Header, int] | str | None:
    """A header with its size, None, or ``"malformed"``."""
    try:
        return read_header(octets)
    except Malformed as error:
        assert str(error) and "\n" not in str(error)
        return "malformed"


@given(damaged())
def test_the_outcome_is_the_same_at_every_cut(octets: bytes) -> None:
    whole = outcome(octets)
    if whole is None:
        assert len(octets) < MAX_HEADER
    for size in range(len(octets)):
        early = outcome(octets[:size])
        if early is None:
            continue
        # Once it is told, more bytes change nothing.
        assert early == whole
        assert isinstance(early, str) or early[1] <= size
    if isinstance(whole, tuple):
        assert outcome(octets[: whole[1] - 1]) is None
        assert outcome(octets[: whole[1]]) == whole
