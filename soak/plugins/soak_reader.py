"""Reads every frame, and keeps it."""

Schema = ()
version = "1.0.0"
priority = 10


class Plugin:
    def __init__(self, config):
        self.config = config

    async def ws_client_frame(self, kong):
        kong.websocket.client.get_frame()

    def ws_upstream_frame(self, kong):
        kong.websocket.upstream.get_frame()
