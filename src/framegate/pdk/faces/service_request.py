"""``kong.service.request``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from framegate.handshake import checked_host, checked_subprotocols
from framegate.pdk.exchange import Exchange
from framegate.pdk.faces import _query
from framegate.pdk.faces._checks import a_str, broken, translated, wrong_type
from framegate.pdk.faces._fields import FieldValue, all_fields, field_name, field_values, only_value, set_fields
from framegate.pdk.faces._planned import planned_fields, planned_protocols, planned_query, planned_values
from framegate.pdk.phases import BEFORE_THE_ANSWER, check_before_the_answer, check_phase

# RFC 3986, sections 2.2 and 2.3: reserved and unreserved characters, of which "?" and "#" end a path.
_KEPT = "!$&'()*+,/:;=@[]%-._~"
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_IN_A_PATH = re.compile(r"[?#\x00-\x1f\x7f]")
# What may stand in the target of a request line behind its question mark.
_QUERY = re.compile(r"[\x21\x22\x24-\x7e]*")
_PROTOCOL_FIELD = "sec-websocket-protocol"


class ServiceRequest:
    """The opening request to the upstream, before it is sent.

    ``Host`` may be set; ``Connection``, ``Upgrade``, ``Sec-WebSocket-*`` and other fields of the connection itself are
    framegate's own.
    """

    __slots__ = ("_exchange", "_phase")

    def __init__(self, exchange: Exchange, phase: str) -> None:
        self._exchange = exchange
        self._phase = phase

    def set_scheme(self, scheme: str) -> None:
        """Set whether TLS is spoken with the upstream.

        Args:
            scheme: ``"ws"`` or ``"wss"``.

        Raises:
            PDKError: it is something else; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.request.set_scheme`` of Kong's PDK, which takes ``http`` and ``https``.
        """
        function = self._begin("set_scheme")
        if a_str(function, "scheme", scheme) not in ("ws", "wss"):
            raise broken(function, f"scheme is 'ws' or 'wss', not {scheme!r}")
        self._exchange.upstream.scheme = scheme

    def set_path(self, path: str) -> None:
        """Set the whole path: neither the service's path is put before it, nor the route's stripped.

        Args:
            path: begins with ``/``, has no ``?``, ``#`` or control character. What may not stand in a URL, such as a
                space or an umlaut, is percent-encoded (as UTF-8); what is encoded already is left.

        Raises:
            PDKError: a rule is broken; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.request.set_path`` of Kong's PDK, which lets ``?`` and ``#`` through.
        """
        function = self._begin("set_path")
        if not a_str(function, "path", path).startswith("/"):
            raise broken(function, f"path begins with '/': {path!r} does not")
        if found := _NOT_IN_A_PATH.search(path):
            mend = ": the query is set by kong.service.request.set_raw_query" if found[0] == "?" else ""
            raise broken(function, f"path may not hold {found[0]!r}{mend}")
        with translated(function):  # a str that is not Unicode text cannot be encoded
            self._exchange.upstream.path = quote(_BARE_PERCENT.sub("%25", path), safe=_KEPT)

    def set_raw_query(self, query: str) -> None:
        """Set the query, as it is.

        Args:
            query: without the question mark; visible ASCII without ``#``. An empty one removes the query.

        Raises:
            PDKError: a rule is broken; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.request.set_raw_query`` of Kong's PDK, which checks nothing.
        """
        function = self._begin("set_raw_query")
        if not _QUERY.fullmatch(a_str(function, "query", query)):
            raise broken(function, f"query is visible ASCII without '#': percent-encode the rest of {query!r}")
        self._exchange.upstream.query = query

    def set_query(self, args: Mapping[str, _query.Argument | list[_query.Argument]]) -> None:
        """Set the query from arguments: sorted by name, percent-encoded.

        Args:
            args: by name a str, True for an argument without ``=``, False for none, or a list of them, whose order is
                kept.

        Raises:
            PDKError: a name or value has another type; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.request.set_query`` of Kong's PDK.
        """
        function = self._begin("set_query")
        self._exchange.upstream.query = _query.encoded(function, args)

    def clear_query_arg(self, name: str) -> None:
        """Remove all arguments of this name from the query; the others stay as they came.

        Raises:
            PDKError: ``name`` is not a str; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.request.clear_query_arg`` of Kong's PDK.
        """
        function = self._begin("clear_query_arg")
        self._exchange.upstream.query = _query.without(planned_query(self._exchange), a_str(function, "name", name))

    def get_raw_query(self) -> str:
        """The query as the upstream will be sent it, with what plugins changed so far; empty where there is none.

        Raises:
            PDKError: another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: framegate's own.
        """
        self._look("get_raw_query")
        return planned_query(self._exchange)

    def set_header(self, header: str, value: FieldValue) -> None:
        """Let the upstream be sent this field, in the place of all others of its name.

        Args:
            header: the name. ``Host`` sets the ``Host``; the server name of TLS stays.
            value: a str (latin-1, no control character but tab), a number, a bool, or a list of them for several
                fields, none for an empty one.

        Raises:
            PDKError: a rule is broken, the name is framegate's own; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.request.set_header`` of Kong's PDK.
        """
        function = self._begin("set_header")
        if _is_host(header):
            self._exchange.upstream.host = _host(function, value)
            return
        _refuse_protocol_field(function, header)
        set_fields(self._exchange.upstream.headers, header, field_values(function, header, value))

    def add_header(self, header: str, value: FieldValue) -> None:
        """Let the upstream be sent one more field of this name, behind those that it is sent already.

        Args:
            header: the name. ``Host``, of which there is one only, is set.
            value: as for ``set_header``.

        Raises:
            PDKError: a rule is broken, the name is framegate's own; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.request.add_header`` of Kong's PDK.
        """
        function = self._begin("add_header")
        if _is_host(header):
            self._exchange.upstream.host = _host(function, value)
            return
        _refuse_protocol_field(function, header)
        values = field_values(function, header, value)
        set_fields(self._exchange.upstream.headers, header, [*planned_values(self._exchange, header), *values])

    def clear_header(self, header: str) -> None:
        """Let the upstream be sent no field of this name; it need not be there.

        Args:
            header: the name. ``Host``, without which there is no request, is again what route and service choose.

        Raises:
            PDKError: the name is no name, or is framegate's own; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.request.clear_header`` of Kong's PDK.
        """
        function = self._begin("clear_header")
        if _is_host(header):
            self._exchange.upstream.host = None
            return
        _refuse_protocol_field(function, header)
        self._exchange.upstream.headers.clear(field_name(function, header))

    def set_headers(self, headers: Mapping[str, FieldValue]) -> None:
        """``set_header`` for each of ``headers``, in alphabetical order; where one is wrong, none is set.

        Args:
            headers: values by name, as for ``set_header``.

        Raises:
            PDKError: a rule is broken, a name is framegate's own; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: as ``kong.service.request.set_headers`` of Kong's PDK.
        """
        function = self._begin("set_headers")
        rest = headers
        host = None
        if isinstance(headers, Mapping):
            rest = {name: value for name, value in headers.items() if not _is_host(name)}
            for name, value in headers.items():
                _refuse_protocol_field(function, name)
                host = _host(function, value) if _is_host(name) else host
        for name, values in all_fields(function, rest).items():
            set_fields(self._exchange.upstream.headers, name, values)
        if host is not None:
            self._exchange.upstream.host = host

    def get_header(self, header: str) -> str | None:
        """The first value of a field as the upstream will be sent it, with what plugins changed so far; or None.

        Raises:
            PDKError: ``header`` is not a str; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: framegate's own.
        """
        function = self._look("get_header")
        values = planned_values(self._exchange, a_str(function, "header", header))
        return values[0] if values else None

    def get_headers(self) -> dict[str, list[str]]:
        """The fields as the upstream will be sent them, with what plugins changed so far: values by lower-case name.

        ``Host``, and what framegate writes for the handshake itself, are not among them.

        Raises:
            PDKError: another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: framegate's own.
        """
        self._look("get_headers")
        found: dict[str, list[str]] = {}
        for name, value in planned_fields(self._exchange):
            found.setdefault(name.lower(), []).append(value)
        return found

    def set_protocols(self, protocols: Iterable[str]) -> None:
        """Offer these subprotocols to the upstream in the place of the client's.

        The client is told which of them the upstream selects, so leave out what the client did not offer.

        Args:
            protocols: tokens, most wanted first, each once; none for no offer.

        Raises:
            PDKError: one is not a token or stands there twice; another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: framegate's own.
        """
        function = self._begin("set_protocols")
        if protocols is None:
            raise wrong_type(function, "protocols", "a list of str, empty for no offer", protocols)
        with translated(function):
            self._exchange.upstream.protocols = checked_subprotocols(protocols)

    def get_protocols(self) -> tuple[str, ...]:
        """The subprotocols that the upstream will be offered, with what plugins changed so far.

        Raises:
            PDKError: another phase.

        Phases: ``rewrite`` and ``ws_handshake``.
        Source: framegate's own.
        """
        self._look("get_protocols")
        return planned_protocols(self._exchange)

    def _look(self, name: str) -> str:
        function = f"kong.service.request.{name}"
        check_phase(function, BEFORE_THE_ANSWER, self._phase)
        return function

    def _begin(self, name: str) -> str:
        function = f"kong.service.request.{name}"
        check_before_the_answer(function, self._phase, self._exchange.answered)
        return function


def _is_host(name: object) -> bool:
    return isinstance(name, str) and name.lower() == "host"


def _host(function: str, value: object) -> str:
    single = value if isinstance(value, str) else only_value(function, "Host", _several(function, value))
    with translated(function):
        return checked_host(single)


def _several(function: str, value: object) -> list[str]:
    # The name only has to be one that plugins may set: Host is not, for there is one Host.
    return field_values(function, "X-Host", value)


def _refuse_protocol_field(function: str, name: object) -> None:
    if isinstance(name, str) and name.lower() == _PROTOCOL_FIELD:
        raise broken(function, f"{name} is framegate's own: use kong.service.request.set_protocols")
