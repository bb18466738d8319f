"""Lets in the pages of known sites only, against cross-site WebSocket hijacking (RFC 6455, section 10.2).

A browser sends its cookies along with a WebSocket that any page opens, and says in ``Origin`` whose page it is. What is
compared are the scheme, the host and the port of an origin (RFC 6454, section 5), never a part of its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any, Final, NamedTuple

from framegate.pdk import FieldError
from framegate.pdk.kong import Kong
from framegate.plugins._auth import all_values

version = "1.0.0"
# Before any plugin that authenticates: a foreign page learns nothing of whose cookies would have been right.
priority = 2500

Schema = (
    {
        "allow": {
            "type": "array",
            "required": True,
            "default": [],
            "elements": {"type": "string"},
            "description": "Origins that are let in: https://app.example.com; https://*.example.com for every host "
            "below example.com, itself not among them; null for pages without an origin of their own.",
        }
    },
    {
        "same_host": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether a page is let in too whose host and port are those that the request came to.",
        }
    },
    {
        "allow_missing": {
            "type": "boolean",
            "required": True,
            "default": True,
            "description": "Whether a client without Origin is let in. Browsers always send one; other clients do not.",
        }
    },
    {
        "status": {
            "type": "integer",
            "required": True,
            "default": 403,
            "between": [400, 599],
            "description": "The status of a refusal.",
        }
    },
    {
        "message": {
            "type": "string",
            "required": True,
            "default": "Origin not allowed",
            "description": "The message of a refusal.",
        }
    },
)

NULL: Final = "null"
"""What a browser sends for a page that has no origin of its own, such as a sandboxed frame or a local file."""

FILE: Final = "file://"
"""What some embedded browsers send for a local file; others send :data:`NULL`."""

_MOST = 1000
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_HOST = rf"{_NAME}\.?|\[[0-9a-f:.]+\]"
_ORIGIN = re.compile(rf"([a-z][a-z0-9+.-]*)://({_HOST})(?::([0-9]{{1,5}}))?", re.ASCII)
_AUTHORITY = re.compile(rf"({_HOST})(?::([0-9]{{0,5}}))?", re.ASCII)
_WILDCARD = re.compile(r"([a-z][a-z0-9+.-]*)://\*\.(.*)")


class Origin(NamedTuple):
    """A page's origin, in lower case.

    Attributes:
        scheme: such as ``"https"``.
        host: a name or address, IPv6 in brackets.
        port: the scheme's own where none is said; None where the scheme has none.
    """

    scheme: str
    host: str
    port: int | None


class Subdomains(NamedTuple):
    """Every origin below a host.

    Attributes:
        scheme, port: as of :class:`Origin`.
        suffix: the host with a dot before it.
    """

    scheme: str
    suffix: str
    port: int | None

    def hold(self, origin: Origin) -> bool:
        """Whether ``origin`` is one of them."""
        same = (origin.scheme, origin.port) == (self.scheme, self.port)
        return same and origin.host.endswith(self.suffix)


class Plugin:
    """One configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        allowed = [read_rule(f"allow[{index}]", entry) for index, entry in enumerate(config["allow"])]
        if not allowed and not config["same_host"]:
            raise FieldError("allow", "names no origin, and same_host is false: every page would be refused")
        self._exact = frozenset(rule for rule in allowed if not isinstance(rule, Subdomains))
        self._below = tuple(rule for rule in allowed if isinstance(rule, Subdomains))

    def ws_handshake(self, kong: Kong) -> None:
        said = all_values(kong.request.get_headers(_MOST).get("origin"))
        if not self._lets_in(kong, said):
            kong.log.info(f"refused a page of {' and '.join(map(repr, said)) or 'no origin'}")
            kong.response.error(self.config["status"], self.config["message"])

    def _lets_in(self, kong: Kong, said: list[str]) -> bool:
        if not said:
            allowed: bool = self.config["allow_missing"]
            return allowed
        # A page has one origin: several are no browser's, and the upstream may look at another than we do.
        if len(said) > 1:
            return False
        origin = NULL if said[0] == NULL else read_origin(said[0])
        if origin is None:
            return False
        return self._knows(origin) or (self.config["same_host"] and is_same_host(kong, origin))

    def _knows(self, origin: Origin | str) -> bool:
        return origin in self._exact or (isinstance(origin, Origin) and any(rule.hold(origin) for rule in self._below))


