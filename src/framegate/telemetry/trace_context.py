"""The context of a trace in header fields, ``traceparent`` and ``tracestate`` (W3C Trace Context): read and written.

``baggage`` is none of ours: it goes to the upstream as it came, like any other field.
"""

from __future__ import annotations

from typing import Final

from multidict import CIMultiDictProxy
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from framegate.upstream_options import UpstreamOptions

FIELDS: Final = frozenset({"traceparent", "tracestate"})

_Fields = CIMultiDictProxy[str]
_propagator = TraceContextTextMapPropagator()


class _FieldGetter(Getter[_Fields]):
    def get(self, carrier: _Fields, key: str) -> list[str] | None:
        return carrier.getall(key, None)

    def keys(self, carrier: _Fields) -> list[str]:
        return list(carrier)


_getter = _FieldGetter()


def context_in(fields: _Fields) -> Context:
    """The context that a client came in; empty where it names none, or not exactly one (Trace Context, 3.2)."""
    if len(fields.getall("traceparent", ())) != 1:
        return Context()
    return _propagator.extract(fields, Context(), _getter)


def carried(span: Span, how: UpstreamOptions) -> UpstreamOptions:
    """``how``, with the context of ``span`` in place of whatever context the client or a plugin has named."""
    fields: dict[str, str] = {}
    _propagator.inject(fields, set_span_in_context(span, Context()))
    if not fields:
        return how
    kept = [pair for pair in how.headers if pair[0].lower() not in FIELDS]
    return how._replace(headers=(*kept, *fields.items()), without=how.without | FIELDS)
