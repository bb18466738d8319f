"""How ``--listen`` is written, and how an address is shown."""

from __future__ import annotations

import pytest

from framegate.cli._addresses import Listen, parse_listen


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("127.0.0.1:9000", Listen("127.0.0.1", 9000)),
        ("localhost:0", Listen("localhost", 0)),
        ("0.0.0.0:65535", Listen("0.0.0.0", 65535)),
        ("[::1]:80", Listen("::1", 80)),
        ("unix:/run/a b.sock", Listen(path="/run/a b.sock")),
        ("unix:relative:9", Listen(path="relative:9")),
    ],
)
def test_an_address_is_read_and_shown_as_it_was_written(text: str, listen: Listen) -> None:
    assert parse_listen(text) == listen
    assert str(listen) == text


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("9000", "write HOST:PORT"),
        ("localhost", "write HOST:PORT"),
        ("", "write HOST:PORT"),
        (":9000", "0.0.0.0:9000 is every IPv4 address"),
        ("::1:9000", r"in brackets: \[::1\]:9000"),
        ("[::1:9000", r"in brackets: \[::1\]:9000"),
        ("a b:1", "'a b' is not a host"),
        ("ws://a:1", "write HOST:PORT"),
        ("a:", "from 0 to 65535, not ''"),
        ("a:65536", "from 0 to 65535, not '65536'"),
        ("a:-1", "from 0 to 65535, not '-1'"),
        ("a:٣", "from 0 to 65535"),
        ("unix:", "the path of the Unix socket is missing"),
    ],
)
def test_what_is_no_address_is_refused_with_the_mend(text: str, mend: str) -> None:
    with pytest.raises(ValueError, match=mend):
        parse_listen(text)


@pytest.mark.parametrize(
    ("listen", "tls", "url"),
    [
        (Listen("127.0.0.1", 0), False, "ws://127.0.0.1:4711"),
        (Listen("example.test", 0), True, "wss://example.test:4711"),
        (Listen("::1", 0), False, "ws://[::1]:4711"),
        (Listen(path="/run/x"), True, "unix:/run/x"),
    ],
)
def test_the_ready_line_shows_the_real_port(listen: Listen, tls: bool, url: str) -> None:
    assert listen.url(4711, tls=tls) == url


def test_a_place_is_a_host_and_a_port_or_a_path() -> None:
    assert Listen("a", 1).place() == {"host": "a", "port": 1}
    assert Listen(path="/x").place() == {"unix_path": "/x"}
