"""``kong.node``."""

from __future__ import annotations

from framegate.pdk.exchange import Node as NodeData


class Node:
    """The process that the plugin runs in."""

    __slots__ = ("_node",)

    def __init__(self, node: NodeData) -> None:
        self._node = node

    def get_id(self) -> str:
        """The id of this process: a UUID, new at each start.

        Phases: every phase.
        Source: as ``kong.node.get_id`` of Kong's PDK.
        """
        return self._node.id

    def get_hostname(self) -> str:
        """The machine's name.

        Phases: every phase.
        Source: as ``kong.node.get_hostname`` of Kong's PDK.
        """
        return self._node.hostname

    def get_version(self) -> str:
        """framegate's version.

        Phases: every phase.
        Source: framegate's own.
        """
        return self._node.version
