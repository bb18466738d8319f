"""Paths of requests: their normal form, and where the rest of one goes in a service's path.

Owns RFC 3986, section 6.2.2, and nothing else: it knows neither routes nor requests.
"""

from __future__ import annotations

import re

from framegate.config.encoding import normalise_encoding

# What the normal form of the encoding leaves alone, as in framegate.config.encoding.
_PLAIN = r"A-Za-z0-9\-._~!$&'()*+,;=:@/\[\]"
_NEEDS_WORK = re.compile(rf"[^{_PLAIN}]|/\.|//|\A(?!/)")


def normalise(path: str) -> str:
    """The normal form of ``path``, so that all ways to write one path are routed alike (RFC 3986, section 6.2.2).

    Percent-encoded unreserved characters are decoded, other percent-encodings get upper-case digits, dot segments are
    resolved without ever leaving the root, and slashes in a row become one. What may not stand in a path is
    percent-encoded, as UTF-8; so is a percent sign that begins no encoding, without which a second normalisation could
    find more to decode. An empty path is ``/`` (section 6.2.3), and a missing first slash is added.

    Args:
        path: the path alone, without query.
    """
    if _NEEDS_WORK.search(path) is None:
        return path
    return _resolved(normalise_encoding(path))


def _resolved(path: str) -> str:
    *folders, last = path.split("/")
    kept: list[str] = []
    for segment in folders:
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    if last == "..":
        del kept[-1:]
    if last in (".", ".."):
        last = ""
    return "/" + "".join(f"{segment}/" for segment in kept) + last


def upstream_path(base: str, path: str, matched: str, *, strip: bool, handling: str) -> str:
    """The path of the request to the upstream.

    Args:
        base: the service's path; ``/`` where it has none.
        path: the request's path, normalised.
        matched: the beginning of it that the route's path matched; empty where the route has no path.
        strip: whether ``matched`` is left out.
        handling: ``"v0"`` joins with exactly one slash between; ``"v1"`` puts ``base`` before what is left, as it is.
    """
    rest = _safe_rest(path[len(matched) :]) if matched else path[1:]
    if handling == "v1":
        return _prefixed(base, path, rest, strip)
    return _joined(base, path, rest, strip)


def _safe_rest(rest: str) -> str:
    # A prefix may end inside a segment: of "/chat../x", "/chat" leaves "../x", which must not climb out of the base.
    if rest in (".", ".."):
        return ""
    return rest.removeprefix("../").removeprefix("./")


def _joined(base: str, path: str, rest: str, strip: bool) -> str:
    stem = base.removesuffix("/")
    if not strip:
        return base if path == "/" and stem == base else stem + path
    if rest:
        return f"{stem}/{rest.removeprefix('/')}"
    slash_asked_for = path.endswith("/") and (len(path) > 1 or stem != base)
    return f"{stem}/" if slash_asked_for else stem or "/"


def _prefixed(base: str, path: str, rest: str, strip: bool) -> str:
    if not strip:
        return base + path[1:]
    return base + (rest.removeprefix("/") if base.endswith("/") else rest)
