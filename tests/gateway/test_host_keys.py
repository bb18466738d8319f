"""Hosts: names without regard to case, ports, and one wildcard label at an end."""

from __future__ import annotations

import pytest

from framegate.gateway.host_keys import host_key, keys_of, names_of, split_port


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [
        ("example.com", "example.com", None),
        ("EXAMPLE.com:8443", "example.com", "8443"),
        ("example.com.", "example.com", None),
        ("example.com:", "example.com", None),
        ("127.0.0.1:80", "127.0.0.1", "80"),
        ("[::1]", "::1", None),
        ("[::1]:8000", "::1", "8000"),
        ("::1", "::1", None),
        ("[::1", "[::1", None),
        ("example:http", "example:http", None),
        ("", "", None),
    ],
)
def test_a_host_is_a_name_and_perhaps_a_port(host: str, name: str, port: str | None) -> None:
    assert split_port(host) == (name, port)


@pytest.mark.parametrize("host", ["*", "*.", "a.*.b", "*.a.*", "*a.com", "a*", "a.b*"])
def test_a_wildcard_stands_for_whole_labels_at_one_end(host: str) -> None:
    with pytest.raises(ValueError, match="first or last label"):
        host_key(host)


def test_a_name_is_also_looked_for_under_each_wildcard_that_stands_for_it() -> None:
    assert names_of("a.b.com") == ["a.b.com", "*.b.com", "a.*", "*.com", "a.b.*"]


def test_a_name_longer_than_names_can_be_is_not_looked_for_under_wildcards() -> None:
    name = "a." * 200 + "com"

    assert names_of(name) == [name]


def test_without_a_port_a_host_has_the_default_one() -> None:
    assert keys_of("a.com", "80", wildcards=False) == [("a.com", "80"), ("a.com", None)]
    assert keys_of("a.com:81", "80", wildcards=False) == [("a.com", "81"), ("a.com", None)]


def test_an_empty_label_at_an_end_is_no_label_for_a_wildcard_to_stand_for() -> None:
    assert names_of(".com") == [".com", ".*"]
    assert names_of("a.") == ["a.", "*."]
