"""Which build of the hot modules runs: the compiled twins or the plain Python sources.

A hot module ``_NAME.py`` has a ``_NAME_c.pxd`` beside it and is compiled under the second name ``_NAME_c``, so that
both can be imported in one process. The choice is made once and for all of them: compiled if every twin can be loaded,
else pure. ``FRAMEGATE_PURE`` set to anything but ``0`` or nothing forces the pure build.

It knows nothing about what the hot modules do.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).parent


def twins() -> tuple[str, ...]:
    """The dotted names of all compiled twins that a full build has, found by their ``.pxd`` files."""
    found = (path.relative_to(_PACKAGE.parent).with_suffix("") for path in _PACKAGE.rglob("_*_c.pxd"))
    return tuple(sorted(".".join(path.parts) for path in found))


def _why_not_loadable(twin: str) -> str | None:
    base = _PACKAGE.parent.joinpath(*twin.split("."))
    candidates = (base.with_name(base.name + suffix) for suffix in EXTENSION_SUFFIXES)
    built = next((file for file in candidates if file.is_file()), None)
    if built is None:
        return f"{twin} is not built"
    # Creating the module links the library without running its body: importing it here would import the packages
    # above it, and they are what asks for this choice.
    spec = spec_from_file_location(twin, built)
    assert spec is not None
    try:
        module_from_spec(spec)
    except ImportError as error:
        return f"{twin} cannot be loaded: {error}"
    return None


def _why_pure() -> str | None:
    if os.environ.get("FRAMEGATE_PURE", "") not in ("", "0"):
        return "FRAMEGATE_PURE is set"
    names = twins()
    if not names:
        return "no module has an extension"
    return next((reason for name in names if (reason := _why_not_loadable(name)) is not None), None)


REASON: str | None = _why_pure()
"""Why the pure build runs, in a few words; None for the compiled build."""

COMPILED: bool = REASON is None
"""Whether the compiled build runs."""


def build_name() -> str:
    """``"compiled"`` or ``"pure"``."""
    return "compiled" if COMPILED else "pure"


def pick(pure_name: str) -> ModuleType:
    """Import a hot module in the build that runs.

    Args:
        pure_name: the dotted name of the source, as in ``pick("framegate.codec._parser").Parser``.

    Raises:
        ImportError: the twin links but does not start, as when it was compiled against another state of the sources;
            the message names the mend.
    """
    if not COMPILED:
        return import_module(pure_name)
    twin = pure_name + "_c"
    try:
        return import_module(twin)
    except ImportError as error:
        mend = "build it anew with `make build`, or set FRAMEGATE_PURE=1"
        raise ImportError(f"{twin} cannot be imported: {error} ({mend})", name=twin) from error
