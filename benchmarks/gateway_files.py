"""The gateway's files that are measured: one route, with as many plugins as asked for that read every frame."""

from __future__ import annotations

import json
from pathlib import Path

READS = '''"""Reads every frame and changes none."""


class Plugin:
    def __init__(self, config):
        pass

    def ws_client_frame(self, kong):
        data, typ, status = kong.websocket.client.get_frame()

    def ws_upstream_frame(self, kong):
        data, typ, status = kong.websocket.upstream.get_frame()
'''


def write(folder: Path, upstream_port: int, plugins: int) -> Path:
    """Write the file of a gateway whose only route has ``plugins`` plugins, and those; returns its path."""
    names = [f"reads-{number}" for number in range(1, plugins + 1)]
    (folder / "plugins").mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / "plugins" / f"{name.replace('-', '_')}.py").write_text(READS)
    service = {
        "name": "echo",
        "url": f"ws://127.0.0.1:{upstream_port}/",
        "routes": [{"name": "everything", "paths": ["/"]}],
        "plugins": [{"name": name} for name in names],
    }
    file = folder / "gateway.json"
    gateway = {"listen": ["127.0.0.1:0"], "plugin_paths": ["plugins"]}
    file.write_text(json.dumps({"_format_version": "3.0", "gateway": gateway, "services": [service]}, indent=2))
    return file
