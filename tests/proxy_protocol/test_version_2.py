"""The binary header of version 2 (HAProxy's specification, section 2.2)."""

from __future__ import annotations

import struct

import pytest

from framegate.codec.crc32c import crc32c
from framegate.proxy_protocol import (
    ALPN,
    AUTHORITY,
    CRC32C,
    MAX_HEADER,
    NOOP,
    SIGNATURE,
    SSL,
    UNIQUE_ID,
    ClientTLS,
    Header,
    Malformed,
    read_header,
)

V4 = bytes([192, 0, 2, 7, 198, 51, 100, 1]) + struct.pack("!HH", 4711, 443)
V6 = bytes.fromhex("20010db8000000000000000000000007" + "00000000000000000000000000000001") + struct.pack("!HH", 1, 2)
SOURCE, DESTINATION = ("192.0.2.7", 4711), ("198.51.100.1", 443)


def header(block: bytes, *, version_and_command: int = 0x21, family: int = 0x11, size: int | None = None) -> bytes:
    return SIGNATURE + struct.pack("!BBH", version_and_command, family, len(block) if size is None else size) + block


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def told(block: bytes, **how: int) -> Header:
    """What a whole header tells."""
    octets = header(block, **how)
    found = read_header(octets + b"\x81\x80")
    assert found is not None and found[1] == len(octets)
    return found[0]


def refused(octets: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        read_header(octets)


def test_it_tells_both_ends() -> None:
    assert told(V4) == Header(2, True, SOURCE, DESTINATION)
    assert told(V6, family=0x21) == Header(2, True, ("2001:db8::7", 1), ("::1", 2))


def test_a_client_on_a_unix_socket_has_no_address() -> None:
    assert told(b"/run/a\0".ljust(108, b"\0") * 2, family=0x31) == Header(2, True)


@pytest.mark.parametrize("family", [0x00, 0x11, 0xFF])
def test_local_tells_nothing_whatever_stands_in_it(family: int) -> None:
    assert told(b"\x01\x02\x03", version_and_command=0x20, family=family) == Header(2)


def test_an_unspecified_family_tells_nothing() -> None:
    assert told(b"\x01\x02\x03", family=0x00) == Header(2)


@pytest.mark.parametrize("size", range(len(header(V4))))
def test_a_cut_header_needs_more(size: int) -> None:
    assert read_header(header(V4)[:size]) is None


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (header(V4, version_and_command=0x11), "behind the signature is 1, not 2"),
        (header(V4, version_and_command=0x31), "behind the signature is 3, not 2"),
        (header(V4, version_and_command=0x22), r"LOCAL \(0\) or PROXY \(1\)"),
        (header(V4, family=0x12), "is of datagrams"),
        (header(V6, family=0x22), "is of datagrams"),
        (header(V4, family=0x41), "is not assigned"),
        (header(V4, family=0x10), "is not assigned"),
        (header(V4[:-1]), "11 bytes of 12"),
        (header(V4, family=0x21), "12 bytes of 36"),
        (header(b"x" * 215, family=0x31), "215 bytes of 216"),
        (header(b""), "0 bytes of 12"),
    ],
)
def test_a_header_that_breaks_a_rule_is_refused_by_its_name(octets: bytes, said: str) -> None:
    refused(octets, said)


def test_the_longest_header_is_read_and_one_byte_more_is_refused_before_it_has_come() -> None:
    room = MAX_HEADER - 16 - len(V4) - 3
    assert told(V4 + tlv(NOOP, bytes(room))).source == SOURCE
    refused(header(b"", size=MAX_HEADER - 15), f"has {MAX_HEADER + 1} bytes, of at most {MAX_HEADER}")


# What it tells besides


def test_authority_protocol_and_unique_id_are_told() -> None:
    found = told(V4 + tlv(AUTHORITY, "chät.test".encode()) + tlv(ALPN, b"http/1.1") + tlv(UNIQUE_ID, b"\x00\xff"))
    assert (found.authority, found.alpn, found.unique_id) == ("chät.test", b"http/1.1", b"\x00\xff")


