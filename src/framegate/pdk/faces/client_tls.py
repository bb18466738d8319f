"""``kong.client.tls``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framegate.pdk.exchange import Exchange
from framegate.pdk.phases import CERTIFICATE, PHASES, check_phase

_AFTER_TLS = tuple(phase for phase in PHASES if phase != CERTIFICATE)


class ClientTLS:
    """The certificate that the client has shown. One that it could show is verified: whoever fails is not served."""

    __slots__ = ("_exchange", "_phase")

    def __init__(self, exchange: Exchange, phase: str) -> None:
        self._exchange = exchange
        self._phase = phase

    def get_full_client_certificate_chain(self) -> str | None:
        """The client's certificate and those that it has sent with it (PEM); None where it has shown none.

        Raises:
            PDKError: the phase ``certificate``, in which TLS has only begun.

        Phases: every phase but ``certificate``.
        Source: as ``kong.client.tls.get_full_client_certificate_chain`` of Kong's PDK.
        """
        check_phase("kong.client.tls.get_full_client_certificate_chain", _AFTER_TLS, self._phase)
        shown = self._exchange.client_certificate
        return None if shown is None else "".join(shown.chain)

    def get_client_certificate(self) -> Mapping[str, Any] | None:
        """The client's certificate, as :meth:`ssl.SSLSocket.getpeercert` gives it: ``subject``, ``issuer``,
        ``serialNumber``, ``notBefore``, ``notAfter``, ``subjectAltName``; None where it has shown none.

        Raises:
            PDKError: the phase ``certificate``, in which TLS has only begun.

        Phases: every phase but ``certificate``.
        Source: framegate's own.
        """
        check_phase("kong.client.tls.get_client_certificate", _AFTER_TLS, self._phase)
        shown = self._exchange.client_certificate
        return None if shown is None else shown.fields
