"""Makes cases: what both peers, the hook, the program and the clock do, step by step."""

from __future__ import annotations

from random import Random
from typing import Any

from fuzzing.material import CODES, WORDS, Speaker, cut, noise, text_of

SIDES = ["client", "upstream"]


def make(rng: Random) -> Any:
    wrong = rng.choice([0.0, 0.0, 0.03, 0.15])
    deflate = _deflate(rng) if rng.random() < 0.35 else None
    speakers = {side: Speaker(rng, side, wrong, takeover(deflate, side, True)) for side in SIDES}
    busy = rng.choice([0.05, 0.2, 0.4])
    steps: list[Any] = []
    for _ in range(rng.choice([3, 8, 15, 30])):
        steps += _talk(rng, speakers) if rng.random() > busy else [_event(rng)]
    if rng.random() < 0.4:
        steps += _closing(rng, speakers)
    passes = deflate is not None and deflate["mode"] == "pass"
    return {
        "options": {} if passes else _options(rng),
        "deflate": deflate,
        "hook": None if passes else rng.choice([None, "verdicts", "verdicts", "verdicts"]),
        "verdicts": {side: [_verdict(rng) for _ in range(rng.randint(0, 12))] for side in SIDES},
        "steps": steps,
        "leaver": rng.choice(SIDES),
        "how": rng.choice(["fin", "reset"]),
    }


def _deflate(rng: Random) -> dict[str, Any]:
    """What was agreed upon on each leg, as the fields of :class:`Deflate`; None where nothing was."""

    def agreed() -> list[Any]:
        return [rng.random() < 0.4, rng.random() < 0.4, rng.randint(8, 15), rng.randint(8, 15)]

    if rng.random() < 0.3:
        both = agreed()
        return {"mode": "pass", "client": both, "upstream": both}
    found: dict[str, Any] = {side: agreed() if rng.random() < 0.8 else None for side in SIDES}
    return {"mode": "terminate", **found}


def takeover(deflate: Any, side: str, sends: bool) -> bool | None:
    """Whether the context of what ``side`` sends, or is sent, is kept; None where nothing was agreed upon with it."""
    agreed = deflate and deflate.get(side)
    if not agreed:
        return None
    # The client is the client of its leg, the upstream the server of its own.
    return not agreed[1 if (side == "client") == sends else 0]


def _options(rng: Random) -> dict[str, Any]:
    options: dict[str, Any] = {"aggregate_fragments": rng.random() < 0.3}
    for side in SIDES:
        if rng.random() < 0.3:
            options[f"{side}_max_frame_size"] = rng.choice([1, 20, 130, 300, 5000])
        if rng.random() < 0.2:
            options[f"{side}_max_fragments"] = rng.choice([1, 2, 3])
    for name, values in (
        ("validate_utf8", [True, False]),
        ("idle_timeout", [3.0]),
        ("max_lifetime", [20.0]),
        ("recv_timeout", [2.0]),
        ("ping_interval", [1.5]),
        ("write_timeout", [4.0]),
        ("write_high_water", [64, 500, 5000]),
        ("max_buffered", [200, 5000]),
    ):
        if rng.random() < 0.15:
            options[name] = rng.choice(values)
    if rng.random() < 0.3:
        options["lingering_timeout"], options["lingering_time"] = rng.choice([(1.0, 1.0), (2.0, 6.0)])
    return options


def _talk(rng: Random, speakers: dict[str, Speaker]) -> list[Any]:
    side = rng.choice(SIDES)
    data = b"".join(speakers[side].next() for _ in range(rng.choice([1, 1, 1, 2, 4])))
    return _said(rng, side, data)


def _said(rng: Random, side: str, data: bytes) -> list[Any]:
    steps: list[Any] = []
    for piece in cut(rng, data, rng.choice([0, 0, 1, 2])):
        steps.append(["says", side, text_of(piece)])
        if rng.random() < 0.2:
            steps.append(_event(rng))
    return steps


def _closing(rng: Random, speakers: dict[str, Speaker]) -> list[Any]:
    first = rng.choice(SIDES)
    steps = _said(rng, first, speakers[first].close())
    if rng.random() < 0.5:
        steps += _talk(rng, speakers)
    if rng.random() < 0.8:
        second = SIDES[1 - SIDES.index(first)]
        steps += _said(rng, second, speakers[second].close())
    return steps + [_event(rng) for _ in range(rng.randint(0, 3))]


def _event(rng: Random) -> list[Any]:
    side = rng.choice(SIDES)
    kind = rng.choices(
        ["time", "answer", "inject", "pong", "pause", "resume", "stop", "go", "ready"]
        + ["close", "drain", "fin", "reset"],
        [8, 8, 4, 2, 3, 3, 3, 3, 4, 0.6, 0.3, 0.8, 0.8],
    )[0]
    if kind == "time":
        return [kind, rng.choice([0.0, 0.1, 0.5, 1.0, 1.5, 2.0, 5.0, 6.0, 31.0])]
    if kind == "ready":
        return [kind, rng.randint(0, 6)]
    if kind == "inject":
        typ = rng.choice(["text", "binary", "ping", "pong"])
        return [kind, side, typ, text_of(noise(rng, 8) if typ in ("ping", "pong", "binary") else b"~")]
    if kind == "close":
        return [kind, rng.choice(CODES), rng.choice(["", "bye"]), rng.choice(CODES), rng.choice(["", "gone"])]
    return [kind] if kind == "drain" else [kind, side]


def _verdict(rng: Random) -> Any:
    kind = rng.choices(["keep", "drop", "change", "code", "drop pair", "raise", "wrong", "end", "later"],
                       [10, 2, 3, 1.5, 0.5, 0.2, 0.2, 0.1, 3])[0]  # fmt: skip
    if kind == "change":
        return [kind, text_of(rng.choice(WORDS).encode() if rng.random() < 0.9 else noise(rng, 200))]
    if kind == "code":
        code = rng.choice([None, *CODES]) if rng.random() < 0.95 else rng.choice([0, 1005, 5000, "x", True])
        return [kind, text_of(rng.choice(WORDS[:7]).encode()), code]
    if kind == "later":
        result = _verdict(rng)
        return ["keep"] if result[0] in ("later", "end") else [kind, result]
    return [kind]
