"""Starts the programs, lets the clients come, and compares before with after."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from soak import census_hook, meter
from soak.load import Load, Place
from soak.meter import Reading
from soak.upstream import moody
from tests.cli.program import Program, port_of, started
from tests.kit import raw

RSS_BOUND = 12 * 2**20
"""Most bytes that a process may have grown by, from the end of the warm-up on: the allocator's arenas and the buffers
of the kernel's sizes settle late, and a leak of 2 KiB a client shows after some thousands of them."""

REST = 8.0
"""Seconds of rest before a look: longer than the lingering limits below, and than a pending dial."""

FILE = """_format_version: "3.0"
gateway:
  listen: ["127.0.0.1:0"]
  plugin_paths: [{plugins}]
  log_level: warning
  options: {{lingering_timeout: 1000, lingering_time: 2000, connect_timeout: 3000, write_timeout: 3000,
             ping_interval: 1000, ping_timeout: 5000}}
  limits: {{handshake_timeout: 2000}}
services:
- name: echo
  url: ws://127.0.0.1:{echo}
  routes:
  - {{name: plain, paths: [/plain], protocols: [ws]}}
  - name: reading
    paths: [/reading]
    protocols: [ws]
    plugins: [{{name: soak-reader}}]
  - name: limits
    paths: [/limits]
    protocols: [ws]
    plugins: [{{name: websocket-size-limit, config: {{client_max_payload: 400000, upstream_max_payload: 400000}}}}]
  - name: census
    paths: [/census]
    protocols: [ws]
    plugins: [{{name: soak-census}}]
- name: moody
  url: ws://127.0.0.1:{moody}
  connect_timeout: 2000
  routes:
  - {{name: moody, paths: [/moody], protocols: [ws]}}
  - name: moody-reading
    paths: [/read-moody]
    protocols: [ws]
    plugins: [{{name: soak-reader}}]
"""

_PROXY = ["--lingering-timeout=1", "--lingering-time=2", "--handshake-timeout=2", "--write-timeout=3"]
_FAULTS = ("Traceback", "internal error", "never retrieved", "was destroyed")


def main() -> int:
    """Run the soak test; exit status 1 where something was kept."""
    parser = argparse.ArgumentParser(prog="python -m soak", description="Good and bad clients for a while.")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long, after a short warm-up")
    parser.add_argument("--rate", type=float, default=40.0, help="clients a second")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if not Path("/proc/self/fd").is_dir():
        print("make soak: needs /proc, as Linux has it", file=sys.stderr)
        return 2
    return asyncio.run(_soak(chosen.seconds, chosen.rate, chosen.seed))


async def _soak(seconds: float, rate: float, seed: int) -> int:
    async with raw.raw_upstream(moody) as upstream:
        with _programs(upstream.port) as (gateway, proxy):
            port, proxy_port = port_of(gateway.urls[0]), port_of(proxy.urls[0])
            paths = [("plain", False), ("reading", False), ("limits", False), ("moody", True), ("read-moody", True)]
            places = [Place(name, port, f"/{name}", is_moody) for name, is_moody in paths]
            load = Load([*places, Place("proxy", proxy_port, "/")], rate, seed)
            watched = {
                "gateway": partial(meter.read, gateway._process.pid, partial(meter.gateway_tasks, port)),
                "proxy": partial(meter.read, proxy._process.pid, partial(meter.proxy_tasks, proxy_port)),
            }
            await load.come(max(10.0, seconds / 6))
            await asyncio.sleep(REST)
            before = {name: await look() for name, look in watched.items()}
            load.came.clear()
            during = asyncio.create_task(_watch({"gateway": gateway._process.pid, "proxy": proxy._process.pid}))
            await load.come(seconds)
            during.cancel()
            await asyncio.sleep(REST)
            after = {name: await look() for name, look in watched.items()}
            logs = {"gateway": list(gateway.log.seen), "proxy": list(proxy.log.seen)}
    return _report(seconds, load, before, after, logs)


@contextmanager
def _programs(moody_port: int) -> Iterator[tuple[Program, Program]]:
    plugins = Path(__file__).parent / "plugins"
    with tempfile.TemporaryDirectory() as folder, started("echo", "--listen=127.0.0.1:0", "--log-level=error") as echo:
        echo_port = port_of(echo.urls[0])
        file = Path(folder, "gateway.yaml")
        file.write_text(FILE.format(plugins=plugins, echo=echo_port, moody=moody_port))
        hook = f"--hook={census_hook.__file__}:on_frame"
        target = f"ws://127.0.0.1:{echo_port}"
        with (
            started("run", str(file)) as gateway,
            started("proxy", target, "--listen=127.0.0.1:0", "--log-level=warning", hook, *_PROXY) as proxy,
        ):
            yield gateway, proxy


async def _watch(pids: dict[str, int]) -> None:
    """A line every ten seconds, for who waits."""
    while True:
        await asyncio.sleep(10)
        words = [
            f"{name}: {len(os.listdir(f'/proc/{pid}/fd'))} descriptors, {meter.status(pid)[0] / 2**20:.1f} MiB"
            for name, pid in pids.items()
        ]
        print("  " + "; ".join(words), flush=True)


def _report(
    seconds: float, load: Load, before: dict[str, Reading], after: dict[str, Reading], logs: dict[str, list[str]]
) -> int:
    faults = load.faults[:20]
    print(f"\n{seconds:g} s, {load.came['good']} good clients and {load.came['bad']} bad ones\n")
    print(f"{'':10}{'':14}{'before':>10} → {'after':<10}")
    for name, was in before.items():
        now = after[name]
        for what in ("descriptors", "threads", "tasks"):
            print(f"{name:10}{what:14}{getattr(was, what):>10} → {getattr(now, what):<10}")
            # The pool of threads that resolves names may grow to its size.
            if getattr(now, what) > getattr(was, what) and what != "threads":
                faults.append(f"{name}: {what} did not return")
        print(f"{name:10}{'RSS (MiB)':14}{was.rss / 2**20:>10.1f} → {now.rss / 2**20:<10.1f}")
        if now.rss - was.rss > RSS_BOUND:
            faults.append(f"{name}: RSS grew by more than {RSS_BOUND / 2**20:g} MiB")
        errors = [line for line in logs[name] if " ERROR " in line or any(word in line for word in _FAULTS)]
        print(f"{name:10}{'error lines':14}{'':>10}   {len(errors):<10}")
        faults += [f"{name}: {line}" for line in errors if any(word in line for word in _FAULTS)][:5]
    print("\n".join(["", *faults] if faults else ["", "everything returned"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
