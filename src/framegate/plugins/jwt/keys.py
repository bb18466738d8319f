"""What tokens are verified by: a key bound to its one algorithm.

The algorithm is the key's and never the token's, so that no token can choose how it is verified.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWTError, get_algorithm_by_name

SYMMETRIC: Final = ("HS256", "HS384", "HS512")
ASYMMETRIC: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "EdDSA",
)
ALGORITHMS: Final = (*SYMMETRIC, *ASYMMETRIC)
DEFAULT_ALGORITHM: Final = "HS256"
"""That of a credential that names none."""


class UnusableKey(ValueError):
    """A key cannot verify anything; the message holds nothing of the key."""


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A key, and the one algorithm that it is for.

    Attributes:
        algorithm: one of :data:`ALGORITHMS`.
        prepared: the key as its algorithm takes it.
    """

    algorithm: str
    prepared: Any

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        """Whether the signature is of ``signed`` and by this key."""
        return get_algorithm_by_name(self.algorithm).verify(signed, self.prepared, signature)


def key_for(algorithm: str, material: Any) -> Key:
    """The key that ``material`` is to ``algorithm``.

    Args:
        algorithm: one of :data:`ALGORITHMS`.
        material: a secret, or a public key of the cryptography library.

    Raises:
        UnusableKey: it is of another kind, or of another curve, or a public key where a secret is wanted.
    """
    try:
        return Key(algorithm, get_algorithm_by_name(algorithm).prepare_key(material))
    except (PyJWTError, TypeError, ValueError):
        raise UnusableKey(f"it does not fit {algorithm}") from None


def key_of(credential: Mapping[str, Any], secret_is_base64: bool) -> Key:
    """The key of a credential with ``algorithm``, and ``secret`` or ``rsa_public_key``.

    Raises:
        UnusableKey: the credential has none for its algorithm.
    """
    algorithm = credential.get("algorithm") or DEFAULT_ALGORITHM
    if algorithm in SYMMETRIC:
        secret = credential.get("secret")
        if not secret:
            raise UnusableKey("it has no secret")
        return key_for(algorithm, _from_base64(secret) if secret_is_base64 else secret)
    if algorithm not in ASYMMETRIC:
        raise UnusableKey("its algorithm is not known")
    pem = credential.get("rsa_public_key")
    if not pem:
        raise UnusableKey("it has no rsa_public_key")
    return _public_key(algorithm, pem)


@lru_cache(maxsize=1024)
def _public_key(algorithm: str, pem: str) -> Key:
    try:
        material = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("its rsa_public_key is no public key in PEM form") from None
    return key_for(algorithm, material)


def _from_base64(text: str) -> bytes:
    """Base64 of either alphabet, with padding or without."""
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise UnusableKey("its secret is not base64") from None
