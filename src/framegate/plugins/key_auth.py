"""Lets in clients that show a key of a consumer: in a header field, in the query, or as a subprotocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framegate.pdk.kong import Kong
from framegate.plugins._auth import (
    ANONYMOUS_FIELD,
    PREFLIGHT_FIELD,
    UNAUTHORIZED,
    Identity,
    Refusal,
    admit,
    all_values,
    as_text,
    challenge,
    owner,
)

version = "1.0.0"
priority = 1250

Schema = (
    {
        "key_names": {
            "type": "array",
            "required": True,
            "len_min": 1,
            "default": ["apikey"],
            "elements": {"type": "string", "match": "^[A-Za-z0-9_-]+$"},
            "description": "Names that a key may have: of a header field, a query argument, or before the dot of a "
            "subprotocol. The first that has a key counts.",
        }
    },
    {
        "key_in_header": {
            "type": "boolean",
            "required": True,
            "default": True,
            "description": "Whether a key may come in a header field.",
        }
    },
    {
        "key_in_query": {
            "type": "boolean",
            "required": True,
            "default": True,
            "description": "Whether a key may come in the query.",
        }
    },
    {
        "key_in_protocol": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether a key may come as NAME.KEY in Sec-WebSocket-Protocol, as from browsers, which "
            "cannot set other header fields. Such an entry never goes to the upstream.",
        }
    },
    {
        "key_in_body": {
            "type": "boolean",
            "required": True,
            "default": False,
            "eq": False,
            "description": "Only false: the request of an opening handshake has no body.",
        }
    },
    {
        "hide_credentials": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether header fields and query arguments of these names are kept from the upstream.",
        }
    },
    {"anonymous": ANONYMOUS_FIELD},
    {"run_on_preflight": PREFLIGHT_FIELD},
    {
        "realm": {
            "type": "string",
            "description": "The realm in WWW-Authenticate of a refusal; none where it is not given.",
        }
    },
)

# The most that kong.request reads.
_MOST = 1000


class Plugin:
    """One configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self._challenge = challenge("Key", config["realm"])

    def ws_handshake(self, kong: Kong) -> None:
        self._keep_from_upstream(kong)
        admit(kong, self.config["anonymous"], self._challenge, self._identify)

    def _identify(self, kong: Kong) -> Identity:
        key = self._key(kong)
        if key is None:
            raise Refusal("No API key found in request")
        found = kong.db.keyauth_credentials.select_by("key", key)
        if found is None:
            raise Refusal(UNAUTHORIZED)
        return Identity(owner(kong, found), found)

    def _key(self, kong: Kong) -> str | None:
        for name in self.config["key_names"]:
            for keys in self._places(kong, name):
                if len(keys) > 1:
                    raise Refusal("Duplicate API key found")
                if keys:
                    return keys[0]
        return None

    def _places(self, kong: Kong, name: str) -> Iterator[list[str]]:
        """What stands under ``name`` in each place, empty values aside."""
        if self.config["key_in_header"]:
            yield keys_in_headers(kong, name)
        if self.config["key_in_query"]:
            yield keys_in_query(kong, name)
        if self.config["key_in_protocol"]:
            offered = kong.request.get_subprotocols()
            yield [key for entry in offered if (key := key_in_protocol(entry, name))]

    def _keep_from_upstream(self, kong: Kong) -> None:
        names = self.config["key_names"]
        request = kong.service.request
        if self.config["key_in_protocol"]:
            offered = request.get_protocols()
            rest = [entry for entry in offered if all(key_in_protocol(entry, name) is None for name in names)]
            if len(rest) < len(offered):
                request.set_protocols(rest)
        if self.config["hide_credentials"]:
            for name in names:
                for spelling in spellings(name):
                    request.clear_header(spelling)
                if kong.request.get_raw_query():
                    request.clear_query_arg(name)


def spellings(name: str) -> tuple[str, ...]:
    """The header fields that ``name`` stands for: as it is, and with dashes for underscores."""
    return tuple(dict.fromkeys((name.lower(), name.lower().replace("_", "-"))))


def keys_in_headers(kong: Kong, name: str) -> list[str]:
    """The keys in the header fields of this name."""
    fields = kong.request.get_headers(_MOST)
    return [as_text(key) for spelling in spellings(name) for key in all_values(fields.get(spelling)) if key]


def keys_in_query(kong: Kong, name: str) -> list[str]:
    """The keys in the query arguments of this name."""
    value = kong.request.get_query(_MOST).get(name)
    return [key for key in (value if isinstance(value, list) else [value]) if isinstance(key, str) and key]


def key_in_protocol(entry: str, name: str) -> str | None:
    """The key that a subprotocol is with this name before its first dot, or None where it is none."""
    before, dot, key = entry.partition(".")
    return key if dot and before.lower() == name.lower() else None
