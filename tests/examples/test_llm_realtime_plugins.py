"""The plugins of examples/llm-realtime, each on its own, as one tests one's own plugins."""

from __future__ import annotations

import ast
import base64
import importlib.util
import json
from collections import Counter
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framegate.errors import ConfigError
from framegate.pdk.testing import Conversation, Frame, binary, close, ping, text
from tests.examples.kit import EXAMPLES

PLUGINS = EXAMPLES / "llm-realtime" / "plugins"
REDACT, METER = PLUGINS / "redact.py", PLUGINS / "meter.py"
ANNA = {"id": "c1", "username": "anna"}

PAIRS = [
    ("write to anna.b+c@mail.example.com.", "write to [email]."),
    ("<anna@example.com>,ben@example.org", "<[email]>,[email]"),
    ("anna@example, @anna, 5@6", "anna@example, @anna, 5@6"),
    ("4111111111111111", "[card]"),
    ("no. 12 4111 1111 1111 1111 12", "no. 12 [card] 12"),
    ("1234 4111-1111-1111-1111", "1234 [card]"),
    ("1234 4111 1111 1111 1111", "1234 [card]"),
    ("3782 822463 10005", "[card]"),
    ("4111111111111112, 41111111111111111111", "4111111111111112, 41111111111111111111"),
    ("+49 (0) 30 1234-567!", "[phone]!"),
    ("0049301234567", "[phone]"),
    ("(212) 555-0123 or 212-555-0123", "[phone] or [phone]"),
    ("at 10:30 on 2026-01-31, 3 of 4, 1.5", "at 10:30 on 2026-01-31, 3 of 4, 1.5"),
    ("+4930123456@example.com", "[email]"),
]


def secrets_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("llm_realtime_secrets", PLUGINS / "_secrets.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SECRETS = secrets_module()


def event(typ: str, **fields: Any) -> str:
    return json.dumps({"type": typ, **fields}, ensure_ascii=False, separators=(",", ":"))


def delta(piece: str, number: int = 1, *, item: str = "i1") -> str:
    fields = {"event_id": f"e{number}", "response_id": "r1", "item_id": item, "content_index": 0}
    return event("response.output_text.delta", **fields, delta=piece)


def done(whole: str, *, item: str = "i1") -> str:
    return event("response.output_text.done", response_id="r1", item_id=item, content_index=0, text=whole)


def deltas(frames: list[Frame]) -> list[str]:
    events = [json.loads(frame.text) for frame in frames]
    return [event["delta"] for event in events if event["type"].endswith(".delta")]


# What counts as a secret


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_secrets_are_found_and_other_text_is_not(before: str, after: str) -> None:
    talk = Conversation(REDACT)
    sent = event("session.update", session={"instructions": before})
    assert talk.client_sends(sent).upstream == [text(event("session.update", session={"instructions": after}))]


CRUMBS = ["anna", "@", "example", ".", "com", "+49", "(", "4111", "1111", " ", "-", "é", "\n"]
PIECES = st.sampled_from([before for before, _ in PAIRS] + CRUMBS)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=8).map("".join), st.lists(st.integers(0, 200), max_size=12), st.integers(0, 40))
def test_a_stream_comes_out_as_the_whole_text_would_however_it_is_cut(whole: str, cuts: list[int], hold: int) -> None:
    secrets, found = SECRETS.Secrets(SECRETS.KINDS, {"name": r"anna\s+\d+"}), Counter[str]()
    stream = SECRETS.Stream(secrets, max(hold, 30))
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    out = [stream.feed(whole[start:end], found) for start, end in pairwise(edges)]
    assert "".join(out) + stream.rest(found) == secrets.redact(whole, Counter())


@pytest.mark.parametrize("filler", ["a", "1", "1 ", "a@", "a.", "+", "(", "1-"])
def test_no_text_makes_it_slow(filler: str) -> None:
    long = filler * 50_000
    assert SECRETS.Secrets(SECRETS.KINDS, {}).redact(long, Counter()) is not None


def test_what_is_held_back_is_bounded() -> None:
    stream = SECRETS.Stream(SECRETS.Secrets(SECRETS.KINDS, {}))
    assert len(stream.feed("a" * 10_000, Counter())) == 10_000 - SECRETS.MOST_HELD


