"""framegate: a frame-aware WebSocket reverse proxy, as a library and from the command line.

It sits in front of any WebSocket backend and lets code see, change, drop, inject or close on each frame, with the
client and the upstream handled apart::

    async def handler(request):
        proxy = framegate.Proxy(request, on_frame=on_frame)
        await proxy.connect("ws://127.0.0.1:9001")
        await proxy.execute()

    async with framegate.serve(handler, "127.0.0.1", 9000) as server:
        await server.serve_forever()
"""

from framegate._version import __version__
from framegate.errors import (
    ConfigError,
    FramegateError,
    HandshakeRefused,
    HookError,
    LimitExceeded,
    PDKError,
    PeerError,
    ProtocolError,
    UpstreamUnavailable,
    UsageError,
)
from framegate.proxy import Proxy, Response
from framegate.request import Request, TLSInfo
from framegate.reverse import reverse_proxy
from framegate.server import Server, serve
from framegate.session.record import SessionRecord, SideRecord

__all__ = [
    "ConfigError",
    "FramegateError",
    "HandshakeRefused",
    "HookError",
    "LimitExceeded",
    "PDKError",
    "PeerError",
    "ProtocolError",
    "Proxy",
    "Request",
    "Response",
    "Server",
    "SessionRecord",
    "SideRecord",
    "TLSInfo",
    "UpstreamUnavailable",
    "UsageError",
    "__version__",
    "reverse_proxy",
    "serve",
]
