"""``session-log``: a JSON record of each session, when it is over, to standard output, a file or an HTTP endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from framegate.pdk import FieldError, resolve_path
from framegate.pdk.kong import Kong
from framegate.plugins._header_check import check_header
from framegate.plugins.session_log.destinations import ToFile, ToHTTP, host_of, to_stdout
from framegate.plugins.session_log.outbox import Outbox

version = "1.0.0"
priority = 9

# Records of a local output that wait: some seconds of a disk that hangs.
_LOCAL_QUEUE: Final = 10_000
_OWN_FIELDS: Final = ("host", "content-length", "content-type")

_HTTP = (
    {
        "endpoint": {
            "type": "string",
            "required": True,
            "encrypted": True,
            "referenceable": True,
            "match": "^https?://[^/]",
            "description": "The URL that each record is sent to, http or https.",
        }
    },
    {
        "method": {
            "type": "string",
            "required": True,
            "default": "POST",
            "one_of": ["POST", "PUT", "PATCH"],
            "description": "The method of the request.",
        }
    },
    {
        "headers": {
            "type": "map",
            "keys": {"type": "string"},
            "values": {"type": "string", "encrypted": True, "referenceable": True},
            "description": "Further header fields of the request; Content-Type is application/json.",
        }
    },
    {
        "timeout": {
            "type": "integer",
            "required": True,
            "default": 10_000,
            "between": [1, 600_000],
            "description": "Milliseconds to wait for the connection, and for each part of the answer.",
        }
    },
    {
        "queue_size": {
            "type": "integer",
            "required": True,
            "default": 10_000,
            "between": [1, 1_000_000],
            "description": "Most records that wait to be sent; over it the oldest is dropped.",
        }
    },
    {
        "retries": {
            "type": "integer",
            "required": True,
            "default": 5,
            "between": [0, 100],
            "description": "How often a record is sent again that was not answered with 200 to 299.",
        }
    },
    {
        "retry_delay": {
            "type": "integer",
            "required": True,
            "default": 500,
            "between": [1, 30_000],
            "description": "Milliseconds before the first of these, doubled for each further one, up to 30 s.",
        }
    },
)

Schema = (
    {
        "stdout": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether records go to standard output, one a line.",
        }
    },
    {"file": {"type": "string", "description": "A file that records are appended to, one a line."}},
    {"http": {"type": "record", "fields": _HTTP, "description": "An HTTP endpoint that records are sent to."}},
    {
        "fields": {
            "type": "map",
            "keys": {"type": "string"},
            "values": {"type": "string", "len_min": 0},
            "description": "Further fields of every record, with their values.",
        }
    },
)


class Plugin:
    """The outputs of one configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._fields: Mapping[str, str] = config["fields"] or {}
        self._outboxes = list(_outboxes(config))
        if not self._outboxes:
            raise FieldError("stdout", "no output is given: set stdout, file or http")

    def ws_close(self, kong: Kong) -> None:
        """Hand the record to the outputs."""
        record = json.dumps({**kong.log.serialize(), **self._fields}, separators=(",", ":")).encode()
        for outbox in self._outboxes:
            outbox.put(record)


def _outboxes(config: Mapping[str, Any]) -> Iterator[Outbox]:
    if config["stdout"]:
        yield Outbox("standard output", to_stdout, size=_LOCAL_QUEUE)
    if config["file"]:
        file = ToFile(str(resolve_path(config["file"])))
        yield Outbox(config["file"], file, size=_LOCAL_QUEUE, rest=file.close)
    if config["http"]:
        http = config["http"]
        _check_http(http)
        send = ToHTTP(http["endpoint"], http["method"], http["headers"] or {}, http["timeout"] / 1000)
        name, delay = host_of(http["endpoint"]), http["retry_delay"] / 1000
        yield Outbox(name, send, size=http["queue_size"], retries=http["retries"], delay=delay)


def _check_http(http: Mapping[str, Any]) -> None:
    try:
        parts = urlsplit(http["endpoint"])
        if not parts.hostname or parts.port == 0:
            raise ValueError("there is no host in it")
    except ValueError as error:
        raise FieldError("http.endpoint", f"is no URL: {error}") from None
    for name, value in (http["headers"] or {}).items():
        field = f"http.headers.{name}"
        if name.lower() in _OWN_FIELDS:
            raise FieldError(field, "is set by the plugin")
        if name.lower() == "authorization" and parts.username is not None:
            raise FieldError(field, "the endpoint has user information already: leave one of them out")
        try:
            check_header(name, value)
        except ValueError as error:
            raise FieldError(field, str(error)) from None
