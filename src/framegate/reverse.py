"""``reverse_proxy``: the server with a ready handler."""

from __future__ import annotations

import inspect
import socket
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from framegate.errors import HookError
from framegate.handshake import UpstreamURL, join_target, parse_upstream_url
from framegate.options import ServerLimits, split_options
from framegate.proxy import Proxy
from framegate.request import Request
from framegate.server import Serving, serve
from framegate.session.policy import policies_of
from framegate.upstream_options import UpstreamOptions

Upstream = str | Callable[[Request], str | Awaitable[str]]

__all__ = ["reverse_proxy"]


def reverse_proxy(
    upstream: Upstream,
    host: str | None = None,
    port: int | None = None,
    *,
    ssl: ssl_module.SSLContext | None = None,
    unix_path: str | None = None,
    sock: socket.socket | None = None,
    upstream_options: Mapping[str, Any] | None = None,
    preserve_host: bool = False,
    **options: Any,
) -> Serving:
    """Serve clients by proxying each of them to ``upstream``.

    Args:
        upstream: a URL, or a callable ``request -> URL``, sync or async. The client's path is appended to the URL's
            with one slash between, the queries are joined with ``&``; percent-encoding is left as it came.
        host, port, ssl, unix_path, sock: as for :func:`framegate.serve`.
        upstream_options: keyword arguments of :meth:`Proxy.connect_upstream`.
        preserve_host: send the client's ``Host`` to the upstream instead of the upstream's own.
        **options: Proxy options and server limits by name.

    Raises:
        TypeError: an option is unknown or of the wrong type.
        ValueError: an option is out of range, or the URL is wrong.
    """
    proxy_options, limits = split_options(options)
    how = UpstreamOptions.of(**dict(upstream_options or {}))
    if not isinstance(preserve_host, bool):
        raise TypeError(f"preserve_host must be a bool, not {type(preserve_host).__name__}")
    if preserve_host and how.host is not None:
        raise ValueError("preserve_host and upstream_options['host'] exclude each other")
    if not isinstance(upstream, str) and not callable(upstream):
        raise TypeError(f"upstream must be a URL or a callable, not {type(upstream).__name__}")
    fixed = parse_upstream_url(upstream) if isinstance(upstream, str) else None
    policies = policies_of(proxy_options, proxy_options.on_frame)

    async def handler(request: Request) -> None:
        # The url is bound before the proxy: a callable that fails leaves nothing to clean up.
        base = fixed if fixed is not None else await _chosen(upstream, request)
        proxy = Proxy._with(request, proxy_options, policies)
        url = base.at(join_target(base.target, request.path, request.query))
        options_here = how._replace(host=request.headers["Host"]) if preserve_host else how
        await proxy.connect_upstream_to(url, options_here)
        await proxy.connect_client()
        del base, url, options_here
        try:
            await proxy.execute()
        except HookError:
            # Logged with the hook's own traceback; both sides have been told.
            return

    return serve(
        handler, host, port, ssl=ssl, unix_path=unix_path, sock=sock, **{
            name: getattr(limits, name) for name in ServerLimits.rules()
        }
    )  # fmt: skip


async def _chosen(upstream: Any, request: Request) -> UpstreamURL:
    url = upstream(request)
    if inspect.isawaitable(url):
        url = await url
    return parse_upstream_url(url)
