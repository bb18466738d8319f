"""The numbers of RFC 6455 that the codec and its users share.

``constants.pxd`` beside this file repeats them for the compiled modules; a test holds the two against each other.
"""

from __future__ import annotations

from typing import Final

# Opcodes, RFC 6455 section 5.2.
CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

FIN: Final = 0x80
MASKED: Final = 0x80
RSV1: Final = 0x40
RSV_BITS: Final = 0x70

MAX_CONTROL_PAYLOAD: Final = 125
"""RFC 6455, section 5.5: all control frames MUST have a payload length of 125 bytes or less."""

MAX_CLOSE_REASON: Final = MAX_CONTROL_PAYLOAD - 2
"""What is left of it for the reason of a close frame, behind the two bytes of the code (section 5.5.1)."""

# What Parser.next() answers.
NEED: Final = 0
FRAME: Final = 1
CHUNK: Final = 2
FAILED: Final = 3

# Close codes that framegate itself sends, RFC 6455 section 7.4.1 and the IANA registry (1014).
NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
INVALID_PAYLOAD: Final = 1007
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011
BAD_GATEWAY: Final = 1014

NO_CODE: Final = -1
"""Stands for the code of a close frame that carries none."""

TYPE_NAMES: Final = {
    CONTINUATION: "continuation",
    TEXT: "text",
    BINARY: "binary",
    CLOSE: "close",
    PING: "ping",
    PONG: "pong",
}
OPCODES: Final = {name: opcode for opcode, name in TYPE_NAMES.items()}
