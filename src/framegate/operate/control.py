"""What a supervisor and its workers say to each other, and the one way in which the rest of the program asks them.

A channel carries one JSON object a line: questions with a number, their answers, and events that nobody answers. It
knows nothing of what is asked.

Whoever adds a question registers a :data:`Handler` under its name (:mod:`framegate.operate.duties`) and asks with
:meth:`Crew.ask_all`: the answers come from every process that serves, be it one or many.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

_log = logging.getLogger("framegate.operate")

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""Answers one question: it is given the question's arguments, and its answer goes back. What it raises is an error."""

MAX_LINE: Final = 64 * 1024 * 1024
"""Most bytes of one message: a file with a million values has its place."""


class Refused(Exception):
    """The other process has answered with an error, which the text tells."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one process answered.

    Attributes:
        worker: its number, from 1; 0 where the gateway is a single process.
        pid: its process id.
        answer: what its handler returned; None where there was an error.
        error: what went wrong, or None.
    """

    worker: int
    pid: int
    answer: dict[str, Any] | None = None
    error: str | None = None


class Crew(Protocol):
    """The processes that serve."""

    async def ask_all(self, name: str, arguments: Mapping[str, Any], *, timeout: float) -> list[Reply]:
        """Ask every process that serves.

        Args:
            name: of the question.
            arguments: what its handler is given; JSON.
            timeout: seconds; a process that has not answered by then has an error in its reply.
        """


class Local:
    """The crew of one process: this one.

    Args:
        handlers: what answers, by name.
    """

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self.handlers = handlers

    async def ask_all(self, name: str, arguments: Mapping[str, Any], *, timeout: float) -> list[Reply]:
        """:meth:`Crew.ask_all`."""
        try:
            async with asyncio.timeout(timeout):
                return [Reply(0, os.getpid(), answer=await answered(self.handlers, name, dict(arguments)))]
        except TimeoutError:
            return [Reply(0, os.getpid(), error=f"{name}: no answer in {timeout:g} seconds")]
        except Refused as refused:
            return [Reply(0, os.getpid(), error=str(refused))]


async def answered(handlers: Mapping[str, Handler], name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the handler of ``name`` returns.

    Raises:
        Refused: there is no such handler, or it has raised.
    """
    handler = handlers.get(name)
    if handler is None:
        raise Refused(f"{name}: nobody answers this here")
    try:
        return await handler(arguments)
    except Refused:
        raise
    except Exception as error:
        _log.error("%s failed", name, exc_info=error)
        raise Refused(f"{name}: {type(error).__name__}: {error}".removesuffix(": ")) from error


class Channel:
    """One end of a connection between two processes. Made by :meth:`over`.

    Args:
        handlers: what answers the other side's questions, by name; an event is a question whose answer is dropped.

    Attributes:
        ended: done when the other side has gone.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handlers: Mapping[str, Handler]
    ) -> None:
        self.handlers = handlers
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def over(cls, sock: socket.socket, handlers: Mapping[str, Handler]) -> Self:
        """A channel over a connected stream socket."""
        sock.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=sock, limit=MAX_LINE)
        return cls(reader, writer, handlers)

    async def ask(self, name: str, arguments: Mapping[str, Any], *, timeout: float | None) -> dict[str, Any]:
        """Ask the other side.

        Args:
            name: of the question.
            arguments: what its handler is given; JSON.
            timeout: seconds; None waits for ever, which a dead process ends too.

        Raises:
            Refused: it has answered with an error.
            ConnectionError: it has gone.
            TimeoutError: it has not answered.
        """
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._open[number] = future
        try:
            self._send({"ask": name, "number": number, "with": dict(arguments)})
            async with asyncio.timeout(timeout):
                return await future
        finally:
            del self._open[number]

    def tell(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Tell the other side an event."""
        with contextlib.suppress(ConnectionError):
            self._send({"ask": name, "with": dict(arguments)})

    async def close(self) -> None:
        """Hang up; what is still being answered is given up."""
        for task in (self._reading, *self._answering):
            task.cancel()
        self._writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()

    def _send(self, message: Mapping[str, Any]) -> None:
        if self.ended.done() or self._writer.is_closing():
            raise ConnectionResetError("the other process has gone")
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def _read(self) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while line := await self._reader.readline():
                    self._take(json.loads(line))
        except ValueError as error:
            _log.error("the control channel broke: %s", error)
        finally:
            if not self.ended.done():
                self.ended.set_result(None)
            for future in self._open.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("the other process has gone"))
            self._writer.close()

    def _take(self, message: dict[str, Any]) -> None:
        if "ask" in message:
            task = asyncio.create_task(self._answer(message))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            return
        future = self._open.get(message["number"])
        if future is not None and not future.done():
            if "error" in message:
                future.set_exception(Refused(message["error"]))
            else:
                future.set_result(message["answer"])

    async def _answer(self, message: dict[str, Any]) -> None:
        reply: dict[str, Any] = {"number": message.get("number")}
        try:
            reply["answer"] = await answered(self.handlers, message["ask"], message["with"])
        except Refused as refused:
            reply["error"] = str(refused)
        if reply["number"] is not None:
            with contextlib.suppress(ConnectionError):
                self._send(reply)
