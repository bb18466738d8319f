"""The service manager's two protocols: telling it how we are (``sd_notify``), and taking over its sockets.

Both are a few environment variables, a datagram socket and descriptors from 3 on; see sd_notify(3) and
sd_listen_fds(3). Nothing here knows what a gateway is.
"""

from __future__ import annotations

import logging
import os
import socket
import stat
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Final, Self

from framegate.errors import FramegateError

_log = logging.getLogger("framegate.operate")

FIRST_DESCRIPTOR: Final = 3
"""``SD_LISTEN_FDS_START``: where passed descriptors begin."""

MOST_DESCRIPTORS: Final = 1024


class Notifier:
    """Tells the service manager; without one, it tells nobody.

    Args:
        address: the socket to tell, in the kernel's form; None tells nobody.
        watchdog: seconds within which the service manager wants a sign of life, or None.
    """

    def __init__(self, address: str | None = None, watchdog: float | None = None) -> None:
        self._address = address
        self.watchdog = watchdog
        self._socket: socket.socket | None = None
        self._trouble = False

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> Self:
        """What ``environment`` says; its variables are taken out, so that no child believes that they are for it."""
        path = environment.pop("NOTIFY_SOCKET", "")
        watchdog_pid = environment.pop("WATCHDOG_PID", "")
        watchdog = environment.pop("WATCHDOG_USEC", "")
        if not path.startswith(("/", "@")):
            if path:
                _log.warning("NOTIFY_SOCKET is %r: only paths and abstract names are spoken to", path)
            return cls()
        ours = watchdog_pid in ("", str(os.getpid()))
        interval = int(watchdog) / 1_000_000 if ours and watchdog.isdigit() and int(watchdog) > 0 else None
        return cls("\0" + path[1:] if path.startswith("@") else path, interval)

    def ready(self, status: str) -> None:
        """The service is up, or has finished a reload."""
        self._tell("READY=1", f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """A reload has begun; :meth:`ready` ends it."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now}", "STATUS=reloading")

    def stopping(self) -> None:
        """The service is about to end."""
        self._tell("STOPPING=1", "STATUS=draining")

    def status(self, status: str) -> None:
        """A line for ``systemctl status``."""
        self._tell(f"STATUS={_line(status)}")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._tell("WATCHDOG=1")

    def close(self) -> None:
        """Tell nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, *lines: str) -> None:
        if self._address is None:
            return
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            # The service goes on without its manager; one line about it is enough.
            _log.log(logging.DEBUG if self._trouble else logging.WARNING, "the service manager: %s", error)
            self._trouble = True


def _line(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """A listening socket that the service manager has passed.

    Attributes:
        sock: the socket.
        name: its ``FileDescriptorName``, or empty.
    """

    sock: socket.socket
    name: str = ""

    def __str__(self) -> str:
        return f"{_shown(self.sock.getsockname())}{f' (named {self.name})' if self.name else ''}"


def passed_sockets(environment: MutableMapping[str, str]) -> list[Passed]:
    """The sockets that ``environment`` speaks of, in their order; its variables are taken out.

    Raises:
        FramegateError: one of them is no listening stream socket.
    """
    pid = environment.pop("LISTEN_PID", "")
    count = environment.pop("LISTEN_FDS", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    if int(count) > MOST_DESCRIPTORS:
        raise FramegateError(f"LISTEN_FDS is {count}: over {MOST_DESCRIPTORS} sockets are not taken")
    found = []
    for index in range(int(count)):
        name = names[index] if index < len(names) else ""
        found.append(Passed(_taken(FIRST_DESCRIPTOR + index, name), name))
    return found


def _taken(descriptor: int, name: str) -> socket.socket:
    where = f"descriptor {descriptor}{f' ({name})' if name else ''} of LISTEN_FDS"
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise FramegateError(f"{where} is no socket")
        os.set_inheritable(descriptor, False)
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        raise FramegateError(f"{where} cannot be used: {error.strerror}") from None
    listens = sock.type == socket.SOCK_STREAM and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if not listens:
        raise FramegateError(f"{where} is no listening stream socket: in its unit, write ListenStream= and Accept=no")
    sock.setblocking(False)
    return sock


def _shown(address: object) -> str:
    if isinstance(address, tuple):
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"{host}:{address[1]}"
    return f"unix:{address!s}"
