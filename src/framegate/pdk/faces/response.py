"""``kong.response``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn, TypeAlias

from framegate.pdk.exchange import Exchange
from framegate.pdk.exit import Exit
from framegate.pdk.faces._checks import a_str, an_int, broken, translated, wrong_type
from framegate.pdk.faces._fields import FieldValue, all_fields, field_name, field_values, set_fields
from framegate.pdk.phases import check_before_the_answer

Body: TypeAlias = str | bytes | Mapping[str, Any] | Sequence[Any] | None

_CONTENT_TYPE = "Content-Type"
_JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
# RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
_WITHOUT_BODY = (204, 205, 304)


class Response:
    """The answer to the client: the 101 that completes its handshake, or a refusal.

    ``Connection``, ``Upgrade``, ``Content-Length`` and ``Sec-WebSocket-*`` are framegate's own.
    """

    __slots__ = ("_exchange", "_phase")

    def __init__(self, exchange: Exchange, phase: str) -> None:
        self._exchange = exchange
        self._phase = phase

    def exit(self, status: int, body: Body = None, headers: Mapping[str, FieldValue] | None = None) -> NoReturn:
        """Refuse the handshake with this answer, at once: nothing behind this call runs, and no later plugin.

        It is an exception derived from ``BaseException``: ``except Exception`` does not stop it.

        Args:
            status: 200 to 599.
            body: a mapping or list becomes JSON; a str goes out as UTF-8; bytes as they are; None for none.
            headers: fields of the answer, as for ``set_headers``; they come before what ``set_header`` said.
                Without a ``Content-Type`` among them, JSON is ``application/json; charset=utf-8`` and a str
                ``text/plain; charset=utf-8``.

        Raises:
            PDKError: the status is out of range; a body with a status that has none (204, 205, 304); the body is of
                another type, or cannot be JSON; a rule for headers is broken; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.response.exit`` of Kong's PDK, which gives a str no ``Content-Type``.
        """
        function = self._begin("exit")
        self._exit(function, an_int(function, "status", status, 200, 599), body, headers)

    def error(
        self, status: int, message: str | None = None, headers: Mapping[str, FieldValue] | None = None
    ) -> NoReturn:
        """Refuse the handshake with an error, whose body is ``{"message": message}`` as JSON; else as ``exit``.

        Args:
            status: 400 to 599.
            message: None for the usual phrase of the status.
            headers: as for ``exit``.

        Raises:
            PDKError: as for ``exit``.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.response.error`` of Kong's PDK, which also writes HTML, XML and plain text.
        """
        function = self._begin("error")
        an_int(function, "status", status, 400, 599)
        message = _phrase(status) if message is None else a_str(function, "message", message)
        self._exit(function, status, {"message": message}, headers)

    def set_header(self, name: str, value: FieldValue) -> None:
        """Let the client be sent this field, in the place of all others of its name, the upstream's among them.

        Args:
            name: the name.
            value: a str (latin-1, no control character but tab), a number, a bool, or a list of them for several
                fields, none for an empty one.

        Raises:
            PDKError: a rule is broken, the name is framegate's own; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.response.set_header`` of Kong's PDK.
        """
        function = self._begin("set_header")
        set_fields(self._exchange.answer, name, field_values(function, name, value))

    def add_header(self, name: str, value: FieldValue) -> None:
        """Let the client be sent one more field of this name.

        Args:
            name: the name.
            value: as for ``set_header``.

        Raises:
            PDKError: a rule is broken, the name is framegate's own; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.response.add_header`` of Kong's PDK.
        """
        function = self._begin("add_header")
        for one in field_values(function, name, value):
            self._exchange.answer.add(name, one)

    def clear_header(self, name: str) -> None:
        """Let the client be sent no field of this name, the upstream's included; it need not be there.

        Args:
            name: the name.

        Raises:
            PDKError: the name is no name, or is framegate's own; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.response.clear_header`` of Kong's PDK.
        """
        function = self._begin("clear_header")
        self._exchange.answer.clear(field_name(function, name))

    def set_headers(self, headers: Mapping[str, FieldValue]) -> None:
        """``set_header`` for each of ``headers``, in alphabetical order; where one is wrong, none is set.

        Args:
            headers: values by name, as for ``set_header``.

        Raises:
            PDKError: a rule is broken, a name is framegate's own; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.response.set_headers`` of Kong's PDK.
        """
        function = self._begin("set_headers")
        for name, values in all_fields(function, headers).items():
            set_fields(self._exchange.answer, name, values)

    def _begin(self, name: str) -> str:
        function = f"kong.response.{name}"
        check_before_the_answer(function, self._phase, self._exchange.answered)
        return function

    def _exit(self, function: str, status: int, body: object, headers: object) -> NoReturn:
        fields = {} if headers is None else all_fields(function, headers)
        content, content_type = _content(function, body)
        if content and status in _WITHOUT_BODY:
            raise broken(function, f"an answer with status {status} has no body (RFC 9110, section 15)")
        answer = self._exchange.answer
        for name, values in fields.items():
            set_fields(answer, name, values)
        named = any(name.lower() == "content-type" for name in fields)
        if content_type == _JSON and not named or content_type == _TEXT and not answer.values(_CONTENT_TYPE):
            answer.set(_CONTENT_TYPE, content_type)
        raise Exit(status, content, answer.pairs())


def _content(function: str, body: object) -> tuple[bytes, str | None]:
    if body is None:
        return b"", None
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), None
    with translated(function):
        if isinstance(body, str):
            return body.encode(), _TEXT if body else None
        if isinstance(body, (Mapping, list, tuple)):
            return _json(body), _JSON
    raise wrong_type(function, "body", "a mapping, a list, a str, bytes or None", body)


def _json(body: object) -> bytes:
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    return text.encode()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):  # entities are mappings that are not dicts
        return dict(value)
    raise TypeError(f"body cannot be JSON: it holds a value of type {type(value).__name__}")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