# Redaction of events


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            event("conversation.item.create", item={"content": [{"type": "input_text", "text": "a@example.com"}]}),
            event("conversation.item.create", item={"content": [{"type": "input_text", "text": "[email]"}]}),
        ),
        (
            event("conversation.item.create", item={"type": "function_call_output", "output": "a@example.com"}),
            event("conversation.item.create", item={"type": "function_call_output", "output": "[email]"}),
        ),
        (
            event("response.create", response={"instructions": "ask a@example.com"}),
            event("response.create", response={"instructions": "ask [email]"}),
        ),
    ],
)
def test_texts_of_the_client_are_redacted(before: str, after: str) -> None:
    assert Conversation(REDACT).client_sends(before).upstream == [text(after)]


@pytest.mark.parametrize(
    "sent",
    [
        '{ "type":"session.update", "session":{"instructions":"nothing \\u0041"} }',
        event("input_audio_buffer.append", audio="4111111111111111"),
        event("unknown.event", text="a@example.com"),
        event("session.update", session="a@example.com"),
        event("conversation.item.create", item={"content": "a@example.com"}),
        event("response.output_text.delta", delta="a@example.com"),
    ],
)
def test_all_else_of_the_client_goes_on_byte_for_byte(sent: str) -> None:
    assert Conversation(REDACT).client_sends(sent).upstream == [text(sent)]


def test_audio_and_control_frames_of_the_upstream_are_left_alone() -> None:
    sent = event("response.output_audio.delta", delta="4111111111111111")
    talk = Conversation(REDACT)
    assert talk.upstream_sends(sent, binary(b"\x00"), ping("a@b.example")).client == [
        text(sent),
        binary(b"\x00"),
        ping("a@b.example"),
    ]


def test_a_secret_that_is_cut_in_two_does_not_leak() -> None:
    talk = Conversation(REDACT)
    pieces = delta("Mail anna@exa"), delta("mple.com now", 2)
    out = talk.upstream_sends(*pieces, done("Mail anna@example.com now")).client
    assert deltas(out) == ["Mail ", "[email] ", "now"]
    assert json.loads(out[-1].text)["text"] == "Mail [email] now"


def test_what_was_held_back_comes_as_one_more_delta_before_the_end() -> None:
    talk = Conversation(REDACT)
    assert talk.upstream_sends(delta("4111 1111", 7)).client == [text(delta("", 7))]
    out = talk.upstream_sends(done("4111 1111")).client
    rest = json.loads(delta("4111 1111")) | {"event_id": "e7_rest"}
    assert [json.loads(frame.text) for frame in out] == [rest, json.loads(done("4111 1111"))]


def test_a_response_that_ends_without_its_done_loses_nothing() -> None:
    talk = Conversation(REDACT)
    talk.upstream_sends(delta("half a wo"))
    out = talk.upstream_sends(event("response.done", response={"id": "r1", "status": "cancelled"})).client
    assert deltas(out) == ["wo"]


def test_streams_do_not_mix() -> None:
    talk = Conversation(REDACT)
    pieces = delta("anna@"), delta("example.com ", item="i2"), delta("there", 2)
    out = talk.upstream_sends(*pieces, done("", item="i2")).client
    assert deltas(out) == ["", "example.com ", ""]


def test_a_client_cannot_make_held_text_come_out() -> None:
    talk = Conversation(REDACT)
    talk.upstream_sends(delta("anna@exam"))
    assert talk.client_sends(done(""), event("response.done", response={"id": "r1"})).client == []


def test_own_patterns_with_white_space_need_hold() -> None:
    talk = Conversation(REDACT, config={"kinds": [], "patterns": {"project": "blue bird"}, "hold": 9})
    out = talk.upstream_sends(delta("our blue "), delta("bird flies"), done("our blue bird flies")).client
    assert "".join(deltas(out)) == "our [project] flies"


def test_kinds_can_be_chosen() -> None:
    talk = Conversation(REDACT, config={"kinds": ["card"]})
    sent = event("error", error={"message": "a@example.com 4111111111111111"})
    assert talk.upstream_sends(sent).client == [text(sent.replace("4111111111111111", "[card]"))]


def test_a_broken_pattern_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"patterns: '\(' is no regular expression: "):
        Conversation(REDACT, config={"patterns": {"x": "("}})


def test_replacements_are_counted_for_the_record() -> None:
    talk = Conversation(REDACT, Reader)
    talk.client_sends(event("session.update", session={"instructions": "a@b.example, c@d.example"}))
    talk.ends()
    assert talk.log[-1].message == str({"redacted": {"email": 2}})


