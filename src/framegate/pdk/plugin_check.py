"""Makes a :class:`PluginType` of a module, and tells its author all that is wrong with it.

Knows nothing of where modules come from.
"""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any, Final

from framegate.errors import ConfigError
from framegate.pdk.phases import PHASES, WS_CLOSE, WS_HANDSHAKE, WS_UPSTREAM_FRAME
from framegate.pdk.plugin import DEFAULT_PRIORITY, PluginType
from framegate.pdk.schema import dotted
from framegate.pdk.schema_check import check_schema
from framegate.pdk.schema_rules import did_you_mean
from framegate.pdk.source_lines import line_of

OTHER_SERVICES: Final = {
    "access": WS_HANDSHAKE,
    "header_filter": WS_HANDSHAKE,
    "preread": WS_HANDSHAKE,
    "init_worker": "__init__",
    "response": WS_UPSTREAM_FRAME,
    "body_filter": WS_UPSTREAM_FRAME,
    "log": WS_CLOSE,
}
"""Phases that Kong runs for other services, and where their work is done here."""

_ALIKE = 0.85


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a module comes from.

    Attributes:
        source: for people, such as ``"bundled"``.
        file: its file, or None.
        shown: the file as messages name it.
    """

    source: str
    file: str | None = None
    shown: str | None = None


@dataclass(frozen=True, slots=True)
class _Wrong:
    message: str
    hint: str | None = None
    at: tuple[str, ...] = ()
    code: CodeType | None = None


def describe(name: str, module: Any, origin: Origin) -> tuple[PluginType | None, list[ConfigError]]:
    """Look at a module, or at any object with the same attributes.

    Args:
        name: the plugin's name, with dashes.
        module: has ``Plugin``, and may have ``Schema``, ``version``, ``priority`` and ``entity_checks``.
        origin: where it comes from.

    Returns:
        The plugin, or None, and then all that is wrong with it.
    """
    faults = [_fault(name, wrong, origin) for wrong in _all_wrong(module)]
    if faults:
        return None, sorted(faults, key=lambda fault: (fault.path or "", fault.line or 0))
    found = PluginType(
        name,
        module.Plugin,
        tuple(_attribute(module, "Schema", ())),
        tuple(_attribute(module, "entity_checks", ())),
        _attribute(module, "version", None),
        _attribute(module, "priority", DEFAULT_PRIORITY),
        origin.source,
    )
    return found, []


def _attribute(module: Any, name: str, default: Any) -> Any:
    # Kong's plugin server reads the capitals of these two.
    capitals = getattr(module, name.upper(), None) if name in ("version", "priority") else None
    value = getattr(module, name, capitals)
    return default if value is None else value


def _all_wrong(module: Any) -> Iterator[_Wrong]:
    yield from _wrong_values(module)
    yield from _wrong_schema(module)
    handler = getattr(module, "Plugin", None)
    if handler is None:
        classes = [name for name, value in getattr(module, "__dict__", {}).items() if inspect.isclass(value)]
        nearest = did_you_mean("Plugin", classes)
        yield _Wrong("there is no class Plugin", nearest or "the name of a file that is no plugin begins with _")
    elif not inspect.isclass(handler):
        yield _Wrong(f"Plugin must be a class, not a {type(handler).__name__}", at=("Plugin",))
    else:
        yield from _wrong_class(handler)


def _wrong_values(module: Any) -> Iterator[_Wrong]:
    version = _attribute(module, "version", None)
    if not (version is None or isinstance(version, str)):
        yield _Wrong(f"version must be a string, not {version!r}", f'version = "{version}"', at=("version",))
    priority = _attribute(module, "priority", DEFAULT_PRIORITY)
    if not isinstance(priority, int) or isinstance(priority, bool):
        yield _Wrong(f"priority must be an int, not {priority!r}", "higher runs first", at=("priority",))


def _wrong_schema(module: Any) -> Iterator[_Wrong]:
    if not hasattr(module, "Schema"):
        for name in ("schema", "SCHEMA"):
            if isinstance(getattr(module, name, None), (list, tuple)):
                yield _Wrong(f"it has {name} and no Schema", "did you mean Schema?", at=(name,))
    for fault in check_schema(_attribute(module, "Schema", ()), _attribute(module, "entity_checks", ())):
        keys = tuple(part for part in fault.path if isinstance(part, str))
        yield _Wrong(f"{dotted(fault.path)}: {fault.message}", fault.hint, at=keys)


def _wrong_class(handler: type) -> Iterator[_Wrong]:
    if not _takes(handler, 1):
        code = _code(inspect.getattr_static(handler, "__init__"))
        yield _Wrong("Plugin.__init__ must take (self, config)", "Plugin(config) makes it", at=("Plugin",), code=code)
    wrong = [each for name in dir(handler) for each in _wrong_method(handler, name)]
    yield from wrong
    if not wrong and not any(callable(getattr(handler, phase, None)) for phase in PHASES):
        yield _Wrong("Plugin has no phase", f"a method named {', '.join(PHASES[:-1])} or {PHASES[-1]}", at=("Plugin",))


def _wrong_method(handler: type, name: str) -> Iterator[_Wrong]:
    method = getattr(handler, name, None)
    if name.startswith("_") or method is None:
        return
    code = _code(method)
    if name in PHASES:
        if not callable(method):
            yield _Wrong(f"{name} must be a method, not {method!r}", at=("Plugin",))
        elif not _takes_kong(handler, name):
            yield _Wrong(f"{name} must take (self, kong)", at=("Plugin",), code=code)
        elif inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method):
            yield _Wrong(f"{name} has a yield in it, so that calling it does nothing", at=("Plugin",), code=code)
    elif callable(method) and _takes_kong(handler, name):
        hint = _mistaken_phase(handler, name)
        if hint is not None:
            yield _Wrong(f"{name} is not a phase of WebSocket services", hint, at=("Plugin",), code=code)


def _mistaken_phase(handler: type, name: str) -> str | None:
    """What ``name`` should be where it looks like a phase and is none; else None."""
    instead = OTHER_SERVICES.get(name)
    if instead is not None:
        # One class may serve both Kong's phases and these, as with `ws_close = log`.
        serves = instead != "__init__" and callable(getattr(handler, instead, None))
        return None if serves else f"did you mean {instead}?"
    nearest = difflib.get_close_matches(name, PHASES, n=1, cutoff=0.0 if name.startswith("ws_") else _ALIKE)
    return f"did you mean {nearest[0]}? The name of a helper begins with _" if nearest else None


def _takes_kong(handler: type, name: str) -> bool:
    bound = isinstance(inspect.getattr_static(handler, name), (staticmethod, classmethod))
    return _takes(getattr(handler, name), 1 if bound else 2)


def _takes(function: Any, count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        pass  # A callable without a signature, as some that are written in C.
    return True


def _code(function: Any) -> CodeType | None:
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _fault(name: str, wrong: _Wrong, origin: Origin) -> ConfigError:
    shown, line = origin.shown, None
    if origin.file is not None:
        shown, line = _place(wrong, origin.file, origin.shown or origin.file)
    return ConfigError(f"plugin {name!r}: {wrong.message}", path=shown, line=line, hint=wrong.hint)


def _place(wrong: _Wrong, file: str, shown: str) -> tuple[str, int | None]:
    """The file to name, and the line. What a class inherits, and all of a package, may be written in other files."""
    if wrong.code is not None:
        written = os.path.abspath(wrong.code.co_filename)
        if written == os.path.abspath(file):
            return shown, wrong.code.co_firstlineno
        root = os.path.dirname(os.path.abspath(file))
        if os.path.basename(file) == "__init__.py" and written.startswith(root + os.sep):
            return os.path.join(os.path.dirname(shown), os.path.relpath(written, root)), wrong.code.co_firstlineno
    return shown, line_of(file, *wrong.at) if wrong.at else None
