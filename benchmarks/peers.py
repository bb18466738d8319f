"""Who is measured: every way from the load generator to the echo upstream, and how each is started."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import gateway_files, native, nginx
from .errors import BenchmarkError
from .processes import Server

HERE = Path(__file__).resolve().parent
SOURCE_TREE = HERE.parent / "src"


@dataclass(frozen=True)
class Peer:
    """A running way to the upstream. `server` is None for the direct one; `last` is the byte that its edit leaves."""

    name: str
    port: int
    server: Server | None = None
    last: str | None = None

    def check(self) -> None:
        if self.server is not None:
            self.server.check()

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()


Start = Callable[[str, int, Path], Peer]


def start_upstream(folder: Path) -> Peer:
    server = Server("echo upstream", [str(native.program("echo"))], folder / "echo.log")
    return Peer("echo upstream", server.announced_port(), server)


def _direct(name: str, upstream_port: int, folder: Path) -> Peer:
    return Peer(name, upstream_port)


def _nginx(buffers: str) -> Start:
    def start(name: str, upstream_port: int, folder: Path) -> Peer:
        server, port = nginx.start(name, nginx.find(install=False), upstream_port, buffers, folder / name)
        return Peer(name, port, server)

    return start


def _websockets(name: str, upstream_port: int, folder: Path) -> Peer:
    argv = [sys.executable, str(HERE / "relay_websockets.py"), f"ws://127.0.0.1:{upstream_port}"]
    server = Server(name, argv, folder / f"{name}.log")
    return Peer(name, server.announced_port(), server)


def _framegate(hook: str | None = None, last: str | None = None) -> Start:
    def start(name: str, upstream_port: int, folder: Path) -> Peer:
        argv = [*FRAMEGATE, "proxy", f"ws://127.0.0.1:{upstream_port}", "--listen", "127.0.0.1:0"]
        if hook is not None:
            argv += ["--hook", f"{HERE / 'hooks.py'}:{hook}"]
        server = Server(name, argv, folder / f"{name}.log", framegate_environment())
        return Peer(name, server.announced_port(), server, last)

    return start


def _gateway(plugins: int) -> Start:
    def start(name: str, upstream_port: int, folder: Path) -> Peer:
        file = gateway_files.write(folder / name, upstream_port, plugins)
        argv = [*FRAMEGATE, "run", str(file)]
        server = Server(name, argv, folder / f"{name}.log", framegate_environment())
        return Peer(name, server.announced_port(), server)

    return start


FRAMEGATE = [sys.executable, "-m", "framegate"]
DIRECT = "direct"
NGINX = "nginx"
WEBSOCKETS = "websockets"
# In the order of the reports: no proxy, the tunnels, the relay, framegate.
STARTS: dict[str, Start] = {
    DIRECT: _direct,
    NGINX: _nginx(nginx.DEFAULT_BUFFERS),
    "nginx-64k": _nginx(nginx.LARGE_BUFFERS),
    WEBSOCKETS: _websockets,
    "framegate": _framegate(),
    "framegate-hook": _framegate("unchanged"),
    "framegate-edit": _framegate("edit", last="Z"),
    "framegate-gateway": _gateway(0),
    "framegate-1-plugin": _gateway(1),
    "framegate-5-plugins": _gateway(5),
}
MEANINGS = {
    DIRECT: "no proxy",
    NGINX: "nginx `proxy_pass` tunnel, Debian's defaults",
    "nginx-64k": "the same with `proxy_buffer_size 64k`",
    WEBSOCKETS: "hand-rolled relay with the `websockets` library on uvloop",
    "framegate": "framegate, no hook",
    "framegate-hook": "framegate with a hook that returns every payload unchanged",
    "framegate-edit": "framegate with a hook that edits every message in both directions",
    "framegate-gateway": "framegate's gateway, a route without frame plugins",
    "framegate-1-plugin": "the same with one plugin that reads every frame",
    "framegate-5-plugins": "the same with five such plugins",
}


def start(name: str, upstream_port: int, folder: Path) -> Peer:
    return STARTS[name](name, upstream_port, folder)


def framegate_environment() -> dict[str, str]:
    """The environment that finds framegate: as it is installed, else in this source tree."""
    environment = dict(os.environ)
    if importlib.util.find_spec("framegate") is None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SOURCE_TREE), environment.get("PYTHONPATH")]))
    return environment


def framegate_version() -> str:
    result = subprocess.run([*FRAMEGATE, "--version"], capture_output=True, text=True, env=framegate_environment())
    if result.returncode != 0:
        reason = result.stderr.strip().splitlines()[-1:] or ["no output"]
        raise BenchmarkError(f"`python -m framegate --version` failed: {reason[0]}; leave framegate out with --only")
    return " ".join(result.stdout.split())


def prepare(names: list[str], install: bool) -> dict[str, str]:
    """Make sure that the named peers can be started; returns their versions."""
    versions = {}
    if any(name.startswith(NGINX) for name in names):
        versions["nginx"] = nginx.version(nginx.find(install))
    if WEBSOCKETS in names:
        versions["websockets"] = _library_version("websockets")
        versions["uvloop"] = _library_version("uvloop")
    if any(name.startswith("framegate") for name in names):
        versions["framegate"] = framegate_version()
    return versions


def _library_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        raise BenchmarkError(f"the relay needs {name}: pip install {name}, or leave it out with --only") from None
