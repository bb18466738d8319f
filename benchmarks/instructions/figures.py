"""The recorded figures: one entry for each kind of Python and compiler, in ``figures.json``.

Counts are comparable only where interpreter and compiler are: the key names both. What else moves them, such as the
version of a library, stands beside the figures and is told when a count is out of its margin.
"""

from __future__ import annotations

import json
import platform
import re
import sys
import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import NamedTuple

import framegate
from benchmarks.errors import BenchmarkError
from framegate._build import COMPILED

FILE = Path(__file__).with_name("figures.json")
LIBRARIES = ("httptools", "multidict")

_MEND = "mend it, or take it from the history"


class Entry(NamedTuple):
    """What was recorded for one kind of Python.

    Attributes:
        made_with: versions, by name.
        instructions: of one operation, by scenario.
    """

    made_with: dict[str, str]
    instructions: dict[str, float]


def key() -> str:
    """The kind of Python that runs: ``cpython-3.11-O3/gcc-12/x86_64``, or ``.../pure/...`` without compiled modules."""
    name, (major, minor) = sys.implementation.name, sys.version_info[:2]
    built = compiler(_twin()) if COMPILED else "pure"
    return f"{name}-{major}.{minor}{_optimisation()}/{built}/{platform.machine()}"


def made_with(valgrind: str) -> dict[str, str]:
    """What moves the counts beside the key."""
    versions = {"python": platform.python_version(), "glibc": platform.libc_ver()[1], "valgrind": valgrind}
    if COMPILED and (found := re.search(rb"_cython_(\d+)_(\d+)_(\d+)", _twin())):
        versions["Cython"] = b".".join(found.groups()).decode()
    for library in LIBRARIES:
        try:
            versions[library] = version_of(library)
        except PackageNotFoundError:
            versions[library] = "unknown"
    return versions


def compiler(library: bytes) -> str:
    """Who compiled a library, with the major version, by the comment that compilers leave in it."""
    if found := re.search(rb"GCC: \([^)]*\) (\d+)", library):
        return f"gcc-{found[1].decode()}"
    if found := re.search(rb"clang version (\d+)", library):
        return f"clang-{found[1].decode()}"
    return "cc"


def load(file: Path) -> dict[str, Entry]:
    """The recorded figures by key; none where there is no file.

    Raises:
        BenchmarkError: the file does not hold figures; the message says where.
    """
    if not file.exists():
        return {}
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{file}: {error}; {_MEND}") from None
    if not isinstance(document, dict):
        raise BenchmarkError(f"{file}: the document must be an object of keys such as {key()!r}; {_MEND}")
    return {name: _entry(file, name, value) for name, value in document.items()}


def save(file: Path, entries: dict[str, Entry]) -> None:
    """Write all entries."""
    document = {
        name: {
            "made_with": entry.made_with,
            "instructions": {scenario: round(figure, 1) for scenario, figure in entry.instructions.items()},
        }
        for name, entry in sorted(entries.items())
    }
    file.write_text(json.dumps(document, indent=1) + "\n")


def _entry(file: Path, name: str, value: object) -> Entry:
    place = f"{file}: {name}"
    if not isinstance(value, dict):
        raise BenchmarkError(f"{place}: must be an object; {_MEND}")
    versions, figures = value.get("made_with"), value.get("instructions")
    if not isinstance(versions, dict) or not isinstance(figures, dict):
        raise BenchmarkError(f"{place}: must have the objects 'made_with' and 'instructions'; {_MEND}")
    for scenario, figure in figures.items():
        if isinstance(figure, bool) or not isinstance(figure, int | float) or not 0 < figure < float("inf"):
            raise BenchmarkError(f"{place}: {scenario}: must be a number above 0, not {figure!r}; {_MEND}")
    return Entry({str(one): str(said) for one, said in versions.items()}, figures)


def _optimisation() -> str:
    # The same release of Python takes 4 % more or less in compiled code and 10 % in its own, as it was compiled.
    levels = re.findall(r"-O\w+", sysconfig.get_config_var("CFLAGS") or "")
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return "".join([
        levels[-1] if levels else "",
        "+pgo" if "--enable-optimizations" in arguments else "",
        "+lto" if "--with-lto" in arguments else "",
    ])  # fmt: skip


def _twin() -> bytes:
    base = Path(framegate.__file__).parent / "codec" / "_parser_c"
    built = next(path for suffix in EXTENSION_SUFFIXES if (path := base.with_name(base.name + suffix)).is_file())
    return built.read_bytes()
