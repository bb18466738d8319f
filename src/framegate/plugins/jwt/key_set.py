"""Reads a file with a set of public keys (JWKS; RFC 7517, section 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jwt import PyJWK, PyJWTError

from framegate.plugins.jwt.keys import ASYMMETRIC, Key, UnusableKey, key_for

# The algorithm of a key that names none (RFC 7518, section 3.1; RFC 8037, section 3.1).
_BY_CURVE: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA", "Ed448": "EdDSA"}
_BY_TYPE: Final = {"RSA": ("RS", "PS"), "EC": ("ES",), "OKP": ("Ed",)}


class BadKeySet(ValueError):
    """A file is not what it should be; the message tells what, and holds nothing of a key."""


def read_key_set(path: str) -> dict[str, Key]:
    """The keys of a file by their ``kid``; keys for something else than signatures that are known here are passed over.

    Raises:
        BadKeySet: it cannot be read, is not a set of keys, or holds one that is not fit for use.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise BadKeySet(f"cannot be read: {error.strerror}: {path}") from None
    except (ValueError, RecursionError):
        raise BadKeySet(f"is not JSON: {path}") from None
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise BadKeySet(f'must hold {{"keys": [...]}}: {path}')
    keys: dict[str, Key] = {}
    for index, entry in enumerate(entries):
        place = f"keys[{index}] of {path}"
        algorithm = _algorithm(entry)
        if algorithm is None:
            continue
        kid = entry.get("kid")
        if not isinstance(kid, str) or not kid:
            raise BadKeySet(f"{place} has no kid, by which tokens name it")
        if kid in keys:
            raise BadKeySet(f"{place} has the kid of another")
        keys[kid] = _key(entry, algorithm, place)
    if not keys:
        raise BadKeySet(f"holds no key for {', '.join(ASYMMETRIC)}: {path}")
    return keys


def _algorithm(entry: Any) -> str | None:
    """The algorithm that a key is for; None where it is none of ours."""
    if not isinstance(entry, Mapping) or entry.get("use", "sig") != "sig" or "verify" not in _operations(entry):
        return None
    algorithm = entry.get("alg")
    if algorithm is None:
        algorithm = "RS256" if entry.get("kty") == "RSA" else _BY_CURVE.get(str(entry.get("crv")))
    if entry.get("kty") == "oct":
        return "HS256"  # told as a fault, not passed over
    return algorithm if algorithm in ASYMMETRIC else None


def _operations(entry: Mapping[str, Any]) -> Any:
    operations = entry.get("key_ops", ["verify"])
    return operations if isinstance(operations, list) else []


def _key(entry: Mapping[str, Any], algorithm: str, place: str) -> Key:
    if entry.get("kty") == "oct":
        raise BadKeySet(f"{place} is a secret: only public keys belong there; a secret is a consumer's jwt_secrets")
    if "d" in entry:
        raise BadKeySet(f"{place} is a private key: only public keys belong there")
    if not algorithm.startswith(_BY_TYPE.get(str(entry.get("kty")), ())):
        raise BadKeySet(f"{place} is of another type than {algorithm} takes")
    try:
        return key_for(algorithm, PyJWK(dict(entry), algorithm).key)
    except (PyJWTError, UnusableKey, TypeError, ValueError):
        raise BadKeySet(f"{place} is not a valid key for {algorithm}") from None
