"""How a session ends, as tables over the joint state of both legs.

Rule 1: everything that decides who is sent which close frame, and when a side is let go, stands in this file.
Rule 2: this file does not know which side is which. "Self" is the leg that an event came from, "peer" the other one;
the tables hold for client and upstream alike. What differs (the code for a lost side) is passed in by the session.

A leg goes through these states:

====================  =================================================================================================
OPEN                  no close frame has passed on it in either direction
RECEIVED              its close frame came and was forwarded; it waits for the answer, data still flows to it
SENT                  it has been sent a close frame; its own has not come
CLOSED                both have passed; its TCP is being ended
GONE                  its TCP has ended
====================  =================================================================================================

Events: CLOSE (its close frame came), EOF (its TCP ended in order: it sends no more), RESET (its TCP broke), LINGER (the
lingering limits have run out), and END (the session is ended by a limit, a fault, a time-out, a drain or the program).
For each of them a table maps ``(self, peer)`` to the next states and to what is to be done, in order.

A hook that drops a close frame makes no event: it counts as not received. A pair that a table does not name cannot be
reached with that event; :func:`after` says so loudly.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


# Integers, for their hashes are the interpreter's own work: an Enum's is a call.
class State(enum.IntEnum):
    """The closing state of one leg."""

    OPEN = 0
    RECEIVED = 1
    SENT = 2
    CLOSED = 3
    GONE = 4


class Event(enum.IntEnum):
    """What happens to a leg ("self")."""

    CLOSE = 0
    EOF = 1
    RESET = 2
    LINGER = 3
    END = 4


class Act(enum.IntEnum):
    """What is to be done."""

    LINGER = 0  #: start the lingering limits
    LEAVE = 1  #: send the peer the close frame for a lost side
    ECHO_TO_PEER = 2  #: echo the peer's own close code to it
    ECHO_TO_SELF = 3  #: echo self's own close code to it
    TELL_SELF = 4  #: send self the ending's close frame
    TELL_PEER = 5  #: send the peer the ending's close frame
    END_SELF = 6  #: end self's TCP: no more writing, discard what is read until its end
    END_PEER = 7  #: end the peer's TCP likewise
    ABORT_SELF = 8  #: close self's socket at once
    ABORT_PEER = 9  #: close the peer's socket at once


class Step(NamedTuple):
    """The next states of both legs, and what is to be done."""

    self: State
    peer: State
    acts: tuple[Act, ...] = ()


OPEN, RECEIVED, SENT, CLOSED, GONE = State

_CLOSE = {
    # RFC 6455, section 5.5.1: "If an endpoint receives a Close frame and did not previously send a Close frame, the
    # endpoint MUST send a Close frame in response." The answer is the other peer's to give: forwarded, not invented.
    (OPEN, OPEN): Step(RECEIVED, SENT, (Act.LINGER,)),
    (SENT, RECEIVED): Step(CLOSED, CLOSED, (Act.END_SELF, Act.END_PEER)),
    # Self's answer to a close frame of ours, or one that crossed it.
    (SENT, SENT): Step(CLOSED, SENT),
    (SENT, CLOSED): Step(CLOSED, CLOSED),
    (SENT, GONE): Step(CLOSED, GONE, (Act.END_SELF,)),
}

_EOF = {
    (OPEN, OPEN): Step(GONE, SENT, (Act.LEAVE, Act.LINGER, Act.END_PEER)),
    # Self has closed in order and will say no more; whether it still listens for the answer cannot be seen.
    (RECEIVED, SENT): Step(RECEIVED, SENT),
    # Self was told to close and left without an answer.
    (SENT, RECEIVED): Step(GONE, CLOSED, (Act.ECHO_TO_PEER, Act.END_PEER)),
    (SENT, SENT): Step(GONE, SENT),
    (SENT, CLOSED): Step(GONE, CLOSED),
    (SENT, GONE): Step(GONE, GONE),
    (CLOSED, SENT): Step(GONE, SENT),
    (CLOSED, CLOSED): Step(GONE, CLOSED),
    (CLOSED, GONE): Step(GONE, GONE),
}

_RESET = {
    **_EOF,
    (RECEIVED, SENT): Step(GONE, SENT, (Act.END_PEER,)),
}

_LINGER = {
    # No answer within the limits: the closer gets one from us, the silent side is let go.
    (RECEIVED, SENT): Step(CLOSED, GONE, (Act.ECHO_TO_SELF, Act.END_SELF, Act.ABORT_PEER)),
    (SENT, RECEIVED): Step(GONE, CLOSED, (Act.ABORT_SELF, Act.ECHO_TO_PEER, Act.END_PEER)),
    (SENT, SENT): Step(GONE, SENT, (Act.ABORT_SELF,)),
    (SENT, CLOSED): Step(GONE, CLOSED, (Act.ABORT_SELF,)),
    (SENT, GONE): Step(GONE, GONE, (Act.ABORT_SELF,)),
    (CLOSED, SENT): Step(GONE, SENT, (Act.ABORT_SELF,)),
    (CLOSED, CLOSED): Step(GONE, CLOSED, (Act.ABORT_SELF,)),
    (CLOSED, GONE): Step(GONE, GONE, (Act.ABORT_SELF,)),
}

_END = {
    (OPEN, OPEN): Step(SENT, SENT, (Act.TELL_SELF, Act.TELL_PEER, Act.LINGER, Act.END_SELF, Act.END_PEER)),
    # One of them has begun to close: it is owed an answer, the other has been told.
    (RECEIVED, SENT): Step(CLOSED, SENT, (Act.TELL_SELF, Act.END_SELF, Act.END_PEER)),
    (SENT, RECEIVED): Step(SENT, CLOSED, (Act.TELL_PEER, Act.END_SELF, Act.END_PEER)),
}

_TABLES = {Event.CLOSE: _CLOSE, Event.EOF: _EOF, Event.RESET: _RESET, Event.LINGER: _LINGER, Event.END: _END}


def after(event: Event, self: State, peer: State) -> Step:
    """The step that ``event`` on the leg in state ``self`` brings.

    Raises:
        AssertionError: the tables say that this cannot happen.
    """
    step = _TABLES[event].get((self, peer))
    if step is None:
        raise AssertionError(f"{event.name} with self {self.name} and peer {peer.name} cannot happen")
    return step


def ended(self: State, peer: State) -> bool:
    """Whether the ending is decided: another END has nothing to say."""
    return (self, peer) not in _END


def rows() -> list[tuple[Event, State, State, Step]]:
    """All rows of all tables, for tests and pictures."""
    return [(event, *pair, step) for event, table in _TABLES.items() for pair, step in table.items()]
