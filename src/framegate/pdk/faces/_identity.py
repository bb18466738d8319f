"""What the upstream is told of who the client is."""

from __future__ import annotations

from collections.abc import Mapping

from framegate.pdk.entities import Entity
from framegate.pdk.header_edits import HeaderEdits
from framegate.pdk.identity import (
    ANONYMOUS_CONSUMER,
    CONSUMER_CUSTOM_ID,
    CONSUMER_ID,
    CONSUMER_USERNAME,
    CREDENTIAL_IDENTIFIER,
    IDENTITY_NAMES,
)


def is_identity_header(name: str) -> bool:
    """Whether ``name`` speaks of the client's identity; CGI and WSGI turn ``_`` and ``-`` into the same (PEP 3333)."""
    return name.lower().replace("_", "-") in IDENTITY_NAMES


def vouch(edits: HeaderEdits, consumer: Entity | None, credential: Entity | None) -> None:
    """Put into ``edits`` what is known of consumer and credential; what was said of others before is cleared.

    A credential is told by its ``username`` where it has one (basic-auth), else by its ``id``: never by a key, which
    is a secret.

    Raises:
        ValueError: a value cannot stand in a head.
    """
    consumer, credential = consumer or {}, credential or {}
    fields = {
        CONSUMER_ID: _text(consumer, "id"),
        CONSUMER_USERNAME: _text(consumer, "username"),
        CONSUMER_CUSTOM_ID: _text(consumer, "custom_id"),
        CREDENTIAL_IDENTIFIER: _text(credential, "username") or _text(credential, "id"),
        ANONYMOUS_CONSUMER: None,
    }
    trial = HeaderEdits()  # a bad value must not leave half of an identity behind
    for target in (trial, edits):
        for name, value in fields.items():
            if value is None:
                target.clear(name)
            else:
                target.set(name, value)


def _text(entity: Mapping[str, object], field: str) -> str | None:
    value = entity.get(field)
    # A name that is not ASCII goes out as UTF-8, and a field is written as latin-1.
    return None if value is None or value == "" else str(value).encode().decode("latin-1")
