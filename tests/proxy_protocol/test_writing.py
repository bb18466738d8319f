"""What is written is what is read, and what the specification has for an example."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framegate.proxy_protocol import (
    AUTHORITY,
    MAX_HEADER,
    SIGNATURE,
    Header,
    Malformed,
    local_header,
    read_header,
    write_header,
)

VERSIONS: list[Literal[1, 2]] = [1, 2]
ports = st.integers(0, 65535)


def _is_plain(address: IPv4Address | IPv6Address) -> bool:
    return address.version == 4 or IPv6Address(address).ipv4_mapped is None


addresses = st.tuples(st.ip_addresses().filter(_is_plain).map(str), ports)


def test_a_line_reads_as_in_the_specification() -> None:
    line = write_header(1, ("192.168.0.1", 56324), ("192.168.0.11", 443))
    assert line == b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"


def test_a_binary_header_has_signature_command_family_length_and_block() -> None:
    octets = write_header(2, ("192.0.2.7", 0x1234), ("198.51.100.1", 443))
    assert octets == SIGNATURE + bytes.fromhex("2111000c c0000207 c6336401 1234 01bb")


@pytest.mark.parametrize("version", VERSIONS)
@given(source=addresses, destination=addresses)
def test_what_is_written_is_read_again(
    version: Literal[1, 2], source: tuple[str, int], destination: tuple[str, int]
) -> None:
    octets = write_header(version, source, destination)
    assert read_header(octets) == (Header(version, True, source, destination), len(octets))


@pytest.mark.parametrize("version", VERSIONS)
def test_ends_of_both_families_are_told_as_ipv6(version: Literal[1, 2]) -> None:
    octets = write_header(version, ("192.0.2.7", 1), ("2001:db8::1", 2))
    assert octets.startswith(b"PROXY TCP6 ") if version == 1 else octets[13] == 0x21
    assert read_header(octets) == (Header(version, True, ("192.0.2.7", 1), ("2001:db8::1", 2)), len(octets))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_zone_of_an_address_stays_here(version: Literal[1, 2]) -> None:
    octets = write_header(version, ("fe80::1%eth0", 1), ("fe80::2%eth0", 2))
    assert read_header(octets) == (Header(version, True, ("fe80::1", 1), ("fe80::2", 2)), len(octets))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_without_an_address_is_unknown(version: Literal[1, 2]) -> None:
    octets = write_header(version, None, ("192.0.2.7", 1))
    assert read_header(octets) == (Header(version), len(octets))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_connection_of_our_own_is_local(version: Literal[1, 2]) -> None:
    octets = local_header(version)
    assert read_header(octets) == (Header(version), len(octets))
    assert version == 1 or octets[12] == 0x20


def test_version_2_tells_more_where_asked() -> None:
    found = read_header(write_header(2, ("192.0.2.7", 1), ("192.0.2.8", 2), ((AUTHORITY, b"chat.test"),)))
    assert found is not None and found[0].authority == "chat.test"


@given(st.binary(max_size=200).map(lambda noise: SIGNATURE + noise) | st.binary(max_size=200))
def test_whatever_comes_is_read_awaited_or_refused(octets: bytes) -> None:
    try:
        found = read_header(octets)
    except Malformed as error:
        assert str(error)
        return
    if found is None:
        assert len(octets) < MAX_HEADER
    else:
        header, size = found
        assert 0 < size <= len(octets)
        assert header.source is None or ip_address(header.source[0]).version in (4, 6)
