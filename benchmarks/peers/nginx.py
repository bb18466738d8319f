"""nginx as a WebSocket tunnel: configured as Debian ships it."""

from __future__ import annotations

import subprocess

from .. import debian
from ..processes import Server, free_port
from .kinds import Peer, Site, Start

DEFAULT_BUFFERS = ""
LARGE_BUFFERS = "proxy_buffer_size 64k; proxy_buffers 8 64k;"

# The http block is Debian's nginx.conf as far as it touches a tunnel, but for two things: worker_connections is 768
# there, too few for the idle connections, and the access log is off.
CONFIGURATION = """
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections {connections}; }}
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
        listen 127.0.0.1:{port}{listen};
        {certificate}
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
CERTIFICATE = """
        ssl_certificate {certificate.certificate};
        ssl_certificate_key {certificate.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_prefer_server_ciphers on;
"""
# Each client takes two, and nginx closes those that have sent nothing yet when less than a sixteenth is free.
LEAST_CONNECTIONS = 16384


def prepare(install: bool) -> dict[str, str]:
    said = subprocess.run([_path(install), "-v"], capture_output=True, text=True).stderr
    return {"nginx": said.strip().removeprefix("nginx version: ")}


def starting(buffers: str) -> Start:
    def start(name: str, site: Site) -> Peer:
        path, port = _path(install=False), free_port()
        file = site.folder / "nginx.conf"
        file.write_text(_configuration(site, port, buffers))
        argv = [path, "-p", str(site.folder), "-c", str(file), "-e", "stderr"]
        server = Server(name, argv, site.folder / "output.log")
        # The master listens before it starts its workers.
        server.await_children(site.workers)
        return Peer(name, port, server, certificate=site.certificate)

    return start


def _configuration(site: Site, port: int, buffers: str) -> str:
    # Without reuseport the kernel gives most connections to the worker that happens to run.
    listen = (" ssl" if site.certificate else "") + (" reuseport" if site.workers > 1 else "")
    return CONFIGURATION.format(
        folder=site.folder,
        workers=site.workers,
        connections=max(LEAST_CONNECTIONS, 3 * site.connections),
        port=port,
        listen=listen,
        certificate=CERTIFICATE.format(certificate=site.certificate) if site.certificate else "",
        upstream_port=site.upstream_port,
        buffers=buffers,
    )


def _path(install: bool) -> str:
    return debian.find_program("nginx", "nginx", install)
