"""Answers a handshake with what the process holds: its tasks, after garbage has been collected."""

import asyncio
import gc

Schema = ()
version = "1.0.0"
priority = 10


class Plugin:
    def __init__(self, config):
        self.config = config

    def ws_handshake(self, kong):
        gc.collect()
        kong.response.exit(200, {"tasks": len(asyncio.all_tasks())})
