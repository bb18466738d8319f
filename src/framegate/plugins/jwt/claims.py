"""What a token's claims must say, once its signature has been verified (RFC 7519, section 4.1)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, TypeGuard


def wrong_times(claims: Mapping[str, Any], names: Collection[str], now: float, leeway: float) -> dict[str, str]:
    """What is wrong with the times that claims name, by claim.

    Args:
        claims: all claims.
        names: ``exp`` and ``nbf``, those to look at; they must be there.
        now: in seconds since the epoch.
        leeway: seconds by which clocks may differ.
    """
    wrong = {}
    for name in names:
        time = claims.get(name)
        if not is_number(time):
            wrong[name] = "must be a number"
        elif name == "exp" and time <= now - leeway:
            wrong[name] = "token expired"
        elif name == "nbf" and time > now + leeway:
            wrong[name] = "token not valid yet"
    return wrong


def lives_too_long(claims: Mapping[str, Any], most: float, now: float) -> bool:
    """Whether ``exp`` is more than ``most`` seconds ahead, or not there."""
    time = claims.get("exp")
    return not is_number(time) or time > now + most


def is_meant_for(claims: Mapping[str, Any], audience: Collection[str]) -> bool:
    """Whether ``aud``, one or several, is among ``audience``."""
    said = claims.get("aud")
    several = said if isinstance(said, list) else [said]
    return any(isinstance(one, str) and one in audience for one in several)


def is_issued_by(claims: Mapping[str, Any], issuers: Collection[str]) -> bool:
    """Whether ``iss`` is among ``issuers``."""
    said = claims.get("iss")
    return isinstance(said, str) and said in issuers


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether it is a number; True and the infinities are none."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and (isinstance(value, int) or math.isfinite(value))
    )
