"""Keys and tokens as issuers make them; and tokens as nobody should."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt import get_algorithm_by_name

SECRET = "alice-and-the-gateway-share-this-secret-and-nobody-else-knows-it"


@cache
def private_key(kind: str) -> Any:
    """A private key: ``"rsa"``, ``"rsa2"``, ``"ed25519"``, ``"P-256"``, ``"P-384"`` or ``"P-521"``."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[kind])


def public_pem(kind: str) -> str:
    """The public half, as a file has it."""
    public = private_key(kind).public_key()
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def private_pem(kind: str) -> str:
    """The private half, which has no business with a gateway."""
    pem = private_key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return str(pem.decode())


def kind_for(algorithm: str) -> str:
    """The kind of key that an algorithm takes; ``"secret"`` for a shared one."""
    kinds = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "ed25519"}
    return kinds.get(algorithm) or ("secret" if algorithm.startswith("HS") else "rsa")


def part(value: Any) -> str:
    """One part of a token."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(
    claims: Any, algorithm: str = "HS256", *, key: Any = None, header: dict[str, Any] | None = None, **more: Any
) -> str:
    """A token as an issuer signs it.

    Args:
        claims: what it claims.
        algorithm: how it is signed, whatever its header says.
        key: a secret or a private key; None for the one of the algorithm's kind.
        header: the whole header; else it is what an issuer writes, with ``more``.
    """
    head = {"typ": "JWT", "alg": algorithm, **more} if header is None else header
    signed = f"{part(head)}.{part(claims)}"
    if key is None:
        key = SECRET if algorithm.startswith("HS") else private_key(kind_for(algorithm))
    if algorithm.startswith("HS"):
        # The library refuses to sign with what an attacker would sign with.
        secret = key.encode() if isinstance(key, str) else key
        signature = hmac.digest(secret, signed.encode(), getattr(hashlib, f"sha{algorithm[2:]}"))
    else:
        signature = get_algorithm_by_name(algorithm).sign(signed.encode(), key)
    return f"{signed}.{part(signature)}"


def jwk(kind: str, **fields: Any) -> dict[str, Any]:
    """The public half as a key set has it."""
    name = {"rsa": "RS256", "rsa2": "RS256", "ed25519": "EdDSA", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
    entry = get_algorithm_by_name(name[kind]).to_jwk(private_key(kind).public_key(), as_dict=True)
    return {**{name: value for name, value in entry.items() if name != "key_ops"}, **fields}
