"""Plugins are found in folders, in the package and in installed packages; a broken one is named and hides no other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from framegate.errors import ConfigError
from framegate.pdk.catalog import Catalog, load_plugin
from framegate.pdk.plugin import PluginType, instantiate

INIT = """class Plugin:
    def __init__(self, config):
        self.config = config
"""
SOUND = f"""Schema = ({{"greeting": {{"type": "string", "default": "hello"}}}},)
version = "0.1.0"
priority = 100

{INIT}
    def ws_close(self, kong):
        pass

    async def ws_handshake(self, kong):
        pass
"""
SMALL = INIT + "    def ws_close(self, kong): pass\n"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str, folder: str = "plugins") -> Path:
        file = tmp_path / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plugins").mkdir()
    return tmp_path / "plugins"


def found_in(*folders: Path) -> Catalog:
    return Catalog.find(folders, bundled=False, entry_points=False)


def only_fault(*folders: Path) -> ConfigError:
    (fault,) = found_in(*folders).faults
    return fault


def said_of(folder: Path) -> list[str]:
    """What is said of plugins, without the folder."""
    return [str(fault).replace(f"{folder}/", "") for fault in found_in(folder).faults]


# What is found


def test_a_file_is_a_plugin_by_its_stem(write: Write, folder: Path) -> None:
    file = write("my_plugin.py", SOUND)
    catalog = found_in(folder)
    plugin = catalog.get("my-plugin")
    assert catalog.faults == [] and plugin is not None
    assert (plugin.name, plugin.version, plugin.priority, plugin.source) == ("my-plugin", "0.1.0", 100, str(file))
    assert plugin.schema == ({"greeting": {"type": "string", "default": "hello"}},)
    assert plugin.phases == ("ws_handshake", "ws_close")
    assert instantiate(plugin, "id", {"greeting": "x"}).handler.config == {"greeting": "x"}


def test_underscore_and_dash_are_alike(write: Write, folder: Path) -> None:
    write("my_plugin.py", SOUND)
    write("your-plugin.py", SOUND)
    catalog = found_in(folder)
    assert catalog.get("my_plugin") is catalog.get("my-plugin") is not None
    assert catalog.get("your_plugin") is catalog.get("your-plugin") is not None
    assert "my_plugin" in catalog and "other" not in catalog
    assert catalog.get("other") is None


def test_a_schema_a_version_and_a_priority_may_be_missing(write: Write, folder: Path) -> None:
    write("small.py", SMALL)
    plugin = found_in(folder).get("small")
    assert plugin is not None
    assert (plugin.schema, plugin.entity_checks, plugin.version, plugin.priority) == ((), (), None, 0)


def test_version_and_priority_in_capitals_are_taken_as_well(write: Write, folder: Path) -> None:
    write("small.py", 'VERSION = "2"\nPRIORITY = 7\n' + SMALL)
    plugin = found_in(folder).get("small")
    assert plugin is not None
    assert (plugin.version, plugin.priority) == ("2", 7)


def test_rules_between_fields_are_taken(write: Write, folder: Path) -> None:
    write("small.py", 'Schema = [{"a": {"type": "string"}}]\nentity_checks = [{"at_least_one_of": ["a"]}]\n' + SMALL)
    plugin = found_in(folder).get("small")
    assert plugin is not None and plugin.entity_checks == ({"at_least_one_of": ["a"]},)


def test_a_package_is_a_plugin_and_imports_its_own_files(write: Write, folder: Path) -> None:
    write("pack/__init__.py", "from .inside import Plugin\nfrom . import data\nversion = data.VERSION\n")
    write("pack/inside.py", SMALL)
    write("pack/data.py", "VERSION = '3'\n")
    plugin = found_in(folder).get("pack")
    assert plugin is not None and plugin.version == "3"


def test_a_file_imports_a_helper_beside_it(write: Write, folder: Path) -> None:
    write("one.py", "from ._words import VERSION as version\n" + SMALL)
    write("_words.py", "VERSION = 'shared'\n")
    catalog = found_in(folder)
    assert catalog.faults == [] and catalog.names() == ("one",)
    assert [plugin.version for plugin in catalog] == ["shared"]


def test_what_begins_with_an_underscore_or_a_dot_and_what_is_no_module_is_passed_over(
    write: Write, folder: Path
) -> None:
    for name in ("_helper.py", ".hidden.py", "notes.txt", "data/rows.py", "__pycache__/x.py", "_pack/__init__.py"):
        write(name, "raise RuntimeError")
    catalog = found_in(folder)
    assert (len(catalog), catalog.faults) == (0, [])


def test_files_of_two_folders_never_meet(write: Write, tmp_path: Path) -> None:
    for number in ("1", "2"):
        write("_words.py", f"WORD = 'folder {number}'\n", folder=number)
        write(f"plugin{number}.py", "from ._words import WORD as version\n" + SMALL, folder=number)
        write("json.py", SMALL, folder=number)
    catalog = found_in(tmp_path / "1", tmp_path / "2")
    assert [plugin.version for plugin in catalog if plugin.name != "json"] == ["folder 1", "folder 2"]
    import json

    assert json.loads("1") == 1


def test_the_same_folder_twice_is_looked_at_once(write: Write, folder: Path) -> None:
    write("one.py", SMALL)
    assert found_in(folder, folder).faults == []


def test_a_changed_file_is_read_anew(write: Write, folder: Path) -> None:
    write("one.py", "version = 'a'\n" + SMALL)
    first = found_in(folder).get("one")
    write("one.py", "version = 'b'\n" + SMALL)
    second = found_in(folder).get("one")
    assert first is not None and second is not None
    assert (first.version, second.version) == ("a", "b")


def test_nothing_is_written_and_the_search_path_stays_as_it_is(write: Write, folder: Path) -> None:
    write("pack/__init__.py", "from .inside import Plugin\n")
    write("pack/inside.py", SMALL)
    write("one.py", SMALL)
    before, bytecode = list(sys.path), sys.dont_write_bytecode
    assert len(found_in(folder)) == 2
    assert (sys.path, sys.dont_write_bytecode) == (before, bytecode)
    assert list(folder.rglob("__pycache__")) == []


def test_a_module_can_be_found_by_its_class(write: Write, folder: Path) -> None:
    write("data.py", "from dataclasses import dataclass\n@dataclass\nclass Plugin:\n    config: 'dict'\n"
          "    def ws_close(self, kong): pass\n")  # fmt: skip
    catalog = found_in(folder)
    assert catalog.faults == []
    plugin = catalog.get("data")
    assert plugin is not None and sys.modules[plugin.handler.__module__].Plugin is plugin.handler


def test_plugins_come_in_the_order_in_which_they_run(write: Write, folder: Path) -> None:
    for name, priority in {"a": 1, "b": 100, "c": 1, "d": -5}.items():
        write(f"{name}.py", f"priority = {priority}\n{SMALL}")
    catalog = found_in(folder)
    assert [plugin.name for plugin in catalog] == ["b", "a", "c", "d"]
    assert catalog.names() == ("a", "b", "c", "d")


# What is broken


def test_a_broken_file_hides_no_other(write: Write, folder: Path) -> None:
    write("a.py", "(\n")
    write("b.py", SOUND)
    write("c.py", "1/0\n")
    catalog = found_in(folder)
    assert catalog.names() == ("b",)
    assert (len(catalog.faults), catalog.broken) == (2, {"a", "c"})


def test_a_syntax_error_is_told_with_its_line(write: Write, folder: Path) -> None:
    file = write("bad.py", "x = 1\ndef f(:\n")
    fault = only_fault(folder)
    assert (fault.path, fault.line) == (str(file), 2)
    assert "plugin 'bad': syntax error: " in str(fault)


def test_a_file_that_is_not_utf_8_is_a_syntax_error(folder: Path) -> None:
    (folder / "bad.py").write_bytes(b"x = '\xff'\n")
    assert "plugin 'bad': syntax error: " in str(only_fault(folder))


def test_an_exception_at_import_is_told_with_the_line_that_raised(write: Write, folder: Path) -> None:
    file = write("bad.py", "import json\n\njson.loads('{')\n")
    fault = only_fault(folder)
    assert (fault.path, fault.line) == (str(file), 3)
    assert "plugin 'bad' cannot be imported: JSONDecodeError: Expecting" in str(fault)


@pytest.mark.parametrize("statement", ["raise SystemExit(3)", "import sys; sys.exit()", "exit()"])
def test_a_file_that_ends_the_program_does_not(write: Write, folder: Path, statement: str) -> None:
    write("bad.py", f"\n{statement}\n")
    fault = only_fault(folder)
    assert fault.line == 2 and "cannot be imported: SystemExit" in str(fault)


def test_an_error_in_a_file_of_a_package_names_that_file(write: Write, folder: Path) -> None:
    write("pack/__init__.py", "from . import inside\n")
    file = write("pack/inside.py", "\n\nraise ValueError('no')\n")
    fault = only_fault(folder)
    assert (fault.path, fault.line) == (str(file), 3)
    assert "plugin 'pack' cannot be imported: ValueError: no" in str(fault)


def test_what_a_broken_import_left_behind_is_forgotten(write: Write, folder: Path) -> None:
    write("pack/__init__.py", "from . import inside\n1/0\n")
    write("pack/inside.py", "\n")
    before = set(sys.modules)
    only_fault(folder)
    assert [name for name in set(sys.modules) - before if ".pack" in name] == []


def test_a_helper_imported_without_a_dot_is_told_how(write: Write, folder: Path) -> None:
    write("one.py", "import _words\n" + SMALL)
    write("_words.py", "")
    assert only_fault(folder).hint == "what is beside a plugin is imported with a dot: from . import _words"


def test_kongs_own_server_is_not_needed(write: Write, folder: Path) -> None:
    write("one.py", "import kong_pdk.pdk.kong as kong\n" + SMALL)
    hint = only_fault(folder).hint
    assert hint is not None and "framegate runs without it" in hint


def test_a_missing_library_is_told_by_its_name(write: Write, folder: Path) -> None:
    write("one.py", "import no_such_library\n" + SMALL)
    fault = only_fault(folder)
    assert "No module named 'no_such_library'" in str(fault) and fault.hint is None


def test_a_file_without_a_class_plugin(write: Write, folder: Path) -> None:
    write("a.py", "x = 1\n")
    write("b.py", "class Plugn:\n    pass\n")
    write("c.py", "def Plugin(config): pass\n")
    assert said_of(folder) == [
        "a.py: plugin 'a': there is no class Plugin (the name of a file that is no plugin begins with _)",
        "b.py: plugin 'b': there is no class Plugin (did you mean 'Plugn'?)",
        "c.py:1: plugin 'c': Plugin must be a class, not a function",
    ]


@pytest.mark.parametrize(
    ("init", "line"),
    [
        ("", 1),
        ("    def __init__(self): pass\n", 2),
        ("    x = 1\n    def __init__(self, config, more): pass\n", 3),
        ("    def __init__(self, *, config): pass\n", 2),
    ],
)
def test_a_plugin_is_made_of_its_configuration(write: Write, folder: Path, init: str, line: int) -> None:
    write("a.py", f"class Plugin:\n{init}    def ws_close(self, kong): pass\n")
    said = f"a.py:{line}: plugin 'a': Plugin.__init__ must take (self, config) (Plugin(config) makes it)"
    assert said_of(folder) == [said]


@pytest.mark.parametrize("init", ["*args", "self, config=None", "self, config, more=1", "self, conf, **rest"])
def test_a_plugin_may_take_more_than_its_configuration(write: Write, folder: Path, init: str) -> None:
    write("a.py", f"class Plugin:\n    def __init__({init}): pass\n    def ws_close(self, kong): pass\n")
    assert said_of(folder) == []


@pytest.mark.parametrize("arguments", ["self", "self, kong, conf", "self, *, kong"])
def test_a_phase_takes_kong_alone(write: Write, folder: Path, arguments: str) -> None:
    write("a.py", f"{INIT}    def ws_close({arguments}): pass\n")
    assert said_of(folder) == ["a.py:4: plugin 'a': ws_close must take (self, kong)"]


@pytest.mark.parametrize(
    "method",
    [
        "def ws_close(self, kong, conf=None): pass",
        "def ws_close(*everything): pass",
        "async def ws_close(self, kong): pass",
        "@staticmethod\n    def ws_close(kong): pass",
        "@classmethod\n    def ws_close(cls, kong): pass",
    ],
)
def test_a_phase_may_be_any_method_that_takes_kong(write: Write, folder: Path, method: str) -> None:
    write("a.py", f"{INIT}    {method}\n")
    assert said_of(folder) == []


@pytest.mark.parametrize("method", ["def ws_close(self, kong): yield", "async def ws_close(self, kong): yield"])
def test_a_phase_is_no_generator(write: Write, folder: Path, method: str) -> None:
    write("a.py", f"{INIT}    {method}\n")
    assert said_of(folder) == ["a.py:4: plugin 'a': ws_close has a yield in it, so that calling it does nothing"]


def test_a_phase_is_a_method(write: Write, folder: Path) -> None:
    write("a.py", f"{INIT}    ws_close = 5\n    def ws_handshake(self, kong): pass\n")
    assert said_of(folder) == ["a.py:1: plugin 'a': ws_close must be a method, not 5"]


def test_a_phase_may_be_switched_off_with_none(write: Write, folder: Path) -> None:
    write("a.py", f"{INIT}    ws_close = None\n    def ws_handshake(self, kong): pass\n")
    assert said_of(folder) == []


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("access", "ws_handshake"),
        ("header_filter", "ws_handshake"),
        ("preread", "ws_handshake"),
        ("log", "ws_close"),
        ("response", "ws_upstream_frame"),
        ("body_filter", "ws_upstream_frame"),
        ("init_worker", "__init__"),
    ],
)
def test_a_phase_of_other_services_is_told_its_counterpart(
    write: Write, folder: Path, name: str, instead: str
) -> None:
    write("a.py", f"{INIT}    def {name}(self, kong): pass\n")
    said = f"a.py:4: plugin 'a': {name} is not a phase of WebSocket services (did you mean {instead}?)"
    assert said_of(folder) == [said]


def test_a_class_may_serve_kongs_phases_beside_these(write: Write, folder: Path) -> None:
    write("a.py", f"{INIT}    def log(self, kong): pass\n    ws_close = log\n")
    assert said_of(folder) == []


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ws_client_frames", "ws_client_frame"),
        ("ws_upstram_frame", "ws_upstream_frame"),
        ("ws_hanshake", "ws_handshake"),
        ("ws_closed", "ws_close"),
        ("client_frame", "ws_client_frame"),
        ("certificates", "certificate"),
    ],
)
def test_a_misspelt_phase_is_told_the_nearest(write: Write, folder: Path, name: str, nearest: str) -> None:
    write("a.py", f"{SMALL}    def {name}(self, kong): pass\n")
    hint = f"did you mean {nearest}? The name of a helper begins with _"
    assert said_of(folder) == [f"a.py:5: plugin 'a': {name} is not a phase of WebSocket services ({hint})"]


@pytest.mark.parametrize("helper", ["def log(self, level, text)", "def _ws_closed(self, kong)", "def decode(self, x)"])
def test_a_helper_is_no_phase(write: Write, folder: Path, helper: str) -> None:
    write("a.py", f"{SMALL}    {helper}: pass\n")
    assert said_of(folder) == []


def test_a_plugin_without_a_phase(write: Write, folder: Path) -> None:
    write("a.py", INIT)
    hint = "a method named certificate, rewrite, ws_handshake, ws_client_frame, ws_upstream_frame or ws_close"
    assert said_of(folder) == [f"a.py:1: plugin 'a': Plugin has no phase ({hint})"]


def test_version_is_a_string_and_priority_an_int(write: Write, folder: Path) -> None:
    write("a.py", f"version = 1.0\npriority = '5'\n{SMALL}")
    write("b.py", f"priority = True\n{SMALL}")
    assert said_of(folder) == [
        "a.py:1: plugin 'a': version must be a string, not 1.0 (version = \"1.0\")",
        "a.py:2: plugin 'a': priority must be an int, not '5' (higher runs first)",
        "b.py:1: plugin 'b': priority must be an int, not True (higher runs first)",
    ]


def test_a_broken_schema_is_told_with_the_line_of_the_attribute(write: Write, folder: Path) -> None:
    schema = 'Schema = (\n{"a": {"type": "string"}},\n{"b": {\n"type": "string",\n"lenmin": 3,\n}},\n)\n'
    write("a.py", schema + SMALL)
    said = "a.py:5: plugin 'a': Schema.b.lenmin: there is no attribute \"lenmin\" (did you mean 'len_min'?)"
    assert said_of(folder) == [said]


def test_a_schema_with_a_small_letter_is_told(write: Write, folder: Path) -> None:
    write("a.py", f"schema = []\n{SMALL}")
    assert said_of(folder) == ["a.py:1: plugin 'a': it has schema and no Schema (did you mean Schema?)"]


def test_everything_that_is_wrong_with_a_plugin_is_told_at_once(write: Write, folder: Path) -> None:
    write("a.py", 'version = 1\nSchema = [{"a": {"type": "x"}}]\nclass Plugin:\n    def access(self, kong): pass\n')
    assert [said.split(":")[1] for said in said_of(folder)] == ["1", "2", "3", "4"]


def test_a_method_in_another_file_of_the_package_is_told_by_that_file(write: Write, folder: Path) -> None:
    write("pack/__init__.py", "from .inside import Plugin\n")
    write("pack/inside.py", f"{INIT}    def ws_close(self): pass\n")
    assert said_of(folder) == ["pack/inside.py:4: plugin 'pack': ws_close must take (self, kong)"]


def test_an_inherited_phase_of_a_library_names_the_plugins_own_class(write: Write, folder: Path) -> None:
    write("a.py", "from unittest import TestCase\nclass Plugin(TestCase):\n    ws_close = TestCase.assertTrue\n")
    assert said_of(folder) == []
    write("b.py", "from string import Formatter\n\nclass Plugin(Formatter):\n    def __init__(self, config): pass\n"
          "    ws_close = Formatter.parse\n    ws_handshake = Formatter.get_field\n")  # fmt: skip
    assert said_of(folder) == ["b.py:3: plugin 'b': ws_handshake must take (self, kong)"]


# Names and folders


def test_the_same_name_twice_names_both(write: Write, tmp_path: Path) -> None:
    first = write("my_plugin.py", SMALL, folder="1")
    second = write("my-plugin.py", SMALL, folder="2")
    catalog = found_in(tmp_path / "1", tmp_path / "2")
    (fault,) = catalog.faults
    assert fault.path == str(second)
    assert f"plugin 'my-plugin' is there twice: the other is {first} (give it another name)" in str(fault)
    plugin = catalog.get("my-plugin")
    assert plugin is not None and plugin.source == str(first) and catalog.broken == frozenset()


def test_a_file_and_a_package_of_one_name_are_the_same_name_twice(write: Write, folder: Path) -> None:
    write("one.py", SMALL)
    write("one/__init__.py", SMALL)
    assert "plugin 'one' is there twice" in str(only_fault(folder))


@pytest.mark.parametrize("name", ["my.plugin.py", "my plugin.py", "größe.py", "-x.py"])
def test_a_name_that_no_plugin_can_have(write: Write, folder: Path, name: str) -> None:
    write(name, SMALL)
    assert "cannot be a plugin's name (letters, digits, - and _;" in str(only_fault(folder))


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert str(only_fault(tmp_path / "no")) == f"{tmp_path}/no: there is no such folder of plugins"


def test_a_file_in_the_place_of_a_folder(write: Write) -> None:
    file = write("one.py", SMALL)
    assert str(only_fault(file)) == f"{file}: a file, not a folder of plugins (name its folder)"


def test_one_file_can_be_loaded_alone(write: Write, folder: Path) -> None:
    write("pack/__init__.py", SMALL)
    assert load_plugin(write("my_plugin.py", SOUND)).name == "my-plugin"
    assert load_plugin(folder / "pack").name == "pack" == load_plugin(folder / "pack" / "__init__.py").name


def test_one_file_that_is_broken_or_missing_is_an_error(write: Write, folder: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such plugin file"):
        load_plugin(folder / "no.py")
    with pytest.raises(ConfigError, match="division by zero"):
        load_plugin(write("bad.py", "1/0\n"))


# The package's own, and those of others


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in the place of the one with the bundled plugins."""
    package = tmp_path / "site" / "sample_bundle"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr("framegate.pdk.catalog.BUNDLED", "sample_bundle")
    for name in [name for name in sys.modules if name.startswith("sample_bundle")]:
        monkeypatch.delitem(sys.modules, name)
    return package


