"""Metrics as text: made for another process or for whoever scrapes, and read again.

The formats are the client library's affair; this says what goes into them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.utils import floatToGoString

from framegate.observe.catalogue import PREFIX, Definition

KONG_PREFIX: Final = "kong_websocket_"
"""In place of :data:`PREFIX` where ``gateway.metrics.names`` is ``kong``."""


class Families:
    """What the library's encoders take for a registry.

    Args:
        metrics: the families.
    """

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> Iterator[Metric]:
        """The families."""
        return iter(self._metrics)


def family(definition: Definition, values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    """A counter or a gauge.

    Args:
        definition: which one.
        values: label values, in the order of the definition's own labels, and the number.
    """
    metric = Metric(definition.family, definition.help, definition.kind)
    for labels, value in values:
        metric.add_sample(definition.name, dict(zip(definition.own_labels, labels, strict=True)), value)
    return metric


def histogram(definition: Definition, bounds: Sequence[float], values: Iterable[tuple[Sequence[str], Any]]) -> Metric:
    """A histogram.

    Args:
        definition: which one.
        bounds: the upper bounds of its buckets.
        values: label values, and something with ``counts`` (one more than there are bounds) and ``total``.
    """
    metric = Metric(definition.family, definition.help, "histogram")
    names = [*map(floatToGoString, bounds), "+Inf"]
    for labels, durations in values:
        shown = dict(zip(definition.labels, labels, strict=True))
        reached = 0
        for name, count in zip(names, durations.counts, strict=True):
            reached += count
            metric.add_sample(f"{definition.name}_bucket", {**shown, "le": name}, reached)
        metric.add_sample(f"{definition.name}_count", shown, reached)
        metric.add_sample(f"{definition.name}_sum", shown, durations.total)
    return metric


def text_of(metrics: Iterable[Metric]) -> str:
    """The families in Prometheus' text format."""
    return generate_latest(Families(metrics)).decode()


def families_of(text: str) -> list[Metric]:
    """What :func:`text_of` was given."""
    return list(text_string_to_metric_families(text))


def answer_for(accept: str, metrics: Iterable[Metric]) -> tuple[str, bytes]:
    """The content type and the body for somebody who scrapes.

    Args:
        accept: the ``Accept`` field of the request: OpenMetrics or Prometheus' text format, the default.
        metrics: the families.
    """
    encode, content_type = choose_encoder(accept)
    return content_type, encode(Families(metrics))


def renamed(metrics: Iterable[Metric], prefix: str) -> list[Metric]:
    """The families with another prefix in the place of framegate's own."""

    def other(name: str) -> str:
        return prefix + name.removeprefix(PREFIX) if name.startswith(PREFIX) else name

    found = []
    for metric in metrics:
        twin = Metric(other(metric.name), metric.documentation, metric.type)
        twin.samples = [sample._replace(name=other(sample.name)) for sample in metric.samples]
        found.append(twin)
    return found
