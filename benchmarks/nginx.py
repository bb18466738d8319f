"""nginx as a WebSocket tunnel: found or installed, configured as Debian ships it, one worker."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from . import cpu
from .errors import BenchmarkError
from .processes import START_SECONDS, Server

DEFAULT_BUFFERS = ""
LARGE_BUFFERS = "proxy_buffer_size 64k; proxy_buffers 8 64k;"

# The http block is Debian's nginx.conf as far as it touches a tunnel, but for two things: worker_connections is 768
# there, too few for the idle connections, and the access log is off.
CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream_port};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            {buffers}
        }}
    }}
}}
"""


def find(install: bool) -> str:
    """The path of nginx; installs Debian's package when it is missing, allowed and possible."""
    path = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is not None:
        return path
    if not install or os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BenchmarkError(
            "nginx was not found: install it (Debian: apt-get install nginx), or leave it out with --only; "
            "as root on Debian it is installed unless --no-install is given"
        )
    _install()
    return find(install=False)


def version(path: str) -> str:
    return subprocess.run([path, "-v"], capture_output=True, text=True).stderr.strip().removeprefix("nginx version: ")


def start(name: str, path: str, upstream_port: int, buffers: str, folder: Path) -> tuple[Server, int]:
    """Start nginx in a folder of its own; returns the server, whose pid is the worker's, and the port."""
    folder.mkdir()
    port = _free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, port=port, upstream_port=upstream_port, buffers=buffers)
    )
    log = folder / "error.log"
    server = Server(name, [path, "-p", str(folder), "-c", str(configuration), "-e", str(log)], folder / "output.log")
    server.pid = _worker(server)
    return server, port


def _worker(server: Server) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        server.check()
        workers = cpu.children(server.pid)
        if workers:
            return workers[0]
        time.sleep(0.02)
    raise BenchmarkError(f"{server.name} started no worker within {START_SECONDS:.0f} s: {server.said()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _install() -> None:
    print("nginx was not found: apt-get install nginx", file=sys.stderr, flush=True)
    # Runlevel 1 keeps invoke-rc.d from starting the service that the package brings.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for arguments in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "nginx"]):
        result = subprocess.run(["apt-get", *arguments], env=environment, capture_output=True, text=True)
        if result.returncode != 0:
            raise BenchmarkError(f"apt-get {arguments[0]} failed: {result.stderr.strip()[-500:]}")
