"""HAProxy as a WebSocket tunnel, with its defaults."""

from __future__ import annotations

import subprocess

from .. import debian
from ..processes import Server, free_port
from .kinds import Peer, Site

# maxconn counts clients, each of which takes two sockets. Threads are its workers.
CONFIGURATION = """
global
    maxconn {connections}
    nbthread {workers}
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
frontend clients
    bind 127.0.0.1:{port}{tls}
    default_backend upstream
backend upstream
    server upstream 127.0.0.1:{upstream_port}
"""
# For the last peer's connections that still close. It refuses to start where this exceeds its limit on open files.
SPARE = 100


def prepare(install: bool) -> dict[str, str]:
    said = subprocess.run([_path(install), "-v"], capture_output=True, text=True).stdout
    return {"haproxy": " ".join(said.split("\n")[0].removeprefix("HAProxy version ").split()[:1])}


def start(name: str, site: Site) -> Peer:
    port = free_port()
    file = site.folder / "haproxy.cfg"
    tls = f" ssl crt {site.certificate.both} alpn http/1.1" if site.certificate else ""
    file.write_text(
        CONFIGURATION.format(
            connections=site.connections + SPARE,
            workers=site.workers,
            port=port,
            tls=tls,
            upstream_port=site.upstream_port,
        )
    )
    server = Server(name, [_path(install=False), "-db", "-f", str(file)], site.folder / "output.log")
    server.await_port(port)
    return Peer(name, port, server, certificate=site.certificate)


def _path(install: bool) -> str:
    return debian.find_program("haproxy", "haproxy", install)
