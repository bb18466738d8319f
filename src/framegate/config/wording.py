"""Says in words what a model found wrong: the rule, what is there instead, and the mend."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel

from framegate._rules import nearest
from framegate.config.document import Document, Path
from framegate.config.model.fields import shown
from framegate.config.model.syntax import OTHER_PROTOCOLS, unserved_protocol
from framegate.config.problems import Problems
from framegate.config.unserved import mend_of

_WANTED: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_SECRET: Final = frozenset({"password", "key", "secret"})


def tell(
    details: Iterable[Mapping[str, Any]],
    model: type[BaseModel],
    kind: str,
    path: Path,
    document: Document,
    problems: Problems,
) -> None:
    """Add what a model found wrong to ``problems``.

    Args:
        details: what it found.
        model: of the mapping at ``path``.
        kind: the entity's, or empty.
        path: where the mapping stands.
        document: what was written.
        problems: to add to.
    """
    for detail in details:
        at = _path_of(detail["loc"], path, document, detail["type"])
        message, hint = _words(detail, at, model, kind, document)
        problems.at(at, message, hint)


def _path_of(loc: Iterable[str | int], path: Path, document: Document, kind: str) -> Path:
    found = (*path, *(part for part in loc if part != "[key]"))
    if kind == "missing":
        return found[:-1]
    # A short form has no place of its own for the field that it stands for.
    while found not in document.lines and len(found) > len(path):
        found = found[:-1]
    return found


def _words(
    detail: Mapping[str, Any], at: Path, model: type[BaseModel], kind: str, document: Document
) -> tuple[str, str | None]:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "refused":
            return context["message"], context["hint"]
        case "missing":
            return f"{detail['loc'][-1]} is missing", None
        case "extra_forbidden":
            return _unknown(str(detail["loc"][-1]), model, detail["loc"][:-1], kind)
        case "literal_error":
            return _not_one_of(detail["input"], context["expected"], at, document)
        case "string_too_short":
            return "must not be empty", None
    wanted = _WANTED.get(detail["type"])
    if wanted is None:
        return str(detail["msg"]), None
    return f"must be {wanted}, not {_kind_of(detail['input'])}", _mend(wanted, detail["input"], at, document)


def _unknown(name: str, model: type[BaseModel], loc: tuple[str | int, ...], kind: str) -> tuple[str, str | None]:
    mend = mend_of(kind, name)
    if mend is not None:
        return f"{name!r} is not served", mend
    names = names_of(_model_at(model, loc))
    hint = "a plugin takes its place" if name == "on_frame" else None
    return f"there is no field {name!r}{nearest(name, names)}", hint


def names_of(model: type[BaseModel]) -> list[str]:
    """The names of a model's fields, as the file writes them."""
    return [info.alias or name for name, info in model.model_fields.items()]


def _model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    for part in loc:
        info = model.model_fields.get(str(part))
        inner = None if info is None else _inner_model(info.annotation)
        if inner is not None:
            model = inner
    return model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _inner_model(part)
        if found is not None:
            return found
    return None


def _not_one_of(value: Any, expected: str, at: Path, document: Document) -> tuple[str, str | None]:
    words = re.findall(r"'([^']*)'", expected)
    if words and not isinstance(value, str):
        return f"must be {expected}, not {_kind_of(value)}", _mend("a text", value, at, document)
    if "ws" in words and value in OTHER_PROTOCOLS:
        context = getattr(unserved_protocol(value), "context", None) or {}
        return context["message"], context["hint"]
    if words == ["3.0"]:
        return f"the version of the format must be '3.0', not {value!r}", "convert the file with Kong's decK"
    near = nearest(value, words) if isinstance(value, str) else ""
    return f"must be {expected}, not {shown(value)}{near}".replace("True", "true").replace("False", "false"), None


def _kind_of(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "a mapping"


def _mend(wanted: str, value: Any, at: Path, document: Document) -> str | None:
    if isinstance(value, dict) and any(name.startswith("vault://") for name in value):
        return 'put the reference in quotes: "{vault://env/NAME}"'
    text = document.texts.get(at)
    if wanted == "a text" and text is not None:
        return _quotes(value, "" if at and at[-1] in _SECRET else text)
    if wanted == "a list" and isinstance(value, str):
        return f"write [{shown(value)}]".replace("'", '"')
    if isinstance(value, str) and (re.fullmatch(r"-?\d+(\.\d+)?", value) or value in ("true", "false")):
        return "leave out the quotes"
    return None


def _quotes(value: Any, text: str) -> str:
    mend = f'put it in quotes: "{text}"' if text else "put it in quotes"
    if isinstance(value, bool) and text.lower() not in ("true", "false", ""):
        return f"YAML reads {text} as {str(value).lower()}: {mend[0].lower()}{mend[1:]}"
    return mend
