"""The TLS of a listener: from what is written there, and from the files that it names, to what it is served with."""

from __future__ import annotations

import dataclasses
import ssl
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any

from cryptography import x509

from framegate.config.configuration import Listen, TlsRules
from framegate.config.document import Path
from framegate.config.pem import chain_of, pair_faults, warn_of_dates
from framegate.config.pem import expired as expired_at
from framegate.config.problems import Problems


class ListenerTls:
    """Checks the mapping ``tls`` of one listener.

    Args:
        model: what is written.
        at: where.
        folder: what paths in it are relative to.
        problems: to add to.
    """

    def __init__(self, model: Any, at: Path, folder: FilePath, problems: Problems) -> None:
        self._model = model
        self._at = at
        self._folder = folder
        self._problems = problems

    def apply(self, listen: Listen, *, has_server_names: bool) -> Listen:
        """The listener with its TLS.

        Args:
            listen: without.
            has_server_names: whether the file has certificates that can be shown.
        """
        model = self._model
        if model.cert is None:
            if model.key is not None:
                self._problems.at((*self._at, "key"), "needs cert beside it")
            elif not has_server_names:
                mend = "name the files cert and key here, or put certificates with snis into this file"
                self._problems.at(self._at, "there is no certificate to show", mend)
        cert, key = self._path(model.cert), self._path(model.key)
        if cert is not None:
            self._check_pair(cert, key)
        return dataclasses.replace(listen, tls=True, cert=cert, key=key, rules=self._rules())

    def _rules(self) -> TlsRules:
        model = self._model
        if model.ciphers is not None:
            self._check_ciphers(model.ciphers, model.min_version)
        if model.client_ca is None:
            for name in ("verify_client", "client_crl"):
                if getattr(model, name) is not None:
                    self._problems.at((*self._at, name), "needs client_ca beside it")
        authorities, revoked = self._path(model.client_ca), self._path(model.client_crl)
        if authorities is not None:
            self._check_authorities(authorities)
        if revoked is not None:
            self._check_revoked(revoked)
        return TlsRules(model.min_version, model.ciphers, authorities, revoked, model.verify_client == "optional")

    def _check_pair(self, cert: str, key: str | None) -> None:
        at = self._at
        texts = [self._read("cert", cert), None if key is None else self._read("key", key)]
        chain, own_key = texts if key is not None else (texts[0], texts[0])
        if chain is None or own_key is None:
            return
        key_at = (*at, "cert" if key is None else "key")
        found = list(pair_faults((*at, "cert"), chain, key_at, own_key))
        for where, message, hint in found:
            self._problems.at(where, message, hint)
        if not found:
            self._check_shown(cert, chain)

    def _check_shown(self, file: str, text: str) -> None:
        chain = chain_of(text)
        assert not isinstance(chain, str)
        at = (*self._at, "cert")
        expired = expired_at(chain[0])
        if expired is not None:
            self._problems.at(at, f"the certificate in {file!r} expired at {expired}", "renew it")
        elif not _has_names(chain[0]):
            what = f"the certificate in {file!r} has no subject alternative name, and clients look at nothing else"
            self._problems.at(at, what, "have it issued for the DNS names and addresses that clients use")
        else:
            warn_of_dates(self._problems, at, text)

    def _check_authorities(self, file: str) -> None:
        at, text = (*self._at, "client_ca"), self._read("client_ca", file)
        chain = None if text is None else chain_of(text)
        if isinstance(chain, str):
            self._problems.at(at, f"{file!r} {chain}")
        elif text is not None:
            warn_of_dates(self._problems, at, text)

    def _check_revoked(self, file: str) -> None:
        text = self._read("client_crl", file)
        if text is None:
            return
        blocks = text.split("-----BEGIN X509 CRL-----")[1:]
        try:
            lists = [x509.load_pem_x509_crl(f"-----BEGIN X509 CRL-----{block}".encode()) for block in blocks]
        except ValueError as error:
            what = f"{file!r} cannot be read as a list of revoked certificates (PEM): {error}"
            self._problems.at((*self._at, "client_crl"), what)
            return
        if not blocks:
            mend = "it begins with -----BEGIN X509 CRL-----"
            self._problems.at((*self._at, "client_crl"), f"{file!r} holds no list of revoked certificates (PEM)", mend)
        for found in lists:
            end = found.next_update_utc
            if end is not None and end < datetime.now(UTC):
                what = f"the list of {found.issuer.rfc4514_string()} expired at {end:%Y-%m-%d %H:%M} UTC"
                self._problems.warn((*self._at, "client_crl"), f"{what}: clients of this authority will be refused")

    def _check_ciphers(self, ciphers: str, min_version: str) -> None:
        at = (*self._at, "ciphers")
        if min_version == "TLSv1.3":
            self._problems.at(at, "has no effect with min_version TLSv1.3, whose suites are OpenSSL's own", "remove it")
            return
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(ciphers)
        except ssl.SSLError:
            mend = "`openssl ciphers -v LIST` shows what a list means"
            self._problems.at(at, f"{ciphers!r} selects no cipher suite that OpenSSL knows", mend)

    def _read(self, name: str, file: str) -> str | None:
        try:
            return FilePath(file).read_text("latin-1")
        except OSError as error:
            self._problems.at((*self._at, name), f"{file!r} cannot be read: {error.strerror}")
            return None

    def _path(self, text: str | None) -> str | None:
        return None if text is None else str((self._folder / FilePath(text).expanduser()).absolute())


def _has_names(certificate: x509.Certificate) -> bool:
    try:
        return bool(list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value))
    except x509.ExtensionNotFound:
        return False
