"""The plugins of examples/chat, each on its own, as one tests one's own plugins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from framegate.errors import ConfigError
from framegate.pdk.testing import Conversation, close, ping, text
from tests.examples.kit import EXAMPLES

PLUGINS = EXAMPLES / "chat" / "plugins"
PROFANITY, RATE_LIMIT, READ_ONLY = PLUGINS / "profanity.py", PLUGINS / "rate_limit.py", PLUGINS / "read_only.py"

ANNA, GUS = {"id": "c1", "username": "anna"}, {"id": "c2", "username": "gus"}
GROUPS = [
    {"id": "g1", "consumer": {"id": "c1"}, "group": "guests"},
    {"id": "g2", "consumer": {"id": "c1"}, "group": "members"},
    {"id": "g3", "consumer": {"id": "c2"}, "group": "guests"},
]
WHO = '{"type": "who"}'


def say(words: str) -> str:
    return json.dumps({"type": "say", "text": words}, ensure_ascii=False)


def notice(words: str) -> str:
    return json.dumps({"type": "notice", "text": words})


# profanity


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Damn!", "****!"),
        ("damn damn", "**** ****"),
        ("undamned, damned", "undamned, damned"),
        ("what the h.ll", "what the ****"),
        ("hell", "hell"),
        ("grün & damn", "grün & ****"),
    ],
)
def test_words_are_starred_out(said: str, heard: str) -> None:
    talk = Conversation(PROFANITY, config={"words": ["damn", "h.ll"]})
    assert talk.client_sends(say(said)).upstream == [text(say(heard))]


def test_a_word_is_found_however_the_json_spells_it() -> None:
    talk = Conversation(PROFANITY, config={"words": ["damn"]})
    assert talk.client_sends('{"type":"say","text":"d\\u0061mn"}').upstream == [text(say("****"))]


@pytest.mark.parametrize("sent", ['{ "type":"say", "text":"fine \\u0041" }', '{"type":"who","damn":"damn"}'])
def test_what_need_not_be_changed_goes_on_byte_for_byte(sent: str) -> None:
    assert Conversation(PROFANITY, config={"words": ["damn"]}).client_sends(sent).upstream == [text(sent)]


def test_the_servers_words_are_its_own() -> None:
    talk = Conversation(PROFANITY, config={"words": ["damn"]})
    assert talk.upstream_sends(say("damn")).client == [text(say("damn"))]


def test_a_list_without_words_is_refused() -> None:
    with pytest.raises(ConfigError, match="words: "):
        Conversation(PROFANITY, config={"words": []})


# rate-limit


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limited(**config: Any) -> tuple[Conversation, Clock]:
    talk, clock = Conversation(RATE_LIMIT, config=config), Clock()
    talk.plugins[0].handler.clock = clock
    return talk, clock


def test_a_burst_passes_and_one_more_does_not() -> None:
    talk, _ = limited(burst=2)
    assert talk.client_sends(WHO, WHO).upstream == [text(WHO), text(WHO)]
    reaction = talk.client_sends(WHO)
    assert reaction.client == [text(notice("That was too fast. Good bye.")), close(1008, "too many messages")]
    assert reaction.upstream == [close(1001)]


def test_time_refills_the_bucket() -> None:
    talk, clock = limited(burst=1, per_second=0.5)
    talk.client_sends(WHO)
    clock.now += 2
    assert talk.client_sends(WHO).upstream == [text(WHO)]
    clock.now += 1.9
    assert talk.client_sends(WHO).client[-1] == close(1008, "too many messages")


def test_the_bucket_never_holds_more_than_a_burst() -> None:
    talk, clock = limited(burst=2, per_second=1)
    talk.client_sends(WHO)
    clock.now += 3600
    talk.client_sends(WHO, WHO)
    assert talk.client_sends(WHO).client[-1] == close(1008, "too many messages")


def test_control_frames_and_the_servers_messages_are_free() -> None:
    talk, _ = limited(burst=1)
    talk.client_sends(ping("a"), ping("b"))
    talk.upstream_sends("x", "y")
    assert talk.client_sends(WHO).upstream == [text(WHO)]


def test_connections_have_buckets_of_their_own() -> None:
    for _ in range(2):
        talk, _ = limited(burst=1)
        assert talk.client_sends(WHO).upstream == [text(WHO)]


# read-only


def reading(consumer: Any, **config: Any) -> Conversation:
    return Conversation(
        READ_ONLY, config={"writers": ["members"], **config}, consumer=consumer, entities={"acls": GROUPS}
    )


def test_a_member_may_write() -> None:
    assert reading(ANNA).client_sends(say("hello")).upstream == [text(say("hello"))]


@pytest.mark.parametrize("consumer", [GUS, None])
def test_others_are_told_that_they_may_not(consumer: Any) -> None:
    reaction = reading(consumer).client_sends(say("hello"))
    assert (reaction.client, reaction.upstream) == ([text(notice("You may read here, and not write."))], [])


def test_what_is_no_writing_passes() -> None:
    assert reading(GUS).client_sends(WHO, ping("x")).upstream == [text(WHO), ping("x")]


def test_what_is_writing_can_be_said() -> None:
    talk = reading(GUS, types=["who"])
    assert talk.client_sends(WHO).upstream == []
    assert talk.client_sends(say("hello")).upstream == [text(say("hello"))]


# all of them


def test_they_run_in_the_order_of_the_file() -> None:
    talk = Conversation((PROFANITY, {"words": ["x"]}), (READ_ONLY, {"writers": ["members"]}), (RATE_LIMIT, None))
    assert [plugin.name for plugin in talk.plugins] == ["rate-limit", "read-only", "profanity"]
