"""``Sec-WebSocket-Extensions``: its grammar (RFC 6455, section 9.1) and the negotiation of permessage-deflate
(RFC 7692, section 7.1) on each leg.

Knows no frames: what was agreed upon is a :class:`Deflate`, and who acts on it is elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from framegate.handshake.grammar import OWS, TCHAR

NAME = "permessage-deflate"
MAX_WINDOW_BITS = 15

SERVER_NO_CONTEXT_TAKEOVER = "server_no_context_takeover"
CLIENT_NO_CONTEXT_TAKEOVER = "client_no_context_takeover"
SERVER_MAX_WINDOW_BITS = "server_max_window_bits"
CLIENT_MAX_WINDOW_BITS = "client_max_window_bits"

_FLAGS = (SERVER_NO_CONTEXT_TAKEOVER, CLIENT_NO_CONTEXT_TAKEOVER)
# RFC 7692, section 7.1.2: "a decimal integer without leading zeroes between 8 to 15, inclusive".
_BITS = re.compile(r"[89]|1[0-5]")
_PARAMETER = re.compile(
    rf"""[{OWS}]*;[{OWS}]*(?P<name>[{TCHAR}]+)
    (?:[{OWS}]*=[{OWS}]*(?:(?P<token>[{TCHAR}]+)|"(?P<quoted>(?:\\?[{TCHAR}])+)"))?""",
    re.VERBOSE,
)
_EXTENSION = re.compile(rf"[{OWS}]*(?P<name>[{TCHAR}]+)")
_END = re.compile(rf"[{OWS}]*(?:,|\Z)")
_EMPTY = re.compile(rf"[{OWS}]*(?:,|\Z)")


class Extension(NamedTuple):
    """One member of the list: its name, and its parameters in order; the value of one without ``=`` is None."""

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()

    def __str__(self) -> str:
        parameters = (name if value is None else f"{name}={value}" for name, value in self.parameters)
        return "; ".join([self.name, *parameters])


class Deflate(NamedTuple):
    """What the two ends of a leg have agreed upon (RFC 7692, section 7.1). ``server`` is who has answered."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = MAX_WINDOW_BITS
    client_max_window_bits: int = MAX_WINDOW_BITS


OFFER = f"{NAME}; {CLIENT_MAX_WINDOW_BITS}"
"""What an upstream is offered: everything is left to its choice."""


def parse_extensions(values: Iterable[str]) -> list[Extension]:
    """The extensions that the fields ``values`` name, in order.

    Raises:
        ValueError: they do not conform to the grammar; the recipient must then fail the connection (RFC 6455, 9.1).
    """
    found = []
    for value in values:
        place = 0
        while place < len(value):
            if empty := _EMPTY.match(value, place):
                place = empty.end()
                continue
            extension, place = _extension(value, place)
            found.append(extension)
    return found


def accept(offers: Iterable[Extension]) -> tuple[Deflate, Extension] | None:
    """Answer the first offer of permessage-deflate that we can serve: what is agreed upon, and our answer; None
    declines them all."""
    for offer in offers:
        given = _checked(offer) if offer.name == NAME else None
        # zlib's smallest window for raw deflate is 9 bits, so that an offer that asks us for 8 is declined.
        if given is None or given.get(SERVER_MAX_WINDOW_BITS) == 8:
            continue
        agreed = Deflate(
            SERVER_NO_CONTEXT_TAKEOVER in given,
            CLIENT_NO_CONTEXT_TAKEOVER in given,
            given.get(SERVER_MAX_WINDOW_BITS) or MAX_WINDOW_BITS,
        )
        parameters: list[tuple[str, str | None]] = [(flag, None) for flag in _FLAGS if flag in given]
        if SERVER_MAX_WINDOW_BITS in given:
            parameters.append((SERVER_MAX_WINDOW_BITS, str(agreed.server_max_window_bits)))
        return agreed, Extension(NAME, tuple(parameters))
    return None


