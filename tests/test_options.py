"""The two tables of options: defaults, what each option refuses and how it says so, and the rules between options."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from framegate import _rules
from framegate.codec import close
from framegate.options import KIB, MIB, ProxyOptions, ServerLimits, split_options

TABLES = (ProxyOptions, ServerLimits)
RULES = [(table, name, rule) for table in TABLES for name, rule in table.rules().items()]


def of_kind(*kinds: str) -> Any:
    chosen = [(table, name) for table, name, rule in RULES if rule.kind in kinds]
    return pytest.mark.parametrize(("table", "name"), chosen, ids=[name for _, name in chosen])


EACH_OPTION = pytest.mark.parametrize(("table", "name", "rule"), RULES, ids=[name for _, name, _ in RULES])


def refusal(table: Any, error: type[Exception], **options: Any) -> str:
    with pytest.raises(error) as caught:
        table.of(**options)
    return str(caught.value)


def test_the_defaults_of_a_proxy() -> None:
    assert ProxyOptions.defaults() == {
        "on_frame": None,
        "aggregate_fragments": False,
        "client_max_frame_size": "auto",
        "upstream_max_frame_size": "auto",
        "client_max_fragments": None,
        "upstream_max_fragments": None,
        "recv_timeout": None,
        "idle_timeout": None,
        "max_lifetime": None,
        "write_timeout": None,
        "ping_interval": None,
        "ping_timeout": 20,
        "lingering_timeout": 5,
        "lingering_time": 30,
        "connect_timeout": 10,
        "max_refusal_body": 64 * KIB,
        "compression": "auto",
        "validate_utf8": None,
        "write_high_water": 64 * KIB,
        "max_buffered": None,
        "debug": False,
    }


def test_the_defaults_of_a_server() -> None:
    assert ServerLimits.defaults() == {
        "handshake_timeout": 10,
        "max_request_line": 8 * KIB,
        "max_header_bytes": 64 * KIB,
        "max_headers": 128,
        "max_connections": None,
        "max_connections_per_address": None,
        "max_pending_handshakes": 1024,
        "drain_timeout": 10,
        "drain_window": 0,
        "drain_code": 1001,
    }


@EACH_OPTION
def test_each_default_keeps_its_own_rule_and_names_its_origin(table: Any, name: str, rule: Any) -> None:
    default = table.defaults()[name]
    assert rule.check(name, default) == default
    assert type(rule.check(name, default)) is type(default)
    assert rule.origin and rule.help and not rule.help.endswith(".")


def test_without_options_all_sessions_share_one_instance() -> None:
    assert ProxyOptions.of() is ProxyOptions.of()
    assert ServerLimits.of() is ServerLimits.of()


def test_options_cannot_change_and_carry_no_dictionary() -> None:
    options = ProxyOptions.of(debug=True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.debug = False  # type: ignore[misc]
    assert not hasattr(options, "__dict__")


def test_an_instance_that_breaks_a_rule_cannot_be_made_past_the_front_door_either() -> None:
    with pytest.raises(ValueError, match="max_lifetime"):
        ProxyOptions(max_lifetime=0)
    with pytest.raises(ValueError, match="max_lifetime"):
        dataclasses.replace(ProxyOptions(), max_lifetime=-1)


# Types


@EACH_OPTION
def test_an_object_of_no_use_is_a_type_error_that_names_option_and_rule(table: Any, name: str, rule: Any) -> None:
    message = refusal(table, TypeError, **{name: b"?"})
    assert message == f"{name} must be {rule.text}, not b'?'"


@of_kind("seconds", "bytes", "count", "code")
def test_a_bool_is_no_number(table: Any, name: str) -> None:
    assert refusal(table, TypeError, **{name: True}).startswith(f"{name} must be ")


@of_kind("flag")
def test_a_number_is_no_flag(table: Any, name: str) -> None:
    assert refusal(table, TypeError, **{name: 1}).startswith(f"{name} must be ")


@of_kind("bytes", "count", "code")
def test_a_float_is_no_whole_number(table: Any, name: str) -> None:
    refusal(table, TypeError, **{name: 1000.0})


@of_kind("seconds")
def test_an_int_is_a_number_of_seconds(table: Any, name: str) -> None:
    value = getattr(table.of(**{name: 30}), name)
    assert value == 30.0
    assert type(value) is float


@EACH_OPTION
def test_none_is_allowed_where_the_table_says_what_it_means(table: Any, name: str, rule: Any) -> None:
    if rule.none:
        assert getattr(table.of(**{name: None}), name) is None
    else:
        refusal(table, TypeError, **{name: None})


# Ranges


@of_kind("seconds")
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001])
def test_seconds_are_finite_and_not_negative(table: Any, name: str, value: float) -> None:
    assert repr(value) in refusal(table, ValueError, **{name: value})


@of_kind("bytes", "count")
def test_the_longest_payload_of_the_protocol_is_the_largest_number(table: Any, name: str) -> None:
    assert getattr(table.of(**{name: 2**63 - 1}), name) == 2**63 - 1
    assert "<= 9223372036854775807" in refusal(table, ValueError, **{name: 2**63})


@of_kind("seconds", "bytes", "count")
def test_the_edge_of_each_range(table: Any, name: str) -> None:
    rule = table.rules()[name]
    below, edge = (rule.least, rule.least + 0.001) if rule.above else (rule.least - 1, rule.least)
    others = {"lingering_timeout": 0.0005} if name == "lingering_time" else {}
    assert getattr(table.of(**others, **{name: edge}), name) == edge
    assert refusal(table, ValueError, **{name: below}) == f"{name} must be {rule.text}, not {below!r}"


def test_the_message_for_a_frame_size() -> None:
    message = refusal(ProxyOptions, ValueError, client_max_frame_size=0)
    assert message == 'client_max_frame_size must be "auto", None or an int >= 1, not 0'


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
def test_a_drain_may_use_a_code_that_may_be_sent(code: int) -> None:
    assert ServerLimits.of(drain_code=code).drain_code == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, -1, 2**70])
def test_a_drain_refuses_a_code_that_may_not_be_sent(code: int) -> None:
    assert "1000-1003, 1007-1014, 3000-4999" in refusal(ServerLimits, ValueError, drain_code=code)


@pytest.mark.parametrize("word", ["auto", "terminate", "pass", "off"])
def test_compression_takes_its_four_words(word: str) -> None:
    assert ProxyOptions.of(compression=word).compression == word


def test_a_word_that_is_almost_right_is_told_the_right_one() -> None:
    assert refusal(ProxyOptions, ValueError, compression="of").endswith("not 'of', did you mean 'off'?")
    assert "did you mean 'auto'?" in refusal(ProxyOptions, ValueError, upstream_max_frame_size="atuo")


# Rules between options


def test_lingering_time_is_not_shorter_than_lingering_timeout() -> None:
    assert ProxyOptions.of(lingering_time=5).lingering_time == 5
    message = refusal(ProxyOptions, ValueError, lingering_time=4.5)
    assert message == "lingering_time must be >= lingering_timeout: it is 4.5, and lingering_timeout is 5"
    refusal(ProxyOptions, ValueError, lingering_timeout=31)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("on_frame", print),
        ("aggregate_fragments", True),
        ("validate_utf8", True),
        ("client_max_frame_size", 1),
        ("upstream_max_frame_size", 1),
    ],
)
def test_compressed_frames_cannot_pass_what_must_read_them(reader: str, value: Any) -> None:
    refusal(ProxyOptions, ValueError, compression="pass", **{reader: value})
    assert ProxyOptions.of(compression="terminate", **{reader: value}).compression == "terminate"


def test_compressed_frames_cannot_pass_the_hook_of_a_subclass() -> None:
    options = ProxyOptions.of(compression="pass", validate_utf8=False, client_max_frame_size=None)
    options.refuse_pass_if_read(has_hook=False)
    with pytest.raises(ValueError, match="together with a hook"):
        options.refuse_pass_if_read(has_hook=True)


# Unknown names


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("client_max_framesize", "client_max_frame_size"),
        ("on_frames", "on_frame"),
        ("aggregate", "aggregate_fragments"),
    ],
)
def test_an_unknown_option_is_told_the_nearest_name(wrong: str, right: str) -> None:
    assert refusal(ProxyOptions, TypeError, **{wrong: 1}) == f"unknown option {wrong!r}, did you mean {right!r}?"


def test_an_unknown_option_that_resembles_none_is_told_no_name() -> None:
    assert refusal(ProxyOptions, TypeError, zzz=1) == "unknown option 'zzz'"


def test_options_given_together_go_to_their_tables() -> None:
    options, limits = split_options({"debug": True, "drain_timeout": 3, "max_headers": 7})
    assert (options.debug, limits.drain_timeout, limits.max_headers) == (True, 3.0, 7)
    assert options == ProxyOptions.of(debug=True)


def test_no_options_are_the_shared_defaults_of_both_tables() -> None:
    options, limits = split_options({})
    assert options is ProxyOptions.of()
    assert limits is ServerLimits.of()


def test_an_option_of_neither_table_is_refused_with_the_nearest_name_of_both() -> None:
    with pytest.raises(TypeError, match="unknown option 'drain_timout', did you mean 'drain_timeout'"):
        split_options({"drain_timout": 1, "debug": True})


def test_no_name_stands_in_both_tables() -> None:
    assert not ProxyOptions.rules().keys() & ServerLimits.rules().keys()


# What follows from the options


@pytest.mark.parametrize(
    ("has_hook", "aggregate", "reads"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_payloads_are_read_by_a_hook_or_joined(has_hook: bool, aggregate: bool, reads: bool) -> None:
    assert ProxyOptions.of(aggregate_fragments=aggregate).reads_payloads(has_hook) is reads


@pytest.mark.parametrize(("side", "read_limit"), [("client", 1 * MIB), ("upstream", 16 * MIB)])
def test_auto_limits_frames_only_where_payloads_are_read(side: str, read_limit: int) -> None:
    options = ProxyOptions.of()
    assert options.effective_max_frame_size(side, reads=True) == read_limit
    assert options.effective_max_frame_size(side, reads=False) is None


@pytest.mark.parametrize("side", ["client", "upstream"])
@pytest.mark.parametrize("limit", [1, 5 * MIB, None])
@pytest.mark.parametrize("reads", [True, False])
def test_a_limit_that_was_asked_for_holds_either_way(side: str, limit: int | None, reads: bool) -> None:
    options = ProxyOptions.of(**{f"{side}_max_frame_size": limit})
    assert options.effective_max_frame_size(side, reads) == limit
    other = "upstream" if side == "client" else "client"
    assert options.effective_max_frame_size(other, reads=False) is None


def test_each_side_has_its_own_limit_of_fragments() -> None:
    options = ProxyOptions.of(client_max_fragments=2, upstream_max_fragments=3)
    assert (options.max_fragments("client"), options.max_fragments("upstream")) == (2, 3)


@pytest.mark.parametrize(
    ("asked", "has_hook", "checked"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
def test_texts_are_checked_where_they_are_read_unless_said_otherwise(
    asked: bool | None, has_hook: bool, checked: bool
) -> None:
    assert ProxyOptions.of(validate_utf8=asked).checks_utf8(has_hook) is checked


def test_joined_texts_are_checked() -> None:
    assert ProxyOptions.of(aggregate_fragments=True).checks_utf8(has_hook=False)


def test_options_and_close_frames_agree_on_the_codes_that_may_be_sent() -> None:
    """The options may not know the codec, so the rule stands in both."""
    assert [code for code in range(70000) if _rules.may_be_sent(code) != close.may_be_sent(code)] == []
