"""Rules of credentials between their fields."""

from __future__ import annotations

from collections.abc import Iterator

from framegate.config.document import Path
from framegate.config.draft import Draft
from framegate.config.pem import public_key_fault


def jwt_secret(draft: Draft) -> Iterator[tuple[Path, str, str | None]]:
    """Each algorithm needs its own kind of key."""
    fields = draft.fields
    if not draft.is_sound("algorithm", "secret", "rsa_public_key"):
        return
    wanted, other = ("secret", "rsa_public_key") if fields.algorithm.startswith("HS") else ("rsa_public_key", "secret")
    if getattr(fields, wanted) is None:
        yield (), f"{wanted} is missing: {fields.algorithm} needs it", None
    if wanted == "rsa_public_key" and fields.rsa_public_key is not None:
        fault = public_key_fault(fields.rsa_public_key, fields.algorithm)
        if fault is not None:
            unreadable = "BEGIN PUBLIC KEY" not in fields.rsa_public_key
            yield ("rsa_public_key",), fault, "it begins with -----BEGIN PUBLIC KEY-----" if unreadable else None
    elif wanted == "secret" and getattr(fields, other) is not None:
        mend = "take it out, or name an algorithm that uses it, such as RS256"
        yield (other,), f"{fields.algorithm} does not use it", mend
