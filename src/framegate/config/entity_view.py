"""The entities as plugins look them up: mappings with the file's field names, complete and read-only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framegate.config.draft import Draft, Drafts
from framegate.config.model.file import KINDS
from framegate.config.rules import algorithm_of, url_of
from framegate.pdk.entities import Entities
from framegate.pdk.plugin import PluginInstance

_LEFT_OUT: Final = frozenset({"comment", "ignore", "url"})


def entities(drafts: Drafts, instances: Mapping[Draft, PluginInstance]) -> Entities:
    """All entities by kind."""
    return Entities({kind: [_view(draft, instances) for draft in drafts.of(kind)] for kind in KINDS})


def _view(draft: Draft, instances: Mapping[Draft, PluginInstance]) -> dict[str, Any]:
    nested = {name for name, _ in draft.model.nested()}
    references = dict(draft.model.references())
    view = {
        name: _reference(draft, name, mark.many) if (mark := references.get(name)) else getattr(draft.fields, name)
        for name in draft.model.model_fields
        if name not in nested and name not in _LEFT_OUT
    }
    view["id"] = draft.id
    if draft.kind == "services":
        url = url_of(draft)
        assert url is not None
        view |= {"protocol": url.protocol, "host": url.host, "port": url.port, "path": url.path}
    elif draft.kind == "upstreams":
        checks = draft.fields.healthchecks
        view["healthchecks"] = None if checks is None else checks.model_dump()
        view["algorithm"] = algorithm_of(draft.fields)
    elif draft.kind == "plugins":
        view |= {"name": instances[draft].name, "config": instances[draft].config}
    return view


def _reference(draft: Draft, name: str, many: bool) -> Any:
    found = [{"id": other.id} for other in draft.references.get(name, ())]
    if many:
        return found
    return found[0] if found else None
