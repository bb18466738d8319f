"""What is kept of a session when it is over: who ended it, why, and what each side sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from framegate.errors import FramegateError

Side = Literal["client", "upstream"]
EndedBy = Literal["client", "upstream", "proxy"]
Why = Literal["close", "eof", "limit", "protocol", "hook", "timeout", "drain", "policy"]
CloseInfo = tuple[int | None, str]


@dataclass(slots=True)
class SideRecord:
    """What passed on one side. Counts are of what that side sent.

    Attributes:
        close_received: code (None when it carried none) and reason of its close frame, or None if none came.
        close_sent: code and reason of the close frame that it was sent, or None.
        frames: frames that it sent, control frames and those that were dropped included.
        messages: complete text and binary messages.
        bytes: payload bytes.
        dropped: frames (messages, where fragments are joined) that the hook dropped.
        changed: those that the hook changed.
        texts: text messages among ``messages``.
        text_bytes: payload bytes of text messages among ``bytes``.
        pings: among ``frames``.
        pongs: among ``frames``.
    """

    close_received: CloseInfo | None = None
    close_sent: CloseInfo | None = None
    frames: int = 0
    messages: int = 0
    bytes: int = 0
    dropped: int = 0
    changed: int = 0
    texts: int = 0
    text_bytes: int = 0
    pings: int = 0
    pongs: int = 0

    def as_data(self) -> dict[str, Any]:
        """What log lines tell of it, as plain data; a close frame is a mapping of ``code`` and ``reason``, or None."""
        return {
            "frames": self.frames,
            "messages": self.messages,
            "bytes": self.bytes,
            "dropped": self.dropped,
            "changed": self.changed,
            "close_received": _close_data(self.close_received),
            "close_sent": _close_data(self.close_sent),
        }


@dataclass(slots=True)
class SessionRecord:
    """One session, from the client's 101 to the end of both connections.

    Attributes:
        ended_by: the side that closed, left or broke a rule; ``"proxy"`` for everything that framegate decided.
        why: ``close`` (a close frame), ``eof`` (TCP ended without one), ``limit``, ``protocol``, ``hook``, ``timeout``,
            ``drain``, ``policy`` (:meth:`Proxy.close`, and a cancelled ``execute()``).
        error: the error that ended it, or None.
        detail: more about the ending, for people: which time-out it was, or what the socket said; else empty.
        started_at: when it started, in seconds since the epoch.
        duration: how long it lasted, in seconds.
        client: what passed on the client's side.
        upstream: what passed on the upstream's side.
    """

    ended_by: EndedBy | None = None
    why: Why | None = None
    error: FramegateError | None = None
    detail: str = ""
    started_at: float = 0.0
    duration: float = 0.0
    client: SideRecord = field(default_factory=SideRecord)
    upstream: SideRecord = field(default_factory=SideRecord)

    def __str__(self) -> str:
        detail = f" detail={self.detail!r}" if self.detail else ""
        error = "" if self.error is None else f" error={str(self.error)!r}"
        return (
            f"session ended_by={self.ended_by or '-'} why={self.why or '-'} duration={self.duration:.3f} "
            f"{_words('client', self.client)} {_words('upstream', self.upstream)}{detail}{error}"
        )


def _close_data(info: CloseInfo | None) -> dict[str, Any] | None:
    return None if info is None else {"code": info[0], "reason": info[1]}


def _words(name: str, side: SideRecord) -> str:
    return (
        f"{name}.frames={side.frames} {name}.messages={side.messages} {name}.bytes={side.bytes} "
        f"{name}.dropped={side.dropped} {name}.changed={side.changed} "
        f"{name}.close_received={_close(side.close_received)} {name}.close_sent={_close(side.close_sent)}"
    )


def _close(info: CloseInfo | None) -> str:
    if info is None:
        return "-"
    code, reason = info
    number = "none" if code is None else str(code)
    return f"{number}:{reason!r}" if reason else number
