"""``post-function``: chunks of Python in the configuration, run after every other plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framegate.plugins import _serverless

Schema = _serverless.Schema
entity_checks = _serverless.entity_checks
version = "1.0.0"
priority = -1000


class Plugin(_serverless.Serverless):
    """The chunks of one configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__("post-function", config)
