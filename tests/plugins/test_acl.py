"""acl: who is in which group decides who comes in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.stage import ALICE, BOB, NOBODY, Outcome, credential, exchange, faults, handshake, plugin

GROUPS = {
    "acls": [
        credential(ALICE, group="staff"),
        credential(ALICE, group="chat users"),
        credential(BOB, group="guests"),
    ]
}
CREDENTIAL = {"id": "cred"}


def come(
    consumer: dict[str, Any] | None = ALICE,
    credential: dict[str, Any] | None = CREDENTIAL,
    *,
    groups: Any = None,
    fields: Any = (),
    **config: Any,
) -> Outcome:
    connection = exchange(fields, entities=GROUPS, consumer=consumer, credential=credential)
    if groups is not None:
        connection.shared.__dict__["authenticated_groups"] = groups
    return handshake(plugin("acl", **config), connection)


# allow


def test_a_consumer_in_an_allowed_group_comes_in_and_the_upstream_is_told_all_its_groups() -> None:
    seen = come(allow=["x", "staff"], fields=[("X-Consumer-Groups", "root")])
    assert (seen.status, seen.told("X-Consumer-Groups")) == (None, "staff, chat users")


@pytest.mark.parametrize("group", ["guests", "STAFF", "staf", "staff, chat users", "chat"])
def test_a_consumer_in_no_allowed_group_is_refused(group: str) -> None:
    seen = come(allow=[group])
    assert (seen.status, seen.said) == (403, {"message": "You cannot consume this service"})


def test_a_consumer_without_groups_is_refused() -> None:
    assert come(NOBODY, allow=["staff"]).status == 403


# deny


def test_a_consumer_in_a_denied_group_is_refused() -> None:
    assert come(deny=["x", "staff"]).status == 403


def test_a_consumer_in_no_denied_group_comes_in() -> None:
    assert come(deny=["guests"]).told("X-Consumer-Groups") == "staff, chat users"
    seen = come(NOBODY, deny=["guests"])
    assert (seen.status, seen.told("X-Consumer-Groups")) == (None, None)


# Who is not known


@pytest.mark.parametrize("config", [{"allow": ["staff"]}, {"deny": ["staff"]}])
def test_a_client_that_is_no_consumer_is_refused_with_401(config: Any) -> None:
    seen = come(None, None, **config)
    assert (seen.status, seen.said) == (401, {"message": "Unauthorized"})


def test_a_client_with_a_credential_of_no_consumer_is_refused_with_403() -> None:
    assert come(None, allow=["staff"]).status == 403


def test_the_anonymous_consumer_is_refused_with_401_where_it_has_no_group_and_with_403_where_it_has() -> None:
    assert come(NOBODY, None, allow=["staff"]).status == 401
    assert come(BOB, None, allow=["staff"]).status == 403
    assert come(BOB, None, allow=["guests"]).status is None


# Groups that another plugin has found


def test_groups_of_another_plugin_count_where_there_is_no_consumer() -> None:
    seen = come(None, None, groups=["staff", "more"], allow=["staff"])
    assert (seen.status, seen.told("X-Authenticated-Groups")) == (None, "staff, more")
    assert seen.told("X-Consumer-Groups") is None
    assert come(None, None, groups=["other"], allow=["staff"]).status == 403


def test_groups_of_another_plugin_count_for_the_anonymous_consumer() -> None:
    assert come(NOBODY, None, groups=["staff"], allow=["staff"]).status is None


def test_for_any_other_consumer_its_own_groups_count_unless_the_configuration_says_otherwise() -> None:
    assert come(groups=["guests"], allow=["guests"]).status == 403
    seen = come(groups=["guests"], allow=["guests"], always_use_authenticated_groups=True)
    assert (seen.status, seen.told("X-Authenticated-Groups")) == (None, "guests")
    assert come(allow=["staff"], always_use_authenticated_groups=True).status is None


# What the upstream is told


def test_the_upstream_is_not_told_where_the_groups_are_hidden_nor_what_the_client_claims() -> None:
    seen = come(allow=["staff"], hide_groups_header=True, fields=[("X-Consumer-Groups", "root")])
    assert (seen.status, seen.told("X-Consumer-Groups")) == (None, None)


def test_a_group_that_is_not_ascii_goes_out_as_utf_8() -> None:
    told = come(None, None, groups=["gäste"], allow=["gäste"]).told("X-Authenticated-Groups")
    assert told is not None and told.encode("latin-1").decode() == "gäste"


# The configuration


def test_what_a_namesakes_file_carries_is_accepted() -> None:
    assert faults("acl", allow=["a"], deny=None, hide_groups_header=False, include_consumer_groups=False) == []
    assert faults("acl", allow=["a"], deny=[]) == []


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "exactly one of allow, deny is required"),
        ({"allow": []}, "exactly one of allow, deny is required"),
        ({"allow": ["a"], "deny": ["b"]}, "exactly one of allow, deny is required"),
        ({"whitelist": ["a"], "allow": ["a"]}, "whitelist: there is no such field"),
        ({"allow": ["a"], "include_consumer_groups": True}, "include_consumer_groups: must be false"),
    ],
)
def test_a_wrong_configuration_is_named(config: dict[str, Any], says: str) -> None:
    (fault,) = faults("acl", **config)
    assert fault.startswith(says)
