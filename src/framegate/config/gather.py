"""Takes a document apart into entities, each checked by its model on its own.

An entity that is wrong hides no other: it stays among the drafts with what is sound of it, so that names, references
and rules between entities can still be looked at.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from framegate.config.document import Document, Path
from framegate.config.draft import Draft, Drafts
from framegate.config.environment import UNSET
from framegate.config.model.file import KINDS, File
from framegate.config.model.gateway import Gateway
from framegate.config.problems import Problems
from framegate.config.unserved import mend_of
from framegate.config.wording import names_of, tell


@dataclass(frozen=True, slots=True)
class Sections:
    """What a file says beside its entities.

    Attributes:
        file: the whole file without its entities.
        gateway: the section ``gateway``, with defaults.
        wrong: the fields of ``gateway`` that are wrong, which hold their defaults.
    """

    file: Any
    gateway: Gateway
    wrong: frozenset[str]


def gather(document: Document, problems: Problems) -> tuple[Drafts, Sections]:
    """The entities of a document, and its other sections; sound as far as ``problems`` say."""
    gatherer = _Gatherer(document, problems)
    top = _given(document.data, File, "")
    for name in KINDS:
        gatherer.entities(name, top.pop(name, None), (name,), None, None)
    gatherer.drafts.sort()
    gateway, wrong = _gateway(top.pop("gateway", {}), document, problems)
    file, _ = validated(File, top, "", (), document, problems)
    return gatherer.drafts, Sections(file, gateway, frozenset(wrong))


def _gateway(raw: Any, document: Document, problems: Problems) -> tuple[Gateway, set[str]]:
    if not isinstance(raw, dict):
        problems.at(("gateway",), "must be a mapping", 'as in gateway: {listen: ["127.0.0.1:8000"]}')
        raw = {}
    return validated(Gateway, _given(raw, Gateway, "gateway"), "gateway", ("gateway",), document, problems)


def _given(raw: dict[str, Any], model: type[BaseModel], kind: str) -> dict[str, Any]:
    """What is there: a field that is null is as if it was left out, but not one that nobody knows."""
    names = names_of(model)
    return {name: value for name, value in raw.items() if value is not None or not _is_known(name, names, kind)}


def _is_known(name: str, names: list[str], kind: str) -> bool:
    return name in names or mend_of(kind, name) is not None


def validated(
    model: type[BaseModel], raw: dict[str, Any], kind: str, path: Path, document: Document, problems: Problems
) -> tuple[Any, set[str]]:
    """``raw`` as an instance of ``model``, and the names of the fields that are wrong, which hold their defaults."""
    wrong = {name for name, value in raw.items() if _holds_unset(value)}
    sound = {name: value for name, value in raw.items() if name not in wrong}
    try:
        return model.model_validate(sound), wrong
    except ValidationError as error:
        unset = wrong.copy()
        details = [detail for detail in error.errors() if detail["loc"][0] not in unset]
        if details:
            tell(details, model, kind, path, document, problems)
        wrong |= {str(detail["loc"][0]) for detail in details}
    kept = {name: value for name, value in sound.items() if name not in wrong}
    with contextlib.suppress(ValidationError):
        return model.model_validate(kept), wrong
    blanks = {name: None for name, info in model.model_fields.items() if info.is_required() and name not in kept}
    return model.model_construct(**{**blanks, **kept}), wrong


def _holds_unset(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_unset(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_holds_unset(inner) for inner in value)
    return value is UNSET


class _Gatherer:
    def __init__(self, document: Document, problems: Problems) -> None:
        self.document = document
        self.problems = problems
        self.drafts = Drafts()

    def entities(self, kind: str, values: Any, path: Path, parent: Draft | None, parent_field: str | None) -> None:
        if values is None:
            return
        if not isinstance(values, list):
            mend = "each entry begins with a dash" if isinstance(values, dict) else None
            self.problems.at(path, "must be a list", mend)
            return
        for index, value in enumerate(values):
            at = (*path, index)
            if isinstance(value, dict):
                self.entity(kind, value, at, parent, parent_field)
            else:
                mend = f"write name: {value}" if isinstance(value, str) and "name" in KINDS[kind].model_fields else None
                self.problems.at(at, "must be a mapping", mend)

    def entity(self, kind: str, value: dict[str, Any], path: Path, parent: Draft | None, field: str | None) -> None:
        model = KINDS[kind]
        nested = dict(model.nested())
        raw = {name: inner for name, inner in _given(value, model, kind).items() if name not in nested}
        if field is not None and parent is not None and raw.pop(field, None) is not None:
            what = f"it belongs to {parent.kind} already, by where it stands"
            self.problems.at((*path, field), what, f"take {field} out, or move it to the top of the file")
        fields, wrong = validated(model, raw, kind, path, self.document, self.problems)
        draft = Draft(kind, path, self.document.line(path), fields, wrong, parent, field)
        self.drafts.add(draft)
        for name, mark in nested.items():
            self.entities(name, value.get(name), (*path, name), draft, mark.parent)
