"""Regular expressions of routes, as they are written for PCRE."""

from __future__ import annotations

import re

import pytest

from framegate.config.patterns import header_pattern, literal_prefix, path_pattern


@pytest.mark.parametrize(
    ("pattern", "path", "named"),
    [
        (r"/users/(?<id>\d+)", "/users/42", {"id": "42"}),
        (r"/users/(?P<id>\d+)", "/users/42", {"id": "42"}),
        (r"/users/(?'id'\d+)", "/users/42", {"id": "42"}),
        (r"/(?<a>\w)/\k<a>", "/x/x", {"a": "x"}),
    ],
)
def test_a_named_group_may_be_written_in_every_way(pattern: str, path: str, named: dict[str, str]) -> None:
    found = path_pattern(pattern).match(path)

    assert found is not None
    assert found.groupdict() == named


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (r"/a(?<=a)b", "/ab"),
        (r"/a(?<!x)b", "/ab"),
        (r"/\(?<name>", "/<name>"),
        (r"/[(?<name>]+\z", "/(?<"),
        (r"/[[:alpha:]]+[[:digit:]_]\z", "/abc1"),
        (r"/[]a]+\z", "/]a"),
        (r"/a(?#(?<name>)b", "/ab"),
        (r"/a++b\z", "/aab"),
    ],
)
def test_what_only_looks_like_a_named_group_is_left_alone(pattern: str, path: str) -> None:
    assert path_pattern(pattern).match(path)


@pytest.mark.parametrize(
    ("pattern", "path", "other"),
    [
        ("/fo%6f$", "/foo", "/fo%6F"),
        ("/a%2eb$", "/a.b", "/axb"),
        ("/a%3ab$", "/a%3Ab", "/a:b"),
        ("/fö+$", "/f%C3%B6%C3%B6", "/f%C3%B6%B6"),
    ],
)
def test_encodings_in_a_paths_expression_are_brought_into_normal_form(pattern: str, path: str, other: str) -> None:
    assert path_pattern(pattern).match(path)
    assert path_pattern(pattern).match(other) is None


def test_character_classes_mean_ascii() -> None:
    assert header_pattern(r"^\d+$").search("\u0663") is None


def test_a_headers_expression_is_not_a_paths_and_knows_no_case() -> None:
    assert header_pattern("^NORTH-é%41$").search("north-é%41")


@pytest.mark.parametrize("pattern", ["/(", "/[[:nonsense:]]", "/(?<1>a)", "/(?R)", "/a{2,1}"])
def test_an_expression_that_cannot_be_compiled_is_named(pattern: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(pattern))):
        path_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        (r"/users/(\d+)", "/users/"),
        ("/chat$", "/chat"),
        ("/chats?", "/chat"),
        ("/chats*", "/chat"),
        ("/chats{2}", "/chat"),
        (r"/v1\.0/x.y", "/v1.0/x"),
        (r"/v1\.?0", "/v1"),
        ("/a|/b", ""),
        ("/a/(b|c)", "/a/"),
        ("/a/[|]", "/a/"),
        (r"/a\|b", "/a|b"),
        ("/a/(?#(|)b|/c", ""),
        ("(?i)/chat", ""),
        (r"/\d", "/"),
        ("", ""),
    ],
)
def test_the_literal_prefix_is_what_every_match_begins_with(pattern: str, prefix: str) -> None:
    assert literal_prefix(path_pattern(pattern)) == prefix
