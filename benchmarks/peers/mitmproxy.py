"""mitmproxy in reverse mode with an addon that reads every message: what proxies for inspecting cost.

It has a virtual environment of its own, made on demand, because its pins clash with everybody else's.
"""

from __future__ import annotations

import subprocess
import sys

from ..errors import BenchmarkError
from ..native import BUILD
from ..processes import Server
from .kinds import Peer, Site
from .relays import RELAYS

FOLDER = BUILD / "mitmproxy"
PROGRAM = FOLDER / "bin" / "mitmdump"


def prepare(install: bool) -> dict[str, str]:
    if not PROGRAM.exists():
        if not install:
            raise BenchmarkError(
                "mitmproxy was not found: it is installed into benchmarks/.build unless --no-install is given; "
                "leave it out with --only"
            )
        _install()
    said = subprocess.run([str(PROGRAM), "--version"], capture_output=True, text=True).stdout
    return {"mitmproxy": said.split("\n")[0].removeprefix("Mitmproxy: ")}


def start(name: str, site: Site) -> Peer:
    options = {
        "confdir": str(site.folder),
        "flow_detail": "0",
        "termlog_verbosity": "error",
        "http2": "false",
    }
    argv = [str(PROGRAM), "--mode", f"reverse:http://127.0.0.1:{site.upstream_port}"]
    argv += ["--listen-host", "127.0.0.1", "--listen-port", "0", "-s", str(RELAYS / "mitmproxy_addon.py")]
    for option, value in options.items():
        argv += ["--set", f"{option}={value}"]
    server = Server(name, argv, site.folder / "output.log")
    return Peer(name, server.announced_port(), server)


def _install() -> None:
    print(f"mitmproxy was not found: pip install mitmproxy into {FOLDER}", file=sys.stderr, flush=True)
    for command in (
        [sys.executable, "-m", "venv", str(FOLDER)],
        [str(FOLDER / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "mitmproxy"],
    ):
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise BenchmarkError(f"mitmproxy cannot be installed: {(result.stderr or result.stdout).strip()[-500:]}")
