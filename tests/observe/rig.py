"""A running gateway that is watched: its status listener, and what it tells as numbers."""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.program import PATIENCE, Program
from tests.operate.rig import Place, running, talking

STATUS = '  status_listen: "127.0.0.1:0"\n'

Sample = tuple[str, frozenset[tuple[str, str]]]


class Numbers:
    """What one scrape has told."""

    def __init__(self, text: str, *, openmetrics: bool = False) -> None:
        parse = parse_openmetrics if openmetrics else text_string_to_metric_families
        self.families = {family.name: family for family in parse(text)}
        self.samples: dict[Sample, float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def of(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (found, own), value in self.samples.items() if found == name and wanted <= own)

    def growing(self) -> dict[Sample, float]:
        """The samples that must never go back."""
        names = {
            sample.name
            for family in self.families.values()
            if family.type in ("counter", "histogram")
            for sample in family.samples
        }
        return {key: value for key, value in self.samples.items() if key[0] in names}

    def labels(self, name: str, label: str) -> set[str]:
        """The values of a label."""
        return {dict(own)[label] for found, own in self.samples if found == name}


class Watched:
    """A gateway and its status listener.

    Attributes:
        program: the process that was started.
        url: where clients connect.
        status: the URL of the status listener.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.url = program.urls[0]
        self.status = program.log.matching("status at ")[0].rpartition("status at ")[2]

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, headers: Mapping[str, str] = {}
    ) -> tuple[int, Mapping[str, str], str]:
        """Ask the status listener; returns status, header fields and body."""
        connection = http.client.HTTPConnection(urlsplit(self.status).netloc, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def numbers(self) -> Numbers:
        """Scrape."""
        status, _, text = self.ask("/metrics")
        assert status == 200, text
        return Numbers(text)

    def when(self, fits: Callable[[Numbers], Any]) -> Numbers:
        """Scrape until the numbers fit."""
        deadline = time.monotonic() + PATIENCE
        while True:
            numbers = self.numbers()
            if fits(numbers):
                return numbers
            assert time.monotonic() < deadline, numbers.samples
            time.sleep(0.05)


@contextmanager
def watched(place: Place, *words: str, gateway: str = STATUS, **how: Any) -> Iterator[Watched]:
    """A gateway with a status listener on a free port; arguments as for :meth:`Place.text`."""
    with running(place.write(gateway=gateway, **how), *words) as program:
        yield Watched(program)


async def chat(url: str, texts: int, sessions: int = 1) -> None:
    """Sessions one after the other that send so many texts of five bytes each, and close."""
    for _ in range(sessions):
        async with talking(url) as peer:
            for _ in range(texts):
                await peer.send("hello")
                await peer.recv()


async def asked(watch: Watched, path: str, **how: Any) -> tuple[int, Mapping[str, str], str]:
    """:meth:`Watched.ask` beside what else happens."""
    return await asyncio.to_thread(lambda: watch.ask(path, **how))
