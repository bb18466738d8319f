"""What Kong's format has and framegate does not serve: named with its mend, for nothing is skipped in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_CREDENTIALS = "key-auth, basic-auth and jwt are served"
_NO_GROUPS = "groups are given to consumers with acls"
_NO_EXPRESSIONS = "use paths, hosts, headers and snis"
_NO_STREAM = "it is for TCP routes"

ENTITIES: Final[Mapping[str, str]] = {
    "_konnect": "take it out",
    "_plugin_configs": "write each plugin's config where the plugin stands",
    "_workspace": "take it out",
    "consumer_group_consumers": _NO_GROUPS,
    "consumer_group_plugins": _NO_GROUPS,
    "consumer_groups": _NO_GROUPS,
    "filter_chains": "write a plugin in Python instead",
    "hmacauth_credentials": _CREDENTIALS,
    "key_sets": "jwt_secrets hold the keys of the plugin jwt",
    "keyauth_enc_credentials": "write them as keyauth_credentials",
    "keys": "jwt_secrets hold the keys of the plugin jwt",
    "licenses": "none is needed",
    "mtls_auth_credentials": _CREDENTIALS,
    "oauth2_credentials": _CREDENTIALS,
    "oauth2_tokens": _CREDENTIALS,
    "partials": "write the fields where the plugin stands",
    "rbac_roles": "there is no admin interface",
    "rbac_users": "there is no admin interface",
    "vaults": "the environment is served without one: {vault://env/NAME}",
    "workspaces": "one file is one workspace",
}
"""Entities and sections at the top of the file."""

FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "services": {
        "tls_sans": "the host's own name is verified",
        "tls_verify_depth": "name the authorities to trust in ca_certificates",
    },
    "routes": {
        "destinations": _NO_STREAM,
        "expression": _NO_EXPRESSIONS,
        "priority": _NO_EXPRESSIONS,
        "sources": _NO_STREAM,
    },
    "consumers": {
        "consumer_groups": _NO_GROUPS,
        "groups": _NO_GROUPS,
        "hmacauth_credentials": _CREDENTIALS,
        "keyauth_enc_credentials": "write them as keyauth_credentials",
        "mtls_auth_credentials": _CREDENTIALS,
        "oauth2_credentials": _CREDENTIALS,
    },
    "keyauth_credentials": {"ttl": "keys do not expire: take it out of the file when it shall"},
    "plugins": {
        "condition": "write the condition into a plugin",
        "consumer_group": _NO_GROUPS,
        "ordering": "plugins run by their priority",
        "partials": "write the fields where the plugin stands",
        "run_on": "take it out",
    },
    "targets": {"failover": "take it out"},
    "upstreams": {
        "sticky_sessions_cookie": "use hash_on: cookie",
        "sticky_sessions_cookie_path": "use hash_on: cookie",
    },
}
"""Fields by kind."""


def mend_of(kind: str, name: str) -> str | None:
    """The mend for something that Kong has and framegate does not; None for what Kong has not either.

    Args:
        kind: the entity's of which ``name`` is a field; empty at the top of the file.
    """
    return FIELDS.get(kind, {}).get(name) if kind else ENTITIES.get(name)
