"""The entities ``certificates``, ``snis`` and ``ca_certificates``, and the TLS of a listener."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import model_validator

from framegate.config.model.entity import CertificateReference, Entity, Nested
from framegate.config.model.fields import Model, PemCertificate, PemKey, ServerName, Text, TlsVersion, field, refusal

_BEYOND: Final = {
    "ciphersuites": "Python's ssl leaves the suites of TLS 1.3 to OpenSSL; ciphers has those of TLS 1.2",
    "verify_depth": "Python's ssl knows no depth; name the authorities to trust in client_ca",
}
"""What Python's ssl cannot be told."""


class Sni(Entity):
    """A server name for which a certificate is shown."""

    named_by: ClassVar = "name"
    unique: ClassVar = ("name",)

    name: ServerName = field()
    """The name; ``*`` may stand for its first or last part, and alone for all others."""
    certificate: CertificateReference = field(None, origin="the certificate that it stands in")
    """The certificate's id."""


class Certificate(Entity):
    """A certificate with its key, for listeners and for what upstreams are shown."""

    cert: PemCertificate = field()
    """The certificate, then those that lead to its authority (PEM)."""
    key: PemKey = field()
    """Its key (PEM), without a passphrase."""
    cert_alt: PemCertificate | None = field(None)
    """A second certificate for the same names, with another kind of key (PEM)."""
    key_alt: PemKey | None = field(None)
    """Its key (PEM)."""
    snis: Annotated[list[Sni], Nested("certificate")] = field([])
    """The server names for which it is shown."""


class CaCertificate(Entity):
    """An authority that upstreams may be verified with."""

    cert: PemCertificate = field()
    """One certificate of an authority (PEM)."""
    cert_digest: str | None = field(None)
    """Its SHA-256, as others' tools write it; no effect."""


class ListenTls(Model):
    """TLS of a listener. Without ``cert``, clients are shown the file's ``certificates``."""

    cert: Text | None = field(None, origin="the entity `certificates`")
    """A file with the certificate and those that lead to its authority (PEM), relative to this file."""
    key: Text | None = field(None, origin="the file of `cert` holds it too")
    """A file with its key (PEM), without a passphrase, relative to this file."""
    min_version: TlsVersion = field("TLSv1.2", origin="RFC 8996: older ones must not be used")
    """The oldest TLS that is spoken with clients."""
    ciphers: Text | None = field(None, origin="Python's, for servers")
    """The cipher suites of TLS 1.2, as a list of OpenSSL's; those of TLS 1.3 are OpenSSL's own."""
    client_ca: Text | None = field(None, origin="clients are asked for no certificate")
    """A file with the authorities that clients' certificates are verified with (PEM), relative to this file."""
    verify_client: Literal["required", "optional"] | None = field(None, origin="`required`, with `client_ca`")
    """Whether a client without a certificate is served; one with a bad certificate never is."""
    client_crl: Text | None = field(None, origin="none is looked up")
    """A file with the lists of revoked certificates of those authorities, of each of them (PEM)."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_cannot_be(cls, value: Any) -> Any:
        for name, mend in _BEYOND.items():
            if isinstance(value, dict) and name in value:
                raise refusal(f"{name!r} is not served", mend)
        return value
