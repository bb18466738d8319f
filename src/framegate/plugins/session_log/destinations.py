"""Where records go: standard output, a file, an HTTP endpoint. Each delivers one record, and blocks while it does."""

from __future__ import annotations

import base64
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from framegate.plugins.session_log.outbox import Undeliverable

_FILE_MODE: Final = 0o640
_MOST_ANSWER: Final = 64 * 1024


def to_stdout(record: bytes) -> None:
    """Write a line to standard output."""
    if sys.stdout is None:
        raise Undeliverable("there is no standard output")
    sys.stdout.write(record.decode() + "\n")
    sys.stdout.flush()


class ToFile:
    """Appends lines to a file, which is opened anew where another one has its name now.

    Args:
        path: the file; made where there is none.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._torn = False

    def __call__(self, record: bytes) -> None:
        line = (b"\n" if self._torn else b"") + record + b"\n"
        # One write, so that the lines of several processes do not mix.
        written = os.write(self._open(), line)
        self._torn = written < len(line)
        if self._torn:
            raise Undeliverable("only a part of the record could be written")

    def close(self) -> None:
        """Close the file; the next record opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is not None and not self._is_current(self._file):
            self.close()
        if self._file is None:
            # A pipe that nobody reads is an error, not a wait without end.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
            self._file = os.open(self._path, flags, _FILE_MODE)
            self._torn = False
        return self._file

    def _is_current(self, file: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(file))
        except FileNotFoundError:
            return False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        # Followed, a POST would become a GET without the record, at an address that nobody has configured.
        return None


class ToHTTP:
    """Sends each record as the body of a request of its own; an answer of 200 to 299 takes it.

    Args:
        endpoint: an http or https URL; user information in it becomes basic authentication.
        method: of the request.
        headers: further header fields.
        timeout: in seconds, for connecting and for each wait after that.
    """

    def __init__(self, endpoint: str, method: str, headers: Mapping[str, str], timeout: float) -> None:
        self._url, authorization = _split(endpoint)
        self._method = method
        self._headers = {"Content-Type": "application/json", "User-Agent": "framegate", **authorization, **headers}
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def __call__(self, record: bytes) -> None:
        request = urllib.request.Request(self._url, record, self._headers, method=self._method)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                answer.read(_MOST_ANSWER)
        except urllib.error.HTTPError as error:
            with error:
                raise Undeliverable(f"answered {error.code}") from None
        except urllib.error.URLError as error:
            raise Undeliverable(str(error.reason)) from None
        except HTTPException as error:
            raise Undeliverable(f"no HTTP answer: {type(error).__name__}") from None


def host_of(endpoint: str) -> str:
    """Scheme, host and port of a URL: what of it may stand in a log."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _split(endpoint: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(endpoint)
    information, at, place = parts.netloc.rpartition("@")
    if not at:
        return endpoint, {}
    encoded = base64.b64encode(unquote(information).encode()).decode()
    return parts._replace(netloc=place).geturl(), {"Authorization": f"Basic {encoded}"}
