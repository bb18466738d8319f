"""What makes a well-formed request an opening handshake (RFC 6455, section 4.2.1), and the answer where it is none.

Owns the order of the checks: method, version, whatever smuggling is made of, ``Upgrade`` and its version, and the rest.
"""

from __future__ import annotations

import re

from multidict import CIMultiDictProxy

from framegate.handshake.extensions import parse_extensions
from framegate.handshake.grammar import has_member, is_host, is_origin_form, is_token
from framegate.handshake.request import BadRequest, RequestHead

# RFC 6455, section 4.2.1: "a base64-encoded value that, when decoded, is 16 bytes in length".
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")

_UPGRADE_REQUIRED = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))


def check_opening_request(head: RequestHead) -> None:
    """Check that ``head`` opens a WebSocket connection.

    Raises:
        BadRequest: 405 for another method than GET, 505 for another version than HTTP/1.1, 426 where no WebSocket of
            version 13 is asked for, 400 for whatever else is malformed.
    """
    if head.method != "GET":
        raise BadRequest(405, "a WebSocket handshake is a GET request", (("Allow", "GET"),))
    if head.http_version != "1.1":
        raise BadRequest(505, f"a WebSocket handshake needs HTTP/1.1, not HTTP/{head.http_version}")
    headers = head.headers
    _check_no_body(headers)
    _check_whom_it_is_for(head.target, headers)
    _check_upgrade(headers)
    if not has_member(headers.getall("Connection", ()), "upgrade"):
        raise BadRequest(400, "bad request: Connection does not hold Upgrade")
    _check_key(headers.getall("Sec-WebSocket-Key", []))
    if not all(map(is_token, head.subprotocols)):
        raise BadRequest(400, "bad request: Sec-WebSocket-Protocol holds what is not a token")
    _check_extensions(headers.getall("Sec-WebSocket-Extensions", []))


def _check_extensions(values: list[str]) -> None:
    # RFC 6455, section 9.1: a field that does not conform fails the connection.
    try:
        parse_extensions(values)
    except ValueError:
        raise BadRequest(400, "bad request: Sec-WebSocket-Extensions is malformed") from None


def _check_no_body(headers: CIMultiDictProxy[str]) -> None:
    if "Transfer-Encoding" in headers:
        raise BadRequest(400, "bad request: a WebSocket handshake has no transfer coding")
    lengths = headers.getall("Content-Length", [])
    if lengths and (len(lengths) > 1 or not lengths[0] or lengths[0].strip("0")):
        raise BadRequest(400, "bad request: a WebSocket handshake has no body")


def _check_whom_it_is_for(target: str, headers: CIMultiDictProxy[str]) -> None:
    hosts = headers.getall("Host", [])
    if len(hosts) != 1:
        raise BadRequest(400, f"bad request: {len(hosts)} Host headers instead of one")
    if not is_host(hosts[0]):
        raise BadRequest(400, "bad request: Host is not a host with or without a port")
    # RFC 9112, section 3.2.2 has servers accept an absolute-form, whose host then overrides Host: two hosts in one
    # request are what routing around a check is made of, and no WebSocket client sends one.
    if not is_origin_form(target):
        raise BadRequest(400, "bad request: the target does not begin with a slash")
    # RFC 6454, section 7.3: "The user agent MUST NOT include more than one Origin header field in any HTTP request."
    if len(headers.getall("Origin", ())) > 1:
        raise BadRequest(400, "bad request: more than one Origin header")


def _check_upgrade(headers: CIMultiDictProxy[str]) -> None:
    if not has_member(headers.getall("Upgrade", ()), "websocket"):
        raise BadRequest(426, "this is a WebSocket endpoint: Upgrade: websocket is required", _UPGRADE_REQUIRED)
    if headers.getall("Sec-WebSocket-Version", []) != ["13"]:
        raise BadRequest(426, "Sec-WebSocket-Version: 13 is required, once", _UPGRADE_REQUIRED)


def _check_key(keys: list[str]) -> None:
    if len(keys) != 1:
        raise BadRequest(400, f"bad request: {len(keys)} Sec-WebSocket-Key headers instead of one")
    if not _KEY.fullmatch(keys[0]):
        raise BadRequest(400, "bad request: Sec-WebSocket-Key is not 16 bytes of base64")
