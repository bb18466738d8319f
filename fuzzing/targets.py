"""The fuzzers by name."""

from __future__ import annotations

from fuzzing import config, deflate, extensions, handshake, parser, proxy_protocol
from fuzzing.runner import Target
from fuzzing.session import case, check

TARGETS = {
    target.name: target
    for target in (
        Target("parser", parser.make, parser.check),
        Target("handshake", handshake.make, handshake.check),
        Target("extensions", extensions.make, extensions.check),
        Target("deflate", deflate.make, deflate.check),
        Target("proxy_protocol", proxy_protocol.make, proxy_protocol.check),
        Target("config", config.make, config.check),
        Target("session", case.make, check.check),
    )
}
