"""HTTP to intent, and back: the opening handshake of both legs, without a socket.

Owns the reading of the client's request and of the upstream's answer, the writing of the request to the upstream and of
the answer to the client, and which headers cross the proxy. Strict on the client's side; CR, LF and NUL cannot enter a
header by any way. It refuses to know sockets, event loops, clocks and frames.

==================  ====================================================================
the client asks     :class:`RequestReader` → :class:`RequestHead`, :func:`check_opening_request`
we ask upstream     :func:`request_headers_for_upstream` → :func:`build_upstream_request`
upstream answers    :class:`AnswerReader` → :class:`UpstreamAnswer`
we answer           :func:`switching_protocols` or :func:`refusal`
==================  ====================================================================
"""

from framegate.handshake.checks import (
    checked_headers,
    checked_host,
    checked_origin,
    checked_subprotocol,
    checked_subprotocols,
)
from framegate.handshake.end_to_end import forwardable, response_headers_for_client
from framegate.handshake.forwarding import request_headers_for_upstream
from framegate.handshake.opening import check_opening_request
from framegate.handshake.request import BadRequest, RequestHead, RequestReader
from framegate.handshake.response import accept_for, refusal, switching_protocols
from framegate.handshake.upstream_answer import AnswerReader, UpstreamAnswer
from framegate.handshake.upstream_request import UpstreamRequest, build_upstream_request
from framegate.handshake.uri import UpstreamURL, join_target, parse_upstream_url

__all__ = [
    "AnswerReader",
    "BadRequest",
    "RequestHead",
    "RequestReader",
    "UpstreamAnswer",
    "UpstreamRequest",
    "UpstreamURL",
    "accept_for",
    "build_upstream_request",
    "check_opening_request",
    "checked_headers",
    "checked_host",
    "checked_origin",
    "checked_subprotocol",
    "checked_subprotocols",
    "forwardable",
    "join_target",
    "parse_upstream_url",
    "refusal",
    "request_headers_for_upstream",
    "response_headers_for_client",
    "switching_protocols",
]
