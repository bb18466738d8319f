"""The debug log of frames: one line each, with an arrow that tells its way and a cut payload."""

from __future__ import annotations

import logging

from framegate.codec.constants import NO_CODE

_log = logging.getLogger("framegate.frames")

PREVIEW = 24
"""Characters of a payload that are shown."""

_ARROWS = {"client": ("-->", "--x"), "upstream": ("<--", "x--")}


def trace(verdict: str, origin: str, typ: str, fin: bool, length: int, payload: bytes, code: int) -> None:
    """Log one frame; lanes call it where ``debug`` is on.

    Args:
        verdict: ``"relayed"``, ``"changed"`` or ``"dropped"``.
        origin: who sent it.
        typ: its type.
        fin: its FIN bit.
        length: payload bytes of the whole frame.
        payload: the payload, or its beginning.
        code: a close frame's code, or ``NO_CODE``.
    """
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
