"""Certificates as tests need them: out of date, revoked, without names; and the files that hold them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.kit import tls


class Leaf(NamedTuple):
    """A certificate with what leads to its authority, and its key (PEM)."""

    chain: str
    key: str

    def files(self, folder: Path, name: str = "cert") -> dict[str, str]:
        """Write them; the fields ``cert`` and ``key`` of a listener's TLS."""
        (folder / f"{name}.pem").write_text(self.chain)
        (folder / f"{name}.key").write_text(self.key)
        return {"cert": f"{name}.pem", "key": f"{name}.key"}

    def context(self, folder: Path, name: str = "client") -> ssl.SSLContext:
        """A client's context that shows it, and trusts the tests' authority."""
        files = self.files(folder, name)
        context = tls.client_context()
        context.load_cert_chain(folder / files["cert"], folder / files["key"])
        return context

    @property
    def serial(self) -> int:
        return x509.load_pem_x509_certificate(self.chain.encode()).serial_number


def issued(
    *names: str, ca: trustme.CA | None = None, common_name: str | None = None, days: float | None = None
) -> Leaf:
    """A certificate of an authority, by default the tests' own.

    Args:
        days: until it expires; negative where it has.
    """
    end = None if days is None else datetime.now(UTC) + timedelta(days=days)
    begin = None if end is None else min(datetime.now(UTC), end) - timedelta(days=30)
    leaf = (ca or tls.authority()).issue_cert(*names, common_name=common_name, not_before=begin, not_after=end)
    chain = "".join(blob.bytes().decode() for blob in leaf.cert_chain_pems)
    return Leaf(chain, leaf.private_key_pem.bytes().decode())


def nameless() -> Leaf:
    """A certificate that has a common name, and no subject alternative name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + timedelta(days=90))
    found = builder.sign(key, hashes.SHA256())
    return Leaf(found.public_bytes(serialization.Encoding.PEM).decode(), pem_of(key))


def pem_of(key: Any, passphrase: bytes | None = None) -> str:
    """A key as PEM, encrypted where there is a passphrase."""
    how: Any = serialization.NoEncryption()
    if passphrase is not None:
        how = serialization.BestAvailableEncryption(passphrase)
    octets: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    return octets.decode()


def revoking(ca: trustme.CA, *leaves: Leaf, days: float = 1) -> str:
    """The authority's list of revoked certificates (PEM), which holds for so many days more."""
    key = serialization.load_pem_private_key(ca.private_key_pem.bytes(), None)
    issuer = x509.load_pem_x509_certificate(ca.cert_pem.bytes()).subject
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder(issuer, now - timedelta(days=30), now + timedelta(days=days))
    for leaf in leaves:
        entry = x509.RevokedCertificateBuilder(leaf.serial, now - timedelta(hours=1)).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()  # type: ignore[arg-type]
