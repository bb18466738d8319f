"""Packages of Debian: installed on demand, where that is allowed and possible. Knows nothing of what is in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from .errors import BenchmarkError


def find_program(name: str, package: str, install: bool) -> str:
    """The path of a program; installs its package when it is missing, or raises BenchmarkError with what to do."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is not None:
        return path
    provide(name, package, install)
    return find_program(name, package, install=False)


def provide(
    what: str, package: str, install: bool, otherwise: str = ", or leave out what needs it with --only or --sections"
) -> None:
    """Install a package that was found to be missing, or raise BenchmarkError with what to do."""
    if not install or os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BenchmarkError(
            f"{what} was not found: install it (Debian: apt-get install {package}){otherwise}; "
            "as root on Debian it is installed unless --no-install is given"
        )
    print(f"{what} was not found: apt-get install {package}", file=sys.stderr, flush=True)
    # Runlevel 1 keeps invoke-rc.d from starting a service that the package brings.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for arguments in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", package]):
        result = subprocess.run(["apt-get", *arguments], env=environment, capture_output=True, text=True)
        if result.returncode != 0:
            raise BenchmarkError(f"apt-get {arguments[0]} failed: {result.stderr.strip()[-500:]}")
