"""The PROXY protocol, versions 1 and 2: who is behind a proxy that passes bytes on without reading them.

After HAProxy's specification, "The PROXY protocol, versions 1 & 2". Sans-I/O: reads and writes headers, and knows
neither sockets nor who may send one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Literal, NamedTuple

from framegate.codec.crc32c import crc32c

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
"""What a header of version 2 begins with (section 2.2)."""

MAX_V1: Final = 107
"""The longest line of version 1, its CRLF included (section 2.1)."""

MAX_HEADER: Final = 4096
"""The longest header of version 2 that is read. The specification would allow 64 KiB and asks for little; senders need
some hundred bytes."""

MAX_UNIQUE_ID: Final = 128
"""Most bytes of a unique id (section 2.2.5)."""

MAX_NAME: Final = 255
"""Most bytes of an authority, as of a host name (RFC 1035, section 2.3.4), and of a protocol name (RFC 7301, section
3.1)."""

ALPN: Final = 0x01
AUTHORITY: Final = 0x02
CRC32C: Final = 0x03
NOOP: Final = 0x04
UNIQUE_ID: Final = 0x05
SSL: Final = 0x20

_SSL_VERSION = 0x21
_SSL_CN = 0x22
_CLIENT_SSL = 0x01
_CLIENT_CERTIFICATE = 0x02 | 0x04
_KINDS: Final[dict[bytes, type[IPv4Address] | type[IPv6Address]]] = {b"TCP4": IPv4Address, b"TCP6": IPv6Address}
_FIXED = 16
_BLOCK: Final = {0x11: 12, 0x21: 36, 0x31: 216}
_DATAGRAMS: Final = {0x12, 0x22, 0x32}

Address = tuple[str, int]
TLVs = tuple[tuple[int, bytes], ...]


class Malformed(ValueError):
    """What came is no header of the PROXY protocol; the message names the rule."""


class ClientTLS(NamedTuple):
    """What the sender says of the client's TLS, which it has ended (section 2.2.6).

    Attributes:
        version: such as ``"TLSv1.3"``, or None.
        has_certificate: whether the client has shown a certificate, in this connection or in the session that it takes
            up.
        verified: whether that was verified.
        common_name: of the certificate's subject, or None.
    """

    version: str | None
    has_certificate: bool
    verified: bool
    common_name: str | None


@dataclass(frozen=True, slots=True)
class Header:
    """A header.

    Attributes:
        version: 1 or 2.
        told: whether it tells of a client; if not (``UNKNOWN``, ``LOCAL``), the connection's own addresses count.
        source: the client's address and port; None for a client on a Unix socket.
        destination: where it connected to, likewise.
        authority: the host name that it asked for, as of SNI, or None.
        alpn: the application protocol of its TLS, or None.
        tls: its TLS, or None.
        unique_id: what the sender calls the connection, or None.
    """

    version: int
    told: bool = False
    source: Address | None = None
    destination: Address | None = None
    authority: str | None = None
    alpn: bytes | None = None
    tls: ClientTLS | None = None
    unique_id: bytes | None = None


def read_header(data: bytes) -> tuple[Header, int] | None:
    """The header that ``data`` begins with, and its length in bytes; None as long as more bytes are needed to tell.

    Raises:
        Malformed: there is none, or it breaks a rule.
    """
    if data.startswith(SIGNATURE):
        return _read_v2(data)
    if data.startswith(b"PROXY "):
        return _read_v1(data)
    if SIGNATURE.startswith(data) or b"PROXY ".startswith(data):
        return None
    raise Malformed("does not begin with a PROXY header")


def _read_v1(data: bytes) -> tuple[Header, int] | None:
    end = data.find(b"\r\n", 0, MAX_V1)
    if end < 0:
        if len(data) >= MAX_V1:
            raise Malformed(f"the line of version 1 has no CRLF within {MAX_V1} bytes")
        return None
    line = data[len("PROXY ") : end]
    if line == b"UNKNOWN" or line.startswith(b"UNKNOWN "):
        return Header(1), end + 2
    words = line.split(b" ")
    kind = _KINDS.get(words[0])
    if kind is None:
        raise Malformed("the protocol of version 1 is TCP4, TCP6 or UNKNOWN")
    if len(words) != 5:
        raise Malformed("a line of version 1 has two addresses and two ports, with one space between")
    source, destination = (_address(kind, word) for word in words[1:3])
    ports = [_port(word) for word in words[3:]]
    return Header(1, True, (source, ports[0]), (destination, ports[1])), end + 2


def _address(kind: type[IPv4Address] | type[IPv6Address], word: bytes) -> str:
    try:
        if b"%" in word:
            raise ValueError
        return _plain(kind(word.decode("ascii")))
    except ValueError:
        raise Malformed(f"an address of version 1 is no {kind.__name__[:4]} address") from None


def _port(word: bytes) -> int:
    if not word.isdigit() or len(word) > 5 or (len(word) > 1 and word.startswith(b"0")) or int(word) > 65535:
        raise Malformed("a port of version 1 is a number from 0 to 65535")
    return int(word)


def _read_v2(data: bytes) -> tuple[Header, int] | None:
    if len(data) < _FIXED:
        return None
    version_and_command, family, size = struct.unpack_from("!BBH", data, len(SIGNATURE))
    if version_and_command >> 4 != 2:
        raise Malformed(f"the version behind the signature is {version_and_command >> 4}, not 2")
    if version_and_command & 15 > 1:
        raise Malformed("the command is LOCAL (0) or PROXY (1)")
    end = _FIXED + size
    if end > MAX_HEADER:
        raise Malformed(f"the header has {end} bytes, of at most {MAX_HEADER}")
    if len(data) < end:
        return None
    if version_and_command & 15 == 0:
        # "must discard the protocol block including the family which is ignored" (section 2.2)
        return Header(2), end
    return _told(data[:end], family), end


def _told(header: bytes, family: int) -> Header:
    if family == 0:
        return Header(2)
    size = _BLOCK.get(family)
    if size is None:
        why = "is of datagrams, and this is a stream" if family in _DATAGRAMS else "is not assigned"
        raise Malformed(f"the family and protocol 0x{family:02x} {why}")
    if len(header) < _FIXED + size:
        raise Malformed(f"the addresses are cut: {len(header) - _FIXED} bytes of {size}")
    source, destination = _addresses(header[_FIXED : _FIXED + size], family)
    tlvs = dict(_tlvs(header[_FIXED + size :]))
    _check_sum(header, tlvs.get(CRC32C))
    unique_id = tlvs.get(UNIQUE_ID)
    if unique_id is not None and len(unique_id) > MAX_UNIQUE_ID:
        raise Malformed(f"the unique id has {len(unique_id)} bytes, of at most {MAX_UNIQUE_ID}")
    return Header(
        2,
        True,
        source,
        destination,
        authority=_text("authority", tlvs.get(AUTHORITY)),
        alpn=_bounded("application protocol", tlvs.get(ALPN)),
        tls=_client_tls(tlvs.get(SSL)),
        unique_id=unique_id,
    )


def _addresses(block: bytes, family: int) -> tuple[Address | None, Address | None]:
    if family == 0x31:
        return None, None
    size = 4 if family == 0x11 else 16
    source, destination = (_plain(ip_address(block[at : at + size])) for at in (0, size))
    ports = struct.unpack_from("!HH", block, 2 * size)
    return (source, ports[0]), (destination, ports[1])


def _plain(address: IPv4Address | IPv6Address) -> str:
    # An IPv4 client of a socket for both families: everything else knows it by its IPv4 address.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _tlvs(data: bytes) -> TLVs:
    found = []
    at = 0
    while at < len(data):
        if len(data) - at < 3:
            raise Malformed("a TLV is cut: its type and length have 3 bytes")
        kind, size = struct.unpack_from("!BH", data, at)
        value = data[at + 3 : at + 3 + size]
        if len(value) < size:
            raise Malformed(f"the TLV 0x{kind:02x} is cut: {len(value)} bytes of {size}")
        if kind != NOOP:
            found.append((kind, value))
        at += 3 + size
    if len({kind for kind, _ in found}) < len(found):
        raise Malformed("a TLV comes twice")
    return tuple(found)


def _bounded(name: str, value: bytes | None) -> bytes | None:
    if value is not None and not 1 <= len(value) <= MAX_NAME:
        raise Malformed(f"the {name} has {len(value)} bytes; it may have 1 to {MAX_NAME}")
    return value


def _text(name: str, value: bytes | None) -> str | None:
    if _bounded(name, value) is None:
        return None
    assert value is not None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise Malformed(f"the {name} is not UTF-8") from None
    if not text.isprintable():
        raise Malformed(f"the {name} has a control character")
    return text


def _client_tls(value: bytes | None) -> ClientTLS | None:
    if value is None:
        return None
    if len(value) < 5:
        raise Malformed(f"the TLV of TLS is cut: {len(value)} bytes of 5")
    client, verify = struct.unpack_from("!BI", value)
    inner = dict(_tlvs(value[5:]))
    if not client & _CLIENT_SSL:
        return None
    has_certificate = bool(client & _CLIENT_CERTIFICATE)
    return ClientTLS(
        _text("version of TLS", inner.get(_SSL_VERSION)),
        has_certificate,
        has_certificate and verify == 0,
        _text("common name", inner.get(_SSL_CN)),
    )


def _check_sum(header: bytes, said: bytes | None) -> None:
    if said is None:
        return
    # The sum is made with zeros in its own place (section 2.2.4). The TLV is there once, so its head is found where
    # the TLVs are walked, not searched for in their values.
    at = _FIXED + _BLOCK[header[13]]
    while header[at] != CRC32C:
        at += 3 + int.from_bytes(header[at + 1 : at + 3], "big")
    if len(said) != 4 or crc32c(header[: at + 3] + bytes(4) + header[at + 7 :]) != int.from_bytes(said, "big"):
        raise Malformed("its CRC32c is wrong")


def write_header(
    version: Literal[1, 2], source: Address | None, destination: Address | None, tlvs: TLVs = ()
) -> bytes:
    """A header that tells of a client; of one without an address, that there is nothing to tell.

    Args:
        version: 1 or 2.
        source: the client's address and port; None on a Unix socket.
        destination: where it connected to, likewise.
        tlvs: type and value of what version 2 tells besides; version 1 has no place for them.
    """
    family, ends = _ends(source, destination)
    if version == 1:
        if family is None:
            return b"PROXY UNKNOWN\r\n"
        (one, port), (other, other_port) = ends
        return f"PROXY TCP{family} {one} {other} {port} {other_port}\r\n".encode()
    if family is None:
        return SIGNATURE + struct.pack("!BBH", 0x21, 0, 0)
    block = b"".join(address.packed for address, _ in ends) + struct.pack("!HH", *(port for _, port in ends))
    block += b"".join(struct.pack("!BH", kind, len(value)) + value for kind, value in tlvs)
    return SIGNATURE + struct.pack("!BBH", 0x21, 0x11 if family == 4 else 0x21, len(block)) + block


def local_header(version: Literal[1, 2]) -> bytes:
    """A header for a connection that the sender has made for itself, such as a health check."""
    return b"PROXY UNKNOWN\r\n" if version == 1 else SIGNATURE + struct.pack("!BBH", 0x20, 0, 0)


def _ends(
    source: Address | None, destination: Address | None
) -> tuple[int | None, tuple[tuple[IPv4Address | IPv6Address, int], ...]]:
    if source is None or destination is None:
        return None, ()
    pairs = [(ip_address(host.partition("%")[0]), port) for host, port in (source, destination)]
    if len({address.version for address, _ in pairs}) == 1:
        return pairs[0][0].version, tuple(pairs)
    mapped = [
        (IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed) if address.version == 4 else address, port)
        for address, port in pairs
    ]
    return 6, tuple(mapped)
