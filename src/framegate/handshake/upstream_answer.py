"""The upstream's answer: a verified 101, or a refusal with its bounded body.

Owns what makes a 101 a valid one (RFC 6455, section 4.1) and how many interim answers are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from multidict import CIMultiDict, CIMultiDictProxy

from framegate.errors import HandshakeRefused, UpstreamUnavailable, UsageError
from framegate.handshake.body import BodyError, RefusalBody
from framegate.handshake.end_to_end import forwardable
from framegate.handshake.extensions import Deflate, Extension, agreed, parse_extensions
from framegate.handshake.grammar import has_member, list_members
from framegate.handshake.head import Data, HeadCutter, HeadError, answer_fields
from framegate.handshake.response import accept_for

# RFC 9112, section 4, with the space before a missing reason left out, as many servers do.
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_MAX_STATUS_LINE = 8192  # as the client's request line


@dataclass(slots=True)
class UpstreamAnswer:
    """The final answer of the upstream: a 101 that has been verified, or a status of 300 and above.

    Attributes:
        raw: its head; the fields can be read from it again.
        fields: its fields, or None where they were forgotten.
    """

    status: int
    reason: str
    raw: bytes
    fields: CIMultiDictProxy[str] | None
    subprotocol: str | None = None
    body: bytes = b""
    extension: Extension | None = None
    deflate: Deflate | None = None

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields: case-insensitive names, latin-1 values, order and duplicates kept."""
        return CIMultiDictProxy(answer_fields(self.raw)) if self.fields is None else self.fields

    def forget_fields(self) -> None:
        """Keep the head's bytes alone, which take a sixth of the memory: a session has no use for the fields."""
        self.fields = None

    def refused(self) -> HandshakeRefused:
        """The answer as the exception that a refusal is, with its end-to-end headers only."""
        return HandshakeRefused(self.status, self.reason, forwardable(self.headers), self.body)


class AnswerReader:
    """Reads one final answer from bytes that may be cut anywhere.

    Args:
        key: the ``Sec-WebSocket-Key`` that was sent.
        offered: the subprotocols that were offered.
        extensions: the extensions that were offered.
        max_refusal_body: most bytes kept of a refusal's body, 64 KiB; there the answer is returned, cut.
        max_header_bytes: most bytes of an answer's header lines, 64 KiB.
        max_headers: most header lines of an answer, 128.
        max_interim: most 1xx answers before the final one, 8.

    Every :class:`UpstreamUnavailable` that it raises says what is wrong with the answer in one line.
    """

    __slots__ = (
        "_key", "_offered", "_extensions", "_max_refusal_body", "_max_header_bytes", "_max_headers", "_max_interim",
        "_interim", "_cutter", "_refusal", "_body", "_finished", "rest",
    )  # fmt: skip

    def __init__(
        self,
        key: str,
        *,
        offered: Sequence[str],
        extensions: Sequence[Extension] = (),
        max_refusal_body: int = 65536,
        max_header_bytes: int = 65536,
        max_headers: int = 128,
        max_interim: int = 8,
    ) -> None:
        self._key = key
        self._offered = tuple(offered)
        self._extensions = tuple(extensions)
        self._max_refusal_body = max_refusal_body
        self._max_header_bytes = max_header_bytes
        self._max_headers = max_headers
        self._max_interim = max_interim
        self._interim = 0
        self._cutter = self._fresh_cutter()
        self._refusal: UpstreamAnswer | None = None
        self._body: RefusalBody | None = None
        self._finished = False
        self.rest = b""  #: what came behind the 101's head: frames

    @property
    def held(self) -> int:
        """How many bytes of an unfinished head or body are held."""
        return self._cutter.held + (len(self._body.body) if self._body else 0)

    def feed(self, data: Data) -> UpstreamAnswer | None:
        """Take the next bytes; return the final answer once it is complete.

        Raises:
            UpstreamUnavailable: the answer is malformed, a 101 that is not valid, a 2xx, or one interim too many.
            UsageError: the answer was returned, or refused, already.
        """
        if self._finished:
            raise UsageError("the upstream's answer has been read: what follows it is not for its reader")
        try:
            answer = self._take(data)
        except (HeadError, BodyError) as error:
            self._finish()
            raise UpstreamUnavailable(f"the upstream's answer is malformed: {error}") from error
        except UpstreamUnavailable:
            self._finish()
            raise
        if answer is not None:
            self._finish()
        return answer

    def eof(self) -> UpstreamAnswer:
        """The upstream has ended its side; return the refusal whose body ends with the stream.

        Raises:
            UpstreamUnavailable: the answer is not complete.
            UsageError: the answer was returned, or refused, already.
        """
        if self._finished:
            raise UsageError("the upstream's answer has been read: its end is not for its reader")
        refusal, body, began = self._refusal, self._body, self._cutter.held > 0
        self._finish()
        if refusal is None or body is None:
            where = "within its answer to the handshake" if began else "without an answer to the handshake"
            raise UpstreamUnavailable(f"the upstream closed the connection {where}")
        if not body.complete_at_eof():
            raise UpstreamUnavailable(f"the upstream closed the connection within the body of its {refusal.status}")
        refusal.body = body.body
        return refusal

    def _fresh_cutter(self) -> HeadCutter:
        return HeadCutter(
            _STATUS_LINE,
            max_line=_MAX_STATUS_LINE,
            max_header_bytes=self._max_header_bytes,
            max_headers=self._max_headers,
        )

    def _finish(self) -> None:
        self._finished = True
        self._refusal = self._body = None
        self._cutter.forget()

    def _take(self, data: Data) -> UpstreamAnswer | None:
        while self._refusal is None:
            cut = self._cutter.feed(data)
            if cut is None:
                return None
            raw, data = cut
            answer = self._read_head(raw)
            if answer is None:
                self._cutter = self._fresh_cutter()
            elif answer.status == 101:
                self.rest = bytes(data)
                return answer
            else:
                self._refusal = answer
        return self._take_body(self._refusal, data)

    def _read_head(self, raw: bytes) -> UpstreamAnswer | None:
        match = _STATUS_LINE.match(raw)
        assert match, "a head that its cutter did not check"
        version, status, reason = match[1], int(match[2]), (match[3] or b"").decode("latin-1").strip()
        headers = answer_fields(raw)
        if status == 101:
            subprotocol = _verified(headers, version, self._key, self._offered)
            extension, deflate = _chosen(headers.getall("Sec-WebSocket-Extensions", []), self._extensions)
            fields = CIMultiDictProxy(headers)
            return UpstreamAnswer(status, reason, raw, fields, subprotocol, extension=extension, deflate=deflate)
        if status < 200:
            self._count_interim()
            return None
        if status < 300:
            raise UpstreamUnavailable(f"the upstream answered the handshake with {status} instead of 101")
        self._body = RefusalBody(status, headers, limit=self._max_refusal_body, overhead_limit=self._max_header_bytes)
        return UpstreamAnswer(status, reason, raw, CIMultiDictProxy(headers))

    def _count_interim(self) -> None:
        self._interim += 1
        if self._interim > self._max_interim:
            raise UpstreamUnavailable(f"the upstream sent more than {self._max_interim} interim answers")

    def _take_body(self, refusal: UpstreamAnswer, data: Data) -> UpstreamAnswer | None:
        assert self._body is not None
        self._body.feed(data)
        if not self._body.done:
            return None
        refusal.body = self._body.body
        return refusal


