"""Certificates and keys, as far as the file's author can get them wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from framegate.config.document import Path
from framegate.config.draft import Draft
from framegate.config.problems import Problems

_RSA = ((rsa.RSAPublicKey,), "RSA")
_KEYS: dict[str, tuple[tuple[type, ...], str]] = {
    "RS": _RSA,
    "PS": _RSA,
    "ES": ((ec.EllipticCurvePublicKey,), "elliptic-curve"),
    "Ed": ((ed25519.Ed25519PublicKey, ed448.Ed448PublicKey), "Edwards-curve"),
}

Fault = tuple[Path, str, str | None]


def certificate(draft: Draft) -> Iterator[Fault]:
    """What is wrong with an entry of ``certificates``."""
    fields = draft.fields
    for cert, key in (("cert", "key"), ("cert_alt", "key_alt")):
        if not draft.is_sound(cert, key):
            continue
        texts = getattr(fields, cert), getattr(fields, key)
        if None not in texts:
            yield from pair_faults((cert,), texts[0], (key,), texts[1])
        elif texts != (None, None):
            here, missing = (cert, key) if texts[1] is None else (key, cert)
            yield (here,), f"needs {missing} beside it", None


def authority(draft: Draft) -> Iterator[Fault]:
    """What is wrong with an entry of ``ca_certificates``."""
    if not draft.is_sound("cert"):
        return
    found = chain_of(draft.fields.cert)
    if isinstance(found, str):
        yield ("cert",), found, None
    elif len(found) > 1:
        yield ("cert",), f"holds {len(found)} certificates, not one", "make an entry for each"
    elif not _is_authority(found[0]):
        yield ("cert",), "is not the certificate of an authority (basic constraint CA)", None


def pair_faults(cert_at: Path, cert: str, key_at: Path, key: str) -> Iterator[Fault]:
    """What is wrong with a chain and its key, each told where it stands."""
    chain = chain_of(cert)
    if isinstance(chain, str):
        yield cert_at, chain, None
    public = public_key_of(key)
    if isinstance(public, str):
        yield key_at, public, None
    elif not isinstance(chain, str) and public != _public(chain[0]):
        yield key_at, "is not the key of the certificate", "the first certificate in cert is the one it must fit"


def chain_of(text: str) -> list[x509.Certificate] | str:
    """The certificates in a text, or what is wrong with it."""
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        return f"cannot be read as a certificate (PEM): {_reason(error)}"


def public_key_of(text: str) -> bytes | str:
    """The public half of a private key, or what is wrong with that."""
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except TypeError:
        return "has a passphrase, which nobody could enter"
    except Exception as error:  # the library has errors of several kinds for keys that it does not know
        return f"cannot be read as a private key (PEM): {_reason(error)}"
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_key_fault(text: str, algorithm: str) -> str | None:
    """What is wrong with a public key for a signature algorithm of JWT (RFC 7518, section 3.1; RFC 8037)."""
    try:
        key = load_pem_public_key(text.encode())
    except Exception as error:
        return f"cannot be read as a public key (PEM): {_reason(error)}"
    kinds, name = _KEYS[algorithm[:2]]
    return None if isinstance(key, kinds) else f"is not the {name} key that {algorithm} needs"


SOON = timedelta(days=14)
"""How long before its end a certificate is warned of."""


def expired(certificate: x509.Certificate) -> str | None:
    """When it has expired, in words; None where it has not."""
    ended = certificate.not_valid_after_utc
    return f"{ended:%Y-%m-%d %H:%M} UTC" if ended < datetime.now(UTC) else None


def warn_of_dates(problems: Problems, path: Path, text: str, now: datetime | None = None) -> None:
    """Warn of certificates that are no longer, or not yet, valid, or not for much longer."""
    chain = chain_of(text)
    now = now or datetime.now(UTC)
    for found in chain if isinstance(chain, list) else ():
        if found.not_valid_after_utc < now:
            problems.warn(path, f"the certificate expired at {found.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
        elif found.not_valid_before_utc > now:
            problems.warn(path, f"the certificate is not valid before {found.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
        elif found.not_valid_after_utc - now < SOON:
            problems.warn(path, f"the certificate expires at {found.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")


def warn_of_names(problems: Problems, path: Path, name: str, text: str) -> None:
    """Warn of a server name that the certificate which is shown for it does not have.

    Args:
        problems: to add to.
        path: where the name stands.
        name: the name; one with a wildcard may be any.
        text: the certificate.
    """
    chain = chain_of(text)
    if "*" in name or isinstance(chain, str) or not chain:
        return
    names = _dns_names(chain[0])
    _, _, rest = name.lower().partition(".")
    if not {name.lower(), f"*.{rest}"} & names:
        has = ", ".join(sorted(names)) or "none at all"
        problems.warn(path, f"the certificate is not for {name!r}: clients will refuse it (its DNS names: {has})")


def _dns_names(found: x509.Certificate) -> set[str]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {name.lower() for name in names.get_values_for_type(x509.DNSName)}


def _public(found: x509.Certificate) -> bytes:
    return found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _is_authority(found: x509.Certificate) -> bool:
    try:
        return bool(found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0].split(". ")[0] or type(error).__name__
