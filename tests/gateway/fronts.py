"""Real proxies in front of a gateway: Debian's nginx and HAProxy, each a process of its own on a port of 127.0.0.1."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

PATIENCE = 10.0

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed (apt-get install nginx)")
needs_haproxy = pytest.mark.skipif(
    shutil.which("haproxy") is None, reason="HAProxy is not installed (apt-get install haproxy)"
)

NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{gateway};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            {headers}
        }}
    }}
}}
"""

HAPROXY = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen front
    bind 127.0.0.1:{port} {bind}
    server gateway 127.0.0.1:{gateway} {how}
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@asynccontextmanager
async def nginx(folder: Path, gateway: int, *headers: str) -> AsyncIterator[int]:
    """nginx in front of a port; yields its own. ``headers`` are its directives."""
    port = _free_port()
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port, gateway=gateway, headers="\n".join(headers)))
    async with _running(port, "nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)):
        yield port


@asynccontextmanager
async def haproxy(folder: Path, gateway: int, how: str, *, bind: str = "") -> AsyncIterator[int]:
    """HAProxy in front of a port; yields its own. ``how`` and ``bind`` are the options of its two ends."""
    port = _free_port()
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, gateway=gateway, how=how, bind=bind))
    async with _running(port, "haproxy", "-db", "-f", str(file)):
        yield port


@asynccontextmanager
async def _running(port: int, *command: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        await _accepting(port, process)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _accepting(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                if process.returncode is not None:
                    _, errors = await process.communicate()
                    pytest.fail(f"the proxy has ended: {errors.decode()}")
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
