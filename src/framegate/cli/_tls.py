"""TLS contexts from the files that the command line names."""

from __future__ import annotations

import re
import ssl

import click

from framegate.errors import ConfigError


def server_context(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    """The context that listeners use; None without a certificate.

    Args:
        cert: a PEM file with the certificate and its chain.
        key: a PEM file with the private key; None where ``cert`` holds it too.

    Raises:
        ConfigError: a file cannot be read, or does not hold what it should.
    """
    if cert is None:
        if key is not None:
            raise click.UsageError("--tls-key needs --tls-cert")
        return None
    for flag, file in (("--tls-cert", cert), ("--tls-key", key)):
        if file is not None:
            _check_readable(flag, file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password=_refuse_to_ask)
    except ssl.SSLError as error:
        where = f"--tls-cert {cert}" + (f", --tls-key {key}" if key else "")
        raise ConfigError(f"{where}: {_reason(error)}", hint="a PEM certificate and its own key are needed") from None
    return context


def upstream_context(ca: str | None, *, insecure: bool) -> ssl.SSLContext | None:
    """The context that the upstream is dialled with; None is the library's own default.

    Args:
        ca: a PEM file with the authorities to trust instead of the system's.
        insecure: take any certificate.

    Raises:
        ConfigError: the file cannot be read or holds no certificate.
    """
    if ca is not None and insecure:
        raise click.UsageError("--upstream-ca and --upstream-insecure contradict each other: give one of them")
    if ca is None and not insecure:
        return None
    if ca is not None:
        _check_readable("--upstream-ca", ca)
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError as error:
        raise ConfigError(f"--upstream-ca {ca}: {_reason(error)}", hint="PEM certificates are needed") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _check_readable(flag: str, file: str) -> None:
    try:
        with open(file, "rb"):
            pass
    except OSError as error:
        raise ConfigError(f"{flag} {file}: {error.strerror}") from None


def _refuse_to_ask() -> str:
    # Without it, OpenSSL asks the terminal for the pass phrase, and a service would wait for ever.
    raise ConfigError("--tls-key: the key is encrypted", hint="openssl pkey -in KEY -out PLAIN_KEY decrypts it")


def _reason(error: ssl.SSLError) -> str:
    # OpenSSL's own words, without the places in its and Python's sources around them.
    return re.sub(r"\[.*?\] *| *\(_ssl\.c:\d+\)", "", str(error))
