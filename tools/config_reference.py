"""Writes the tables of docs/configuration.md from the models of the file: ``python tools/config_reference.py``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from framegate.config.model.file import File

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
SCHEMA = File.model_json_schema(by_alias=True)
MODELS: dict[str, dict[str, Any]] = {"File": SCHEMA, **SCHEMA["$defs"]}
WITHOUT_TABLE = {"Info"}
COMMON = ("id", "created_at", "updated_at", "tags", "_comment", "_ignore")


def table(name: str) -> str:
    """A Markdown table of the fields of one model: name, type, unit, default, the default's origin, meaning."""
    model = MODELS["Service" if name == "common" else name]
    fields = model["properties"]
    chosen = COMMON if name == "common" else [field for field in fields if name == "File" or field not in COMMON]
    lines = [
        "| field | type | unit | default | the default's origin | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for field in chosen:
        lines.append(row(field, fields[field], required=field in model.get("required", ())))
    return "\n".join(lines)


def row(name: str, field: dict[str, Any], *, required: bool) -> str:
    """One field."""
    if required:
        default = "required"
    else:
        value = field.get("default")
        default = "" if value in (None, [], {}) else f"`{json.dumps(value)}`"
    meaning = field["description"].replace("``", "`")
    cells = [f"`{name}`", type_of(field), field.get("x-unit", ""), default, field.get("x-origin", ""), meaning]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def type_of(field: dict[str, Any]) -> str:
    """The type of a field in words."""
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(type_of(part) for part in field["anyOf"] if part.get("type") != "null"))
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[1]
        return "mapping" if name in WITHOUT_TABLE else f"[{name}](#{name.lower()})"
    if "enum" in field or "const" in field:
        words = field.get("enum", [field.get("const")])
        return ", ".join(f"`{json.dumps(word) if not isinstance(word, str) else word}`" for word in words)
    return _plain_type(field)


def _plain_type(field: dict[str, Any]) -> str:
    match field.get("type"):
        case "array":
            return f"list of {type_of(field.get('items', {}))}"
        case "object":
            inner = next(iter(field.get("patternProperties", {}).values()), field.get("additionalProperties"))
            if "properties" in field:
                return "mapping of " + " or ".join(f"`{name}`" for name in field["properties"])
            return f"mapping to {type_of(inner)}" if isinstance(inner, dict) else "mapping"
        case "integer" if "minimum" in field and field["maximum"] < 2**40:
            return f"{field['minimum']} to {field['maximum']}"
        case "integer" if "minimum" in field:
            return f"integer >= {field['minimum']}"
    return {"string": "text", "boolean": "boolean", None: "anything"}.get(field.get("type"), str(field.get("type")))


def page(text: str) -> str:
    """The page with its tables made anew."""

    def made(found: re.Match[str]) -> str:
        return f"<!-- fields of {found[1]} -->\n{table(found[1])}\n<!-- end -->"

    return re.sub(r"<!-- fields of (\w+) -->.*?<!-- end -->", made, text, flags=re.S)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
