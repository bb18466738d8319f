"""The ``kong`` object: all nouns are there, and each function keeps to its phases."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from framegate.pdk import PDKError
from framegate.pdk.kong import Kong
from framegate.pdk.phases import BEFORE_THE_ANSWER, PHASES
from framegate.pdk.websocket import WebSocket
from tests.pdk.stage import before_the_request, exchange, kong, on, plugin
from tools.pdk_reference import Function, faces, functions

NOUNS = ("request", "client", "service", "response", "router", "ctx", "log", "ip", "node", "db")

EVERY_PHASE = "every phase."
HANDSHAKE_ONLY = "``rewrite`` and ``ws_handshake``."


def documented(phases: str) -> Iterator[Function]:
    for names, face in faces():
        for function in functions(names, face):
            if function.sections.get("Phases") == [phases]:
                yield function


def resolved(probe: Kong, name: str) -> Callable[..., Any]:
    found: Any = probe
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    call: Callable[..., Any] = found
    return call


def needed(call: Callable[..., Any]) -> list[None]:
    """A wrong argument for each that must be given."""
    parameters = inspect.signature(call).parameters.values()
    return [None for one in parameters if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]


def names(found: Iterator[Function]) -> list[Any]:
    return [pytest.param(function.name, id=function.name) for function in found]


def test_websocket_is_the_one_that_was_given() -> None:
    connection = exchange()
    websocket = WebSocket(connection, "ws_handshake")
    assert Kong(connection, plugin(), "ws_handshake", websocket).websocket is websocket


@pytest.mark.parametrize("phase", PHASES)
def test_each_noun_is_there_in_each_phase(phase: str) -> None:
    for noun in NOUNS:
        assert getattr(kong(phase=phase), noun) is not None


def test_there_is_no_other_noun_and_none_can_be_put_in_its_place() -> None:
    probe: Any = kong()
    assert sorted(noun for noun in dir(probe) if not noun.startswith("_")) == sorted((*NOUNS, "websocket"))
    with pytest.raises(AttributeError):
        probe.request = None
    with pytest.raises(AttributeError):
        probe.mine = 1


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase not in BEFORE_THE_ANSWER])
@pytest.mark.parametrize("name", names(documented(HANDSHAKE_ONLY)))
def test_what_acts_on_the_handshake_is_refused_outside_of_it(name: str, phase: str) -> None:
    call = resolved(kong(phase=phase), name)
    with pytest.raises(PDKError) as error:
        call(*needed(call))
    assert str(error.value) == f"{name} may be called in rewrite and ws_handshake, not in {phase}"


@pytest.mark.parametrize("phase", BEFORE_THE_ANSWER)
@pytest.mark.parametrize("name", names(documented(HANDSHAKE_ONLY)))
def test_what_acts_on_the_handshake_speaks_of_its_arguments_there(name: str, phase: str) -> None:
    call = resolved(kong(phase=phase), name)
    if arguments := needed(call):
        with pytest.raises(PDKError) as error:
            call(*arguments)
        assert str(error.value).startswith(f"{name}: ")
    else:
        assert call() is not None


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", names(documented(EVERY_PHASE)))
def test_what_only_tells_works_in_every_phase(name: str, phase: str) -> None:
    probe = before_the_request() if phase == "certificate" else kong(phase=phase)
    call = resolved(probe, name)
    if callable(call) and not needed(call):
        call()


def test_the_service_and_the_response_are_for_the_handshake_alone() -> None:
    handshake_only = {function.name for function in documented(HANDSHAKE_ONLY)}
    everywhere = {function.name for function in documented(EVERY_PHASE)}
    acting = {name for name in handshake_only | everywhere if name.split(".")[1] in ("service", "response")}
    assert acting | {"kong.client.authenticate"} == handshake_only


def test_what_an_earlier_phase_decided_a_later_one_acts_on() -> None:
    connection = exchange()
    on(connection, "rewrite").service.set_retries(1)
    on(connection, "ws_handshake").service.set_retries(2)
    assert connection.upstream.retries == 2
