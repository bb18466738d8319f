"""TLS: which certificate a client is shown and what is demanded of it, how an upstream is verified, and when
certificates expire."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cryptography import x509

from framegate.config.configuration import Certificate, Configuration, Service, Sni, TlsRules
from framegate.errors import ConfigError
from framegate.gateway.client_certificates import demand
from framegate.transport.telling import reason_of, telling

_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class Certificates:
    """The contexts of a TLS listener by the server name that a client asks for.

    Args:
        snis: the configuration's server names.
        default: the context where no name fits; None leaves it to the server name ``*``.
        rules: what is demanded of clients.

    Raises:
        OSError: what ``rules`` names cannot be used.
    """

    def __init__(
        self, snis: Iterable[Sni], default: ssl.SSLContext | None = None, rules: TlsRules | None = None
    ) -> None:
        contexts: dict[str, ssl.SSLContext] = {}
        self._by_name: dict[str, ssl.SSLContext] = {}
        for sni in snis:
            certificate = sni.certificate
            if certificate.id not in contexts:
                contexts[certificate.id] = server_context(certificate, rules)
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


def server_context(certificate: Certificate, rules: TlsRules | None = None) -> ssl.SSLContext:
    """A context that shows ``certificate`` to clients.

    Raises:
        OSError: what ``rules`` names cannot be used.
    """

    def load(context: ssl.SSLContext) -> None:
        _load_chain(context, certificate.cert, certificate.key)
        if certificate.cert_alt is not None and certificate.key_alt is not None:
            _load_chain(context, certificate.cert_alt, certificate.key_alt)

    return _server_context(load, rules or TlsRules())


def file_context(cert: str, key: str | None, *, where: str, rules: TlsRules | None = None) -> ssl.SSLContext:
    """A context that shows the certificate of a file to clients.

    Raises:
        ConfigError: a file cannot be read, or does not hold what it should.
    """
    try:
        return _server_context(lambda context: context.load_cert_chain(cert, key, lambda: ""), rules or TlsRules())
    except (OSError, ValueError) as error:
        files = cert if key is None else f"{cert}, {key}"
        raise ConfigError(
            f"{where}: {files}: {_words(error)}", hint="a PEM certificate and its own key are needed"
        ) from None


def upstream_context(service: Service, own: Certificate | None = None) -> ssl.SSLContext:
    """How the upstreams of ``service`` are verified, and what they are shown: its own certificate, else ``own``."""
    trusted = "\n".join(authority.cert for authority in service.ca_certificates)
    context = ssl.create_default_context(cadata=trusted or None)
    context.set_alpn_protocols(["http/1.1"])
    context.minimum_version = _VERSIONS[service.tls_min_version]
    if service.tls_verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    shown = service.client_certificate or own
    if shown is not None:
        _load_chain(context, shown.cert, shown.key)
    return telling(context)


def expiries(config: Configuration) -> list[tuple[str, float]]:
    """When the certificates in use expire: of listeners, the authorities of their clients, and the file's own.

    Returns:
        For each a name for people and the time in seconds since the epoch. Of a chain, the first to expire counts.
        Files that cannot be read now are left out.
    """
    found = []
    for name, chain in _in_use(config):
        if chain:
            found.append((name, min(one.not_valid_after_utc.timestamp() for one in chain)))
    return found


def _in_use(config: Configuration) -> Iterator[tuple[str, list[x509.Certificate]]]:
    for listen in config.gateway.listen:
        if listen.cert is not None:
            yield f"listen {listen}", _of_file(listen.cert)
        if listen.rules.client_ca is not None:
            yield f"listen {listen} client_ca", _of_file(listen.rules.client_ca)
    names: dict[str, list[str]] = {}
    for sni in config.snis:
        names.setdefault(sni.certificate.id, []).append(sni.name)
    for certificate in config.certificates:
        shown = ", ".join(names.get(certificate.id, ())) or certificate.id
        yield f"certificate {shown}", _of_text(certificate.cert)
        if certificate.cert_alt is not None:
            yield f"certificate {shown} (alternative)", _of_text(certificate.cert_alt)
    for authority in config.ca_certificates:
        yield f"ca_certificate {authority.id}", _of_text(authority.cert)


def _of_file(file: str) -> list[x509.Certificate]:
    try:
        return _of_text(Path(file).read_text("latin-1"))
    except OSError:
        return []


def _of_text(text: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return []


def _server_context(load: Callable[[ssl.SSLContext], None], rules: TlsRules) -> ssl.SSLContext:
    context = _bare_context(load, rules)
    if rules.client_ca is not None:
        demand(context, rules, _bare_context(load, rules))
    return context


def _bare_context(load: Callable[[ssl.SSLContext], None], rules: TlsRules) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    context.minimum_version = _VERSIONS[rules.min_version]
    if rules.ciphers is not None:
        context.set_ciphers(rules.ciphers)
    load(context)
    return context


def _words(error: Exception) -> str:
    return reason_of(error) if isinstance(error, OSError) else str(error)


def _load_chain(context: ssl.SSLContext, cert: str, key: str) -> None:
    # OpenSSL takes a chain from a file only; this one is readable by us alone, and gone at once.
    descriptor, path = tempfile.mkstemp(prefix="framegate-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{cert}\n{key}\n")
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
