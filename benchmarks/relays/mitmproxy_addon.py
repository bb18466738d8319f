"""An addon for mitmproxy that reads every WebSocket message, and says where mitmproxy listens."""

from __future__ import annotations

from mitmproxy import ctx, http


class Reads:
    def __init__(self) -> None:
        self.bytes = 0

    def running(self) -> None:
        host, port, *_ = ctx.master.addons.get("proxyserver").listen_addrs()[0]
        print(f"mitmproxy: listening on ws://{host}:{port}", flush=True)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        messages = flow.websocket.messages
        self.bytes += len(messages[-1].content)
        # mitmproxy keeps all of them for its user interface; that would measure memory, not forwarding.
        del messages[:-1]


addons = [Reads()]
