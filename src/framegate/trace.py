"""The debug log of frames: one line each, with an arrow that tells its way and a cut payload."""

from __future__ import annotations

import logging
from collections.abc import Callable

from framegate.codec.constants import NO_CODE

_log = logging.getLogger("framegate.frames")

PREVIEW = 24
"""Characters of a payload that are shown."""

_ARROWS = {"client": ("-->", "--x"), "upstream": ("<--", "x--")}


def tracer() -> Callable[..., None]:
    """What a lane calls with each frame when ``debug`` is on."""
    return _trace


def _trace(verdict: str, origin: str, typ: str, fin: bool, length: int, payload: bytes, code: int) -> None:
    passed, dropped = _ARROWS[origin]
    words = [dropped if verdict == "dropped" else passed, typ]
    if code != NO_CODE:
        words.append(f"code={code}")
    words += [f"fin={int(fin)}", f"length={length}", preview(typ, payload)]
    if verdict == "changed":
        words.append("(changed)")
    _log.info("%s", " ".join(words))


def preview(typ: str, payload: bytes) -> str:
    """The beginning of a payload, printable whatever it holds."""
    if typ in ("text", "close"):
        text = ascii(payload[: 4 * PREVIEW].decode(errors="replace")[:PREVIEW])
    else:
        text = repr(payload[:PREVIEW])
    return text + ("…" if len(payload) > PREVIEW else "")
