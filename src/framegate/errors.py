"""Every error that framegate raises, in one tree.

::

    FramegateError
    ├── PeerError(side, close_code)      a peer broke a rule; which side, and the close code it is sent
    │   ├── ProtocolError                RFC 6455 was broken: 1002, or 1007 for text that is not UTF-8
    │   └── LimitExceeded                a size or fragment limit was passed: 1009
    ├── HandshakeRefused                 the upstream answered the opening handshake with 300 or above
    ├── UpstreamUnavailable              no verified 101 from the upstream; ``timed_out`` tells a time-out
    ├── UsageError                       the caller used the library in a way it cannot be used
    ├── HookError                        ``on_frame`` failed; ``record`` is the session's record
    ├── ConfigError                      a configuration file or command line is wrong
    └── PDKError                         a plugin broke a rule of the plugin interface

A ``TypeError`` or ``ValueError`` of Python's own is raised for a wrong option or argument, naming it and the rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framegate.session.record import SessionRecord


class FramegateError(Exception):
    """The root of the tree: catch it to catch everything that framegate raises on purpose."""


class PeerError(FramegateError):
    """A peer broke a rule of the protocol or a limit, or left before its handshake was complete.

    Args:
        message: what was broken, in one line.
        side: the offender, ``"client"`` or ``"upstream"``.
        close_code: the close code that the offender is sent (RFC 6455, section 7.4.1).
    """

    def __init__(self, message: str, *, side: str, close_code: int) -> None:
        super().__init__(f"{side}: {message}")
        self.side = side
        self.close_code = close_code


class ProtocolError(PeerError):
    """A peer broke RFC 6455: close code 1002, or 1007 for text that is not UTF-8."""


class LimitExceeded(PeerError):
    """A peer passed a size, fragment or memory limit: close code 1009."""


class HandshakeRefused(FramegateError):
    """The upstream answered the opening handshake with a final status of 300 or above.

    Args:
        status: the HTTP status.
        reason: the reason phrase, possibly empty.
        headers: the answer's end-to-end headers as ``(name, value)`` pairs.
        body: the answer's body, cut at ``max_refusal_body`` bytes.
    """

    def __init__(
        self, status: int, reason: str = "", headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> None:
        super().__init__(f"upstream refused the handshake with {status} {reason}".rstrip())
        self.status = status
        self.reason = reason
        self.headers = tuple(headers)
        self.body = body


class UpstreamUnavailable(FramegateError):
    """The upstream gave no verified 101: not reached, TLS failed, a bad answer, or too late.

    Args:
        message: what went wrong, in one line; the exception behind it is ``__cause__``.
        timed_out: whether ``connect_timeout`` passed.
    """

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class UsageError(FramegateError):
    """The library was called in an order or place where the call has no meaning."""


class HookError(FramegateError):
    """``on_frame`` raised, or returned what cannot be sent.

    ``record`` is the finished :class:`SessionRecord`; the hook's own exception, if any, is ``__cause__``.
    """

    def __init__(self, message: str, *, record: SessionRecord | None = None) -> None:
        super().__init__(message)
        self.record = record


class ConfigError(FramegateError):
    """A configuration file or a command line is wrong.

    Args:
        message: what is wrong.
        path: the file, or None.
        line: the line in it, counted from 1, or None.
        hint: the mend, or the nearest valid name, or None.
    """

    def __init__(
        self, message: str, *, path: str | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(place + message + (f" ({hint})" if hint else ""))
        self.path = path
        self.line = line
        self.hint = hint


class PDKError(FramegateError):
    """A plugin broke a rule of the plugin development kit; the message names the function and the rule."""