def passable(offers: Iterable[Extension]) -> list[Extension]:
    """The offers of permessage-deflate that are valid, to be passed on as they are."""
    return [offer for offer in offers if offer.name == NAME and _checked(offer) is not None]


def agreed(answers: Sequence[Extension], offers: Sequence[Extension]) -> Deflate | None:
    """What ``answers`` to ``offers`` have agreed upon; None where no extension was selected.

    Raises:
        ValueError: the answer is none that any of the offers allows.
    """
    if not answers:
        return None
    allowed = [given for offer in offers if offer.name == NAME and (given := _checked(offer)) is not None]
    strangers = [answer.name for answer in answers if answer.name != NAME or not allowed]
    if strangers:
        raise ValueError(f"it selects {', '.join(strangers)}, which was not offered")
    if len(answers) > 1:
        raise ValueError(f"it selects {NAME} {len(answers)} times")
    answer = answers[0]
    given = _checked(answer)
    if given is None or given.get(CLIENT_MAX_WINDOW_BITS, 0) is None:
        raise ValueError(f"its parameters are wrong: {answer}")
    if not any(_allows(offer, given) for offer in allowed):
        raise ValueError(f"it was not offered this: {answer}")
    return Deflate(
        SERVER_NO_CONTEXT_TAKEOVER in given,
        CLIENT_NO_CONTEXT_TAKEOVER in given,
        given.get(SERVER_MAX_WINDOW_BITS) or MAX_WINDOW_BITS,
        given.get(CLIENT_MAX_WINDOW_BITS) or MAX_WINDOW_BITS,
    )


def _extension(value: str, place: int) -> tuple[Extension, int]:
    name = _EXTENSION.match(value, place)
    if name is None:
        raise ValueError(f"extensions {value!r}: there is no name at character {place}")
    place = name.end()
    parameters = []
    while parameter := _PARAMETER.match(value, place):
        parameters.append((parameter["name"], parameter["token"] or _unescaped(parameter["quoted"])))
        place = parameter.end()
    end = _END.match(value, place)
    if end is None:
        raise ValueError(f"extensions {value!r}: what stands at character {place} is no parameter")
    return Extension(name["name"], tuple(parameters)), end.end()


def _unescaped(quoted: str | None) -> str | None:
    # "the value after quoted-string unescaping MUST conform to the 'token' ABNF" (RFC 6455, section 9.1).
    return None if quoted is None else quoted.replace("\\", "")


def _checked(extension: Extension) -> dict[str, int | None] | None:
    """The parameters by name, or None where one is unknown, stands there twice, or has a value that it cannot have."""
    given: dict[str, int | None] = {}
    for name, value in extension.parameters:
        if name in given:
            return None
        if name in _FLAGS and value is None:
            given[name] = None
        elif name == CLIENT_MAX_WINDOW_BITS and value is None:
            given[name] = None
        elif name in (SERVER_MAX_WINDOW_BITS, CLIENT_MAX_WINDOW_BITS) and value and _BITS.fullmatch(value):
            given[name] = int(value)
        else:
            return None
    return given


def _allows(offer: dict[str, int | None], answer: dict[str, int | None]) -> bool:
    if SERVER_NO_CONTEXT_TAKEOVER in offer and SERVER_NO_CONTEXT_TAKEOVER not in answer:
        return False
    wanted = offer.get(SERVER_MAX_WINDOW_BITS)
    if wanted is not None and (answer.get(SERVER_MAX_WINDOW_BITS) or MAX_WINDOW_BITS) > wanted:
        return False
    if CLIENT_MAX_WINDOW_BITS not in answer:
        return True
    most = offer.get(CLIENT_MAX_WINDOW_BITS) or MAX_WINDOW_BITS
    return CLIENT_MAX_WINDOW_BITS in offer and (answer[CLIENT_MAX_WINDOW_BITS] or MAX_WINDOW_BITS) <= most
