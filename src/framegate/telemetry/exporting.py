"""Sends spans by the SDK's exporter, and tells the operator of a collector that does not take them once, not each time.

Called by the SDK's thread alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from framegate.telemetry.trouble import Trouble

_log = logging.getLogger("framegate.tracing")

_LONGEST_REASON: Final = 200

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
        self._first_words = _FirstWords()
        self._is_over = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._first_words:
            try:
                result = self._exporter.export(spans)
            except Exception as error:  # some releases raise what requests raises
                result = SpanExportResult.FAILURE
                self._first_words.text = self._first_words.text or " ".join(str(error).split())
        if result is SpanExportResult.SUCCESS:
            self._trouble.over()
        elif not self._is_over:
            self._trouble.lost(len(spans), _reason(self._first_words.text))
        return result

    def give_up(self) -> None:
        """There is no more time: wait for nothing any more."""
        _log.error("%s: not all spans could be sent before the end", self._name)
        self.shutdown()

    def shutdown(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._exporter.shutdown()


class _FirstWords(logging.Handler):
    """Keeps the first thing that the exporter logs, in place of the log: a line for each attempt would be too many."""

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
        self.text = self.text or " ".join(record.getMessage().split())


def _reason(text: str) -> str:
    """What the exporter has logged, in short: behind three exceptions there is what the system said."""
    found = re.search(r"\[Errno -?\d+\] ([^\"')]+)", text) or re.search(r"^Transient error (.+) encountered", text)
    said = found[1] if found else text.rstrip(".")
    return said[:_LONGEST_REASON] or "the collector does not take them"
