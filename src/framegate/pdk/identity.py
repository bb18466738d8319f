"""The header fields by which the upstream is told who the client is. Their names are those of Kong Gateway.

An upstream takes them for the gateway's word: what a client sends by these names never reaches it.
"""

from __future__ import annotations

from typing import Final

CONSUMER_ID: Final = "X-Consumer-ID"
CONSUMER_USERNAME: Final = "X-Consumer-Username"
CONSUMER_CUSTOM_ID: Final = "X-Consumer-Custom-ID"
CREDENTIAL_IDENTIFIER: Final = "X-Credential-Identifier"
ANONYMOUS_CONSUMER: Final = "X-Anonymous-Consumer"
AUTHENTICATED_GROUPS: Final = "X-Authenticated-Groups"
CONSUMER_GROUPS: Final = "X-Consumer-Groups"

IDENTITY_HEADERS: Final = (
    CONSUMER_ID,
    CONSUMER_USERNAME,
    CONSUMER_CUSTOM_ID,
    CREDENTIAL_IDENTIFIER,
    ANONYMOUS_CONSUMER,
    AUTHENTICATED_GROUPS,
    CONSUMER_GROUPS,
)

IDENTITY_NAMES: Final = frozenset(name.lower() for name in IDENTITY_HEADERS)
"""The same in lower case."""
