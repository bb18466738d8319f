"""A gateway that tells what it holds: run as ``python -m tests.hostile.gateway_process URL OPTIONS FILES``.

It prints its port, and then a line of JSON for each line that it reads.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import ssl
import sys
from pathlib import Path
from typing import Any

import framegate
from tests.hostile.kit import keep

PAGE = os.sysconf("SC_PAGE_SIZE")


def look(server: framegate.Server) -> dict[str, int]:
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return {
        "rss": int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE,
        "peak": int(peak.split()[1]) * 1024,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "tasks": len(asyncio.all_tasks()),
        "sessions": len(server.sessions),
    }


async def main(url: str, options: dict[str, Any], files: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files or hard, hard))
    if options.pop("hook", False):
        options["on_frame"] = keep
    certificate = options.pop("certificate", None)
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    async with framegate.reverse_proxy(url, "127.0.0.1", 0, ssl=context, **options) as server:
        print(server.port, flush=True)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while await reader.readline():
            print(json.dumps(look(server)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])))
