"""``kong.db``: what the configuration holds."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.pdk import PDKError
from tests.pdk.stage import ANNA, ANNAS_KEY, BERT, before_the_request, kong


def test_an_entity_is_found_by_its_id() -> None:
    assert kong().db.consumers.select(ANNA["id"]) == ANNA
    assert kong().db.consumers.select("none") is None


def test_an_entity_is_found_by_a_field() -> None:
    assert kong().db.consumers.select_by("username", "bert") == BERT
    assert kong().db.keyauth_credentials.select_by("key", "s3cret") == ANNAS_KEY
    assert kong().db.keyauth_credentials.select_by("key", "other") is None
    assert kong().db.consumers.select_by("no_such_field", "x") is None


def test_entities_are_found_by_what_they_belong_to() -> None:
    groups = kong().db.acls.each_by("consumer", ANNA["id"])
    assert [group["group"] for group in groups] == ["admins", "users"]
    assert kong().db.acls.each_by("consumer", BERT["id"]) == ()


def test_all_entities_of_a_kind_are_given() -> None:
    assert kong().db.consumers.each() == (ANNA, BERT)


def test_a_kind_that_the_file_has_none_of_is_empty() -> None:
    assert kong().db.jwt_secrets.each() == ()
    assert before_the_request().db.consumers.select("x") is None


def test_a_kind_that_is_not_there_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(PDKError) as error:
        _ = kong().db.consumer
    assert str(error.value) == "kong.db.consumer: there is no such kind of entity, did you mean 'consumers'?"


def test_an_entity_cannot_be_changed() -> None:
    consumer: Any = kong().db.consumers.select(ANNA["id"])
    with pytest.raises(TypeError):
        consumer["username"] = "eve"


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (("select", None), "kong.db.consumers.select: id is a str, not None"),
        (("select_by", 1, "x"), "kong.db.consumers.select_by: field is a str, not int"),
        (("select_by", "tags", ["x"]), "kong.db.consumers.select_by: value is a str, an int or a bool, not list"),
        (("each_by", "username", None), "kong.db.consumers.each_by: value is a str, an int or a bool, not None"),
    ],
)
def test_what_is_looked_for_is_a_str_or_a_number(call: tuple[Any, ...], rule: str) -> None:
    name, *arguments = call
    with pytest.raises(PDKError) as error:
        getattr(kong().db.consumers, name)(*arguments)
    assert str(error.value) == rule


def test_what_python_itself_asks_for_is_no_kind() -> None:
    assert not hasattr(kong().db, "__len__")
    assert not hasattr(kong().db, "_private")
