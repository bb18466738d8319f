"""Certificates, keys, authorities and server names."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from tests.config.files import complaint, complaints, config, loaded
from tests.kit.tls import authority


@cache
def pair(name: str = "a.test") -> tuple[str, str]:
    found = authority().issue_cert(name)
    chain = "".join(blob.bytes().decode() for blob in found.cert_chain_pems)
    return chain, found.private_key_pem.bytes().decode()


@cache
def self_signed(days_from: int, days_to: int, *, kind: str = "plain") -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.test")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now + timedelta(days=days_from))
        .not_valid_after(now + timedelta(days=days_to))
    )
    if kind == "authority":
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode(), private(key)


def private(key: Any, passphrase: bytes = b"") -> str:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    text: bytes = key.private_bytes(serialization.Encoding.PEM, form, encryption)
    return text.decode()


def public(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    text: bytes = key.public_key().public_bytes(serialization.Encoding.PEM, form)
    return text.decode()


def certificate(**fields: Any) -> str:
    cert, key = pair()
    return f"certificates:\n- {json.dumps({'cert': cert, 'key': key, **fields})}\n"


ONE = "0c8e1d2e-7d1a-4a67-8f2e-111111111111"


def test_a_certificate_has_its_server_names(tmp_path: Path) -> None:
    flat = f"snis: [{{name: 'b.test', certificate: {ONE}}}]\n"
    found = config(tmp_path, flat + certificate(id=ONE, snis=[{"name": "*.a.test"}, {"name": "*"}]))
    assert [(sni.name, sni.certificate.id) for sni in found.snis] == [("b.test", ONE), ("*.a.test", ONE), ("*", ONE)]
    assert (found.certificates[0].cert, found.certificates[0].key) == pair()


def test_a_service_names_its_certificates_by_id(tmp_path: Path) -> None:
    ca = authority().cert_pem.bytes().decode()
    text = certificate(id=ONE) + f"ca_certificates: [{json.dumps({'id': ONE, 'cert': ca})}]\n"
    text += f"services: [{{url: 'wss://h/', tls_verify: true, client_certificate: {ONE}, ca_certificates: [{ONE}]}}]\n"
    (service,) = config(tmp_path, text).services
    assert service.client_certificate is not None and service.client_certificate.cert == pair()[0]
    assert [one.cert for one in service.ca_certificates] == [ca]
    assert service.tls_verify is True


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    assert complaint(tmp_path, certificate(key=pair("b.test")[1])).startswith(
        "3: certificates[0].key: is not the key of the certificate"
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cert": "nonsense"}, "cert: must be a certificate (PEM), not 'nonsense' (it begins with -----BEGIN CERT"),
        (
            {"cert": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"},
            "cert: cannot be read as a certificate (PEM): ",
        ),
        ({"key": "s3cret"}, "key: must be a private key (PEM) (it begins with -----BEGIN PRIVATE KEY-----)"),
        (
            {"key": "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"},
            "key: cannot be read as a private key (PEM): ",
        ),
        ({"key_alt": pair()[1]}, "key_alt: needs cert_alt beside it"),
        ({"cert_alt": pair()[0]}, "cert_alt: needs key_alt beside it"),
        ({"cert_alt": pair()[0], "key_alt": pair("b.test")[1]}, "key_alt: is not the key of the certificate"),
        ({"snis": ["a.test"]}, "snis[0]: must be a mapping (write name: a.test)"),
        ({"snis": [{"name": "a.test:443"}]}, "snis[0].name: must be a host name, perhaps with one *"),
    ],
)
def test_a_certificate_that_is_wrong_is_told_why(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    line = complaint(tmp_path, certificate(**fields))
    assert line.startswith(f"3: certificates[0].{said}")
    assert "s3cret" not in line


def test_a_key_with_a_passphrase_cannot_be_used(tmp_path: Path) -> None:
    key = private(ec.generate_private_key(ec.SECP256R1()), b"open sesame")
    line = complaint(tmp_path, certificate(key=key))
    assert line == "3: certificates[0].key: has a passphrase, which nobody could enter"


def test_a_certificate_needs_a_key(tmp_path: Path) -> None:
    assert complaint(tmp_path, f"certificates:\n- {json.dumps({'cert': pair()[0]})}\n") == (
        "3: certificates[0]: key is missing"
    )


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((-2, -1), "warning: certificates[0].cert: the certificate expired at "),
        ((1, 2), "warning: certificates[0].cert: the certificate is not valid before "),
    ],
)
def test_a_certificate_out_of_its_time_is_a_warning(tmp_path: Path, days: tuple[int, int], said: str) -> None:
    cert, key = self_signed(*days)
    found = loaded(tmp_path, '_format_version: "3.0"\n' + certificate(cert=cert, key=key))
    assert found.config is not None
    assert [str(warning).split("gateway.yaml:3: ")[1][: len(said)] for warning in found.warnings] == [said]


def test_a_certificate_in_its_time_is_no_warning(tmp_path: Path) -> None:
    assert loaded(tmp_path, '_format_version: "3.0"\n' + certificate()).warnings == []


def test_a_server_name_is_there_once_whatever_its_case(tmp_path: Path) -> None:
    line = complaint(tmp_path, certificate(snis=[{"name": "a.test"}, {"name": "A.test"}]))
    assert "snis[1].name: 'A.test' is the name of certificates[0].snis[0] (line 3) already" in line


def test_a_server_name_needs_a_certificate(tmp_path: Path) -> None:
    assert complaint(tmp_path, "snis: [{name: a}]\n").startswith("2: snis[0]: certificate is missing")


def test_an_authority_is_one_certificate_that_may_sign(tmp_path: Path) -> None:
    def entry(cert: str) -> str:
        return f"ca_certificates: [{json.dumps({'cert': cert})}]\n"

    ca = self_signed(-1, 1, kind="authority")[0]
    assert config(tmp_path, entry(ca)).ca_certificates[0].cert == ca
    assert complaint(tmp_path, entry(ca + ca)).startswith("2: ca_certificates[0].cert: holds 2 certificates, not one")
    assert "is not the certificate of an authority" in complaint(tmp_path, entry(self_signed(-1, 1)[0]))
    broken = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"
    assert "cannot be read as a certificate (PEM)" in complaint(tmp_path, entry(broken))


# Listeners


def tls(folder: Path, fields: str) -> list[str]:
    return complaints(folder, f"gateway:\n  listen:\n  - address: h:1\n    tls: {fields}\n")


def test_a_listener_shows_the_certificate_of_its_files(tmp_path: Path) -> None:
    cert, key = pair()
    (tmp_path / "cert.pem").write_text(cert)
    (tmp_path / "key.pem").write_text(key)
    (tmp_path / "both.pem").write_text(key + cert)
    text = """gateway:
  listen:
  - {address: "h:1", tls: {cert: cert.pem, key: ./key.pem}}
  - {address: "h:2", tls: {cert: both.pem}}
