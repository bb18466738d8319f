"""Certificates made for one test run by an authority that nobody else trusts."""

from __future__ import annotations

import ssl
from functools import cache

import trustme


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def stranger() -> trustme.CA:
    """An authority that no context of these trusts."""
    return trustme.CA()


def server_context(*names: str, ca: trustme.CA | None = None, client_ca: trustme.CA | None = None) -> ssl.SSLContext:
    """A server's side with a certificate for these names; ``client_ca`` makes a client certificate compulsory."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (ca or authority()).issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(context)
    if client_ca is not None:
        client_ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: trustme.CA | None = None, *, certificate: str | None = None) -> ssl.SSLContext:
    """A client's side that trusts one authority; ``certificate`` is the name it shows, where it shows one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    (ca or authority()).configure_trust(context)
    if certificate is not None:
        authority().issue_cert(certificate).configure_cert(context)
    return context
