"""The Node processes of the tests: started, spoken to in lines of JSON, ended by their own id."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 10.0


def missing() -> str | None:
    """Why no Node peer can be started, or None."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (HERE / "node_modules" / "ws").is_dir():
        return "the npm package ws is not installed: run 'npm install' in tests/interop"
    return None


class Node:
    """One running ``peer.mjs``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def do(self, name: str, **arguments: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": name, **arguments}).encode() + b"\n")

    async def event(self) -> dict[str, Any]:
        """The next line that the process prints."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
        assert line, "the process has ended"
        return json.loads(line)


@asynccontextmanager
async def node(*arguments: str) -> AsyncIterator[Node]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("node", "peer.mjs", *arguments, cwd=HERE, stdin=pipe, stdout=pipe)
    try:
        yield Node(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def echo(*arguments: str) -> AsyncIterator[tuple[Node, str]]:
    """An echo server of ``ws``, and its URL."""
    async with node("echo", *arguments) as upstream:
        yield upstream, f"ws://127.0.0.1:{(await upstream.event())['port']}"