"""
    one, two = config(tmp_path, text).gateway.listen
    assert (one.tls, one.cert, one.key) == (True, str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert (two.tls, two.cert, two.key) == (True, str(tmp_path / "both.pem"), None)


def test_a_listener_without_files_shows_the_certificates_of_the_file(tmp_path: Path) -> None:
    text = "gateway: {listen: [{address: 'h:1', tls: true}, {address: 'h:2', tls: {}}]}\n"
    found = config(tmp_path, text + certificate(snis=[{"name": "a.test"}])).gateway.listen
    assert [(listen.tls, listen.cert) for listen in found] == [(True, None), (True, None)]


def test_the_files_of_a_listener_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text(pair()[0])
    (tmp_path / "key.pem").write_text(pair("b.test")[1])
    place = "5: gateway.listen[0].tls"
    assert tls(tmp_path, "{cert: none.pem, key: none.key}") == [
        f"{place}.cert: '{tmp_path / 'none.pem'}' cannot be read: No such file or directory",
        f"{place}.key: '{tmp_path / 'none.key'}' cannot be read: No such file or directory",
    ]
    assert tls(tmp_path, "{cert: cert.pem, key: key.pem}")[0].startswith(f"{place}.key: is not the key of the cert")
    assert tls(tmp_path, "{cert: cert.pem}")[0].startswith(f"{place}.cert: cannot be read as a private key (PEM)")
    assert tls(tmp_path, "{cert: key.pem, key: cert.pem}")[0].startswith(f"{place}.cert: cannot be read as a cert")


# Keys of tokens


def secret(**fields: str) -> str:
    return f"consumers:\n- username: a\n  jwt_secrets:\n  - {json.dumps({'key': 'k', **fields})}\n"


def test_a_token_key_fits_its_algorithm(tmp_path: Path) -> None:
    keys = {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    for algorithm, key in keys.items():
        text = secret(algorithm=algorithm, rsa_public_key=public(key))
        assert config(tmp_path, text).entities.all("jwt_secrets")[0]["algorithm"] == algorithm
    line = complaint(tmp_path, secret(algorithm="PS384", rsa_public_key=public(keys["ES256"])))
    assert line == "5: consumers[0].jwt_secrets[0].rsa_public_key: is not the RSA key that PS384 needs"
    line = complaint(tmp_path, secret(algorithm="ES256", rsa_public_key=public(keys["RS256"])))
    assert line.endswith("is not the elliptic-curve key that ES256 needs")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"algorithm": "RS256", "rsa_public_key": "x"}, ".rsa_public_key: cannot be read as a public key (PEM): "),
        ({"algorithm": "HS256", "secret": "s", "rsa_public_key": "x"}, ".rsa_public_key: HS256 does not use it"),
        ({"algorithm": "HS512"}, ": secret is missing: HS512 needs it"),
    ],
)
def test_a_token_key_that_is_wrong_is_told_why(tmp_path: Path, fields: dict[str, str], said: str) -> None:
    assert complaint(tmp_path, secret(**fields)).startswith(f"5: consumers[0].jwt_secrets[0]{said}")