class Reader:
    """Logs what the plugins before it have added to the record."""

    priority = -1

    def __init__(self, config: Any) -> None: ...

    def ws_close(self, kong: Any) -> None:
        record = kong.log.serialize()
        kong.log({name: record[name] for name in ("redacted", "usage", "consumer_usage") if name in record})


# The meter


def response_done(tokens_in: int, tokens_out: int) -> str:
    usage = {"input_tokens": tokens_in, "output_tokens": tokens_out}
    return event("response.done", response={"id": "r1", "usage": usage})


def metered(**config: Any) -> Conversation:
    return Conversation((METER, config), Reader, consumer=ANNA)


def figures(talk: Conversation) -> dict[str, Any]:
    talk.ends()
    found: dict[str, Any] = ast.literal_eval(talk.log[-1].message)
    return found


def test_tokens_audio_and_events_are_counted() -> None:
    talk = metered()
    audio = base64.b64encode(bytes(4_800)).decode()
    talk.client_sends(event("input_audio_buffer.append", audio=audio))
    talk.upstream_sends(event("response.output_audio.delta", delta=audio), response_done(3, 4), response_done(1, 1))
    events = {"input_audio_buffer.append": 1, "response.output_audio.delta": 1, "response.done": 2}
    used = {"input_tokens": 4, "output_tokens": 5, "audio_seconds": 0.2, "events": events}
    assert figures(talk) == {"usage": used, "consumer_usage": used}


@pytest.mark.parametrize("size", range(7))
def test_audio_is_measured_without_being_decoded(size: int) -> None:
    talk = metered(audio_bytes_per_second=1)
    talk.client_sends(event("input_audio_buffer.append", audio=base64.b64encode(bytes(size)).decode()))
    assert figures(talk)["usage"]["audio_seconds"] == size


def test_at_the_budget_nothing_happens_and_past_it_the_session_ends() -> None:
    talk = metered(max_tokens=10)
    assert talk.upstream_sends(response_done(6, 4)).client == [text(response_done(6, 4))]
    reaction = talk.upstream_sends(response_done(1, 0))
    assert reaction.client[0] == text(response_done(1, 0))
    assert json.loads(reaction.client[1].text)["error"]["message"] == "This connection has used more than 10 tokens."
    assert reaction.client[2:] == [close(1008, "budget used up")]
    assert reaction.upstream == [close(1001)]


def test_audio_of_the_client_over_the_budget_never_reaches_the_upstream() -> None:
    talk = metered(max_audio_seconds=0.5)
    audio = base64.b64encode(bytes(24_000)).decode()
    sent = event("input_audio_buffer.append", audio=audio)
    assert talk.client_sends(sent).upstream == [text(sent)]
    reaction = talk.client_sends(sent)
    assert reaction.upstream == [close(1001)]
    message = json.loads(reaction.client[0].text)["error"]["message"]
    assert message == "This connection has used more than 0.5 seconds of audio."
    assert reaction.client[1:] == [close(1008, "budget used up")]


def test_a_client_cannot_pay_back_what_it_has_used() -> None:
    talk = metered(max_tokens=10)
    talk.upstream_sends(response_done(5, 5))
    talk.client_sends(response_done(-1000, -1000), event("response.done"), event("input_audio_buffer.append", audio=1))
    assert talk.upstream_sends(response_done(0, 1)).client[-1] == close(1008, "budget used up")


def test_names_that_a_client_makes_up_are_counted_together() -> None:
    talk = metered()
    talk.client_sends(event("x" * 81), *(event(f"t{number}") for number in range(100)))
    events = figures(talk)["usage"]["events"]
    assert len(events) == 51 - 1 and sum(events.values()) == 101


def test_without_a_consumer_it_counts_too() -> None:
    talk = Conversation((METER, {}), Reader)
    talk.upstream_sends(response_done(1, 2))
    assert figures(talk)["consumer_usage"]["output_tokens"] == 2


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_tokens: must be"):
        Conversation(METER, config={"max_tokens": 0})


def test_at_the_end_of_the_budget_nothing_leaks_that_redact_has_taken_out() -> None:
    talk = Conversation((METER, {"max_tokens": 1}), REDACT)
    output = [{"content": [{"text": "a@b.example"}]}]
    sent = event("response.done", response={"output": output, "usage": {"input_tokens": 9}})
    assert talk.upstream_sends(sent).client[0] == text(sent.replace("a@b.example", "[email]"))
