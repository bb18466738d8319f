"""A stand-in for an OpenTelemetry collector: takes OTLP over HTTP and decodes it with the official messages."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.kit.raw import PATIENCE

PATH = "/v1/traces"


@dataclass(frozen=True)
class Span:
    """One span as it arrived; ids in hexadecimal, an empty one is none."""

    name: str
    kind: str
    trace_id: str
    id: str
    parent: str
    state: str
    start: int
    end: int
    attributes: dict[str, Any]
    links: list[tuple[str, str]]
    events: list[tuple[str, dict[str, Any]]]
    failed: bool
    message: str
    resource: dict[str, Any] = field(repr=False)

    @property
    def place(self) -> tuple[str, str]:
        """What a link leads to."""
        return self.trace_id, self.id


class Collector:
    """What has arrived, and what is answered.

    Attributes:
        url: where traces are sent.
        spans: those that were taken, in the order in which they came.
        headers: the header fields of each request.
        status: what is answered.
        held: while it is not set, nothing is answered.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}{PATH}"
        self.spans: list[Span] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.held = threading.Event()
        self.held.set()

    async def named(self, *names: str) -> list[Span]:
        """Wait until there is a span of each of these names; each of them, which is the only one of its name."""
        async with asyncio.timeout(PATIENCE):
            while not set(names) <= {span.name for span in self.spans}:
                await asyncio.sleep(0.01)
        found = [[span for span in self.spans if span.name == name] for name in names]
        assert all(len(spans) == 1 for spans in found), self.spans
        return [spans[0] for spans in found]

    async def asked(self, count: int = 1) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(PATIENCE):
            while len(self.headers) < count:
                await asyncio.sleep(0.01)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        self.headers.append(headers)
        self.held.wait(60)
        if self.status == 200:
            octets = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            self.spans += _spans(ExportTraceServiceRequest.FromString(octets))
        return self.status


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    name=span.name,
                    kind=Message.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    trace_id=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    state=span.trace_state,
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    attributes=_values(span.attributes),
                    links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                    events=[(event.name, _values(event.attributes)) for event in span.events],
                    failed=span.status.code == Status.STATUS_CODE_ERROR,
                    message=span.status.message,
                    resource=_values(group.resource.attributes),
                )


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert self.path == PATH
        assert self.headers["Content-Type"] == "application/x-protobuf"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        collector: Collector = self.server.collector  # type: ignore[attr-defined]
        status = collector.take({name.lower(): value for name, value in self.headers.items()}, body)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Nothing is said on standard error."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """A gateway that has gone does not wait for its answer."""


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """A collector on a port of 127.0.0.1, a free one unless it is named."""
    with _Server(("127.0.0.1", port), _Handler) as server:
        collector = server.collector = Collector(server.server_port)  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            collector.held.set()
            server.shutdown()
            thread.join(PATIENCE)
