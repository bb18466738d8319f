"""TLS whose errors tell which certificate was refused: OpenSSL says why, and not whose it was."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, Final

_SHORT: Final = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
}


class CertificateRefused(ssl.SSLCertVerificationError):
    """A certificate was refused; the message has the reason, the subject and the issuer."""

    def __init__(self, reason: str, subject: str, issuer: str) -> None:
        super().__init__(
            ssl.SSLErrorNumber.SSL_ERROR_SSL,
            f"[SSL: CERTIFICATE_VERIFY_FAILED] {reason}; the certificate is of {subject}, issued by {issuer}",
        )

    def __str__(self) -> str:
        return str(self.args[1])


class TellingSSLObject(ssl.SSLObject):
    """One end of TLS, for ``SSLContext.sslobject_class``."""

    def do_handshake(self) -> None:
        """Shake hands.

        Raises:
            CertificateRefused: the other end's certificate was refused, and is known.
        """
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            names = self.refused_names()
            if names is None:
                raise
            refused = CertificateRefused(reason_of(error), *names)
            refused.verify_code, refused.verify_message = error.verify_code, error.verify_message
            raise refused from error

    def refused_names(self) -> tuple[str, str] | None:
        """Subject and issuer of the certificate that the other end has shown; None where they are not known."""
        try:
            # Public from Python 3.13 on, and there without the names.
            shown = self._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
            info = shown[0].get_info()
        except (AttributeError, TypeError, IndexError):
            return None
        return name_of(info, "subject"), name_of(info, "issuer")


def telling(context: ssl.SSLContext) -> ssl.SSLContext:
    """``context``, whose errors tell from now on which certificate was refused."""
    context.sslobject_class = TellingSSLObject
    return context


def reason_of(error: OSError) -> str:
    """An error in OpenSSL's own words, without the places in its and Python's sources around them."""
    return re.sub(r"^\[SSL: CERTIFICATE_VERIFY_FAILED\] *|\.? *\(_ssl\.c:\d+\)", "", str(error))


def name_of(certificate: Mapping[str, Any], whose: str) -> str:
    """The distinguished name of a certificate's ``subject`` or ``issuer``, as :meth:`ssl.SSLSocket.getpeercert` has it;
    of a subject without one, its alternative names."""
    found = [f"{_SHORT.get(kind, kind)}={value}" for part in certificate.get(whose, ()) for kind, value in part]
    if not found and whose == "subject":
        found = _alternatives(certificate.get("subjectAltName", ()))
    return ", ".join(found) or "nobody"


def _alternatives(names: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{kind}:{name}" for kind, name in names]
