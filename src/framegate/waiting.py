"""Awaiting something that may be done without waiting, and hearing of it when it is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any


class Waiting:
    """``await Waiting(awaitable, call)`` is ``await awaitable``, with ``call()`` before the first time that it waits.

    A hook that is an ``async def`` and awaits nothing that is not there already is done in its first step.
    """

    __slots__ = ("_awaitable", "_call")

    def __init__(self, awaitable: Awaitable[Any], call: Callable[[], None]) -> None:
        self._awaitable = awaitable
        self._call = call

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._awaitable.__await__()
        try:
            waited_for = next(steps)
        except StopIteration as done:
            return done.value
        self._call()
        while True:
            try:
                sent = yield waited_for
            except BaseException as error:
                step, what = _throw(steps), error
            else:
                step, what = _send(steps), sent
            try:
                waited_for = step(what)
            except StopIteration as done:
                return done.value


def _throw(steps: Any) -> Callable[[BaseException], Any]:
    # An iterator that is no generator need not have it (PEP 380).
    throw = getattr(steps, "throw", None)
    return _raise if throw is None else throw


def _send(steps: Any) -> Callable[[Any], Any]:
    send = getattr(steps, "send", None)
    return (lambda _: next(steps)) if send is None else send


def _raise(error: BaseException) -> Any:
    raise error
