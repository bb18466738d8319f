"""Who is measured: every way from the load generator to the upstream, in the order of the reports."""

from __future__ import annotations

import sys
from dataclasses import replace

from ..errors import BenchmarkError
from . import framegate, haproxy, mitmproxy, nginx, relays
from .kinds import DEFLATE, MIB, TLS, WORKERS, Kind, Peer, Site

DIRECT = "direct"
NGINX = "nginx"
NGINX_64K = "nginx-64k"
WEBSOCKETS = "websockets"


def _direct(name: str, site: Site) -> Peer:
    return Peer(name, site.upstream_port)


def _nothing(install: bool) -> dict[str, str]:
    return {}


_TUNNEL = frozenset({TLS, DEFLATE, WORKERS})
_PROXY = frozenset({TLS, DEFLATE})
_KINDS = (
    Kind(DIRECT, "no proxy", _direct, _nothing, frozenset({DEFLATE})),
    Kind(
        NGINX,
        "nginx `proxy_pass` tunnel, Debian's defaults",
        nginx.starting(nginx.DEFAULT_BUFFERS),
        nginx.prepare,
        _TUNNEL,
    ),
    Kind(
        NGINX_64K, "the same with `proxy_buffer_size 64k`", nginx.starting(nginx.LARGE_BUFFERS), nginx.prepare, _TUNNEL
    ),
    Kind("haproxy", "HAProxy tunnel with its defaults", haproxy.start, haproxy.prepare, _TUNNEL),
    Kind(
        WEBSOCKETS,
        "hand-rolled relay with the `websockets` library on uvloop",
        relays.start,
        relays.needing("websockets"),
        frozenset({DEFLATE}),
    ),
    Kind("aiohttp", "hand-rolled relay with `aiohttp` on uvloop", relays.start, relays.needing("aiohttp")),
    Kind("picows", "hand-rolled relay with `picows` on uvloop", relays.start, relays.needing("picows")),
    Kind(
        "mitmproxy",
        "mitmproxy in reverse mode with an addon that reads every message",
        mitmproxy.start,
        mitmproxy.prepare,
        largest=MIB,
    ),
    Kind("framegate", "framegate, no hook", framegate.proxy(), framegate.prepare, _PROXY),
    Kind(
        "framegate-hook",
        "framegate with a hook that returns every payload unchanged",
        framegate.proxy("unchanged"),
        framegate.prepare,
        _PROXY,
    ),
    Kind(
        "framegate-edit",
        "framegate with a hook that edits every message in both directions",
        framegate.proxy("edit", last="Z"),
        framegate.prepare,
        _PROXY,
    ),
    Kind(
        "framegate-aggregate-edit",
        "the same with fragments joined before the hook",
        framegate.proxy("edit", last="Z", aggregate=True),
        framegate.prepare,
    ),
    Kind(
        "framegate-async-hook",
        "framegate with an async hook that returns every payload unchanged",
        framegate.proxy("unchanged_async"),
        framegate.prepare,
    ),
    Kind(
        "framegate-gateway",
        "framegate's gateway, a route without frame plugins",
        framegate.gateway(0),
        framegate.prepare,
        _TUNNEL,
    ),
    Kind(
        "framegate-1-plugin",
        "the same with one plugin that reads every frame",
        framegate.gateway(1),
        framegate.prepare,
        _TUNNEL,
    ),
    Kind("framegate-5-plugins", "the same with five such plugins", framegate.gateway(5), framegate.prepare),
)
KINDS = {kind.name: kind for kind in _KINDS}
MEANINGS = {kind.name: kind.meaning for kind in _KINDS}


def start(name: str, site: Site) -> Peer:
    """Start one in a folder of its own below `site.folder`."""
    folder = site.folder / name
    folder.mkdir(parents=True)
    return KINDS[name].start(name, replace(site, folder=folder))


def prepare(names: list[str], install: bool, insist: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Make sure that the named peers can be started; returns versions, and reasons of those that are left out.

    With `insist` nobody is left out. nginx never is, which all are compared with, nor framegate.
    """
    versions: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name in names:
        try:
            versions |= KINDS[name].prepare(install)
        except BenchmarkError as error:
            if insist or name.startswith((NGINX, "framegate")):
                raise
            left_out[name] = str(error)
            print(f"without {name}: {error}", file=sys.stderr, flush=True)
    return versions, left_out
