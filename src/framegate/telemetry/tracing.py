"""OpenTelemetry as framegate uses it: which traces are kept, and how they get to the collector.

The only module that knows the SDK. It is imported where the configuration asks for traces, and not otherwise.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link

from framegate.config.configuration import Tracing as Config
from framegate.pdk.exchange import Exchange, Node
from framegate.pdk.faces._forwarded import peer_is_trusted
from framegate.telemetry.exporting import ToldExporter
from framegate.telemetry.shared import Shared
from framegate.telemetry.spans import Spans
from framegate.telemetry.trace_context import context_in

MOST_AT_ONCE = 512
"""Spans in a batch: OpenTelemetry's default."""

LONGEST_VALUE = 1024
"""Characters of an attribute: a path or a User-Agent is the client's to choose, up to the limits of a request."""


class Tracing(Shared):
    """Makes the spans of connections, and has them sent by a thread of the SDK's.

    Args:
        config: what the file says.
        node: the process.
    """

    def __init__(self, config: Config, node: Node) -> None:
        super().__init__()
        self._always = config.accept_context == "always"
        self._exporter = ToldExporter(_exporter(config), config.endpoint)
        resource = {
            "service.name": config.service_name,
            "service.version": node.version,
            "service.instance.id": node.id,
            "host.name": node.hostname,
        }
        self._provider = TracerProvider(
            sampler=LinkBased(ParentBased(TraceIdRatioBased(config.sample_ratio))),
            resource=Resource.create(resource),
            span_limits=SpanLimits(max_attribute_length=LONGEST_VALUE),
            # The end is the gateway's to time.
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._exporter,
                max_queue_size=config.queue_size,
                schedule_delay_millis=config.export_interval * 1000,
                max_export_batch_size=min(MOST_AT_ONCE, config.queue_size),
            )
        )
        self._tracer = self._provider.get_tracer("framegate", node.version)
        self._ending: threading.Thread | None = None

    def begin(self, exchange: Exchange) -> Spans:
        """The spans of a connection whose request has come."""
        head = exchange.head
        assert head is not None
        believed = self._always or peer_is_trusted(exchange)
        return Spans(self._tracer, context_in(head.headers) if believed else Context(), exchange)

    def stop(self) -> None:
        if self._ending is None:
            self._ending = threading.Thread(target=self._provider.shutdown, name="framegate traces", daemon=True)
            self._ending.start()

    def _wait(self, limit: float) -> None:
        if self._ending is not None:
            self._ending.join(limit)
            if self._ending.is_alive():
                self._exporter.give_up()


class LinkBased(Sampler):
    """What is linked, and has no parent, is kept if what it is linked with is: a session goes with its handshake.

    Args:
        otherwise: decides about everything else.
    """

    def __init__(self, otherwise: Sampler) -> None:
        self._otherwise = otherwise

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        sampler = self._otherwise
        if links:
            sampler = ALWAYS_ON if links[0].context.trace_flags.sampled else ALWAYS_OFF
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"LinkBased{{{self._otherwise.get_description()}}}"


def _exporter(config: Config) -> OTLPSpanExporter:
    return OTLPSpanExporter(
        endpoint=config.endpoint,
        headers=dict(config.headers) or None,
        timeout=config.timeout,
        compression=Compression.Gzip if config.compression == "gzip" else Compression.NoCompression,
    )
