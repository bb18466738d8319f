"""Runs under Python 2.7: `wstest`, whose servers take a free port of 127.0.0.1, say which, and answer to any Host.

    .venv27/bin/python -u wstest27.py --mode testeeserver --wsuri ws://127.0.0.1:1

By itself it listens on every interface at a port chosen beforehand, and answers 400 to a Host with another port than
its own, which a proxy that preserves the client's Host sends.
"""

# ruff: noqa: I001, UP031 -- choosereactor comes before all of Twisted; Python 2.7 knows no f-strings.
import sys

from autobahntestsuite import choosereactor  # noqa: F401
from autobahn.websocket import protocol
from autobahntestsuite.wstest import run
from twisted.internet import reactor

Factory = protocol.WebSocketServerFactory
set_session_parameters = Factory.setSessionParameters
listen_tcp = reactor.listenTCP


def set_parameters_for_any_host(self, *args, **kwargs):
    set_session_parameters(self, *args, **kwargs)
    self.externalPort = None


def listen_on_loopback(port, factory, backlog=50, interface=""):
    listening = listen_tcp(0, factory, backlog, "127.0.0.1")
    sys.stdout.write("listening on ws://127.0.0.1:%d\n" % listening.getHost().port)
    return listening


Factory.setSessionParameters = set_parameters_for_any_host
reactor.listenTCP = listen_on_loopback

if __name__ == "__main__":
    sys.exit(run())
