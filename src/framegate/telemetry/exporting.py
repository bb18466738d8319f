"""Sends spans by the SDK's exporter, and tells the operator of a collector that does not take them once, not each time.

Called by the SDK's thread alone.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from framegate.telemetry.trouble import Trouble

_log = logging.getLogger("framegate.tracing")

_ITS_LOG: Final = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")


class ToldExporter(SpanExporter):
    """An exporter whose failures are told once.

    Args:
        exporter: sends.
        endpoint: where to.
    """

    def __init__(self, exporter: SpanExporter, endpoint: str) -> None:
        self._exporter = exporter
        parts = urlsplit(endpoint)
        self._name = f"traces to {parts.scheme}://{parts.netloc}"
        self._trouble = Trouble(_log, self._name, "spans")
        self._last_words = _LastWords()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._last_words:
            result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._trouble.over()
        else:
            self._trouble.lost(len(spans), self._last_words.text or "the collector does not take them")
        return result

    def give_up(self) -> None:
        """There is no more time: wait for nothing any more."""
        _log.error("%s: not all spans could be sent before the end", self._name)
        self._exporter.shutdown()

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _LastWords(logging.Handler):
    """Keeps what the exporter logs, in place of the log: a line for each attempt would be too many."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def __enter__(self) -> None:
        self.text = ""
        _ITS_LOG.addHandler(self)
        _ITS_LOG.propagate = False

    def __exit__(self, *_: object) -> None:
        _ITS_LOG.removeHandler(self)
        _ITS_LOG.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        # The last line tells that it gives up; the reason stands in one before it.
        if record.levelno == logging.WARNING or not self.text:
            self.text = " ".join(record.getMessage().split())[:200]
