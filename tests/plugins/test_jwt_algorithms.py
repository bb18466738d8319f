"""jwt: the algorithm is the credential's, and no token can make it another."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from framegate.plugins.jwt.keys import ALGORITHMS, ASYMMETRIC, SYMMETRIC
from tests.plugins.stage import ALICE, Outcome, credential, play, plugin
from tests.plugins.tokens import SECRET, kind_for, part, private_key, private_pem, public_pem, token

CLAIMS = {"iss": "issuer"}


def fields_for(algorithm: str) -> dict[str, Any]:
    """The fields of a credential that is in order."""
    if algorithm in SYMMETRIC:
        return {"algorithm": algorithm, "secret": SECRET}
    return {"algorithm": algorithm, "rsa_public_key": public_pem(kind_for(algorithm))}


def come(text: str, config: Any = None, **fields: Any) -> Outcome:
    """Alice has one credential, with these fields."""
    held = {"jwt_secrets": [credential(ALICE, id="cred", key="issuer", **fields)]}
    return play(plugin("jwt", **(config or {})), [("Authorization", f"Bearer {text}")], entities=held)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_is_verified_by_the_algorithm_of_the_credential(algorithm: str) -> None:
    seen = come(token(CLAIMS, algorithm), **fields_for(algorithm))
    assert (seen.status, seen.consumer) == (None, "alice")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_that_was_changed_is_refused(algorithm: str) -> None:
    head, _, signature = token(CLAIMS, algorithm).split(".")
    text = f"{head}.{part({**CLAIMS, 'admin': True})}.{signature}"
    assert come(text, **fields_for(algorithm)).message == "Invalid signature"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("signature", [b"x", b"\0" * 64, b"\0" * 256, b"x" * 5000])
def test_a_signature_of_any_length_is_wrong_and_no_failure(algorithm: str, signature: bytes) -> None:
    head, body, _ = token(CLAIMS, algorithm).split(".")
    assert come(f"{head}.{body}.{part(signature)}", **fields_for(algorithm)).message == "Invalid signature"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_token_of_another_key_is_refused(algorithm: str) -> None:
    kind = kind_for(algorithm)
    other = private_key("rsa2") if kind == "rsa" else type_of(kind)
    assert come(token(CLAIMS, algorithm, key=other), **fields_for(algorithm)).message == "Invalid signature"


def type_of(kind: str) -> Any:
    """Another key of this kind."""
    return private_key.__wrapped__(kind)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_each_other_algorithm_is_refused(algorithm: str) -> None:
    for other in ALGORITHMS:
        if other != algorithm:
            assert come(token(CLAIMS, other), **fields_for(algorithm)).message == "Invalid algorithm"


def test_a_credential_without_an_algorithm_is_for_hs256() -> None:
    assert come(token(CLAIMS), secret=SECRET).status is None
    assert come(token(CLAIMS), secret=SECRET, algorithm=None).status is None
    assert come(token(CLAIMS, "HS512"), secret=SECRET).message == "Invalid algorithm"


# No algorithm


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", " "])
def test_a_token_without_an_algorithm_is_refused(name: str) -> None:
    head, body = part({"alg": name}), part(CLAIMS)
    for signature in (part(b"x"), token(CLAIMS).rpartition(".")[2]):
        for algorithm in ("HS256", "RS256"):
            assert come(f"{head}.{body}.{signature}", **fields_for(algorithm)).message == "Bad token; invalid alg"
    assert come(f"{head}.{body}.", **fields_for("HS256")).message.startswith("Bad token; invalid ")


def test_a_credential_for_no_algorithm_lets_in_nobody() -> None:
    text = f"{part({'alg': 'none'})}.{part(CLAIMS)}.{part(b'x')}"
    assert come(text, algorithm="none", secret=SECRET).message == "Bad token; invalid alg"


def test_a_credential_for_an_unknown_algorithm_lets_in_nobody() -> None:
    assert (
        come(token(CLAIMS, header={"alg": "HS1"}), algorithm="HS1", secret=SECRET).message == "Bad token; invalid alg"
    )
    assert come(token(CLAIMS), algorithm="HS1", secret=SECRET).message == "Invalid algorithm"


# A public key in the place of a secret


@pytest.mark.parametrize("algorithm", SYMMETRIC)
@pytest.mark.parametrize("kind", ["rsa", "P-256", "ed25519"])
def test_a_token_that_is_signed_with_the_public_key_as_a_secret_is_refused(algorithm: str, kind: str) -> None:
    pem = public_pem(kind)
    asymmetric = {"rsa": "RS256", "P-256": "ES256", "ed25519": "EdDSA"}[kind]
    text = token(CLAIMS, algorithm, key=pem)
    assert come(text, algorithm=asymmetric, rsa_public_key=pem).message == "Invalid algorithm"
    # so that it names the credential's algorithm, too
    lying = token(CLAIMS, algorithm, key=pem, header={"alg": asymmetric})
    assert come(lying, algorithm=asymmetric, rsa_public_key=pem).message == "Invalid signature"


@pytest.mark.parametrize("algorithm", SYMMETRIC)
def test_a_public_key_is_never_a_secret_even_where_the_credential_has_it_for_one(algorithm: str) -> None:
    pem = public_pem("rsa")
    text = token(CLAIMS, algorithm, key=pem)
    assert come(text, algorithm=algorithm, secret=pem).message == "Invalid key/secret"
    assert come(text, algorithm=algorithm, rsa_public_key=pem).message == "Invalid key/secret"


def test_a_secret_beside_a_public_key_does_not_count() -> None:
    both = {"algorithm": "RS256", "secret": SECRET, "rsa_public_key": public_pem("rsa")}
    assert come(token(CLAIMS, "HS256"), **both).message == "Invalid algorithm"
    assert come(token(CLAIMS, "HS256", header={"alg": "RS256"}), **both).message == "Invalid signature"
    assert come(token(CLAIMS, "RS256"), **both).status is None


def test_a_key_that_the_token_brings_along_does_not_count() -> None:
    theirs = private_key("rsa2")
    brought = {
        "jwk": {"kty": "oct", "k": part(b"x")},
        "jku": "https://evil.example/keys",
        "x5u": "https://evil.example",
    }
    text = token(CLAIMS, "RS256", key=theirs, **brought)
    assert come(text, **fields_for("RS256")).message == "Invalid signature"


# Keys that do not fit


@pytest.mark.parametrize(
    "fields",
    [
        {"algorithm": "HS256"},
        {"algorithm": "HS256", "secret": ""},
        {"algorithm": "RS256"},
        {"algorithm": "RS256", "secret": SECRET},
        {"algorithm": "RS256", "rsa_public_key": "no key"},
        {"algorithm": "RS256", "rsa_public_key": "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"},
    ],
)
def test_a_credential_without_a_key_for_its_algorithm_lets_in_nobody(fields: Any) -> None:
    assert come(token(CLAIMS, fields["algorithm"]), **fields).message == "Invalid key/secret"


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("RS256", "P-256"),
        ("PS256", "ed25519"),
        ("ES256", "rsa"),
        ("ES256", "P-384"),
        ("ES384", "P-256"),
        ("ES512", "P-384"),
        ("EdDSA", "rsa"),
        ("EdDSA", "P-256"),
    ],
)
def test_a_key_of_another_type_or_curve_lets_in_nobody(algorithm: str, kind: str) -> None:
    seen = come(token(CLAIMS, algorithm), algorithm=algorithm, rsa_public_key=public_pem(kind))
    assert seen.message == "Invalid key/secret"


def test_a_private_key_is_no_public_key_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    pem = private_pem("rsa")
    with caplog.at_level(logging.DEBUG):
        assert come(token(CLAIMS, "RS256"), algorithm="RS256", rsa_public_key=pem).message == "Invalid key/secret"
    assert "its rsa_public_key is no public key in PEM form" in caplog.text
    assert pem.splitlines()[1] not in caplog.text


def test_a_secret_that_is_not_the_base64_it_should_be_lets_in_nobody() -> None:
    seen = come(token(CLAIMS), {"secret_is_base64": True}, secret="not base64!")
    assert seen.message == "Invalid key/secret"


def test_a_secret_in_base64_has_nothing_to_do_with_a_public_key() -> None:
    assert come(token(CLAIMS, "RS256"), {"secret_is_base64": True}, **fields_for("RS256")).status is None
