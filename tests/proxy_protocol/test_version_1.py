"""The line of version 1 (HAProxy's specification, section 2.1)."""

from __future__ import annotations

import pytest

from framegate.proxy_protocol import MAX_V1, Header, Malformed, read_header

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n"


def test_it_tells_both_ends() -> None:
    assert read_header(LINE) == (Header(1, True, ("192.0.2.7", 4711), ("198.51.100.1", 443)), len(LINE))


def test_it_tells_ipv6_ends_in_their_shortest_form() -> None:
    line = b"PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 0 65535\r\n"
    assert read_header(line) == (Header(1, True, ("2001:db8::7", 0), ("::1", 65535)), len(line))


def test_a_mapped_ipv4_client_is_known_by_its_ipv4_address() -> None:
    found = read_header(b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 1 2\r\n")
    assert found is not None and found[0].source == ("192.0.2.7", 1)


def test_what_comes_behind_it_is_no_part_of_it() -> None:
    found = read_header(LINE + b"GET / HTTP/1.1\r\n")
    assert found is not None and found[1] == len(LINE)


@pytest.mark.parametrize("line", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff::1 whatever 1 2\r\n"])
def test_unknown_tells_nothing_whatever_stands_behind_it(line: bytes) -> None:
    assert read_header(line) == (Header(1), len(line))


@pytest.mark.parametrize("size", range(len(LINE)))
def test_a_cut_line_needs_more(size: int) -> None:
    assert read_header(LINE[:size]) is None


def test_the_longest_line_is_read_and_one_byte_more_is_not() -> None:
    longest = b"PROXY UNKNOWN " + b"x" * (MAX_V1 - 16) + b"\r\n"
    assert len(longest) == MAX_V1 and read_header(longest) == (Header(1), MAX_V1)
    with pytest.raises(Malformed, match="no CRLF within 107 bytes"):
        read_header(b"PROXY UNKNOWN " + b"x" * (MAX_V1 - 15) + b"\r\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n", "two addresses and two ports"),
        (b"PROXY TCP4  192.0.2.7 198.51.100.1 4711 443\r\n", "two addresses and two ports"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 \r\n", "two addresses and two ports"),
        (b"PROXY TCP5 192.0.2.7 198.51.100.1 4711 443\r\n", "TCP4, TCP6 or UNKNOWN"),
        (b"PROXY UNKNOWNS\r\n", "TCP4, TCP6 or UNKNOWN"),
        (b"PROXY tcp4 192.0.2.7 198.51.100.1 4711 443\r\n", "TCP4, TCP6 or UNKNOWN"),
        (b"PROXY \r\n", "TCP4, TCP6 or UNKNOWN"),
        (b"PROXY TCP4 192.0.2 198.51.100.1 4711 443\r\n", "no IPv4 address"),
        (b"PROXY TCP4 192.0.2.07 198.51.100.1 4711 443\r\n", "no IPv4 address"),
        (b"PROXY TCP4 ::1 ::1 4711 443\r\n", "no IPv4 address"),
        (b"PROXY TCP6 192.0.2.7 ::1 4711 443\r\n", "no IPv6 address"),
        (b"PROXY TCP6 fe80::1%eth0 ::1 4711 443\r\n", "no IPv6 address"),
        (b"PROXY TCP4 192.0.2.\xb2 198.51.100.1 4711 443\r\n", "no IPv4 address"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n", "from 0 to 65535"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 04711 443\r\n", "from 0 to 65535"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 +471 443\r\n", "from 0 to 65535"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n", "from 0 to 65535"),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused_by_its_name(line: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        read_header(line)


@pytest.mark.parametrize(
    "octets",
    [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00", b"PROXX", b"proxy TCP4", b"\r\n\r\nGET /", b"PROXYTCP4"],
    ids=["HTTP", "TLS", "a misspelt word", "lower case", "empty lines", "no space"],
)
def test_what_begins_with_something_else_is_refused_at_the_first_byte_that_tells(octets: bytes) -> None:
    with pytest.raises(Malformed, match="does not begin with a PROXY header"):
        read_header(octets)
