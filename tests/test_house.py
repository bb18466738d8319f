"""The order of the house: honest exports, two builds from one source, and layers whose arrows never turn back."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import framegate
from framegate import _build

PACKAGE = Path(framegate.__file__).parent

# What a layer of the package may import from the package, beside itself and the foundations.
LAYERS = {
    "codec": set(),
    "handshake": set(),
    "session": {"codec"},
    "transport": set(),
    "pdk": {"codec", "handshake", "messages", "session"},
    "plugins": {"pdk"},
    "config": {"handshake", "pdk"},
}
FOUNDATIONS = {"errors", "options", "_build", "_pure", "_rules", "_tracebacks", "_version"}

# What a layer must not know of the world outside.
OUT_OF_REACH = {
    "codec": {"asyncio", "logging", "select", "selectors", "socket", "ssl", "threading", "time", "uvloop"},
    "handshake": {"asyncio", "select", "selectors", "socket", "ssl", "threading", "time", "uvloop"},
    "session": {"asyncio", "select", "selectors", "socket", "ssl", "threading", "time", "uvloop"},
    "pdk": {"select", "selectors", "ssl", "threading", "uvloop"},
    "config": {"asyncio", "select", "selectors", "socket", "threading", "time", "uvloop"},
}

# What `import framegate` must not load: libraries that the gateway alone needs.
HEAVY = {"cryptography", "dns", "jsonschema_rs", "jwt", "opentelemetry", "prometheus_client", "pydantic", "yaml"}


# Exports


def test_every_exported_name_is_there_and_is_exported_once() -> None:
    assert [name for name in framegate.__all__ if not hasattr(framegate, name)] == []
    assert len(set(framegate.__all__)) == len(framegate.__all__)


def test_every_public_name_is_exported() -> None:
    public = {
        name
        for name, value in vars(framegate).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert public - set(framegate.__all__) == set()


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


# Two builds


def sources() -> list[Path]:
    """The hot modules: every source that has types for the compiler beside it."""
    return sorted(pxd.with_name(pxd.name.removesuffix("_c.pxd") + ".py") for pxd in PACKAGE.rglob("_*_c.pxd"))


def pxd_of(source: Path) -> Path:
    return source.with_name(source.stem + "_c.pxd")


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)


def built(source: Path) -> Path | None:
    candidates = (source.with_name(source.stem + "_c" + suffix) for suffix in EXTENSION_SUFFIXES)
    return next((file for file in candidates if file.exists()), None)


def classes(source: Path) -> dict[str, ast.ClassDef]:
    tree = ast.parse(source.read_text(), str(source))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def names_in_class(node: ast.ClassDef) -> set[str]:
    """Methods, class attributes and everything that a method assigns to an attribute of ``self``."""
    names = {part.name for part in ast.walk(node) if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            names.add(part.attr)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
    return names


def declared_classes(pxd: Path) -> Iterator[tuple[str, str | None, list[str]]]:
    """Each ``cdef class`` of a .pxd: its name, its base and the names that it declares."""
    text = re.sub(r"#.*", "", pxd.read_text())
    for found in re.finditer(r"^cdef class (\w+)(?:\((\w+)\))?:\n((?:[ \t].*\n|\n)*)", text, re.MULTILINE):
        members = re.findall(r"^    (?:cdef|cpdef)\b(.*)$", found[3], re.MULTILINE)
        yield found[1], found[2], [name for member in members for name in declared_names(member)]


def declared_names(member: str) -> list[str]:
    if called := re.search(r"(\w+)\(", member):
        return [called[1]]
    return [part.split()[-1] for part in member.split(",")]


each_hot_module = pytest.mark.parametrize("source", sources(), ids=module_name)


def test_there_are_hot_modules() -> None:
    assert sources()
    assert tuple(sorted(module_name(source) + "_c" for source in sources())) == _build.twins()


@each_hot_module
def test_what_is_declared_for_the_compiler_exists_in_the_source(source: Path) -> None:
    assert source.is_file()
    defined = classes(source)
    for name, base, declared in declared_classes(pxd_of(source)):
        assert name in defined, f"{pxd_of(source).name} declares the class {name}, which {source.name} does not define"
        known = names_in_class(defined[name]) | (names_in_class(defined[base]) if base in defined else set())
        missing = [member for member in declared if member not in known]
        assert missing == [], f"{pxd_of(source).name} declares members of {name} that {source.name} does not have"


@each_hot_module
def test_the_source_can_be_imported_whatever_build_runs(source: Path) -> None:
    assert import_module(module_name(source)).__file__ == str(source)


@each_hot_module
def test_the_compiled_twin_offers_what_the_source_offers(source: Path) -> None:
    if built(source) is None:
        pytest.skip("the compiled build is not there: make venv compiles it where there is a C compiler")
    plain, twin = import_module(module_name(source)), import_module(module_name(source) + "_c")
    own = [
        name
        for name, value in vars(plain).items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == plain.__name__
    ]
    assert own
    assert [name for name in own if not name.startswith("_") and not hasattr(twin, name)] == []


@each_hot_module
def test_the_compiled_twin_is_not_older_than_what_it_is_made_of(source: Path) -> None:
    twin = built(source)
    if twin is None:
        pytest.skip("the compiled build is not there: make venv compiles it where there is a C compiler")
    made_of = max(source, pxd_of(source), key=lambda file: file.stat().st_mtime)
    assert twin.stat().st_mtime >= made_of.stat().st_mtime, f"{made_of.name} was changed: compile it with make venv"


def choice(expression: str, pure: str) -> str:
    """What another process answers, with ``FRAMEGATE_PURE`` set to ``pure``."""
    code = f"from framegate import _build; print({expression})"
    environment = {**os.environ, "FRAMEGATE_PURE": pure}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_pure_build_can_be_forced() -> None:
    name = module_name(sources()[0])
    assert choice("_build.build_name(), _build.REASON", pure="1") == "pure FRAMEGATE_PURE is set"
    assert choice(f"_build.pick({name!r}).__name__", pure="1") == name


@pytest.mark.parametrize("nothing", ["", "0"])
def test_a_variable_that_says_nothing_leaves_the_choice_to_what_is_built(nothing: str) -> None:
    complete = all(built(source) for source in sources())
    assert choice("_build.COMPILED", pure=nothing) == str(complete)
    name = module_name(sources()[0])
    assert choice(f"_build.pick({name!r}).__name__", pure=nothing) == (name + "_c" if complete else name)


def test_a_half_built_tree_is_pure_and_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "_never_c.pxd").touch()
    monkeypatch.delenv("FRAMEGATE_PURE", raising=False)
    monkeypatch.setattr(_build, "_PACKAGE", tmp_path)
    assert _build._why_pure() == f"{tmp_path.name}._never_c is not built"


def test_a_twin_that_does_not_load_makes_the_tree_pure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "_broken_c.pxd").touch()
    (tmp_path / f"_broken_c{EXTENSION_SUFFIXES[0]}").write_bytes(b"no library")
    monkeypatch.delenv("FRAMEGATE_PURE", raising=False)
    monkeypatch.setattr(_build, "_PACKAGE", tmp_path)
    reason = _build._why_pure()
    assert reason is not None and reason.startswith(f"{tmp_path.name}._broken_c cannot be loaded: ")


# Layers


def imports(source: Path) -> Iterator[tuple[int, str]]:
    """The dotted names that a source imports when it runs, with their lines; what only a type checker reads is none."""
    tree = ast.parse(source.read_text(), str(source))
    for node in running_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, name) for name in targets(node, source))


def running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from running_nodes(child)


def targets(node: ast.ImportFrom, source: Path) -> list[str]:
    here = module_name(source).split(".")
    base = ".".join([*here[: -node.level], node.module or ""]).rstrip(".") if node.level else node.module or ""
    # `from framegate import codec` names a layer behind the import.
    return [f"{base}.{alias.name}" for alias in node.names] if base == "framegate" else [base]


def in_package(name: str) -> str | None:
    """The layer or file at the top of the package that a dotted name leads to; cimports lead where imports do."""
    parts = name.removeprefix("cython.cimports.").split(".")
    return parts[1] if parts[0] == "framegate" and len(parts) > 1 else None


def breaches(folder: str, allowed: set[str], forbidden: set[str]) -> list[str]:
    found = []
    for source in sorted((PACKAGE / folder).rglob("*.py")):
        for line, name in imports(source):
            inside = in_package(name)
            if name.split(".")[0] in forbidden or (inside is not None and inside not in allowed):
                found.append(f"{source.relative_to(PACKAGE)}:{line}: {name}")
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_knows_only_what_lies_below_it(layer: str) -> None:
    allowed = {layer} | LAYERS[layer] | FOUNDATIONS
    assert breaches(layer, allowed, OUT_OF_REACH.get(layer, set())) == []


def test_the_foundations_know_no_layer() -> None:
    found = [
        f"{name}.py:{line}: {target}"
        for name in sorted(FOUNDATIONS)
        for line, target in imports(PACKAGE / f"{name}.py")
        if in_package(target) not in FOUNDATIONS | {None}
    ]
    assert found == []


def test_the_library_is_loaded_without_what_the_gateway_alone_needs() -> None:
    code = "import sys, framegate; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY & set(loaded) == set()


def test_only_the_program_itself_knows_the_command_line() -> None:
    found = [
        f"{source.relative_to(PACKAGE)}:{line}: {target}"
        for source in sorted(PACKAGE.rglob("*.py"))
        if "cli" not in source.relative_to(PACKAGE).parts and source.name != "__main__.py"
        for line, target in imports(source)
        if in_package(target) == "cli" or target.split(".")[0] == "click"
    ]
    assert found == []
