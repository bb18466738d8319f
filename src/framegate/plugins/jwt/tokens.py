"""Where a client may show a token, and what the token says (RFC 7519). Nothing here is verified yet."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from framegate.pdk.kong import Kong
from framegate.plugins._auth import UNAUTHORIZED, Refusal, all_values

_MOST = 1000
_BEARER = re.compile(r"bearer[ \t]+(.+)", re.IGNORECASE)  # RFC 6750, section 2.1


@dataclass(frozen=True, slots=True)
class Token:
    """A token, taken apart.

    Attributes:
        text: the whole of it.
        header: its header.
        claims: its claims.
        signed: what the signature is of.
        signature: the signature.
    """

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def the_token(kong: Kong, config: Mapping[str, Any]) -> str:
    """The one token that the client shows; one that it shows more than once is one.

    Raises:
        Refusal: it shows none, or several.
    """
    shown = set(_shown(kong, config))
    if not shown:
        raise Refusal(UNAUTHORIZED)
    if len(shown) > 1:
        raise Refusal("Multiple tokens provided")
    return shown.pop()


def _shown(kong: Kong, config: Mapping[str, Any]) -> Iterator[str]:
    query = kong.request.get_query(_MOST)
    for name in config["uri_param_names"]:
        value = query.get(name)
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one)
    fields = kong.request.get_headers(_MOST)
    for field in all_values(fields.get("cookie")) if config["cookie_names"] else ():
        yield from cookies(field, config["cookie_names"])
    for name in config["header_names"]:
        for value in all_values(fields.get(name.lower())):
            bearer = _BEARER.fullmatch(value.strip())
            if bearer is not None:
                yield bearer[1]


def cookies(field: str, names: list[str]) -> Iterator[str]:
    """The values in a ``Cookie`` field (RFC 6265, section 4.2) of the cookies with these names."""
    for pair in field.split(";"):
        name, _, value = pair.partition("=")
        value = value.strip().strip('"')
        if name.strip() in names and value:
            yield value


def read(text: str) -> Token:
    """Take a token apart.

    Raises:
        Refusal: it is not a token in three parts, or of an algorithm or with a demand that is not known here.
    """
    try:
        head, body, sealed = text.encode("ascii").split(b".")
        header, claims = _object(head), _object(body)
    except (ValueError, RecursionError):
        raise Refusal("Bad token; invalid JSON") from None
    if not isinstance(header.get("alg"), str):
        raise Refusal("Bad token; invalid alg")
    # RFC 7515, section 4.1.11: what is critical must be understood. RFC 7797 is among what is not.
    if "crit" in header or header.get("b64", True) is not True:
        raise Refusal("Bad token; invalid crit")
    try:
        signature = _decoded(sealed)
    except ValueError:
        signature = b""
    if not signature:
        raise Refusal("Bad token; invalid signature")
    return Token(text, header, claims, head + b"." + body, signature)


def _object(part: bytes) -> Mapping[str, Any]:
    value = json.loads(_decoded(part), parse_constant=_no_number)
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _decoded(part: bytes) -> bytes:
    """Base64url without padding (RFC 7515, section 2), of which each value has one spelling."""
    padded = part + b"=" * (-len(part) % 4)
    value = base64.b64decode(padded, altchars=b"-_", validate=True)
    if b"+" in part or b"/" in part or base64.urlsafe_b64encode(value).rstrip(b"=") != part:
        raise binascii.Error("not base64url")
    return value
