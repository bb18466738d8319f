"""``kong.node``: the process."""

from __future__ import annotations

import socket
import uuid

import framegate
from framegate.pdk.exchange import Node
from tests.pdk.stage import kong


def test_a_node_has_an_id_of_its_own() -> None:
    node = Node()
    assert kong(node=node).node.get_id() == kong(node=node).node.get_id() == node.id
    assert uuid.UUID(node.id)
    assert Node().id != node.id


def test_a_node_tells_its_machine_and_version() -> None:
    assert kong().node.get_hostname() == socket.gethostname()
    assert kong().node.get_version() == framegate.__version__
