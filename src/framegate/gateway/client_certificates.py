"""Certificates of clients: verified by the TLS library, and named in the log where they are refused.

OpenSSL forgets the certificate of a client that it refuses, and Python's ``ssl`` shows none before the handshake is
done. So the handshake's messages are listened to, on listeners that ask for certificates, until it is done.
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from cryptography import x509

from framegate.config.configuration import TlsRules
from framegate.pdk.entities import frozen
from framegate.pdk.exchange import ClientCertificate
from framegate.transport.telling import TellingSSLObject

_HANDSHAKE: Final = 22
_CERTIFICATE: Final = 11


def demand(context: ssl.SSLContext, rules: TlsRules, quiet: ssl.SSLContext) -> None:
    """Have a server's context ask clients for a certificate.

    Args:
        context: the context.
        rules: whom to trust, and whether a client may have none.
        quiet: a context like this one, which takes its place once a handshake is done.

    Raises:
        OSError: a file of ``rules`` cannot be read, or holds nothing of its kind.
    """
    assert rules.client_ca is not None
    context.verify_mode = ssl.CERT_OPTIONAL if rules.optional else ssl.CERT_REQUIRED
    context.load_verify_locations(rules.client_ca)
    if rules.client_crl is not None:
        context.load_verify_locations(rules.client_crl)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    # What a client has shown is not told by a context that does not ask.
    quiet.verify_mode = context.verify_mode
    if hasattr(context, "_msg_callback"):
        context.sslobject_class = type("ListeningSSLObject", (_Listening,), {"quiet": quiet})
        context._msg_callback = _listen


def certificate_of(tls: ssl.SSLObject | None) -> ClientCertificate | None:
    """What a client has shown, or None.

    Args:
        tls: our end of its TLS, once the handshake is done; None is a connection that has ended.
    """
    own = None if tls is None else tls.getpeercert(binary_form=True)
    if tls is None or own is None:
        return None
    leaf = ssl.DER_cert_to_PEM_cert(own)
    try:
        # Public from Python 3.13 on. OpenSSL does not count a client's own certificate to what a server was shown.
        shown = [found.public_bytes() for found in tls._sslobj.get_unverified_chain() or ()]  # type: ignore[attr-defined]
    except AttributeError:
        shown = []
    rest = [pem for pem in shown if ssl.PEM_cert_to_DER_cert(pem) != own]
    return ClientCertificate((leaf, *rest), frozen(tls.getpeercert() or {}))


class _Listening(TellingSSLObject):
    """A server's end; keeps what a client shows until it is known to be good."""

    quiet: ssl.SSLContext
    shown: tuple[int, bytes] = 0, b""

    def do_handshake(self) -> None:
        super().do_handshake()
        self.shown = 0, b""
        # The messages of a session are many, and nobody listens to them.
        self.context = self.quiet

    def refused_names(self) -> tuple[str, str] | None:
        try:
            certificate = x509.load_der_x509_certificate(_first(*self.shown))
        except ValueError:
            return None
        subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
        return subject or _alternatives(certificate), issuer or "nobody"


def _listen(connection: Any, direction: str, version: Any, content_type: Any, msg_type: Any, data: bytes) -> None:
    if direction == "read" and content_type == _HANDSHAKE and msg_type == _CERTIFICATE:
        connection.shown = version, data


def _first(version: int, message: bytes) -> bytes:
    """The first certificate of a message (RFC 8446, section 4.4.2; RFC 5246, section 7.4.2)."""
    at = 4
    if version == ssl.TLSVersion.TLSv1_3 and len(message) > at:
        at += 1 + message[at]
    at += 3
    size = int.from_bytes(message[at : at + 3], "big")
    return message[at + 3 : at + 3 + size]


def _alternatives(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "nobody"
    return ", ".join(str(name.value) for name in names) or "nobody"
