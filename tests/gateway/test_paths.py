"""Paths: one normal form for all ways to write one, and the join with a service's path (RFC 3986, section 6.2.2)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from framegate.gateway.paths import normalise, upstream_path

# What hurts most: percent signs, hex digits, dots and slashes in every mix, and what must be encoded.
tricky = st.text(alphabet="/.%aA2fFeE5~:@ é\u20ac?#\\", max_size=24)
paths = st.builds("/{}".format, tricky)


@pytest.mark.parametrize(
    ("came", "normal"),
    [
        ("/", "/"),
        ("", "/"),
        ("/chat", "/chat"),
        ("/chat/", "/chat/"),
        ("chat", "/chat"),
    ],
)
def test_a_path_in_normal_form_stays_and_always_begins_with_a_slash(came: str, normal: str) -> None:
    assert normalise(came) == normal


@pytest.mark.parametrize(
    ("came", "normal"),
    [
        ("/fo%6F", "/foo"),
        ("/%41%7a%30%2D%2e%5f%7E", "/Az0-._~"),
        ("/foo%3a", "/foo%3A"),
        ("/a%2fb", "/a%2Fb"),
        ("/a%3fb%23c", "/a%3Fb%23c"),
        ("/%c3%b6", "/%C3%B6"),
        ("/%00%20", "/%00%20"),
    ],
)
def test_unreserved_characters_are_decoded_and_others_keep_their_encoding_in_upper_case(came: str, normal: str) -> None:
    assert normalise(came) == normal


@pytest.mark.parametrize(
    ("came", "normal"),
    [
        ("/ö", "/%C3%B6"),
        ("/a b", "/a%20b"),
        ("/a?b#c", "/a%3Fb%23c"),
        ('/"<>\\^`{|}', "/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("/!$&'()*+,;=:@[]", "/!$&'()*+,;=:@[]"),
    ],
)
def test_what_may_not_stand_in_a_path_is_encoded(came: str, normal: str) -> None:
    assert normalise(came) == normal


@pytest.mark.parametrize(
    ("came", "normal"),
    [("/100%", "/100%25"), ("/%zz", "/%25zz"), ("/%%34%31", "/%2541"), ("/%2%35", "/%2525")],
)
def test_a_percent_sign_that_encodes_nothing_is_encoded_and_so_never_becomes_part_of_an_encoding(
    came: str, normal: str
) -> None:
    assert normalise(came) == normal


@pytest.mark.parametrize(
    ("came", "normal"),
    [
        ("/foo/./bar/../baz", "/foo/baz"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/..", "/"),
        ("/../../etc", "/etc"),
        ("/a/../../b", "/b"),
        ("/%2e%2E/admin", "/admin"),
        ("/a/%2e%2e/b", "/b"),
        ("/a/..%2fb", "/a/..%2Fb"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a../b", "/a../b"),
        ("/.../b", "/.../b"),
    ],
)
def test_dot_segments_are_resolved_and_never_leave_the_root(came: str, normal: str) -> None:
    assert normalise(came) == normal


@pytest.mark.parametrize(
    ("came", "normal"), [("//", "/"), ("/a//b", "/a/b"), ("/a//", "/a/"), ("//a", "/a"), ("/a//../b", "/b")]
)
def test_slashes_in_a_row_become_one_before_dots_are_resolved(came: str, normal: str) -> None:
    assert normalise(came) == normal


@given(paths)
@example("/%25%32%65%25%32%65/")
def test_normalising_twice_changes_nothing_more(path: str) -> None:
    once = normalise(path)

    assert normalise(once) == once


@given(paths)
def test_the_normal_form_is_a_path_without_dot_segments_or_double_slashes(path: str) -> None:
    normal = normalise(path)

    assert re.fullmatch(r"(?:/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@\[\]]|%[0-9A-F]{2})*)+", normal)
    assert "//" not in normal
    assert not {".", ".."} & set(normal.split("/"))


@given(st.lists(st.text(alphabet="ab%é :", min_size=1, max_size=4), max_size=4))
def test_without_dots_and_double_slashes_the_normal_form_means_the_same_octets(segments: list[str]) -> None:
    came = "/" + "/".join(segments)
    meant = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", came)

    assert unquote_to_bytes(normalise(came)) == unquote_to_bytes(meant)


# Joining with the service's path: the published examples of the reference, and the ends of each case.


@pytest.mark.parametrize(
    ("base", "matched", "path", "strip", "handling", "upstream"),
    [
        ("/s", "/fv0", "/fv0/req", False, "v0", "/s/fv0/req"),
        ("/s", "/fv0", "/fv0", False, "v0", "/s/fv0"),
        ("/s", "/fv1", "/fv1/req", False, "v1", "/sfv1/req"),
        ("/s", "/fv1", "/fv1", False, "v1", "/sfv1"),
        ("/s", "/tv0", "/tv0/req", True, "v0", "/s/req"),
        ("/s", "/tv0", "/tv0", True, "v0", "/s"),
        ("/s", "/tv1", "/tv1/req", True, "v1", "/s/req"),
        ("/s", "/tv1", "/tv1", True, "v1", "/s"),
        ("/s", "/fv0/", "/fv0/req", False, "v0", "/s/fv0/req"),
        ("/s", "/fv1/", "/fv1/req", False, "v1", "/sfv1/req"),
        ("/s", "/tv0/", "/tv0/req", True, "v0", "/s/req"),
        ("/s", "/tv1/", "/tv1/req", True, "v1", "/sreq"),
        ("/s", "/fv0", "/fv0req", False, "v0", "/s/fv0req"),
        ("/s", "/fv1", "/fv1req", False, "v1", "/sfv1req"),
        ("/s", "/tv0", "/tv0req", True, "v0", "/s/req"),
        ("/s", "/tv1", "/tv1req", True, "v1", "/sreq"),
    ],
)
def test_the_published_examples_of_path_handling_hold(
    base: str, matched: str, path: str, strip: bool, handling: str, upstream: str
) -> None:
    assert upstream_path(base, path, matched, strip=strip, handling=handling) == upstream


@pytest.mark.parametrize(
    ("base", "matched", "path", "strip", "upstream"),
    [
        ("/", "/chat", "/chat", True, "/"),
        ("/", "/chat", "/chat/", True, "/"),
        ("/", "/chat", "/chat/a", True, "/a"),
        ("/s/", "/chat", "/chat", True, "/s"),
        ("/s/", "/chat/", "/chat/", True, "/s/"),
        ("/s", "/chat/", "/chat/", True, "/s/"),
        ("/s", "/", "/", True, "/s"),
        ("/s/", "/", "/", True, "/s/"),
        ("/s/", "/chat", "/chat/a", True, "/s/a"),
        ("/", "/chat", "/chat/a", False, "/chat/a"),
        ("/s/", "/chat", "/chat", False, "/s/chat"),
        ("/s", "/", "/", False, "/s"),
        ("/s/", "/", "/", False, "/s/"),
    ],
)
def test_v0_joins_with_one_slash_and_keeps_a_last_slash_that_the_client_sent(
    base: str, matched: str, path: str, strip: bool, upstream: str
) -> None:
    assert upstream_path(base, path, matched, strip=strip, handling="v0") == upstream


@pytest.mark.parametrize(
    ("base", "path", "upstream"), [("/s/", "/chat/a", "/s/a"), ("/s", "/chat/a", "/s/a"), ("/", "/chat", "/")]
)
def test_v1_drops_one_of_two_slashes(base: str, path: str, upstream: str) -> None:
    assert upstream_path(base, path, "/chat", strip=True, handling="v1") == upstream


@pytest.mark.parametrize("strip", [True, False])
def test_a_route_without_path_hands_the_whole_path_on(strip: bool) -> None:
    assert upstream_path("/s", "/a/b", "", strip=strip, handling="v0") == "/s/a/b"


@pytest.mark.parametrize(
    ("path", "upstream"),
    [("/chat../secret", "/s/secret"), ("/chat./x", "/s/x"), ("/chat..", "/s"), ("/chat.", "/s"), ("/chat.x", "/s/.x")],
)
@pytest.mark.parametrize("base", ["/s", "/s/"])
def test_what_is_left_of_a_path_never_climbs_out_of_the_services_path(path: str, upstream: str, base: str) -> None:
    assert upstream_path(base, path, "/chat", strip=True, handling="v0") == upstream


@given(
    st.sampled_from(["/", "/s", "/s/", "/s/t", "/s/t/"]),
    st.sampled_from(["/", "/a", "/a/", "/a.", "/%61", "/a/b"]),
    tricky,
    st.booleans(),
)
def test_v0_always_gives_a_normal_path_below_the_services(base: str, prefix: str, rest: str, strip: bool) -> None:
    matched = normalise(prefix)
    path = normalise(matched + rest)
    assume(path.startswith(matched))
    joined = upstream_path(base, path, matched, strip=strip, handling="v0")

    assert joined.startswith(base.rstrip("/"))
    assert normalise(joined) == joined
