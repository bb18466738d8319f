"""The opening handshake that goes to the upstream (RFC 6455, section 4.1)."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import NamedTuple

from framegate.handshake.end_to_end import without_our_own
from framegate.handshake.grammar import (
    HeaderPairs,
    check_fields,
    field_lines,
    is_host,
    is_origin_form,
    is_token,
)

_HANDSHAKE = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))


class UpstreamRequest(NamedTuple):
    """The request's bytes, and the key that its answer is checked with."""

    wire: bytes
    key: str


def build_upstream_request(
    *,
    host: str,
    target: str,
    headers: HeaderPairs,
    subprotocols: Sequence[str] = (),
    extensions: str = "",
    key: str | None = None,
) -> UpstreamRequest:
    """Write the request: one ``Connection: Upgrade``, one ``Upgrade: websocket``, version 13.

    Args:
        host: the value of ``Host``.
        target: path and query, beginning with a slash.
        headers: further fields; hop-by-hop ones and those of the handshake among them are left out.
        subprotocols: the offer, most wanted first.
        extensions: the offer, as ``Sec-WebSocket-Extensions`` has it; empty for none.
        key: the ``Sec-WebSocket-Key``; None makes a fresh one of 16 random bytes.

    Raises:
        ValueError: the host, the target, a subprotocol or a header cannot stand in a head.
    """
    if not is_host(host):
        raise ValueError(f"host {host!r} is not a host with or without a port")
    if not is_origin_form(target):
        raise ValueError(f"target {target!r} is not a path and query: it begins with '/', in visible ASCII without '#'")
    for offered in subprotocols:
        if not is_token(offered):
            raise ValueError(f"subprotocol {offered!r} is not a token")
    fields = list(headers)
    check_fields(fields)  # those that are left out too: whoever passes CR or LF must hear of it
    key = base64.b64encode(os.urandom(16)).decode() if key is None else key
    ours = [("Host", host), *_HANDSHAKE, ("Sec-WebSocket-Key", key)]
    if subprotocols:
        ours.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    if extensions:
        ours.append(("Sec-WebSocket-Extensions", extensions))
    check_fields(ours)
    lines = field_lines([*ours, *without_our_own(fields)])
    return UpstreamRequest(b"GET %b HTTP/1.1\r\n%b\r\n" % (target.encode(), lines), key)
