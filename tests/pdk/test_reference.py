"""docs/pdk.md says what the docstrings say, and they say what a plugin's author needs."""

from __future__ import annotations

import pytest

from tools.pdk_reference import PAGE, Function, entry, faces, functions, page, sections

ALL = [function for names, face in faces() for function in functions(names, face)]


def test_the_page_is_that_of_the_program() -> None:
    assert PAGE.read_text() == page(PAGE.read_text()), "run `python tools/pdk_reference.py`"


@pytest.mark.parametrize("function", ALL, ids=lambda function: function.name)
def test_a_function_tells_what_it_does_where_it_works_and_where_it_comes_from(function: Function) -> None:
    assert any(line.strip() for line in function.sections[""])
    assert function.sections["Phases"] and function.sections["Source"]


def test_the_page_has_every_noun() -> None:
    nouns = {function.name.split(".")[1] for function in ALL}
    assert nouns == {
        "websocket", "request", "client", "service", "response", "router", "ctx", "log", "ip", "node", "db"
    }  # fmt: skip


def test_a_docstring_is_taken_apart() -> None:
    docstring = "Text.\n\nPhases: one\nand two.\n\nMore.\n\nArgs:\n    a: x\n        y.\n\nRaises:\n    E: z."
    parts = sections(docstring)
    assert parts[""] == ["Text.", "", "More.", ""]
    assert parts["Phases"] == ["one", "and two."]
    assert entry(Function("kong.x.f", "f(a: int)", object, "f", {**parts, "Source": ["ours."]})) == (
        "#### `f(a: int)`\n\nText.\n\nMore.\n\n"
        "- `a`: x y.\n\n- raises `E`: z.\n\n*Phases*: one and two. *Source*: ours."
    )
