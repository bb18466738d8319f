"""The gateway's files that are measured: one route, with as many plugins as asked for that read every frame."""

from __future__ import annotations

import json
from pathlib import Path

from .kinds import MIB, Site

READS = '''"""Reads every frame and changes none."""


class Plugin:
    def __init__(self, config):
        pass

    def ws_client_frame(self, kong):
        data, typ, status = kong.websocket.client.get_frame()

    def ws_upstream_frame(self, kong):
        data, typ, status = kong.websocket.upstream.get_frame()
'''
# The most that a plugin may allow.
ALLOWS = """
    def ws_handshake(self, kong):
        kong.websocket.client.set_max_payload_size(32 * 1024 * 1024)
        kong.websocket.upstream.set_max_payload_size(32 * 1024 * 1024)
"""


def write(site: Site, plugins: int) -> Path:
    """Write the file of a gateway whose only route has ``plugins`` plugins, and those; returns its path."""
    names = [f"reads-{number}" for number in range(1, plugins + 1)]
    (site.folder / "plugins").mkdir(parents=True, exist_ok=True)
    for name in names:
        # Beyond the default limit of the side that sends less, the limits have to be raised.
        text = READS + ALLOWS if site.largest > MIB else READS
        (site.folder / "plugins" / f"{name.replace('-', '_')}.py").write_text(text)
    service = {
        "name": "echo",
        "url": f"ws://127.0.0.1:{site.upstream_port}/",
        "routes": [{"name": "everything", "paths": ["/"]}],
        "plugins": [{"name": name} for name in names],
    }
    file = site.folder / "gateway.json"
    gateway = {"listen": [_listen(site)], "plugin_paths": ["plugins"]}
    file.write_text(json.dumps({"_format_version": "3.0", "gateway": gateway, "services": [service]}, indent=2))
    return file


def _listen(site: Site) -> object:
    address = "127.0.0.1:0"
    if site.certificate is None:
        return address
    files = {"cert": str(site.certificate.certificate), "key": str(site.certificate.key)}
    return {"address": address, "tls": files}
