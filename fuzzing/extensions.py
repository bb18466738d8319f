"""Fuzzes the negotiation of extensions: any header values, any offers and answers.

Allowed outcomes: a list of extensions or ``ValueError``; of what was accepted, an answer that the offers allow and that
agrees upon the same; of what is passed on, offers that read back as they were.
"""

from __future__ import annotations

from random import Random
from typing import Any

from framegate.handshake.extensions import accept, agreed, parse_extensions, passable

_NAMES = ["permessage-deflate"] * 8 + ["Permessage-Deflate", "x-webkit-deflate-frame", "foo", ""]
_PARAMETERS = [
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
    "Client_Max_Window_Bits",
    "unknown",
]
_VALUES = [None, None, "8", "9", "10", "15", "16", "7", "08", "", '"12"', '"1 2"', '"', "x", "1e1", "٩", "é", "\0"]
_GLUE = [";", "; ", " ;\t", ";;", " "]


def make(rng: Random) -> Any:
    return {"offers": _values(rng), "answers": _values(rng)}


def _values(rng: Random) -> list[str]:
    counts = [rng.choice([0, 1, 1, 1, 2, 3]) for _ in range(rng.choice([1, 1, 2]))]
    values = [", ".join(_member(rng) for _ in range(count)) for count in counts]
    if rng.random() < 0.2:
        at = rng.randint(0, len(values[0]))
        odd = rng.choice([",", ";", "=", '"', " ", "\\", "\x7f", "ß", ",,"])
        values[0] = values[0][:at] + odd + values[0][at + 1 :]
    return values


def _member(rng: Random) -> str:
    text = rng.choice(_NAMES)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3, 5])):
        value = rng.choice(_VALUES)
        text += rng.choice(_GLUE if rng.random() < 0.1 else _GLUE[:2]) + rng.choice(_PARAMETERS)
        text += "" if value is None else f"={value}"
    return text


def check(case: Any) -> None:
    offers, answers = _parsed(case["offers"]), _parsed(case["answers"])
    accepted = accept(offers)
    if accepted is not None:
        deflate, answer = accepted
        assert parse_extensions([str(answer)]) == [answer]
        assert agreed([answer], offers) == deflate, "what was accepted is not what the answer says"
        assert deflate.server_max_window_bits in range(9, 16) and deflate.client_max_window_bits in range(8, 16)
    for offer in passable(offers):
        assert offer in offers and _parsed([str(offer)]) == [offer]
    try:
        found = agreed(answers, offers)
    except ValueError:
        return
    if answers:
        assert found is not None and len(answers) == 1
        assert any(offer.name == answers[0].name for offer in offers), "nobody offered what was selected"
    else:
        assert found is None


def _parsed(values: list[str]) -> list[Any]:
    try:
        return parse_extensions(values)
    except ValueError as error:
        assert "\n" not in str(error)
        return []
