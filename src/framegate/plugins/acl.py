"""Lets in, or keeps out, consumers by the groups that they are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from framegate.pdk.identity import AUTHENTICATED_GROUPS, CONSUMER_GROUPS
from framegate.pdk.kong import Kong

version = "1.0.0"
priority = 950

Schema = (
    {
        "allow": {
            "type": "array",
            "elements": {"type": "string"},
            "description": "Groups that are let in; whoever is in none of them is refused. Either this or deny.",
        }
    },
    {
        "deny": {
            "type": "array",
            "elements": {"type": "string"},
            "description": "Groups that are refused; whoever is in none of them is let in. Either this or allow.",
        }
    },
    {
        "hide_groups_header": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether the upstream is not told the groups.",
        }
    },
    {
        "always_use_authenticated_groups": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether the groups that a plugin put into kong.ctx.shared.authenticated_groups count "
            "instead of a consumer's own, also where the consumer is not the anonymous one.",
        }
    },
    {
        "include_consumer_groups": {
            "type": "boolean",
            "required": True,
            "default": False,
            "eq": False,
            "description": "Only false: there are no consumer groups.",
        }
    },
)

entity_checks = ({"only_one_of": ["allow", "deny"]},)


class Membership(NamedTuple):
    """The groups that a client is in.

    Attributes:
        groups: their names.
        header: the field in which the upstream is told.
    """

    groups: tuple[str, ...]
    header: str


class Plugin:
    """One configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config

    def ws_handshake(self, kong: Kong) -> None:
        found = membership(kong, self.config["always_use_authenticated_groups"])
        if found is None or not self._lets_in(found.groups):
            _refuse(kong, found)
        if found.groups and not self.config["hide_groups_header"]:
            # A field is written as latin-1, and goes out as UTF-8.
            told = ", ".join(found.groups).encode().decode("latin-1")
            kong.service.request.set_header(found.header, told)

    def _lets_in(self, groups: Iterable[str]) -> bool:
        if self.config["allow"]:
            return not set(self.config["allow"]).isdisjoint(groups)
        return set(self.config["deny"]).isdisjoint(groups)


def membership(kong: Kong, always_authenticated: bool) -> Membership | None:
    """The groups of the client: those that a plugin has put into ``ctx.shared``, or the consumer's own.

    None where neither is known. By default the former count where there is no consumer, or the anonymous one.
    """
    consumer = kong.client.get_consumer()
    if consumer is None or always_authenticated or kong.client.get_credential() is None:
        authenticated = kong.ctx.shared.authenticated_groups
        if authenticated is not None:
            return Membership(tuple(authenticated), AUTHENTICATED_GROUPS)
    if consumer is None:
        return None
    entries = kong.db.acls.each_by("consumer", consumer["id"])
    return Membership(tuple(entry["group"] for entry in entries), CONSUMER_GROUPS)


def _refuse(kong: Kong, found: Membership | None) -> NoReturn:
    """403 for a client that is known; 401 for one that is not, whom authenticating might help."""
    if kong.client.get_credential() is None and not (found and found.groups):
        kong.response.error(401, "Unauthorized")
    kong.response.error(403, "You cannot consume this service")
