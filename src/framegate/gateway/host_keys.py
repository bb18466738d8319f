"""Host names as keys: how a route's host is stored, and under which keys a request's host finds it.

A key is a name in lower case, perhaps with ``*`` as its first or last label, and a port or None for any. It knows
neither routes nor requests.
"""

from __future__ import annotations

from typing import TypeAlias

HostKey: TypeAlias = tuple[str, str | None]

# RFC 1035, section 2.3.4: longer names do not exist, and looking for the wildcards of one would take long.
_LONGEST_NAME = 255


def host_key(host: str) -> HostKey:
    """The key of a route's ``host``, such as ``example.com``, ``*.example.com:8443``, ``[::1]``.

    Raises:
        ValueError: ``*`` stands elsewhere than as the whole first or last label, or more than once.
    """
    name, port = split_port(host)
    if "*" in name and not _is_wildcard(name):
        raise ValueError(f"host {host!r}: '*' may only be the first or last label, as in *.example.com or example.*")
    return name, port


def _is_wildcard(name: str) -> bool:
    return name.count("*") == 1 and len(name) > 2 and (name.startswith("*.") or name.endswith(".*"))


def split_port(host: str) -> tuple[str, str | None]:
    """Name and port of ``host``: the name in lower case, without brackets and final dot; the port None without one."""
    name, port = host.lower(), ""
    if name.startswith("["):
        address, bracket, rest = name[1:].partition("]")
        if bracket and (not rest or rest.startswith(":")):
            name, port = address, rest[1:]
    elif name.count(":") == 1:
        before, _, after = name.partition(":")
        if not after or after.isdecimal():
            name, port = before, after
    return name.removesuffix("."), port or None


def keys_of(host: str, default_port: str, *, wildcards: bool) -> list[HostKey]:
    """The keys under which a route for the request's ``host`` may stand.

    Args:
        default_port: the port where ``host`` has none.
        wildcards: whether keys with ``*`` are wanted too.
    """
    name, port = split_port(host)
    port = port or default_port
    names = names_of(name) if wildcards else [name]
    return [key for each in names for key in ((each, port), (each, None))]


def names_of(name: str) -> list[str]:
    """``name`` and the names with ``*`` that stand for it."""
    names = [name]
    if len(name) > _LONGEST_NAME:
        return names
    dot = name.find(".")
    while dot >= 0:
        if dot > 0:
            names.append("*" + name[dot:])
        if dot < len(name) - 1:
            names.append(name[: dot + 1] + "*")
        dot = name.find(".", dot + 1)
    return names
