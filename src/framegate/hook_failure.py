"""How a failed hook is told: to the log with its own traceback, to who awaits ``execute()`` as an error."""

from __future__ import annotations

import logging

from framegate._tracebacks import without_our_frames
from framegate.errors import FramegateError, HookError
from framegate.session.leg import Leg
from framegate.session.record import SessionRecord
from framegate.session.verdict import NamedFailure, Verdict, hook_name

_log = logging.getLogger("framegate.session")


def log_failure(leg: Leg) -> None:
    """Log the failure that ``leg``'s incoming lane holds."""
    failure = leg.incoming.failure
    cause: BaseException = (isinstance(failure, NamedFailure) and failure.__cause__) or failure
    line = f"{hook_name(failure)} failed on a frame of the {leg.side}"
    if cause.__traceback__ is None or isinstance(cause, (Verdict, FramegateError)):
        _log.error("%s: %s", line, failure)
    else:
        _log.error("%s", line, exc_info=without_our_frames(cause))


def hook_error(record: SessionRecord) -> HookError | None:
    """The failed hook that ``execute()`` has to raise, with the record."""
    error = record.error
    if isinstance(error, HookError):
        error.record = record
        return error
    return None