def read_origin(text: str) -> Origin | None:
    """The origin that is written in ``text`` (RFC 6454, section 6.2), or None: a path, say, makes it none."""
    if text == FILE:
        return Origin("file", "", None)
    parts = _ORIGIN.fullmatch(text.lower()) if text.isascii() else None
    host = None if parts is None else _read_host(parts[2])
    if parts is None or host is None:
        return None
    port = int(parts[3]) if parts[3] else _DEFAULT_PORTS.get(parts[1])
    return Origin(parts[1], host, port) if port is None or port <= 65535 else None


def read_rule(place: str, text: str) -> Origin | Subdomains | str:
    """What an entry of ``allow`` stands for.

    Raises:
        FieldError: nothing.
    """
    if text == NULL:
        return NULL
    wildcard = _WILDCARD.fullmatch(text.lower())
    origin = read_origin(f"{wildcard[1]}://{wildcard[2]}" if wildcard else text)
    if origin is None:
        raise FieldError(place, _mend(text))
    if origin.scheme in ("ws", "wss"):
        raise FieldError(place, f"must be the origin of pages, which begins with http or https, not {text!r}")
    if wildcard is None:
        return origin
    if origin.host.startswith("[") or re.fullmatch(r"[0-9.]+", origin.host):
        raise FieldError(place, f"must be an origin: there is nothing below an address, as in {text!r}")
    if "." not in origin.host.strip(".") and origin.host != "localhost":
        raise FieldError(place, f"must not let in everybody below a top-level domain, as {text!r} does")
    return Subdomains(origin.scheme, f".{origin.host}", origin.port)


def is_same_host(kong: Kong, origin: Origin | str) -> bool:
    """Whether a page comes from the host and port that the request came to.

    A page that came without TLS is another's, where the request came with it: anybody on the way can have written it.
    """
    if not isinstance(origin, Origin) or origin.scheme not in ("http", "https"):
        return False
    if kong.request.get_forwarded_scheme() == "wss" and origin.scheme != "https":
        return False
    return read_authority(_authority(kong), origin.scheme) == (origin.host, origin.port)


def read_authority(text: str, scheme: str) -> tuple[str, int | None] | None:
    """Host and port of ``host`` or ``host:port``, with the port of ``scheme`` where none is said; None for neither."""
    parts = _AUTHORITY.fullmatch(text.lower()) if text.isascii() else None
    host = None if parts is None else _read_host(parts[1])
    if parts is None or host is None:
        return None
    return host, int(parts[2]) if parts[2] else _DEFAULT_PORTS.get(scheme)


def _read_host(text: str) -> str | None:
    """A host, an IPv6 address among them in its one short form (RFC 5952), or None."""
    if not text.startswith("["):
        return text
    try:
        return f"[{IPv6Address(text[1:-1])}]"
    except ValueError:
        return None


def _authority(kong: Kong) -> str:
    """The host and port that the client asked for: a trusted proxy's word, else the Host."""
    forwarded = kong.request.get_header("X-Forwarded-Host") if kong.ip.is_trusted(kong.client.get_ip()) else None
    return forwarded or kong.request.get_header("Host") or ""


def _mend(text: str) -> str:
    wanted = "must be an origin, such as https://app.example.com"
    if text == "*":
        return f"{wanted}: to let in every page, leave the plugin out"
    if not text.isascii():
        return f"{wanted}, with the host as browsers send it, in ASCII (xn--...), not {text!r}"
    if re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/]+/.*", text.lower()):
        return f"{wanted}, which ends with the host or port: leave out the path of {text!r}"
    if "://" not in text:
        return f"{wanted}: {text!r} has no scheme"
    return f"{wanted} or https://*.example.com, not {text!r}"
