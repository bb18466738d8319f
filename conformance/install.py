"""Installs the test suite, a Python 2.7 program, with exact pins into `.venv27` beside this file.

The packages come from pip's own index. The interpreter is the one that PYTHON27 names, else `python2.7` on the PATH,
else the newest 2.7 that pyenv holds. What was installed from the present pins is not installed again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import ConformanceError, NoPython27

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv27"
PYTHON = ENVIRONMENT / "bin" / "python"
PINS = HERE / "pins27.txt"
STAMP = ENVIRONMENT / "installed-pins"
SUITE_PINS = dict(line.split("==") for line in PINS.read_text().split())

# virtualenv 20.15.1 is the last that runs on, and makes, a 2.7 environment.
VIRTUALENV = (
    "virtualenv==20.15.1 distlib==0.3.9 filelock==3.2.1 platformdirs==2.0.2 six==1.16.0 importlib-metadata==2.1.3 "
    "importlib-resources==3.3.1 zipp==1.2.0 pathlib2==2.3.7.post1 scandir==1.10.0 contextlib2==0.6.0.post1 "
    "configparser==4.0.2 singledispatch==3.7.0 typing==3.10.0.0"
).split()
# Twisted's setup script would ask for newer ones of these, which do not run on 2.7.
BEFORE_TWISTED = (["setuptools==44.0.0", "wheel==0.37.1"], ["incremental==16.10.1", "six==1.16.0"])
USABLE = "import sys, ssl, zlib; sys.exit(sys.version_info[:2] != (2, 7))"


def installed() -> Path:
    """The environment's Python, after installing what is missing.

    Raises:
        NoPython27: there is no Python 2.7 with ssl and zlib.
        ConformanceError: a step of the installation failed.
    """
    pins = pins_in_use()
    if STAMP.is_file() and STAMP.read_text() == pins:
        return PYTHON
    interpreter = python27()
    print(f"conformance: installing Autobahn's test suite into {ENVIRONMENT} (about a minute)", flush=True)
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    _make_environment(interpreter)
    for packages in BEFORE_TWISTED:
        _run(PYTHON, "-m", "pip", "install", "--quiet", *packages)
    _run(PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(PINS))
    _run(PYTHON, "-m", "pip", "check")
    STAMP.write_text(pins)
    return PYTHON


def pins_in_use() -> str:
    """What the stamp in an environment made from the present pins says."""
    return hashlib.sha256(PINS.read_bytes()).hexdigest()


def python27() -> Path:
    """The interpreter to build on."""
    for candidate in _candidates():
        if _is_usable(candidate):
            return candidate
    raise NoPython27("no Python 2.7 with ssl and zlib was found; name one with PYTHON27")


def _candidates() -> Iterator[Path]:
    named = os.environ.get("PYTHON27")
    if named:
        yield Path(named)
        return
    on_path = shutil.which("python2.7")
    if on_path:
        yield Path(on_path)
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from sorted(
        versions.glob("2.7.*/bin/python2.7"), key=lambda path: int(path.parts[-3].split(".")[2]), reverse=True
    )


def _is_usable(python: Path) -> bool:
    # A shim of pyenv may be on the PATH with no 2.7 behind it.
    try:
        return subprocess.run([python, "-c", USABLE], capture_output=True).returncode == 0
    except OSError:
        return False


def _make_environment(interpreter: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="framegate-conformance-") as boot:
        quietly = ("--quiet", "--no-warn-script-location")
        _run(interpreter, "-m", "pip", "install", *quietly, "--target", boot, *VIRTUALENV)
        _run(interpreter, "-m", "virtualenv", "--quiet", "--no-download", str(ENVIRONMENT), path=boot)


def _run(python: Path, *arguments: str, path: str | None = None) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    # What finds framegate for Python 3 must not be found by Python 2.7.
    environment.pop("PYTHONPATH", None)
    if path:
        environment["PYTHONPATH"] = path
    done = subprocess.run([python, *arguments], capture_output=True, text=True, errors="replace", env=environment)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-5:]
        raise ConformanceError(
            f"installing failed at `{python.name} {' '.join(arguments[:4])} ...`:\n" + "\n".join(said)
        )
