"""Compiles the C programs when a source is newer than the program. Knows nothing of what they do."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import debian
from .errors import BenchmarkError

SOURCES = Path(__file__).parent / "native"
BUILD = Path(__file__).parent / ".build"
FLAGS = ["-std=c11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic"]


@dataclass(frozen=True)
class Library:
    """What a program needs beside the C library: how to find it, to link it, and to get it."""

    name: str
    header: str
    package: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    sources: tuple[str, ...]
    library: Library | None = None


OPENSSL = Library("OpenSSL", "openssl/ssl.h", "libssl-dev", ("-lssl", "-lcrypto"))
ZLIB = Library("zlib", "zlib.h", "zlib1g-dev", ("-lz",))
_SHARED = ("ws.c", "net.c")
_LOAD = ("load.c", "client.c", "echoes.c", "message.c", "histogram.c", *_SHARED)
PROGRAMS = {
    "echo": Program(("echo.c", "upstream.c", *_SHARED)),
    "fanout": Program(("fanout.c", "upstream.c", *_SHARED)),
    "load": Program((*_LOAD, "stream_plain.c", "unpack_none.c")),
    "load-tls": Program((*_LOAD, "stream_tls.c", "unpack_none.c"), OPENSSL),
    "load-deflate": Program((*_LOAD, "stream_plain.c", "unpack_zlib.c"), ZLIB),
}


def program(name: str) -> Path:
    """The path of an up-to-date program, compiled with `$CC` or cc when needed."""
    target = BUILD / name
    if not target.exists() or target.stat().st_mtime < _newest_source():
        _compile(target, PROGRAMS[name])
    return target


def provide(name: str, install: bool) -> None:
    """Compile a program, after its library has been installed if it is missing; BenchmarkError says what to do."""
    library = PROGRAMS[name].library
    if library is not None and not _has_header(library.header):
        debian.provide(f"{library.name}'s header {library.header}", library.package, install)
    program(name)


def _newest_source() -> float:
    return max(path.stat().st_mtime for path in SOURCES.iterdir())


def _has_header(header: str) -> bool:
    command = [_compiler(), "-E", "-include", header, "-x", "c", os.devnull, "-o", os.devnull]
    return subprocess.run(command, capture_output=True).returncode == 0


def _compile(target: Path, what: Program) -> None:
    BUILD.mkdir(exist_ok=True)
    # Compiled beside its place, so that a run that goes on meanwhile finds the old program or the new one.
    made = target.with_suffix(f".{os.getpid()}")
    libraries = what.library.flags if what.library is not None else ()
    sources = [str(SOURCES / source) for source in what.sources]
    result = subprocess.run(
        [_compiler(), *FLAGS, "-o", str(made), *sources, *libraries], capture_output=True, text=True
    )
    if result.returncode != 0:
        raise BenchmarkError(f"{target.name} does not compile:\n{result.stderr.strip()}")
    made.replace(target)


def _compiler() -> str:
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler) is None:
        raise BenchmarkError(f"no C compiler: '{compiler}' was not found (Debian: apt-get install gcc libc6-dev)")
    return compiler
