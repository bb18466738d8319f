"""post-function: as pre-function, behind all other plugins."""

from __future__ import annotations

import traceback

import pytest

from framegate.pdk.testing import Conversation, PluginFailure, text
from tests.plugins.stage import exchange, faults, handshake, plugin, plugin_type

APPEND = "data, *_ = kong.websocket.client.get_frame()\nkong.websocket.client.set_frame_data(data + {!r})"


def test_it_runs_behind_every_other_plugin() -> None:
    assert plugin_type("post-function").priority == -1000
    before = ("pre-function", {"ws_client_frame": [APPEND.format("a")]})
    behind = ("post-function", {"ws_client_frame": [APPEND.format("b")]})
    with Conversation(behind, before) as conversation:
        assert conversation.client_sends("-").upstream == [text("-ab")]


def test_it_sees_what_other_plugins_have_found_out() -> None:
    found = plugin("post-function", ws_handshake=["kong.response.exit(200, {'id': kong.ctx.shared.correlation_id})"])
    outcome = handshake([found, plugin("correlation-id")], exchange([("Kong-Request-ID", "from-the-client")]))
    assert outcome.said == {"id": "from-the-client"}


def test_its_tracebacks_bear_its_name() -> None:
    chunk = ("post-function", {"ws_client_frame": ["raise ValueError('here')"]})
    with Conversation(chunk) as conversation, pytest.raises(PluginFailure) as caught:
        conversation.client_sends("hello")
    shown = "".join(traceback.format_exception(caught.value.__cause__))
    assert 'File "post-function:ws_client_frame[0]' in shown


def test_it_has_the_fields_of_pre_function() -> None:
    assert plugin_type("post-function").schema == plugin_type("pre-function").schema
    assert faults("post-function", log=["pass"], ws_close=["pass"])[0].startswith("log: WebSocket services have no")
