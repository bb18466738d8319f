"""framegate in its own ways: the relay, hooks, and the gateway with plugins."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from ..errors import BenchmarkError
from ..processes import Server
from . import gateway_files
from .kinds import MIB, Peer, Site, Start

HERE = Path(__file__).resolve().parent.parent
SOURCE_TREE = HERE.parent / "src"
PROGRAM = [sys.executable, "-m", "framegate"]
NO_LIMIT = ["--client-max-frame-size", "none", "--upstream-max-frame-size", "none"]


def proxy(hook: str | None = None, last: str | None = None, aggregate: bool = False) -> Start:
    """`framegate proxy`; `last` is the byte that the hook's edit leaves at the end."""

    def start(name: str, site: Site) -> Peer:
        argv = [*PROGRAM, "proxy", f"ws://127.0.0.1:{site.upstream_port}", "--listen", "127.0.0.1:0"]
        if hook is not None:
            argv += ["--hook", f"{HERE / 'hooks.py'}:{hook}"]
        if aggregate:
            argv.append("--aggregate")
        if site.largest > MIB:
            argv += NO_LIMIT
        if site.certificate is not None:
            argv += ["--tls-cert", str(site.certificate.certificate), "--tls-key", str(site.certificate.key)]
        return _started(name, argv, site, last)

    return start


def gateway(plugins: int) -> Start:
    """`framegate run` with a route that has so many plugins."""

    def start(name: str, site: Site) -> Peer:
        argv = [*PROGRAM, "run", str(gateway_files.write(site, plugins))]
        if site.workers > 1:
            argv += ["--workers", str(site.workers)]
        return _started(name, argv, site)

    return start


def _started(name: str, argv: list[str], site: Site, last: str | None = None) -> Peer:
    # nginx and HAProxy write no access log here either.
    server = Server(name, [*argv, "--log-level", "warning"], site.folder / "output.log", environment())
    return Peer(name, server.announced_port(), server, last, site.certificate)


def environment() -> dict[str, str]:
    """The environment that finds framegate: as it is installed, else in this source tree."""
    found = dict(os.environ)
    if importlib.util.find_spec("framegate") is None:
        found["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SOURCE_TREE), found.get("PYTHONPATH")]))
    return found


def prepare(install: bool) -> dict[str, str]:
    result = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, env=environment())
    if result.returncode != 0:
        reason = result.stderr.strip().splitlines()[-1:] or ["no output"]
        raise BenchmarkError(f"`python -m framegate --version` failed: {reason[0]}; leave framegate out with --only")
    return {"framegate": " ".join(result.stdout.split())}