def test_bundled_plugins_are_found_by_the_names_of_their_modules(bundled: Path) -> None:
    (bundled / "key_auth.py").write_text(SOUND)
    (bundled / "_shared.py").write_text("raise RuntimeError")
    catalog = Catalog.find([], entry_points=False)
    assert [(plugin.name, plugin.source) for plugin in catalog] == [("key-auth", "bundled")]
    assert len(Catalog.find([], bundled=False, entry_points=False)) == 0


def test_a_plugin_with_the_name_of_a_bundled_one_is_a_fault_and_the_bundled_one_stays(
    bundled: Path, write: Write, folder: Path
) -> None:
    (bundled / "key_auth.py").write_text(SOUND)
    write("key-auth.py", SMALL)
    catalog = Catalog.find([folder], entry_points=False)
    plugin = catalog.get("key-auth")
    assert plugin is not None and plugin.source == "bundled"
    (fault,) = catalog.faults
    assert "plugin 'key-auth' has the name of a bundled plugin (give it another name)" in str(fault)


def test_a_bundled_plugin_whose_library_is_missing_hides_no_other(bundled: Path) -> None:
    (bundled / "jwt.py").write_text("import no_such_library\n")
    (bundled / "small.py").write_text(SMALL)
    catalog = Catalog.find([], entry_points=False)
    assert (catalog.names(), catalog.broken) == (("small",), {"jwt"})
    assert "bundled plugin 'jwt' cannot be imported: No module named 'no_such_library'" in str(catalog.faults[0])


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Installs a package with plugins: its entry points, and the text of its module ``sample_dist``."""
    site = tmp_path / "installed"
    monkeypatch.syspath_prepend(str(site))

    def install(points: str, text: str) -> None:
        info = site / "sample_dist-1.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-dist\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[framegate.plugins]\n{points}\n")
        (site / "sample_dist.py").write_text(text)
        monkeypatch.delitem(sys.modules, "sample_dist", raising=False)

    return install


def test_an_installed_package_offers_a_module(installed: Callable[[str, str], None]) -> None:
    installed("their_plugin = sample_dist", SOUND)
    plugin = Catalog.find([], bundled=False).get("their-plugin")
    assert plugin is not None and plugin.priority == 100
    assert plugin.source == "entry point sample_dist (sample-dist 1.5)"


def test_an_installed_package_offers_an_object_with_the_same_attributes(
    installed: Callable[[str, str], None],
) -> None:
    installed("theirs = sample_dist:Offer", f"{SMALL}\nclass Offer:\n    Plugin = Plugin\n    priority = 3\n")
    plugin = Catalog.find([], bundled=False).get("theirs")
    assert plugin is not None and plugin.priority == 3


def test_a_broken_package_is_named_and_hides_no_other(installed: Callable[[str, str], None]) -> None:
    installed("a = no_such_module\nb = sample_dist\nc = sample_dist:Nothing\nd = sample_dist:Plugin", SMALL)
    catalog = Catalog.find([], bundled=False)
    assert catalog.names() == ("b",)
    assert [str(fault).split(":")[0] for fault in catalog.faults[:2]] == [
        "plugin 'a', entry point no_such_module (sample-dist 1.5), cannot be imported",
        "plugin 'c', entry point sample_dist",
    ]
    assert "there is no class Plugin" in str(catalog.faults[2])


def test_a_folder_comes_before_an_installed_package_of_the_same_name(
    installed: Callable[[str, str], None], write: Write, folder: Path
) -> None:
    installed("one = sample_dist", SMALL)
    file = write("one.py", SMALL)
    (fault,) = Catalog.find([folder], bundled=False).faults
    assert f"plugin 'one' is there twice: the other is {file}" in str(fault)


def test_a_catalog_can_be_made_of_plugins_at_hand() -> None:
    plugin = PluginType("my-plugin", object)
    assert Catalog([plugin]).get("my_plugin") is plugin