def _verified(headers: CIMultiDict[str], version: bytes, key: str, offered: tuple[str, ...]) -> str | None:
    """The selected subprotocol of a 101 that passes RFC 6455, section 4.1, steps 2 to 6; else it raises."""
    if version != b"1.1":
        raise _invalid(f"its version is HTTP/{version.decode()}")
    upgrade = list(list_members(headers.getall("Upgrade", ())))
    if [protocol.lower() for protocol in upgrade] != ["websocket"]:
        raise _invalid("Upgrade is not websocket")
    if not has_member(headers.getall("Connection", ()), "upgrade"):
        raise _invalid("Connection does not hold Upgrade")
    accepts = headers.getall("Sec-WebSocket-Accept", [])
    if len(accepts) != 1:
        raise _invalid(f"{len(accepts)} Sec-WebSocket-Accept headers instead of one")
    if accepts[0] != accept_for(key):
        raise _invalid("Sec-WebSocket-Accept does not answer our key")
    return _selected(headers.getall("Sec-WebSocket-Protocol", []), offered)


def _chosen(values: list[str], offered: tuple[Extension, ...]) -> tuple[Extension | None, Deflate | None]:
    if not values:
        return None, None
    try:
        answers = parse_extensions(values)
        deflate = agreed(answers, offered)
    except ValueError as error:
        raise _invalid(f"Sec-WebSocket-Extensions: {error}") from None
    if not answers:
        raise _invalid("Sec-WebSocket-Extensions is empty")
    return answers[0], deflate


def _selected(selected: list[str], offered: tuple[str, ...]) -> str | None:
    if not selected:
        return None
    if len(selected) > 1:
        raise _invalid("it selects more than one subprotocol")
    if selected[0] not in offered:
        raise _invalid(f"it selects the subprotocol {selected[0]!r}, which was not offered")
    return selected[0]


def _invalid(what: str) -> UpstreamUnavailable:
    return UpstreamUnavailable(f"the upstream's 101 is not valid: {what}")
