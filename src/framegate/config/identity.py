"""Which entity is which: what may be there once only, what refers to what, and the ids of those that have none."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any, Final

from framegate._rules import nearest
from framegate.config.document import Path, dotted
from framegate.config.draft import Draft, Drafts
from framegate.config.model.entity import Reference
from framegate.config.problems import Problems

_NAMESPACE: Final = uuid.UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5")
"""From which Kong too makes the ids of declared entities, so that a named one has the same id in both."""

_CASELESS: Final = frozenset({"snis"})
_SECRET: Final = frozenset({("keyauth_credentials", "key")})


class Index:
    """Finds entities by name or id."""

    def __init__(self, drafts: Drafts) -> None:
        self._ids: dict[str, dict[str, Draft]] = {}
        self._names: dict[str, dict[str, Draft]] = {}
        for draft in drafts:
            named_by = draft.model.named_by
            self._note(self._ids, draft, "id")
            if named_by is not None:
                self._note(self._names, draft, named_by)

    def _note(self, table: dict[str, dict[str, Draft]], draft: Draft, field: str) -> None:
        value = getattr(draft.fields, field)
        if isinstance(value, str) and draft.is_sound(field):
            entries = table.setdefault(draft.kind, {})
            entries.setdefault(value.lower() if field == "id" else value, draft)

    def find(self, kind: str, by: str, value: str) -> Draft | None:
        """The entity of a kind whose id (``by`` is ``"id"``), name, or either (``by`` is empty) is ``value``."""
        by_id = self._ids.get(kind, {}).get(value.lower()) if by in ("", "id") else None
        return by_id or (self._names.get(kind, {}).get(value) if by != "id" else None)

    def names(self, kind: str) -> list[str]:
        """What a reference to this kind may say."""
        return [*self._names.get(kind, {}), *self._ids.get(kind, {})]


def link(drafts: Drafts, problems: Problems) -> Index:
    """Find what every reference refers to; what is not there is a problem."""
    index = Index(drafts)
    for draft in drafts:
        if draft.parent is not None and draft.parent_field is not None:
            draft.references[draft.parent_field] = [draft.parent]
        for name, mark in draft.model.references():
            value = getattr(draft.fields, name)
            if value is not None and draft.is_sound(name):
                _link(draft, name, mark, value, index, problems)
    return index


def _link(draft: Draft, name: str, mark: Reference, value: Any, index: Index, problems: Problems) -> None:
    places: list[tuple[Path, Any]] = [((name,), value)]
    if mark.many:
        places = [((name, place), one) for place, one in enumerate(value)]
    for at, one in places:
        by, wanted = next(iter(one.items())) if isinstance(one, dict) else ("", one)
        found = index.find(mark.kind, by, wanted)
        if found is not None:
            draft.references.setdefault(name, []).append(found)
            continue
        draft.wrong.add(name)
        names = index.names(mark.kind)
        hint = None if names else f"there are no {mark.kind} in this file"
        problems.at((*draft.path, *at), f"there is no {wanted!r} among {mark.kind}{nearest(wanted, names)}", hint)


def check_unique(drafts: Drafts, problems: Problems) -> None:
    """What may be there once only is there once; told at the second, with the place of the first."""
    seen: dict[tuple[Any, ...], Draft] = {}
    for draft in drafts:
        for field in ("id", *draft.model.unique):
            value = getattr(draft.fields, field)
            if not isinstance(value, str) or not draft.is_sound(field):
                continue
            folded = value.lower() if field == "id" or draft.kind in _CASELESS else value
            first = seen.setdefault((draft.kind, field, folded), draft)
            if first is not draft:
                shown = "this" if (draft.kind, field) in _SECRET else repr(value)
                what = f"{shown} is the {field} of {_placed(first)} already"
                problems.at((*draft.path, field), what, "rename or remove one")
    _check_pairs(drafts, problems)


def _check_pairs(drafts: Drafts, problems: Problems) -> None:
    seen: dict[tuple[Any, ...], Draft] = {}
    for kind, owner, field in (("targets", "upstream", "target"), ("acls", "consumer", "group")):
        for draft in drafts.of(kind):
            whose, value = draft.one(owner), getattr(draft.fields, field)
            if whose is not None and draft.is_sound(field):
                first = seen.setdefault((kind, whose, value), draft)
                if first is not draft:
                    what = f"{value!r} is there already, as {_placed(first)}"
                    problems.at((*draft.path, field), what, "remove one")


def _placed(draft: Draft) -> str:
    return f"{dotted(draft.path)} (line {draft.line})"


def give_ids(drafts: Drafts) -> None:
    """Give an id to every entity; those without one of their own get the same in every process and at every reload."""
    for draft in drafts:
        _give_id(draft)
    _number_keys(drafts)


def _number_keys(drafts: Drafts) -> None:
    # Ids are sent upstream, and whoever sees one made of a key could find the key by trying.
    numbers: Counter[str] = Counter()
    for draft in drafts.of("keyauth_credentials"):
        owner = _owner(draft, "consumer")
        if draft.fields.id is None:
            draft.id = _made(draft.kind, f"{owner}:{numbers[owner]}")
        numbers[owner] += 1


def _give_id(draft: Draft) -> str:
    if not draft.id:
        own = draft.fields.id if draft.is_sound("id") else None
        draft.id = own.lower() if own else _made(draft.kind, _identity(draft))
    return draft.id


def _made(kind: str, identity: str) -> str:
    return str(uuid.uuid5(uuid.uuid5(_NAMESPACE, kind), identity))


def _identity(draft: Draft) -> str:
    """What tells an entity from the others of its kind, without giving a secret away."""
    fields = draft.fields
    match draft.kind:
        case "targets":
            return f"{fields.target}:{_owner(draft, 'upstream')}"
        case "acls":
            return f"{_owner(draft, 'consumer')}:{fields.group}"
        case "basicauth_credentials":
            return str(fields.username)
        case "jwt_secrets":
            return str(fields.key)
        case "certificates" | "ca_certificates":
            return str(fields.cert)
        case "plugins":
            return ":".join([fields.name or "", *(_owner(draft, name) for name in ("route", "service", "consumer"))])
    name = getattr(fields, draft.model.named_by or "", None) or getattr(fields, "custom_id", None)
    return str(name) if name else dotted(draft.path)


def _owner(draft: Draft, name: str) -> str:
    owner = draft.one(name)
    return "" if owner is None else _give_id(owner)
