"""A hook for ``framegate proxy``: answers a text that asks for it with what the process holds."""

from __future__ import annotations

import asyncio
import gc
import json

QUESTION = b"soak: census"


def on_frame(origin: str, typ: str, payload: bytes, last: bool, code: int | None) -> bytes:
    """Change the question to the answer, which the echo brings back."""
    if origin == "client" and payload == QUESTION:
        gc.collect()
        return json.dumps({"tasks": len(asyncio.all_tasks())}).encode()
    return payload
