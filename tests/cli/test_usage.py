"""Every mistake on the command line is one line on standard error, without a traceback, and exit status 2."""

from __future__ import annotations

import platform
import re
import socket
from pathlib import Path

import pytest
import trustme

from framegate import _build
from tests.cli.program import complaint, finished

URL = "ws://127.0.0.1:9"
LISTEN = ("--listen", "127.0.0.1:0")


def test_version_tells_the_build_python_and_the_loop() -> None:
    ended = finished("--version")
    assert (ended.returncode, ended.stderr) == (0, "")
    build = re.escape(_build.build_name())
    python = re.escape(platform.python_version())
    expected = rf"framegate \d+\.\d+\.\d+, build {build}( \(.+\))?, Python {python}, loop (uvloop \d\S*|asyncio)\n"
    assert re.fullmatch(expected, ended.stdout)


def test_version_tells_why_the_build_is_pure() -> None:
    assert "build pure (FRAMEGATE_PURE is set)," in finished("--version", env={"FRAMEGATE_PURE": "1"}).stdout


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("proxy", "--help"), ("echo", "-h"), ("demo", "--help")])
def test_help_goes_to_standard_output(words: tuple[str, ...]) -> None:
    ended = finished(*words)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Usage: framegate")


def test_without_a_command_the_help_is_an_error() -> None:
    ended = finished()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "proxy" in ended.stderr


def test_an_unknown_command_is_told_the_nearest() -> None:
    assert complaint("prox") == "framegate: no command 'prox', did you mean 'proxy'? (see framegate --help)"


def test_an_unknown_flag_is_told_the_nearest() -> None:
    line = complaint("proxy", URL, *LISTEN, "--client-max-frame-sise", "3")
    assert line.startswith("framegate: No such option '--client-max-frame-sise'")
    assert "'--client-max-frame-size'" in line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("proxy",), "framegate: Missing argument 'URL'."),
        (("proxy", URL), "framegate: Missing option '--listen'."),
        (("echo",), "framegate: Missing option '--listen'."),
        (("proxy", "http://a", *LISTEN), "framegate: URL 'http://a': "),
        (("proxy", URL, "--listen", "9000"), "framegate: --listen 9000: write HOST:PORT, "),
        (("echo", "--listen", "::1:80"), "framegate: --listen ::1:80: an IPv6 address stands in brackets: [::1]:80"),
        (("demo", "--listen", "unix:/tmp/x"), "framegate: --listen unix:/tmp/x: "),
        (("proxy", URL, *LISTEN, "--max-headers", "0"), "framegate: --max-headers must be a whole number >= 1, "),
        (("proxy", URL, *LISTEN, "--log-level", "loud"), "framegate: Invalid value for '--log-level': 'loud' is not "),
        (("proxy", URL, *LISTEN, "--hook", "no.py:f"), "framegate: no.py: the hook's file does not exist"),
        (("proxy", URL, *LISTEN, "--upstream-ca", "x"), "framegate: --upstream-ca needs a wss:// upstream, not "),
        (("proxy", URL, *LISTEN, "--upstream-insecure"), "framegate: --upstream-insecure needs a wss:// upstream"),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], line: str) -> None:
    assert complaint(*words).startswith(line)


def test_a_mistake_in_the_environment_is_one_line_too() -> None:
    line = complaint("proxy", URL, env={"FRAMEGATE_LISTEN": "127.0.0.1:0", "FRAMEGATE_RECV_TIMEOUT": "soon"})
    assert line == "framegate: --recv-timeout must be none or seconds > 0, not 'soon' (from FRAMEGATE_RECV_TIMEOUT)"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("def f(:\n", "{}:1: syntax error: invalid syntax"),
        ("import no_such_module_at_all\n", "{}:1: ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("def g(*frame): pass\n", "{}: there is no 'f' in it, did you mean"),
        ("f = 3\n", "{}: 'f' is not callable: it is of type int"),
        ("raise ValueError('two\\nlines')\n", "{}:1: ValueError: two lines"),
    ],
)
def test_a_hook_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, mistake: str) -> None:
    file = tmp_path / "hooks.py"
    file.write_text(text.replace("def g", "def ff"))
    assert complaint("proxy", URL, *LISTEN, "--hook", f"{file}:f").startswith("framegate: " + mistake.format(file))


# TLS files


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two certificates, a.pem and b.pem, and their keys, a.key and b.key."""
    folder = tmp_path_factory.mktemp("pem")
    for name in "ab":
        issued = trustme.CA().issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
    (folder / "text").write_text("no certificate")
    return folder


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--tls-key {}/a.key", "--tls-key needs --tls-cert"),
        ("--tls-cert {}/no", "--tls-cert {}/no: No such file or directory"),
        ("--tls-cert {}/a.pem --tls-key {}/no", "--tls-key {}/no: No such file or directory"),
        ("--tls-cert {}", "--tls-cert {}: Is a directory"),
        ("--tls-cert {}/text", "--tls-cert {}/text: "),
        ("--tls-cert {}/a.pem", "--tls-cert {}/a.pem: "),
        ("--tls-cert {}/a.pem --tls-key {}/b.key", "--tls-cert {}/a.pem, --tls-key {}/b.key: key values mismatch"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_one_line(pem: Path, words: str, line: str) -> None:
    found = complaint("echo", *LISTEN, *words.format(pem, pem).split())
    assert found.startswith("framegate: " + line.format(pem, pem))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--upstream-ca {}/no", "--upstream-ca {}/no: No such file or directory"),
        ("--upstream-ca {}/text", "--upstream-ca {}/text: "),
        ("--upstream-ca {}/a.pem --upstream-insecure", "--upstream-ca and --upstream-insecure contradict each other"),
    ],
)
def test_authorities_that_cannot_be_used_are_one_line(pem: Path, words: str, line: str) -> None:
    found = complaint("proxy", "wss://127.0.0.1:9", *LISTEN, *words.format(pem).split())
    assert found.startswith("framegate: " + line.format(pem))


def test_an_encrypted_key_is_refused_instead_of_asking_for_its_pass_phrase(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    issued = trustme.CA().issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "a.pem")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "a.key").write_bytes(locked)
    line = complaint("echo", *LISTEN, "--tls-cert", f"{tmp_path}/a.pem", "--tls-key", f"{tmp_path}/a.key")
    assert line.startswith("framegate: --tls-key: the key is encrypted")


# What is no mistake of usage, but a failure


@pytest.mark.parametrize("words", [("echo",), ("proxy", URL), ("demo",)])
def test_a_port_in_use_is_a_failure_of_one_line(words: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        line = complaint(*words, "--listen", address, status=1)
    assert line == f"framegate: cannot listen on {address}: Address already in use"


def test_one_listener_that_cannot_be_opened_stops_all() -> None:
    line = complaint("echo", *LISTEN, "--listen", "unix:/nonexistent/socket", status=1)
    assert line == "framegate: cannot listen on unix:/nonexistent/socket: No such file or directory"
