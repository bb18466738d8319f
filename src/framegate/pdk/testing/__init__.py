"""For the tests of plugins: a conversation between a scripted client and a scripted upstream, without sockets.

::

    from framegate.pdk.testing import Conversation, close, text

    def test_it_shouts():
        talk = Conversation("plugins/shout.py")
        assert talk.client_sends("hello").upstream == [text("HELLO")]
"""

from framegate.pdk.failure import PluginFailure
from framegate.pdk.testing.conversation import Conversation, Reaction
from framegate.pdk.testing.frames import Frame, binary, close, continuation, ping, pong, text
from framegate.pdk.testing.log_lines import LogLine
from framegate.pdk.testing.opening import Answer, UpstreamRequest

__all__ = [
    "Answer",
    "Conversation",
    "Frame",
    "LogLine",
    "PluginFailure",
    "Reaction",
    "UpstreamRequest",
    "binary",
    "close",
    "continuation",
    "ping",
    "pong",
    "text",
]
