"""The metrics of the gateway as a whole: its workers, its configuration, its certificates.

Made where the status listener is: in the supervisor, or in the one process that there is.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from prometheus_client import Metric

from framegate._build import COMPILED
from framegate._version import __version__
from framegate.observe import catalogue
from framegate.observe.exposition import family

if TYPE_CHECKING:
    from framegate.config.configuration import Configuration
    from framegate.operate.control import Reply
    from framegate.operate.lifecycle import State


class Certificates:
    """When the certificates of a configuration expire; looked at once for each configuration."""

    def __init__(self) -> None:
        self._config: Configuration | None = None
        self._expiries: dict[tuple[str, str], float] = {}

    def expiries(self, config: Configuration) -> dict[tuple[str, str], float]:
        """Seconds since the epoch, by source and name."""
        if config is not self._config:
            self._expiries = dict(_expiries(config))
            self._config = config
        return self._expiries


def _expiries(config: Configuration) -> Iterator[tuple[tuple[str, str], float]]:
    for listen in config.gateway.listen:
        if listen.cert is not None:
            try:
                text = Path(listen.cert).read_text("latin-1")
            except OSError:
                # It has been removed since it was loaded; nothing is known of the one that is shown.
                continue
            yield from _expiry("listen", str(listen), text)
    for sni in config.snis:
        yield from _expiry("sni", sni.name, sni.certificate.cert)
    for service in config.services:
        if service.client_certificate is not None:
            yield from _expiry("service", service.name or service.id, service.client_certificate.cert)


def _expiry(source: str, name: str, pem: str) -> Iterator[tuple[tuple[str, str], float]]:
    try:
        chain = x509.load_pem_x509_certificates(pem.encode("latin-1"))
    except ValueError:
        return
    # A chain is good for as long as each of its certificates is.
    yield (source, name), min(found.not_valid_after_utc.timestamp() for found in chain)


def families(
    state: State,
    config: Configuration,
    replies: Sequence[Reply],
    restarts: int,
    certificates: Certificates,
    ready: bool,
) -> list[Metric]:
    """The families.

    Args:
        state: how the gateway is.
        config: what it serves.
        replies: what the workers have answered.
        restarts: how many workers were started again.
        certificates: of the configuration.
        ready: whether it is.
    """
    last = state.last_reload
    results: list[tuple[Sequence[str], float]] = [(("success",), state.reloads), (("failure",), state.failed_reloads)]
    build = ("compiled" if COMPILED else "pure", platform.python_version())
    values: dict[catalogue.Definition, Any] = {
        catalogue.WORKER_UP: [((str(reply.worker),), reply.error is None) for reply in replies],
        catalogue.WORKER_RESTARTS: [((), restarts)],
        catalogue.READY: [((), ready)],
        catalogue.RELOAD_SUCCESS: [((), last is None or last.ok)],
        catalogue.RELOAD_TIME: [((), state.started_at if last is None else last.at)],
        catalogue.RELOADS: results,
        catalogue.CERTIFICATE_EXPIRY: certificates.expiries(config).items(),
        catalogue.BUILD: [((__version__, *build), 1)],
    }
    return [family(definition, values[definition]) for definition in catalogue.OF_THE_WHOLE]
