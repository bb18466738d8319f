"""What every face says to an argument that breaks a rule: a ``PDKError`` that names the function and the rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from framegate.errors import PDKError


def broken(function: str, rule: str) -> PDKError:
    """The error for a call of ``function`` that breaks ``rule``."""
    return PDKError(f"{function}: {rule}")


def a_str(function: str, argument: str, value: object) -> str:
    """``value``, if it is a str."""
    if not isinstance(value, str):
        raise broken(function, f"{argument} is a str, not {_type(value)}")
    return value


def an_int(function: str, argument: str, value: object, least: int, most: int) -> int:
    """``value``, if it is an int from ``least`` to ``most``."""
    # True and False are ints to Python, and a mistake to whoever passed them for a number.
    if not isinstance(value, int) or isinstance(value, bool):
        raise broken(function, f"{argument} is an int, not {_type(value)}")
    if not least <= value <= most:
        raise broken(function, f"{argument} is from {least} to {most}, not {value}")
    return value


def one_or_several(value: object) -> Sequence[object]:
    """The members of a list or tuple; anything else, a str too, is one by itself."""
    return value if isinstance(value, (list, tuple)) else (value,)


@contextmanager
def translated(function: str) -> Iterator[None]:
    """Turn a TypeError or ValueError from below into the ``PDKError`` of ``function``."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise broken(function, str(error)) from None


def _type(value: object) -> str:
    return "None" if value is None else type(value).__name__


def wrong_type(function: str, argument: str, wanted: str, value: object) -> PDKError:
    """The error for an argument that is not ``wanted``, such as ``"a mapping or None"``."""
    return broken(function, f"{argument} is {wanted}, not {_type(value)}")
