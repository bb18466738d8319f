"""``kong.log``."""

from __future__ import annotations

import logging
import re
from typing import Any

from framegate.pdk.exchange import Exchange, Namespace
from framegate.pdk.faces._checks import a_str, broken, translated
from framegate.pdk.faces._serialize import MODES, SET_SERIALIZE_VALUE, Edit, plain, serialized

NOTICE = 25
"""Python's number for the level ``notice``, between ``info`` and ``warning``."""

logging.addLevelName(NOTICE, "NOTICE")

# Payloads come from peers, and must not begin a line of their own in the log or speak to a terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# Where the values for serialize() are kept: beside those of plugins, whose keys are the ids of their configurations.
_OWN = "kong.log"


class Log:
    """Writes to Python's logging under ``framegate.plugin.<name of the plugin>``.

    The arguments are written as ``str`` shows them, with a space between, as ``print`` does; one call is one line, so
    control characters but tab are written as escapes.
    """

    __slots__ = ("_exchange", "_name")

    def __init__(self, exchange: Exchange, name: str) -> None:
        self._exchange = exchange
        self._name = name

    def __call__(self, *parts: object) -> None:
        """``notice``.

        Phases: every phase.
        Source: as ``kong.log`` of Kong's PDK.
        """
        self._write(NOTICE, parts)

    def debug(self, *parts: object) -> None:
        """Log at ``DEBUG``.

        Phases: every phase.
        Source: as ``kong.log.debug`` of Kong's PDK.
        """
        self._write(logging.DEBUG, parts)

    def info(self, *parts: object) -> None:
        """Log at ``INFO``.

        Phases: every phase.
        Source: as ``kong.log.info`` of Kong's PDK.
        """
        self._write(logging.INFO, parts)

    def notice(self, *parts: object) -> None:
        """Log at ``NOTICE``, 25, which lies between Python's ``INFO`` and ``WARNING``.

        Phases: every phase.
        Source: as ``kong.log.notice`` of Kong's PDK.
        """
        self._write(NOTICE, parts)

    def warn(self, *parts: object) -> None:
        """Log at ``WARNING``.

        Phases: every phase.
        Source: as ``kong.log.warn`` of Kong's PDK.
        """
        self._write(logging.WARNING, parts)

    def err(self, *parts: object) -> None:
        """Log at ``ERROR``.

        Phases: every phase.
        Source: as ``kong.log.err`` of Kong's PDK.
        """
        self._write(logging.ERROR, parts)

    def crit(self, *parts: object) -> None:
        """Log at ``CRITICAL``.

        Phases: every phase.
        Source: as ``kong.log.crit`` of Kong's PDK.
        """
        self._write(logging.CRITICAL, parts)

    def alert(self, *parts: object) -> None:
        """Log at ``CRITICAL``, above which Python has no level.

        Phases: every phase.
        Source: as ``kong.log.alert`` of Kong's PDK.
        """
        self._write(logging.CRITICAL, parts)

    def emerg(self, *parts: object) -> None:
        """Log at ``CRITICAL``, above which Python has no level.

        Phases: every phase.
        Source: as ``kong.log.emerg`` of Kong's PDK.
        """
        self._write(logging.CRITICAL, parts)

    def warning(self, *parts: object) -> None:
        """``warn``, by Python's name.

        Phases: every phase.
        Source: framegate's own.
        """
        self._write(logging.WARNING, parts)

    def error(self, *parts: object) -> None:
        """``err``, by Python's name.

        Phases: every phase.
        Source: framegate's own.
        """
        self._write(logging.ERROR, parts)

    def serialize(self) -> dict[str, Any]:
        """The connection as it stands, in dicts and lists that can be written as JSON.

        - ``started_at``: when the client connected, in milliseconds since the epoch
        - ``client_ip``: as ``kong.client.get_forwarded_ip()``
        - ``request``: ``method``, ``uri``, ``url``, ``querystring`` and ``headers``
        - ``route``, ``service``: the entities
        - ``consumer``: its ``id``, ``username``, ``custom_id``, ``tags`` and timestamps
        - ``authenticated_entity``: ``id`` and ``consumer_id`` of the credential
        - ``websocket``: the session's record: ``ended_by``, ``why``, ``detail``, ``error``, ``duration`` (in seconds),
          and for ``client`` and ``upstream`` each ``frames``, ``messages``, ``bytes``, ``dropped``, ``changed``,
          ``close_received`` and ``close_sent`` (None, or ``code`` and ``reason``)

        What there is not (yet) is left out. ``"REDACTED"`` stands for the values of Authorization,
        Proxy-Authorization, Cookie and apikey, for the query arguments apikey, jwt and access_token, and for the key
        that the client was authenticated by, wherever it stands.

        Raises:
            PDKError: a key of ``set_serialize_value`` leads through what is not a mapping.

        Phases: every phase.
        Source: as ``kong.log.serialize`` of Kong's PDK; ``websocket``, and what is redacted beyond Authorization and
            Proxy-Authorization, are framegate's own.
        """
        return serialized(self._exchange, self._edits())

    def set_serialize_value(self, key: str, value: Any, mode: str = "set") -> None:
        """Let ``serialize()`` of all plugins on this connection have this value.

        Args:
            key: dots stand between levels: ``"request.headers.x-team"``.
            value: a mapping, list, str, finite number or bool; None removes what is there. It is copied.
            mode: ``"set"``, always; ``"add"``, only where there is nothing yet; ``"replace"``, only where there is
                something.

        Raises:
            PDKError: ``key`` is not a str, or leads through what is not a mapping; ``value`` or ``mode`` is something
                else.

        Phases: every phase.
        Source: as ``kong.log.set_serialize_value`` of Kong's PDK, where ``mode`` is an entry of ``options``.
        """
        a_str(SET_SERIALIZE_VALUE, "key", key)
        if mode not in MODES:
            raise broken(SET_SERIALIZE_VALUE, f"mode is 'set', 'add' or 'replace', not {mode!r}")
        with translated(SET_SERIALIZE_VALUE):
            edit = Edit(key, plain(value), mode)
        edits = self._edits()
        if mode == "set":  # of those that set the same key only the last one has an effect
            edits = [other for other in edits if (other.key, other.mode) != (key, mode)]
        edits = [*edits, edit]
        serialized(self._exchange, edits)
        own = self._exchange.plugins.setdefault(_OWN, Namespace())
        own.edits = edits

    def _edits(self) -> list[Edit]:
        own = self._exchange.plugins.get(_OWN)
        return [] if own is None else own.edits

    def _write(self, level: int, parts: tuple[object, ...]) -> None:
        logger = logging.getLogger(f"framegate.plugin.{self._name}")
        if logger.isEnabledFor(level):
            text = " ".join(map(str, parts))
            # Two calls up stands the plugin's own line.
            logger.log(level, "%s", _CONTROL.sub(_escape, text), stacklevel=3)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
