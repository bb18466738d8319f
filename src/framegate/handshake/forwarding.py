"""Which headers cross the proxy.

Puts what is known of the client in the place of what was claimed. It knows nothing of how a head is read or written;
which fields are end-to-end stands in :mod:`framegate.handshake.end_to_end`.

A field that its sender nominates in ``Connection`` stays behind (RFC 9110, section 7.6.1: an intermediary MUST remove
it). A client can use that on every field of its own, and gains nothing by it:

- ``Host`` never crosses as a field: the upstream's own is written, or the client's where that was asked for.
- ``X-Forwarded-*`` and ``Forwarded`` are added from the connection itself after the nominated ones were dropped; what a
  trusted peer said in them is read from the request as it came, where a nomination has no effect.
- ``Origin``, ``Cookie`` and ``Authorization`` are the client's own word. Who can write ``Connection`` (no page script
  can) could as well have left them out, and the upstream then sees a request without them: less, never more.
- What the proxy vouches for (``extra``) is added last, and replaces whatever the client sent by that name.

Names that differ only in ``_`` for ``-`` count as one name where a claim is replaced: CGI and WSGI (PEP 3333) turn both
into the same variable, so ``X_Forwarded_For`` would otherwise speak for ``X-Forwarded-For`` there.
"""

from __future__ import annotations

from collections.abc import Iterable

from framegate.handshake.end_to_end import forwardable
from framegate.handshake.forwarded import FORWARDED_NAMES, forwarded_fields
from framegate.handshake.grammar import HeaderPairs
from framegate.handshake.request import RequestHead


def request_headers_for_upstream(
    head: RequestHead,
    *,
    client_host: str | None,
    client_port: int | None = None,
    scheme: str,
    server_port: int | None = None,
    trusted: bool = False,
    extra: HeaderPairs = (),
    without: Iterable[str] = (),
) -> list[tuple[str, str]]:
    """The client's fields as the upstream shall see them, with what is known of the client's connection.

    Args:
        head: the client's request.
        client_host: the address of the client's connection; None for a Unix socket, which is called ``unknown``.
        client_port: its port; given, it stands in ``Forwarded``.
        scheme: how the client came: ``"ws"`` or ``"wss"`` (``"http"`` and ``"https"`` mean the same).
        server_port: the port that the client came to; None leaves ``X-Forwarded-Port`` out.
        trusted: whether the client is a proxy whose word counts. Its ``X-Forwarded-For`` and ``Forwarded`` are appended
            to, its ``X-Forwarded-Host``, ``-Proto`` and ``-Port`` are kept. Else all five are replaced.
        extra: fields that replace the client's, and ours, of the same name.
        without: names of fields of the client, and of ours, that stay behind.

    Raises:
        ValueError: the scheme is another one.
    """
    received = head.headers
    added = list(extra)
    ours = forwarded_fields(
        received,
        client_host=client_host,
        client_port=client_port,
        scheme=scheme,
        server_port=server_port,
        trusted=trusted,
    )
    by_us = {_same_name(name) for name, _ in added} | {_same_name(name) for name in without}
    replaced = by_us | FORWARDED_NAMES if by_us else FORWARDED_NAMES
    passed = [field for field in forwardable(received) if field[0].lower().replace("_", "-") not in replaced]
    if by_us:
        ours = [field for field in ours if _same_name(field[0]) not in by_us]
    return [*passed, *ours, *added]


def _same_name(name: str) -> str:
    return name.lower().replace("_", "-")
