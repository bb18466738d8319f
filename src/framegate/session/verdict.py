"""What a hook may return, as far as it is about payloads; what it may not is a :class:`Verdict`."""

from __future__ import annotations

from typing import Any

from framegate.codec.constants import MAX_CLOSE_REASON


class Verdict(Exception):
    """A hook's result that cannot be sent; says why."""


def as_bytes(result: Any) -> bytes:
    """A payload from a bytes-like object, or from a ``str`` as UTF-8.

    Raises:
        Verdict: it is neither, or has no UTF-8.
    """
    if type(result) is bytes:
        return result
    if isinstance(result, str):
        try:
            return result.encode()
        except UnicodeEncodeError as error:
            raise Verdict("the hook returned a str with surrogates, which has no UTF-8") from error
    try:
        with memoryview(result) as view:
            return view.tobytes()
    except (TypeError, ValueError, BufferError):
        raise Verdict(
            f"the hook returned {type(result).__name__}; it takes bytes, str, None, (payload, code) or an awaitable"
        ) from None


def checked_reason(reason: bytes) -> bytes:
    """``reason``, if a close frame takes it (RFC 6455, section 5.5.1).

    Raises:
        Verdict: it is over 123 bytes or not UTF-8.
    """
    if len(reason) > MAX_CLOSE_REASON:
        raise Verdict(f"the hook returned a close reason of {len(reason)} bytes, which takes 123")
    try:
        reason.decode()
    except UnicodeDecodeError:
        raise Verdict("the hook returned a close reason that is not UTF-8") from None
    return reason


class NamedFailure(Exception):
    """A hook has failed that has a name of its own; its exception is ``__cause__``.

    Args:
        hook: the name under which the operator knows it.
        message: what happened, in one line.
    """

    def __init__(self, hook: str, message: str) -> None:
        super().__init__(message)
        self.hook = hook


def hook_name(failure: BaseException) -> str:
    """What failed."""
    return failure.hook if isinstance(failure, NamedFailure) else "on_frame"
