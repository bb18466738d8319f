"""TLS: which certificate a client is shown, and how an upstream is verified."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterable

from framegate.config.configuration import Certificate, Service, Sni
from framegate.errors import ConfigError


class Certificates:
    """The contexts of a TLS listener by the server name that a client asks for.

    Args:
        snis: the configuration's server names.
        default: the context where no name fits; None leaves it to the server name ``*``.
    """

    def __init__(self, snis: Iterable[Sni], default: ssl.SSLContext | None = None) -> None:
        contexts: dict[str, ssl.SSLContext] = {}
        self._by_name: dict[str, ssl.SSLContext] = {}
        for sni in snis:
            certificate = sni.certificate
            if certificate.id not in contexts:
                contexts[certificate.id] = server_context(certificate)
            self._by_name[sni.name.lower()] = contexts[certificate.id]
        self._default = default

    def context_for(self, server_name: str | None) -> ssl.SSLContext | None:
        """The context for a client that asks for ``server_name``; None where there is none for it.

        The name itself counts first, then ``*.rest``, then ``first.*``, then what is shown to everybody.
        """
        if server_name is not None and self._by_name:
            name = server_name.lower()
            _, _, rest = name.partition(".")
            first, _, _ = name.rpartition(".")
            for candidate in (name, f"*.{rest}", f"{first}.*"):
                if candidate in self._by_name:
                    return self._by_name[candidate]
        return self._by_name.get("*", self._default)


def server_context(certificate: Certificate) -> ssl.SSLContext:
    """A context that shows ``certificate`` to clients."""
    context = _server_context()
    _load_chain(context, certificate.cert, certificate.key)
    if certificate.cert_alt is not None and certificate.key_alt is not None:
        _load_chain(context, certificate.cert_alt, certificate.key_alt)
    return context


def file_context(cert: str, key: str | None, *, where: str) -> ssl.SSLContext:
    """A context that shows the certificate of a file to clients.

    Raises:
        ConfigError: a file cannot be read, or does not hold what it should.
    """
    context = _server_context()
    try:
        context.load_cert_chain(cert, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{where}: {error}", hint="a PEM certificate and its own key are needed") from None
    return context


def upstream_context(service: Service, own: Certificate | None = None) -> ssl.SSLContext:
    """How the upstreams of ``service`` are verified, and what they are shown: its own certificate, else ``own``."""
    trusted = "\n".join(authority.cert for authority in service.ca_certificates)
    context = ssl.create_default_context(cadata=trusted or None)
    context.set_alpn_protocols(["http/1.1"])
    if service.tls_verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    shown = service.client_certificate or own
    if shown is not None:
        _load_chain(context, shown.cert, shown.key)
    return context


def _server_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load_chain(context: ssl.SSLContext, cert: str, key: str) -> None:
    # OpenSSL takes a chain from a file only; this one is readable by us alone, and gone at once.
    descriptor, path = tempfile.mkstemp(prefix="framegate-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{cert}\n{key}\n")
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
