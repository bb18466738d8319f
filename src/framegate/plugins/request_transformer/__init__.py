"""``request-transformer``: changes header fields, query and path of the opening request on its way to the upstream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from framegate.pdk import FieldError, PDKError
from framegate.pdk.kong import Kong
from framegate.plugins.request_transformer.edits import (
    OPERATIONS,
    check_argument,
    check_field,
    edit_headers,
    edit_query,
    read_edits,
)
from framegate.plugins.request_transformer.templates import BadTemplate, Reference, Template

version = "1.0.0"
priority = 801

_DOES: Final = {
    "remove": ("Takes away", "NAME"),
    "rename": ("Gives another name to", "NAME:NEW-NAME"),
    "replace": ("Gives another value to what is there of", "NAME:VALUE"),
    "add": ("Adds, where there is none of the name yet,", "NAME:VALUE"),
    "append": ("Adds one more of", "NAME:VALUE"),
}
_NO_BODY: Final = "The request of an opening handshake has no body: must be empty."


def _entries(description: str) -> dict[str, Any]:
    return {"type": "array", "default": [], "elements": {"type": "string"}, "description": description}


def _operation(name: str) -> dict[str, Any]:
    does, form = _DOES[name]
    fields = (
        {"headers": _entries(f"{does} header fields: {form}.")},
        {"querystring": _entries(f"{does} query arguments: {form}.")},
        {"body": _entries(_NO_BODY)},
    )
    uri = {"uri": {"type": "string", "description": "The whole path that the upstream is asked for."}}
    return {"type": "record", "required": True, "fields": (*fields, uri) if name == "replace" else fields}


Schema = (
    {
        "http_method": {
            "type": "string",
            "description": "Only GET: an opening handshake is nothing else (RFC 6455, section 4.1).",
        }
    },
    *({name: _operation(name)} for name in OPERATIONS),
)

_DOT_SEGMENT: Final = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


class Plugin:
    """The changes of one configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        if (config["http_method"] or "GET").upper() != "GET":
            raise FieldError("http_method", "an opening handshake is a GET: leave it out")
        for operation in OPERATIONS:
            if config[operation]["body"]:
                raise FieldError(f"{operation}.body", "the request of an opening handshake has no body")
        self._headers = read_edits(config, "headers", check_field)
        self._query = read_edits(config, "querystring", check_argument)
        self._path = _path(config["replace"]["uri"])

    def ws_handshake(self, kong: Kong) -> None:
        """Change the request to the upstream."""
        if self._path is not None:
            self._set_path(kong, self._path)
        if self._headers:
            self._set_headers(kong)
        if self._query:
            request = kong.service.request
            request.set_raw_query(edit_query(self._query, request.get_raw_query(), kong))

    def _set_path(self, kong: Kong, template: Template) -> None:
        path = template.render(kong, _in_path)
        if not template.is_fixed and _DOT_SEGMENT.search(path):
            kong.response.exit(400, {"message": "Bad request"})
        kong.service.request.set_path(path)

    def _set_headers(self, kong: Kong) -> None:
        request = kong.service.request
        for name, values in edit_headers(self._headers, request.get_headers(), kong).items():
            if not values:
                request.clear_header(name)
                continue
            try:
                request.set_header(name, values)
            except PDKError:
                # What was configured has been checked: this is a value that the client had a part in.
                kong.response.exit(400, {"message": "Bad request"})


def _in_path(reference: Reference, value: str) -> str:
    # A capture is a part of a path already; anything else is one segment, whatever the client has put there.
    return value if reference.source == "uri_captures" else quote(value, safe="", errors="surrogateescape")


def _path(text: str | None) -> Template | None:
    if text is None:
        return None
    try:
        template = Template(text)
    except BadTemplate as error:
        raise FieldError("replace.uri", str(error)) from None
    if not text.startswith("/"):
        raise FieldError("replace.uri", "a path begins with /")
    if found := re.search(r"[?#\x00-\x1f\x7f]", text):
        raise FieldError("replace.uri", f"{found[0]!r} cannot stand in a path; a query is set with querystring")
    return template
