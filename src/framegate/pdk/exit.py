"""How a plugin ends its phase with an answer of its own."""

from __future__ import annotations

from framegate.handshake.grammar import HeaderPairs


class Exit(BaseException):
    """``kong.response.exit`` on its way out of the plugin.

    Derived from ``BaseException``, so that an ``except Exception`` in the plugin does not swallow it.

    Attributes:
        status: the HTTP status of the answer.
        body: the answer's body.
        headers: its header fields.
        reason: the reason phrase; empty for the usual one.
    """

    def __init__(self, status: int, body: bytes, headers: HeaderPairs, reason: str = "") -> None:
        super().__init__(f"exit with status {status}")
        self.status = status
        self.body = body
        self.headers = headers
        self.reason = reason
