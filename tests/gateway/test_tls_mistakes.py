"""Certificates that cannot be served: told when the file is loaded, with the file that holds them and the mend; and
those that soon cannot be."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from framegate.config.configuration import Listen
from framegate.errors import ConfigError
from framegate.gateway.certificates import expiries, file_context
from tests.config.files import complaint, config, loaded
from tests.gateway.issuing import Leaf, issued, nameless, pem_of, revoking
from tests.kit import tls


def listening(**rules: Any) -> str:
    listen = {"address": "127.0.0.1:0", "tls": rules}
    return yaml.safe_dump({"gateway": {"listen": [listen]}})


def said_of(folder: Path, leaf: Leaf | None = None, **more: Any) -> str:
    """What is said about a listener with this certificate, behind its place."""
    found = complaint(folder, listening(**(leaf or issued("localhost")).files(folder), **more))
    place, _, what = found.partition(": gateway.listen[0].tls.")
    assert place.isdigit()
    return what.replace(str(folder), "F")


def test_an_expired_certificate_is_not_served(tmp_path: Path) -> None:
    said = said_of(tmp_path, issued("localhost", days=-2))
    assert said.startswith("cert: the certificate in 'F/cert.pem' expired at ") and said.endswith("UTC (renew it)")


def test_a_certificate_without_alternative_names_is_not_served(tmp_path: Path) -> None:
    assert said_of(tmp_path, nameless()) == (
        "cert: the certificate in 'F/cert.pem' has no subject alternative name, and clients look at nothing else "
        "(have it issued for the DNS names and addresses that clients use)"
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("key", issued("localhost").key, "key: is not the key of the certificate"),
        ("key", pem_of(ec.generate_private_key(ec.SECP256R1()), b"sesame"), "key: has a passphrase, which nobody"),
        ("key", "nonsense", "key: cannot be read as a private key (PEM)"),
        ("cert", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", "cert: cannot be read as a certific"),
        ("cert", "", "cert: cannot be read as a certificate (PEM)"),
        ("client_ca", "nonsense", "client_ca: 'F/client_ca.pem' cannot be read as a certificate (PEM)"),
        ("client_crl", "nonsense", "client_crl: 'F/client_crl.pem' holds no list of revoked certificates (PEM)"),
        (
            "client_crl",
            "-----BEGIN X509 CRL-----\nx\n-----END X509 CRL-----\n",
            "client_crl: 'F/client_crl.pem' cannot be read as a list of revoked certificates (PEM): ",
        ),
    ],
)
def test_a_file_that_does_not_hold_what_it_should_is_named(
    name: str, content: str, said: str, tmp_path: Path
) -> None:
    files = issued("localhost").files(tmp_path)
    (tmp_path / "clients.pem").write_bytes(tls.authority().cert_pem.bytes())
    files |= {"client_ca": "clients.pem", name: f"{name}.pem"}
    (tmp_path / f"{name}.pem").write_text(content)
    found = complaint(tmp_path, listening(**files)).replace(str(tmp_path), "F")
    assert f"gateway.listen[0].tls.{said}" in found


@pytest.mark.parametrize("name", ["cert", "key", "client_ca", "client_crl"])
def test_a_file_that_is_gone_is_named(name: str, tmp_path: Path) -> None:
    files = issued("localhost").files(tmp_path)
    (tmp_path / "clients.pem").write_bytes(tls.authority().cert_pem.bytes())
    files |= {"client_ca": "clients.pem", name: "gone.pem"}
    found = complaint(tmp_path, listening(**files)).replace(str(tmp_path), "F")
    assert found.endswith(f"gateway.listen[0].tls.{name}: 'F/gone.pem' cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"min_version": "TLSv1.1"}, "min_version: must be 'TLSv1.2' or 'TLSv1.3', not 'TLSv1.1'"),
        ({"ciphers": "NONSENSE"}, "ciphers: 'NONSENSE' selects no cipher suite that OpenSSL knows (`openssl ciphers"),
        ({"ciphers": "HIGH", "min_version": "TLSv1.3"}, "ciphers: has no effect with min_version TLSv1.3"),
        ({"verify_client": "required"}, "verify_client: needs client_ca beside it"),
        ({"verify_client": "never"}, "verify_client: must be 'required' or 'optional', not 'never'"),
        ({"client_crl": "x.pem"}, "client_crl: needs client_ca beside it"),
    ],
)
def test_a_rule_that_cannot_be_is_told_why(rules: dict[str, Any], said: str, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text(revoking(tls.authority()))
    assert said_of(tmp_path, **rules).startswith(said)


@pytest.mark.parametrize(
    ("name", "mend"),
    [("ciphersuites", "leaves the suites of TLS 1.3 to OpenSSL"), ("verify_depth", "knows no depth")],
)
def test_what_python_cannot_be_told_is_refused_in_words(name: str, mend: str, tmp_path: Path) -> None:
    found = complaint(tmp_path, listening(**issued("localhost").files(tmp_path), **{name: "x"}))
    assert f"gateway.listen[0].tls: {name!r} is not served (Python's ssl {mend}" in found


def test_proxies_have_to_be_trusted_to_be_listened_to(tmp_path: Path) -> None:
    listen: dict[str, Any] = {"address": "127.0.0.1:0", "proxy_protocol": True}
    for trusted in ([], ["unix:"]):
        text = yaml.safe_dump({"gateway": {"listen": [listen], "trusted_ips": trusted}})
        assert "listen[0].proxy_protocol: trusted_ips does not have any address" in complaint(tmp_path, text)
    text = yaml.safe_dump({"gateway": {"listen": [listen], "trusted_ips": ["nonsense"]}})
    assert "trusted_ips[0]: must be an address or a network, not 'nonsense'" in complaint(tmp_path, text)
    listen["address"] = "unix:gw.sock"
    text = yaml.safe_dump({"gateway": {"listen": [listen], "trusted_ips": ["127.0.0.1"]}})
    assert "trusted_ips does not have peers on Unix sockets" in complaint(tmp_path, text)
    text = yaml.safe_dump({"gateway": {"listen": [listen], "trusted_ips": ["unix:"]}})
    assert config(tmp_path, text).gateway.listen[0].proxy_protocol


def test_a_file_that_changes_between_check_and_use_is_named_too(tmp_path: Path) -> None:
    own = issued("localhost")
    own.files(tmp_path)
    (tmp_path / "cert.key").write_text(issued("localhost").key)
    with pytest.raises(ConfigError, match=r"listen h:1: .*cert\.pem, .*cert\.key: .*key values mismatch"):
        file_context(str(tmp_path / "cert.pem"), str(tmp_path / "cert.key"), where=f"listen {Listen('h', 1)}")


# What expires soon


@pytest.mark.parametrize(("days", "warned"), [(13.9, True), (14.1, False)])
def test_a_certificate_is_warned_of_for_its_last_two_weeks(days: float, warned: bool, tmp_path: Path) -> None:
    own = issued("localhost", days=days)
    entity = {"cert": own.chain, "key": own.key, "snis": [{"name": "localhost"}]}
    text = listening(**own.files(tmp_path)) + yaml.safe_dump({"certificates": [entity]})
    found = loaded(tmp_path, '_format_version: "3.0"\n' + text)
    assert found.problems == []
    said = [str(warning) for warning in found.warnings]
    assert all("warning: " in line and "the certificate expires at " in line for line in said)
    assert len(said) == (2 if warned else 0)


def test_the_certificates_in_use_are_listed_with_their_ends(tmp_path: Path) -> None:
    shown, named, spare = issued("localhost", days=90), issued("a.test", days=60), issued("b.test", days=30)
    authority = tls.authority().cert_pem.bytes().decode()
    (tmp_path / "clients.pem").write_text(authority)
    ids = [f"2f0b8c0a-32d2-4f2c-9a56-0d6c0a0b8f0{n}" for n in range(2)]
    entities = [
        {"cert": named.chain, "key": named.key, "snis": [{"name": "a.test"}, {"name": "*.a.test"}]},
        {"id": ids[0], "cert": spare.chain, "key": spare.key},
    ]
    text = listening(**shown.files(tmp_path), client_ca="clients.pem")
    text += yaml.safe_dump({"certificates": entities, "ca_certificates": [{"id": ids[1], "cert": authority}]})
    found = dict(expiries(config(tmp_path, text)))
    assert list(found) == [
        "listen 127.0.0.1:0",
        "listen 127.0.0.1:0 client_ca",
        "certificate a.test, *.a.test",
        f"certificate {ids[0]}",
        f"ca_certificate {ids[1]}",
    ]
    days = [round((end - time.time()) / 86400) for end in found.values()]
    assert (days[0], days[2], days[3]) == (90, 60, 30)
    assert days[1] == days[4] > 365


def test_a_file_that_is_gone_since_is_left_out(tmp_path: Path) -> None:
    found = config(tmp_path, listening(**issued("localhost").files(tmp_path)))
    (tmp_path / "cert.pem").unlink()
    assert expiries(found) == []


def test_a_list_of_revoked_certificates_that_has_expired_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "clients.pem").write_bytes(tls.authority().cert_pem.bytes())
    text = listening(**issued("localhost").files(tmp_path), client_ca="clients.pem", client_crl="revoked.pem")
    for days, warned in ((1, 0), (-1, 1)):
        (tmp_path / "revoked.pem").write_text(revoking(tls.authority(), days=days))
        found = loaded(tmp_path, '_format_version: "3.0"\n' + text)
        assert found.problems == []
        assert ["clients of this authority will be refused" in str(said) for said in found.warnings] == [True] * warned


# Names


@pytest.mark.parametrize(
    ("name", "warned"),
    [("a.test", False), ("A.test", False), ("b.wild.test", False), ("*", False), ("b.test", True), ("c.b.test", True)],
)
def test_a_server_name_that_its_certificate_lacks_is_warned_of(name: str, warned: bool, tmp_path: Path) -> None:
    own = issued("a.test", "*.wild.test")
    entity = {"cert": own.chain, "key": own.key, "snis": [{"name": name}]}
    found = loaded(tmp_path, '_format_version: "3.0"\n' + yaml.safe_dump({"certificates": [entity]}))
    assert found.problems == []
    said = [str(warning) for warning in found.warnings]
    assert len(said) == warned
    if warned:
        assert f"certificates[0].snis[0].name: the certificate is not for {name!r}: clients will refuse it" in said[0]
        assert said[0].endswith("(its DNS names: *.wild.test, a.test)")
