"""Finds the hook that ``--hook FILE.py:NAME`` names, and says in one line why it cannot be used."""

from __future__ import annotations

import inspect
import sys
import traceback
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from framegate._rules import nearest
from framegate.errors import ConfigError
from framegate.options import OnFrame

PARAMETERS = ("origin", "typ", "payload", "last", "code")
MODULE_NAME = "framegate_hook"


def load_hook(text: str) -> OnFrame:
    """Import a hook.

    Args:
        text: ``FILE.py:NAME``; NAME may be a path of attributes, as in ``hooks.py:filter.on_frame``. Modules beside the
            file can be imported from it, as from a script.

    Raises:
        ConfigError: no such file or name, the file cannot be imported, or the name is not a hook. It names the file,
            and the line where there is one.
    """
    file, colon, name = text.rpartition(":")
    if not (colon and file and name):
        raise ConfigError(f"--hook needs FILE.py:NAME, as in hooks.py:on_frame, not {text!r}")
    if not Path(file).is_file():
        what = "the hook is not in a file" if Path(file).exists() else "the hook's file does not exist"
        raise ConfigError(what, path=file)
    hook = _attribute(_import(file), name, file)
    _check_is_hook(hook, name, file)
    found: OnFrame = hook
    return found


def _import(file: str) -> ModuleType:
    loader = SourceFileLoader(MODULE_NAME, file)
    spec = spec_from_loader(MODULE_NAME, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[MODULE_NAME] = module
    sys.path.insert(0, str(Path(file).resolve().parent))
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        raise ConfigError(f"syntax error: {error.msg}", path=error.filename or file, line=error.lineno) from None
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise ConfigError(what, path=file, line=_line_in(file, error)) from None
    return module


def _line_in(file: str, error: BaseException) -> int | None:
    """The line of the file that was running, however deep below it the error was raised."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None


def _attribute(module: ModuleType, name: str, file: str) -> Any:
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            names = [other for other in dir(found) if not other.startswith("_")]
            raise ConfigError(f"there is no {part!r} in it{nearest(part, names)}", path=file) from None
    return found


def _check_is_hook(hook: Any, name: str, file: str) -> None:
    if inspect.isclass(hook):
        mend = f"make one instance, x = {hook.__name__}(), and name its method, as in x.on_frame"
        raise ConfigError(f"{name!r} is a class, not a function", path=file, hint=mend)
    if not callable(hook):
        raise ConfigError(f"{name!r} is not callable: it is of type {type(hook).__name__}", path=file)
    try:
        inspect.signature(hook).bind(*PARAMETERS)
    except TypeError:
        line = getattr(getattr(hook, "__code__", None), "co_firstlineno", None)
        what = f"{name!r} does not take the arguments of a hook, ({', '.join(PARAMETERS)})"
        raise ConfigError(what, path=file, line=line) from None
    except ValueError:
        pass  # A callable without a signature, as some that are written in C: the first frame will show.
