"""Compiles the hot modules where it can, and installs the plain Python build where it cannot.

Every ``_NAME_c.pxd`` under ``src/framegate`` marks the ``_NAME.py`` beside it as hot: it is compiled with Cython under
the name ``_NAME_c``. Everything else about the package stands in ``pyproject.toml``.

Environment:
    FRAMEGATE_PURE: anything but ``0`` or nothing: compile nothing.
    FRAMEGATE_STRICT: anything but ``0`` or nothing: a hot module that does not compile is an error. Where there is
        nothing to compile with, the pure Python build is still good enough.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from shutil import which

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent.resolve()
SOURCES = ROOT / "src"
C_FILES = "build/cython"


def is_set(variable: str) -> bool:
    return os.environ.get(variable, "") not in ("", "0")


def say(message: str) -> None:
    print(f"framegate: {message}", file=sys.stderr, flush=True)


def hot_modules() -> list[Extension]:
    # Paths relative to the root: setuptools refuses absolute ones.
    pxds = sorted(path.relative_to(ROOT) for path in (SOURCES / "framegate").rglob("*.pxd"))
    return [
        Extension(
            ".".join(pxd.with_suffix("").parts[1:]),
            [str(pxd.with_name(pxd.name.removesuffix("_c.pxd") + ".py"))],
            depends=[str(path) for path in pxds],  # a hot module may cimport any of them
            extra_compile_args=["-O3"],
            optional=not is_set("FRAMEGATE_STRICT"),
        )
        for pxd in pxds
        if pxd.match("_*_c.pxd")
    ]


def why_not_to_compile() -> str | None:
    if is_set("FRAMEGATE_PURE"):
        return "FRAMEGATE_PURE is set"
    try:
        import Cython  # noqa: F401
    except ImportError:
        return "Cython is missing"
    compiler = os.environ.get("CC", "").split() or ["cc"]
    if not any(which(name) for name in (compiler[0], "gcc", "clang")):
        return "no C compiler found"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "no Python.h found (on Debian: apt-get install python3-dev)"
    return None


class BuildHotModules(build_ext):
    """Turns a hot module into C only when it is out of date, away from the sources; a failure is said, not raised."""

    def run(self) -> None:
        reason = why_not_to_compile()
        if reason is None:
            super().run()
            return
        say(f"{reason}, installing the pure Python build")
        for ext in self.extensions:
            self.forget(ext)
        self.extensions = []

    def build_extension(self, ext: Extension) -> None:
        try:
            self.compile(ext)
        except Exception as error:
            self.forget(ext)
            failure = f"{ext.name} does not compile ({type(error).__name__}: {error})"
            if not ext.optional:
                raise SystemExit(f"framegate: {failure}") from None
            say(f"{failure}, installing the pure Python build")

    def forget(self, ext: Extension) -> None:
        """Remove what an earlier build left, in place too: it may be older than the sources."""
        file = self.get_ext_filename(ext.name)
        for folder in (Path(self.build_lib), SOURCES):
            (folder / file).unlink(missing_ok=True)

    def compile(self, ext: Extension) -> None:
        target = Path(self.get_ext_fullpath(ext.name))
        inputs = [Path(file) for file in (*ext.sources, *ext.depends)]
        if not self.force and target.exists() and target.stat().st_mtime > max(file.stat().st_mtime for file in inputs):
            return
        from Cython.Build import cythonize

        # Forced, because Cython does not see that a source depends on a .pxd of another name. Annotations are for
        # people and type checkers: the C types stand in the .pxd alone.
        ext.sources = cythonize(
            [ext],
            build_dir=C_FILES,
            include_path=[str(SOURCES)],
            compiler_directives={"language_level": "3", "annotation_typing": False, "warn.unreachable": False},
            quiet=True,
            force=True,
        )[0].sources
        super().build_extension(ext)


setup(ext_modules=hot_modules(), cmdclass={"build_ext": BuildHotModules})
