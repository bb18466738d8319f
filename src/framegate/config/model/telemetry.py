"""The sections ``gateway.tracing`` and ``gateway.access_log``: what is told of each connection, and where."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from framegate.config.model.fields import Between, Form, HeaderName, Model, Text, field, refusal
from framegate.handshake import checked_headers

OPENTELEMETRY: Final = "OpenTelemetry"
"""The origin of a default that OpenTelemetry's specification has too."""

_ENDPOINT_FORM: Final = "as in http://127.0.0.1:4318/v1/traces"


def _check_endpoint(text: str) -> None:
    try:
        parts = urlsplit(text)
        if not parts.hostname or parts.port == 0:
            raise ValueError
    except ValueError:
        raise refusal(f"{text!r} is no URL", _ENDPOINT_FORM) from None
    if parts.username is not None:
        raise refusal("must have no user information in it", "send it in headers: {Authorization: Basic ...}")


def _check_header_value(text: str) -> None:
    try:
        checked_headers([("X-Any", text)], where="header")
    except ValueError:
        raise refusal("must be the value of a header field, in one line") from None


Endpoint = Annotated[str, Form(r"^https?://[^\s/]", "an http or https URL", _ENDPOINT_FORM, _check_endpoint)]
HeaderValue = Annotated[str, Form(r"", "the value of a header field", None, _check_header_value, secret=True)]


class Tracing(Model):
    """Traces of connections, sent by OTLP over HTTP. Needs ``framegate[otel]``."""

    endpoint: Endpoint = field("http://127.0.0.1:4318/v1/traces", origin=OPENTELEMETRY)
    """Where the collector takes traces, with the path."""
    service_name: Text = field("framegate", origin="the program")
    """``service.name`` of everything that is sent."""
    sample_ratio: Annotated[float, Between(0, 1)] = field(1.0, origin=OPENTELEMETRY)
    """The share of traces that are kept, where none is continued: whoever began one has decided for all of it."""
    accept_context: Literal["trusted", "always"] = field("trusted", origin="as for forwarding headers")
    """Whose ``traceparent`` is continued: that of peers in `trusted_ips`, or everybody's."""
    headers: dict[HeaderName, HeaderValue] = field({}, origin="none")
    """Further header fields of what is sent, such as a token."""
    compression: Literal["none", "gzip"] = field("none", origin=OPENTELEMETRY)
    """Of what is sent."""
    timeout: Annotated[int, Between(1, 600_000)] = field(10_000, origin=OPENTELEMETRY, unit="ms")
    """How long the collector may take for a batch, with all attempts."""
    export_interval: Annotated[int, Between(1, 600_000)] = field(5000, origin=OPENTELEMETRY, unit="ms")
    """The longest time that something waits until it is sent."""
    queue_size: Annotated[int, Between(1, 1_000_000)] = field(2048, origin=OPENTELEMETRY)
    """Most spans that wait to be sent; over it, the oldest are dropped."""


class AccessLog(Model):
    """A line for each handshake that was refused and each session that has ended."""

    path: Text = field()
    """A file, relative to this one, which is made where there is none; ``-`` for standard output."""
    format: Literal["json", "text"] = field("json", origin="programs read it")
    """JSON, or `name=value`."""
    queue_size: Annotated[int, Between(1, 1_000_000)] = field(10_000, origin="some seconds of a disk that hangs")
    """Most lines that wait to be written; over it, new ones are dropped and counted."""
