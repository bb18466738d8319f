"""Turns a chunk, Python source that stands in a configuration, into the function that one phase calls.

Knows nothing of phases, plugins and where the source was written.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

Run = Callable[[Any], Any]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_AWAITING = (ast.Await, ast.AsyncFor, ast.AsyncWith)
_LUA: Final = re.compile(r"^\s*local\s|\bthen\s*$|^\s*end\b|\bfunction\s*\(|~=|^\s*--", re.MULTILINE)


class ChunkError(ValueError):
    """A chunk cannot be used; the text tells where in it, and why."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk that was compiled.

    Attributes:
        run: called with ``kong``.
        is_async: whether its result is to be awaited.
    """

    run: Run
    is_async: bool


def compile_chunk(source: str, name: str, names: dict[str, Any]) -> Chunk:
    """Compile a chunk and do what is done once: its leading imports, and all of it where it returns a function.

    Args:
        source: the chunk.
        name: what tracebacks call it, such as ``pre-function:ws_client_frame[0]``.
        names: its global names.

    Raises:
        ChunkError: it is not Python, or what is done once has failed.
    """
    file = _remember(name, source)
    body = _parsed(source, file)
    head = list(_leading_imports(body))
    body = body[len(head) :]
    made = _made_function(body)
    found = next(_same_function(body, ast.Yield, ast.YieldFrom), None)
    if found is not None:
        raise ChunkError(f"line {found.lineno}: a chunk cannot yield")
    awaits = next(_same_function(body, *_AWAITING), None)
    if made and awaits is not None:
        raise ChunkError(f"line {awaits.lineno}: a chunk that returns a function runs once, at start, and cannot await")
    function = _function(body, [] if made else ["kong"], awaits is not None)
    code = _compiled(ast.Module([*head, function], []), source, file)
    _done_once(lambda: exec(code, names), file)
    run = names.pop(function.name)
    if not made:
        return Chunk(run, awaits is not None)
    handler = _done_once(run, file)
    if not _takes_one(handler):
        raise ChunkError(f"line {body[-1].lineno}: the function that is returned must take one argument, kong")
    return Chunk(handler, inspect.iscoroutinefunction(handler))


def _parsed(source: str, file: str) -> list[ast.stmt]:
    try:
        return ast.parse(source, file).body
    except SyntaxError as error:
        raise _syntax_error(error, source) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ChunkError(str(error) or "nested too deeply") from None


def _compiled(module: ast.Module, source: str, file: str) -> types.CodeType:
    try:
        # This module's own __future__ imports are not the chunk's.
        return compile(ast.fix_missing_locations(module), file, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _syntax_error(error, source) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ChunkError(str(error) or "nested too deeply") from None


def _syntax_error(error: SyntaxError, source: str) -> ChunkError:
    mend = " (the chunks are Python, this looks like Lua)" if _LUA.search(source) else ""
    return ChunkError(f"line {error.lineno or 1}: {error.msg}{mend}")


def _leading_imports(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            return
        yield statement


def _made_function(body: list[ast.stmt]) -> bool:
    """Whether the chunk ends by returning a function that it has defined."""
    last = body[-1] if body else None
    if not isinstance(last, ast.Return):
        return False
    defined = {statement.name for statement in body if isinstance(statement, _FUNCTIONS)}
    return isinstance(last.value, ast.Lambda) or isinstance(last.value, ast.Name) and last.value.id in defined


def _same_function(body: list[ast.stmt], *kinds: type[ast.AST]) -> Iterator[Any]:
    """The nodes of some kinds that belong to the chunk itself, not to functions and classes inside it."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, kinds) or (ast.Await in kinds and isinstance(node, ast.comprehension) and node.is_async):
            yield node if hasattr(node, "lineno") else body[0]
        if not isinstance(node, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)


def _function(body: list[ast.stmt], parameters: list[str], is_async: bool) -> ast.FunctionDef | ast.AsyncFunctionDef:
    # A comment alone leaves no statement.
    text = f"{'async ' if is_async else ''}def chunk({', '.join(parameters)}): pass"
    (function,) = ast.parse(text).body
    assert isinstance(function, _FUNCTIONS)
    function.body = body or function.body
    return function


def _done_once(run: Callable[[], Any], file: str) -> Any:
    try:
        return run()
    except Exception as error:
        lines = [line for frame, line in _walk(error) if frame == file]
        place = f"line {lines[-1]}: " if lines else ""
        mend = " (kong is there only while the function runs)" if _is_about_kong(error) else ""
        raise ChunkError(f"{place}{type(error).__name__}: {error}{mend}") from error


def _walk(error: BaseException) -> Iterator[tuple[str, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _is_about_kong(error: Exception) -> bool:
    return isinstance(error, NameError) and error.name == "kong"


def _takes_one(handler: Any) -> bool:
    try:
        inspect.signature(handler).bind(None)
    except TypeError:
        return False
    return True


def _remember(name: str, source: str) -> str:
    """Let tracebacks show the source; two sources of one name are told apart by a number."""
    lines = source.splitlines(keepends=True)
    file, number = name, 1
    while file in linecache.cache and linecache.cache[file][2:3] != (lines,):
        number += 1
        file = f"{name} ({number})"
    # Without a time, checkcache() leaves the entry alone.
    linecache.cache[file] = (len(source), None, lines, file)
    return file
