"""correlation-id: the client's own id is kept, else one is made; who is told what."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from framegate.pdk.testing import Conversation
from tests.plugins.stage import Outcome, exchange, faults, handshake, play, plugin, plugin_type

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def come(*fields: tuple[str, str], **config: Any) -> Outcome:
    return play(plugin("correlation-id", **config), fields)


def test_the_upstream_is_told_an_id() -> None:
    assert re.fullmatch(UUID + r"#\d+", come().told("Kong-Request-ID") or "")


def test_the_id_of_the_client_is_kept() -> None:
    outcome = come(("Kong-Request-ID", "mine"))
    assert outcome.told("Kong-Request-ID") == "mine"
    assert outcome.exchange.shared.correlation_id == "mine"


def test_an_empty_id_is_none() -> None:
    assert come(("Kong-Request-ID", "")).told("Kong-Request-ID") not in (None, "")


def test_the_name_of_the_field_can_be_chosen() -> None:
    outcome = come(("X-Request-ID", "mine"), header_name="X-Request-ID")
    assert outcome.told("X-Request-ID") == "mine"
    assert outcome.told("Kong-Request-ID") is None


def test_a_uuid_is_new_each_time() -> None:
    ids = {come(generator="uuid").told("Kong-Request-ID") or "" for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(UUID, id) for id in ids)


def test_a_counter_goes_on_in_all_configurations_of_a_process() -> None:
    ids = [(come().told("Kong-Request-ID") or "").partition("#") for _ in range(3)]
    assert len({uuid for uuid, _, _ in ids}) == 1
    first = int(ids[0][2])
    assert [int(number) for _, _, number in ids] == [first, first + 1, first + 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")
def test_a_forked_process_has_a_uuid_of_its_own() -> None:
    from framegate.plugins import correlation_id

    reading, writing = os.pipe()
    before = correlation_id._process.id
    child = os.fork()
    if child == 0:
        os.write(writing, correlation_id._process.id.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        in_child = told.read()
    os.waitpid(child, 0)
    assert re.fullmatch(UUID, in_child)
    assert in_child != before == correlation_id._process.id


def test_a_tracker_tells_host_port_process_connection_and_time() -> None:
    instance = plugin("correlation-id", generator="tracker")
    connection = exchange()
    id = handshake(instance, connection).told("Kong-Request-ID") or ""
    assert re.fullmatch(rf"{re.escape(connection.node.hostname)}-8000-{os.getpid()}-\d+-1-\d+\.\d{{3}}", id)


@pytest.mark.parametrize(("echo", "told"), [(True, "mine"), (False, None)])
def test_the_client_is_told_in_the_101_if_wanted(echo: bool, told: str | None) -> None:
    config = {"echo_downstream": echo}
    with Conversation("correlation-id", config=config, headers={"Kong-Request-ID": "mine"}) as conversation:
        assert dict(conversation.handshake().headers).get("Kong-Request-ID") == told


def test_the_client_is_told_in_a_refusal_too() -> None:
    plugins = [plugin("correlation-id", echo_downstream=True), plugin("request-termination")]
    outcome = play(plugins, [("Kong-Request-ID", "mine")])
    assert (outcome.status, outcome.header("Kong-Request-ID")) == (503, "mine")


def test_the_log_has_the_id() -> None:
    note = {"ws_close": ["kong.log(kong.log.serialize()['correlation_id'])"]}
    with Conversation("correlation-id", ("post-function", note), headers={"Kong-Request-ID": "mine"}) as conversation:
        conversation.ends()
        assert "mine" in [line.message for line in conversation.log]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("X Y", "header name 'X Y' is not a token"),
        ("Upgrade", "framegate's own"),
        ("Sec-WebSocket-Protocol", "framegate's own"),
        ("Host", "Host is the name of the server"),
    ],
)
def test_a_field_that_cannot_carry_an_id_is_an_error(name: str, said: str) -> None:
    (fault,) = faults("correlation-id", header_name=name)
    assert fault.startswith("header_name: ")
    assert said in fault


def test_an_unknown_generator_is_an_error() -> None:
    (fault,) = faults("correlation-id", generator="uid")
    assert fault.startswith("generator: must be one of")


def test_it_runs_before_the_plugins_that_refuse() -> None:
    assert plugin_type("correlation-id").priority == 100001
