"""A gateway in front of an upstream with several targets, for one test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

from framegate.gateway.balancer import Balancer
from framegate.gateway.dialling import Dialler
from framegate.gateway.upstreams.insight import TargetHealth
from tests.kit import heads, raw
from tests.kit.raw import PATIENCE, RawPeer, RawUpstream, Script
from tests.kit.served import Served, served


def named(name: str, *, cookie: str | None = None) -> Script:
    """An upstream that tells its name in its 101."""
    extra = [("X-Target", name)] + ([("Set-Cookie", cookie)] if cookie else [])
    return raw.accept(extra=extra)


def unused() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


class Pool:
    """A gateway in front of several targets."""

    def __init__(self, gate: Served, targets: dict[str, RawUpstream]) -> None:
        self.gate = gate
        self.targets = targets

    @asynccontextmanager
    async def session(self, extra: heads.Headers = (), **how: Any) -> AsyncIterator[tuple[str, RawPeer]]:
        """A session: the name of its target, and the client."""
        async with raw.connected(self.gate.port, extra=extra, **how) as client:
            yield client.head.get("X-Target") or "", client

    async def went(self, extra: heads.Headers = (), **how: Any) -> str:
        """The target of a session that has ended for the gateway."""
        async with self.session(extra, **how) as (name, _):
            pass
        await self.ended()
        return name

    async def ended(self) -> None:
        """All sessions are over, and no target counts one."""
        for target in self.targets.values():
            await target.release()
        await self.gate.idle()
        assert set(self.live().values()) <= {0}

    @property
    def dialler(self) -> Dialler:
        """Who connects for the gateway."""
        return self.gate.gateway._dialler

    @property
    def balancer(self) -> Balancer:
        """Who chooses the targets."""
        return self.dialler._pools["pool"].balancer

    def known(self) -> dict[str, TargetHealth]:
        """What is known of each target, by its name in the test, or by its address."""
        names = {upstream.authority: name for name, upstream in self.targets.items()}
        (found,) = self.dialler.health()
        return {names.get(each["target"], each["address"] or each["target"]): each for each in found["targets"]}

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until it is true."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                await asyncio.sleep(0.005)

    async def until_healthy(self, name: str, healthy: bool = True) -> TargetHealth:
        """Wait until a target is, or is not, healthy."""
        await self.until(lambda: self.known()[name]["healthy"] is healthy)
        return self.known()[name]

    def live(self) -> dict[str, int]:
        """How many sessions each target has, as the gateway counts them."""
        balancer = self.balancer
        names = {upstream.authority: name for name, upstream in self.targets.items()}
        return {names[t.target]: balancer.live(t) for t in balancer.upstream.targets if t.target in names}


@asynccontextmanager
async def pooled(
    folder: Path, weights: dict[str, int], *, first: tuple[str, ...] = (), **more: Any
) -> AsyncIterator[Pool]:
    """A gateway whose service is an upstream with a target for each of ``weights``; ``first`` are targets before them.

    Args:
        scripts: what targets do by name; they tell their name in their 101 otherwise.
        fields: further fields of targets, by name.
        targets: further targets, as the file has them.
        certificates: the file's ``ca_certificates``.
        more: ``cookie`` that the targets set; ``service`` and other arguments of ``served``; the upstream's fields.
    """
    cookie = more.pop("cookie", None)
    scripts, fields = more.pop("scripts", {}), more.pop("fields", {})
    kept = {name: more.pop(name) for name in ("gateway", "use", "consumers", "plugins") if name in more}
    if "certificates" in more:
        kept["ca_certificates"] = more.pop("certificates")
    service = {"host": "pool", **more.pop("service", {})}
    async with AsyncExitStack() as stack:
        targets = {
            name: await stack.enter_async_context(raw.raw_upstream(scripts.get(name) or named(name, cookie=cookie)))
            for name in weights
        }
        entries: list[dict[str, Any]] = [{"target": address} for address in first] + more.pop("targets", [])
        entries += [
            {"target": targets[name].authority, "weight": weight, **fields.get(name, {})}
            for name, weight in weights.items()
        ]
        upstreams = [{"name": "pool", "targets": entries, **more}]
        gate = await stack.enter_async_context(served(folder, service=service, upstreams=upstreams, **kept))
        pool = Pool(gate, targets)
        try:
            yield pool
        finally:
            await pool.dialler.close()
            # Checks that are cut off leave connections that the targets have yet to see, and to close.
            await asyncio.sleep(0.02)
