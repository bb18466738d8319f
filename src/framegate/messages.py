"""What may be injected, and where to: the checks of ``Proxy.inject``, ``pause`` and ``resume``."""

from __future__ import annotations

from framegate.codec.constants import MAX_CONTROL_PAYLOAD

MESSAGE_TYPES = ("text", "binary", "ping", "pong")


def check_side(side: object) -> None:
    """Raise ValueError unless ``side`` is ``"client"`` or ``"upstream"``."""
    if side not in ("client", "upstream"):
        raise ValueError(f'side must be "client" or "upstream", not {side!r}')


def checked_payload(typ: object, payload: object) -> bytes:
    """The payload as bytes.

    Raises:
        TypeError: it is neither bytes-like nor a str.
        ValueError: the type is unknown, a text is not UTF-8, or a ping or pong has over 125 bytes.
    """
    if typ not in MESSAGE_TYPES:
        raise ValueError(f"typ must be one of {', '.join(MESSAGE_TYPES)}, not {typ!r}")
    if isinstance(payload, str):
        data = payload.encode()
    elif isinstance(payload, (bytes, bytearray, memoryview)):
        data = bytes(payload)
        if typ == "text":
            try:
                data.decode()
            except UnicodeDecodeError as error:
                raise ValueError(f"the payload of a text must be UTF-8: {error}") from None
    else:
        raise TypeError(f"payload must be bytes-like or str, not {type(payload).__name__}")
    if typ in ("ping", "pong") and len(data) > MAX_CONTROL_PAYLOAD:
        raise ValueError(f"the payload of a {typ} takes at most {MAX_CONTROL_PAYLOAD} bytes, this one has {len(data)}")
    return data