def test_what_is_unknown_or_means_nothing_is_passed_over() -> None:
    assert told(V4 + tlv(NOOP, b"x") + tlv(NOOP, b"") + tlv(0xEA, b"vpce-1")) == Header(2, True, SOURCE, DESTINATION)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (b"\x02", "its type and length have 3 bytes"),
        (b"\x02\x00", "its type and length have 3 bytes"),
        (b"\x02\x00\x05four", "0x02 is cut: 4 bytes of 5"),
        (b"\x02\xff\xff", "0x02 is cut: 0 bytes of 65535"),
        (tlv(AUTHORITY, b"a") * 2, "comes twice"),
        (tlv(AUTHORITY, b""), "the authority has 0 bytes"),
        (tlv(AUTHORITY, b"a" * 256), "the authority has 256 bytes"),
        (tlv(AUTHORITY, b"\xff"), "the authority is not UTF-8"),
        (tlv(AUTHORITY, b"a\r\nX: y"), "the authority has a control character"),
        (tlv(ALPN, b""), "the application protocol has 0 bytes"),
        (tlv(ALPN, b"x" * 256), "the application protocol has 256 bytes"),
        (tlv(UNIQUE_ID, b"x" * 129), "the unique id has 129 bytes"),
    ],
)
def test_a_tlv_that_breaks_a_rule_is_refused_by_its_name(block: bytes, said: str) -> None:
    refused(header(V4 + block), said)


def test_each_is_told_up_to_its_bound() -> None:
    found = told(V4 + tlv(AUTHORITY, b"a" * 255) + tlv(ALPN, b"x" * 255) + tlv(UNIQUE_ID, b"x" * 128))
    assert (len(found.authority or ""), len(found.alpn or b""), len(found.unique_id or b"")) == (255, 255, 128)


# TLS that the sender has ended


def tls(client: int, verify: int, *inner: bytes) -> bytes:
    return tlv(SSL, struct.pack("!BI", client, verify) + b"".join(inner))


def test_tls_is_told_with_the_certificate_of_its_client() -> None:
    found = told(V4 + tls(0x05, 0, tlv(0x21, b"TLSv1.3"), tlv(0x22, b"kiosk"), tlv(0x23, b"AES"))).tls
    assert found == ClientTLS("TLSv1.3", True, True, "kiosk")


def test_a_certificate_that_did_not_verify_is_told_as_such() -> None:
    assert told(V4 + tls(0x03, 10, tlv(0x22, b"kiosk"))).tls == ClientTLS(None, True, False, "kiosk")


def test_a_client_without_a_certificate_is_not_verified() -> None:
    assert told(V4 + tls(0x01, 0)).tls == ClientTLS(None, False, False, None)


def test_a_client_without_tls_has_none() -> None:
    assert told(V4 + tls(0x00, 0)).tls is None


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (tlv(SSL, b"\x01\x00\x00\x00"), "the TLV of TLS is cut: 4 bytes of 5"),
        (tls(1, 0, b"\x21\x00\x09TLSv1.3"), "0x21 is cut: 7 bytes of 9"),
        (tls(1, 0, tlv(0x22, b"a\nb")), "the common name has a control character"),
        (tls(1, 0, tlv(0x21, b"a"), tlv(0x21, b"b")), "comes twice"),
    ],
)
def test_a_part_of_it_that_breaks_a_rule_is_refused_by_its_name(block: bytes, said: str) -> None:
    refused(header(V4 + block), said)


# The checksum


def summed(*tlvs: bytes, wrong: int = 0) -> bytes:
    block = V4 + b"".join(tlvs)
    blank = header(block + tlv(CRC32C, bytes(4)))
    return blank[:-4] + struct.pack("!I", crc32c(blank) ^ wrong)


def test_the_checksum_is_the_one_of_iscsi() -> None:
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("tlvs", [(), (tlv(NOOP, b"\x03\x00\x04"),), (tlv(UNIQUE_ID, b"\x03\x00\x04xxxx"),)])
def test_a_right_checksum_is_taken(tlvs: tuple[bytes, ...]) -> None:
    found = read_header(summed(*tlvs))
    assert found is not None and found[0].source == SOURCE


def test_a_wrong_checksum_is_refused() -> None:
    refused(summed(wrong=1), "CRC32c is wrong")
    refused(header(V4 + tlv(CRC32C, b"abc")), "CRC32c is wrong")
