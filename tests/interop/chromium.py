"""A headless Chromium that opens one page, served on 127.0.0.1, and says how it went."""

from __future__ import annotations

import asyncio
import html
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60.0
NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")

FLAGS = (
    "--headless",
    "--dump-dom",
    # Chromium refuses to run as root with its sandbox; the page is the test's own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    # It is to speak with 127.0.0.1 alone.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)

# The image holds back the load event, and with it the dump, until the script is done.
PAGE = """<!doctype html>
<meta charset="utf-8">
<title>running</title>
<pre id="result"></pre>
<img src="/held" alt="">
<script>
const steps = STEPS;
const socket = new WebSocket("URL", PROTOCOLS);
socket.binaryType = "arraybuffer";
const result = { heard: [] };
let at = 0;
function next() {
  const step = steps[at++];
  if (step === undefined) return;
  if (step.close) socket.close(step.close[0], step.close[1]);
  else if (step.bytes) socket.send(new Uint8Array(step.bytes));
  else socket.send(step.text.repeat(step.times ?? 1));
}
socket.onopen = () => {
  result.opened = { extensions: socket.extensions, protocol: socket.protocol };
  next();
};
socket.onmessage = ({ data }) => {
  result.heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
  next();
};
socket.onerror = () => { result.error = true; };
socket.onclose = ({ code, reason, wasClean }) => {
  result.closed = { code, reason, clean: wasClean };
  document.getElementById("result").textContent = JSON.stringify(result);
  document.title = "done";
  fetch("/release");
};
</script>
"""


def program() -> str | None:
    """Where Chromium is, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def missing() -> str | None:
    """Why no browser can be started, or None."""
    return None if program() else "no Chromium is installed; on Debian: apt-get install chromium"


class _Site:
    """One page, and the image that ends its loading."""

    def __init__(self, page: str) -> None:
        self.page = page.encode()
        self.released = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head.split(b" ", 2)[1], writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: bytes, writer: asyncio.StreamWriter) -> None:
        body = b""
        if path == b"/":
            body = self.page
        elif path == b"/held":
            await self.released.wait()
        elif path == b"/release":
            self.released.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


@asynccontextmanager
async def _site(page: str) -> AsyncIterator[str]:
    site = _Site(page)
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        await site.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def visit(url: str, steps: list[dict[str, Any]], profile: Path, protocols: tuple[str, ...] = ("chat",)) -> Any:
    """What became of a WebSocket that a page opened.

    Args:
        url: of the WebSocket.
        steps: what the page sends, each when the answer to the one before has come: ``{"text": ..., "times": n}``,
            ``{"bytes": [...]}`` or ``{"close": [code, reason]}``.
        profile: a folder that the browser may fill.
        protocols: the subprotocols that it offers.
    """
    page = PAGE.replace("STEPS", json.dumps(steps)).replace("URL", url).replace("PROTOCOLS", json.dumps(protocols))
    async with _site(page) as address:
        dom = await _dumped(address, profile)
    shown = re.search(r'<pre id="result">(.*?)</pre>', dom, re.DOTALL)
    assert shown is not None and "<title>done</title>" in dom, dom[:2000]
    return json.loads(html.unescape(shown[1]))


async def _dumped(address: str, profile: Path) -> str:
    browser = program()
    assert browser is not None
    process = await asyncio.create_subprocess_exec(
        browser,
        *FLAGS,
        f"--user-data-dir={profile}",
        address,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        dom, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return dom.decode()
