"""Lets in clients that show a username and password of a consumer (RFC 7617)."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from framegate.pdk.kong import Kong
from framegate.plugins._auth import (
    ANONYMOUS_FIELD,
    UNAUTHORIZED,
    Identity,
    Refusal,
    admit,
    all_values,
    challenge,
    owner,
    same_secret,
)

version = "1.0.0"
priority = 1100

Schema = (
    {
        "hide_credentials": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether Authorization is kept from the upstream; Proxy-Authorization always is.",
        }
    },
    {"anonymous": ANONYMOUS_FIELD},
    {
        "realm": {
            "type": "string",
            "required": True,
            "default": "service",
            "description": "The realm in WWW-Authenticate of a refusal.",
        }
    },
)

_FIELDS = ("proxy-authorization", "authorization")
_MOST = 1000
# RFC 9110, section 11.4: the name of the scheme in any case, one space or more, token68.
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+)={0,2}", re.IGNORECASE)

# What a password is compared with where nobody has the username, so that the answer takes as long.
_NO_PASSWORD = secrets.token_urlsafe(32)


class Login(NamedTuple):
    """What a client shows."""

    username: str
    password: str


class Plugin:
    """One configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self._challenge = challenge("Basic", config["realm"])

    def ws_handshake(self, kong: Kong) -> None:
        # Proxy-Authorization is for this gateway, and never goes on (RFC 9110, section 11.7.2).
        if self.config["hide_credentials"]:
            kong.service.request.clear_header("Authorization")
        admit(kong, self.config["anonymous"], self._challenge, identify)


def identify(kong: Kong) -> Identity:
    """Whose username and password the client shows.

    Raises:
        Refusal: nobody's.
    """
    fields = kong.request.get_headers(_MOST)
    for name in _FIELDS:
        shown = all_values(fields.get(name))
        # Of several fields, the upstream may take another for the client's than we do.
        login = read_login(shown[0]) if len(shown) == 1 else None
        found = None if login is None else verified(kong, login)
        if found is not None:
            return found
    raise Refusal(UNAUTHORIZED)


def verified(kong: Kong, login: Login) -> Identity | None:
    """Who has this username and this password, or None."""
    credential = kong.db.basicauth_credentials.select_by("username", login.username)
    password = None if credential is None else credential.get("password")
    right = same_secret(password or _NO_PASSWORD, login.password)
    return Identity(owner(kong, credential), credential) if credential is not None and right else None


def read_login(value: str) -> Login | None:
    """What is said in a header field, or None where it is nothing of the scheme Basic.

    The username is not empty and ends at the first colon; both are UTF-8.
    """
    basic = _BASIC.fullmatch(value.strip())
    if basic is None or len(basic[1]) % 4 == 1:
        return None
    try:
        text = base64.b64decode(basic[1] + "=" * (-len(basic[1]) % 4)).decode()
    except UnicodeDecodeError:
        return None
    username, colon, password = text.partition(":")
    return Login(username, password) if colon and username else None
