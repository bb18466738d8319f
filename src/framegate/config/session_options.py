"""Options of sessions: the gateway's, a service's and a route's, and what they come to together.

Owns the order in which one level replaces another, and the rules that hold between options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framegate.config.draft import Draft, Drafts
from framegate.config.model.options import as_table_options
from framegate.config.problems import Problems
from framegate.options import ProxyOptions

# Kong's names of a service's times, and ours.
_TIMES = {"connect_timeout": "connect_timeout", "read_timeout": "idle_timeout", "write_timeout": "write_timeout"}


def service_options(gateway: Mapping[str, Any], service: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    """What a service's sessions have: the gateway's options, then the service's times, then its own options.

    Args:
        gateway: the gateway's, by the library's names, times in seconds.
        service: has ``connect_timeout``, ``read_timeout`` and ``write_timeout`` in milliseconds, or None.
        own: the service's ``options``, as ``gateway``.
    """
    times = {ours: getattr(service, kongs) for kongs, ours in _TIMES.items()}
    return {**gateway, **{name: ms / 1000 for name, ms in times.items() if ms is not None}, **own}


def faults(options: Mapping[str, Any], written: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The name of an option and what is wrong with it among the others.

    Args:
        options: what holds.
        written: those of them that the place which is looked at has written.
    """
    held = {**ProxyOptions.defaults(), **options}
    if held["lingering_time"] < held["lingering_timeout"]:
        at = next((name for name in ("lingering_time", "lingering_timeout") if name in written), None)
        if at is not None:
            total, once = (round(held[name] * 1000) for name in ("lingering_time", "lingering_timeout"))
            yield at, f"lingering_time must be >= lingering_timeout: it is {total}, and lingering_timeout is {once}"
        return
    try:
        ProxyOptions.of(**options)
    except ValueError as error:
        yield "compression", str(error)


def check_options(drafts: Drafts, gateway: Mapping[str, Any], reader: str | None, problems: Problems) -> None:
    """Check the options of services and routes.

    Args:
        drafts: all entities.
        gateway: the gateway's options, by the library's names.
        reader: what to call a plugin that must see plain payloads, or None.
        problems: to add to.
    """
    for kind in ("services", "routes"):
        for draft in drafts.of(kind):
            written = as_table_options(draft.fields.options) if draft.is_sound("options") else {}
            if not written:
                continue
            for name, what in faults(_holding(draft, gateway), written):
                problems.at((*draft.path, "options", name), what)
            if written.get("compression") == "pass" and reader is not None:
                what = f"must not be pass together with {reader}, which reads payloads"
                problems.at((*draft.path, "options", "compression"), what, "write auto")


def _holding(draft: Draft, gateway: Mapping[str, Any]) -> dict[str, Any]:
    own = as_table_options(draft.fields.options)
    if draft.kind == "services":
        return service_options(gateway, draft.fields, own)
    service = draft.one("service")
    return {**(gateway if service is None else _holding(service, gateway)), **own}
