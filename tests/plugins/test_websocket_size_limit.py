"""websocket-size-limit: exactly the limit passes, one byte more ends the session."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.pdk.testing import Conversation, binary, close, continuation, ping, text
from tests.plugins.stage import faults

TOO_LARGE = close(1009, "Payload Too Large")
MIB = 1024 * 1024


def talk(**config: Any) -> Conversation:
    return Conversation("websocket-size-limit", config=config)


def test_a_message_of_exactly_the_limit_passes() -> None:
    with talk(client_max_payload=5) as conversation:
        assert conversation.client_sends("hello").upstream == [text("hello")]


def test_one_byte_more_is_1009_for_the_sender_and_1001_for_the_other() -> None:
    with talk(client_max_payload=5) as conversation:
        reaction = conversation.client_sends("hello!")
        assert reaction.client == [TOO_LARGE]
        assert reaction.upstream == [close(1001)]


def test_the_upstream_has_a_limit_of_its_own() -> None:
    with talk(client_max_payload=100, upstream_max_payload=5) as conversation:
        assert conversation.client_sends("hello!").upstream == [text("hello!")]
        reaction = conversation.upstream_sends(b"123456")
        assert reaction.upstream == [TOO_LARGE]
        assert reaction.client == [close(1001)]


def test_fragments_count_together() -> None:
    with talk(client_max_payload=6) as conversation:
        assert conversation.client_sends(text("abc", final=False), continuation("def")).upstream == [text("abcdef")]
        assert conversation.client_sends(text("abc", final=False), continuation("defg")).client == [TOO_LARGE]


def test_bytes_are_counted_and_not_characters() -> None:
    with talk(client_max_payload=5) as conversation:
        assert conversation.client_sends("äöü").client == [TOO_LARGE]


def test_control_frames_have_no_limit() -> None:
    with talk(client_max_payload=1) as conversation:
        assert conversation.client_sends(ping(b"longer")).upstream == [ping(b"longer")]
        assert conversation.client_sends(close(1000, "longer")).upstream == [close(1000, "longer")]


def test_the_side_without_a_limit_is_not_limited() -> None:
    with talk(upstream_max_payload=5) as conversation:
        assert conversation.client_sends(b"x" * 2 * MIB).upstream == [binary(b"x" * 2 * MIB)]


def test_a_limit_can_be_above_the_default() -> None:
    with talk(client_max_payload=3 * MIB) as conversation:
        assert conversation.client_sends(b"x" * 3 * MIB).upstream == [binary(b"x" * 3 * MIB)]


@pytest.mark.parametrize("size", [1, 33554432])
def test_a_limit_is_between_1_byte_and_32_mib(size: int) -> None:
    assert faults("websocket-size-limit", client_max_payload=size) == []


@pytest.mark.parametrize("size", [0, -1, 33554433, "many"])
def test_another_limit_is_an_error(size: object) -> None:
    (fault,) = faults("websocket-size-limit", client_max_payload=size)
    assert fault.startswith("client_max_payload: must be ")


def test_no_limit_at_all_is_an_error() -> None:
    (fault,) = faults("websocket-size-limit")
    assert fault == "at least one of client_max_payload, upstream_max_payload is required"
