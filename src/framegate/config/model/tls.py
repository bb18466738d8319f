"""The entities ``certificates``, ``snis`` and ``ca_certificates``."""

from __future__ import annotations

from typing import Annotated, ClassVar

from framegate.config.model.entity import CertificateReference, Entity, Nested
from framegate.config.model.fields import PemCertificate, PemKey, ServerName, field


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
