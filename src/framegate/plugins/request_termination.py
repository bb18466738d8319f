"""``request-termination``: refuses handshakes with an answer of one's own: all, or those that carry a trigger."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from framegate.pdk import FieldError
from framegate.pdk.kong import Kong

version = "1.0.0"
priority = 2

# What the answer says where the configuration says nothing.
_MESSAGES: Final = {
    401: "Unauthorized",
    404: "Not found",
    405: "Method not allowed",
    500: "An unexpected error occurred",
    502: "Bad Gateway",
    503: "Service unavailable",
}
_WITHOUT_BODY: Final = (204, 205, 304)

Schema = (
    {
        "status_code": {
            "type": "integer",
            "required": True,
            "default": 503,
            "between": [200, 599],
            "description": "The status of the answer.",
        }
    },
    {"message": {"type": "string", "description": "The message in the JSON body; goes without body and content_type."}},
    {"content_type": {"type": "string", "description": "The Content-Type of body."}},
    {"body": {"type": "string", "description": "The body as it is, instead of a message."}},
    {
        "echo": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether the body tells the client its own request, the matched route and the service.",
        }
    },
    {
        "trigger": {
            "type": "string",
            "match": "^[A-Za-z0-9_-]+$",
            "description": "Only requests with a header field or query argument of this name are refused.",
        }
    },
)


class Plugin:
    """The answer of one configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        for field, message in _wrong(config):
            raise FieldError(field, message)
        self.config = config
        self._message: str | None = config["message"] or _MESSAGES.get(config["status_code"])

    def ws_handshake(self, kong: Kong) -> None:
        """Refuse the handshake, if it is one of those to refuse."""
        config = self.config
        if config["trigger"] and not _carries(kong, config["trigger"]):
            return
        if config["echo"]:
            kong.response.exit(config["status_code"], self._echo(kong))
        elif config["body"]:
            kind = config["content_type"]
            kong.response.exit(config["status_code"], config["body"], {"Content-Type": kind} if kind else None)
        kong.response.exit(config["status_code"], {"message": self._message} if self._message else None)

    def _echo(self, kong: Kong) -> dict[str, Any]:
        request = kong.request
        return {
            "message": self._message,
            "kong": {
                "node_id": kong.node.get_id(),
                "worker_pid": os.getpid(),
                "hostname": kong.node.get_hostname(),
            },
            "request": {
                "scheme": request.get_scheme(),
                "host": request.get_host(),
                "port": request.get_port(),
                "headers": request.get_headers(),
                "query": request.get_query(),
                "method": request.get_method(),
                "path": request.get_path(),
            },
            "matched_route": kong.router.get_route(),
            "matched_service": kong.router.get_service(),
        }


def _carries(kong: Kong, trigger: str) -> bool:
    return kong.request.get_header(trigger) is not None or kong.request.get_query_arg(trigger) is not None


def _wrong(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    body = "body" if config["body"] else "content_type" if config["content_type"] else None
    if config["message"] and body:
        yield "message", f"goes without {body}: give one of them"
    if config["content_type"] and not config["body"]:
        yield "content_type", "goes with a body: give one, or leave it out"
    if config["echo"] and config["body"]:
        yield "echo", "goes without body and content_type: it makes a body of its own"
    if config["status_code"] in _WITHOUT_BODY and (config["message"] or config["body"] or config["echo"]):
        yield "status_code", f"an answer with status {config['status_code']} has no body (RFC 9110, section 15)"
