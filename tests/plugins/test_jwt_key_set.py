"""jwt: an issuer's keys in a file, for tokens that name one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.stage import ALICE, Outcome, credential, faults, play, plugin
from tests.plugins.tokens import SECRET, jwk, private_key, token

SECRETS = {"jwt_secrets": [credential(ALICE, id="cred-a", key="issuer-a", secret=SECRET)]}


@pytest.fixture
def keys(tmp_path: Path) -> str:
    """Four keys, of which the last has no algorithm of its own."""
    return written(
        tmp_path,
        jwk("rsa", kid="r", alg="PS256", use="sig"),
        jwk("P-384", kid="e", x5c=["ignored"]),
        jwk("ed25519", kid="d", key_ops=["verify"]),
        jwk("rsa2", kid="r2"),
    )


def written(folder: Path, *entries: Any) -> str:
    file = folder / "keys.json"
    file.write_text(json.dumps({"keys": entries}))
    return str(file)


def come(text: str, file: str, **config: Any) -> Outcome:
    fields = [("Authorization", f"Bearer {text}")]
    return play(plugin("jwt", jwks_file=file, **config), fields, entities=SECRETS)


SUBJECT = {"iss": "https://login.example", "sub": "A-1"}


# Who is let in


@pytest.mark.parametrize(
    ("kid", "algorithm", "kind"),
    [("r", "PS256", "rsa"), ("e", "ES384", "P-384"), ("d", "EdDSA", "ed25519"), ("r2", "RS256", "rsa2")],
)
def test_a_token_is_verified_by_the_key_that_it_names(keys: str, kid: str, algorithm: str, kind: str) -> None:
    seen = come(token(SUBJECT, algorithm, key=private_key(kind), kid=kid), keys)
    assert (seen.status, seen.consumer) == (None, "alice")
    assert seen.told("X-Credential-Identifier") == "A-1"


def test_the_claim_holds_the_custom_id_else_the_username(keys: str) -> None:
    assert come(token({"sub": "bob"}, "EdDSA", kid="d"), keys).consumer == "bob"
    assert (
        come(token({"app": "bob", "sub": "A-1"}, "EdDSA", kid="d"), keys, jwks_consumer_claim="app").consumer == "bob"
    )


def test_who_is_no_consumer_comes_in_only_where_that_is_said(keys: str) -> None:
    text = token({"sub": "carol@example.com"}, "EdDSA", kid="d")
    assert come(text, keys).message == "Could not find consumer for 'sub'"
    seen = come(text, keys, jwks_consumer_optional=True)
    assert (seen.status, seen.consumer) == (None, None)
    assert seen.told("X-Credential-Identifier") == "carol@example.com"
    assert seen.told("X-Consumer-Username") is None


def test_tokens_that_name_no_key_of_the_file_are_verified_by_credentials(keys: str) -> None:
    assert come(token({"iss": "issuer-a"}), keys).consumer == "alice"
    assert come(token({"iss": "issuer-a"}, kid="other"), keys).consumer == "alice"
    assert come(token(SUBJECT, "EdDSA", kid="other"), keys).message == "No credentials found for given 'iss'"
    assert come(token(SUBJECT, "EdDSA"), keys).message == "No credentials found for given 'iss'"


# Who is refused


@pytest.mark.parametrize(
    ("algorithm", "kind", "kid", "message"),
    [
        ("PS256", "rsa2", "r", "Invalid signature"),
        ("PS256", "rsa", "r2", "Invalid algorithm"),
        ("RS256", "rsa", "r", "Invalid algorithm"),
        ("RS384", "rsa2", "r2", "Invalid algorithm"),
        ("ES384", "P-384", "d", "Invalid algorithm"),
        ("EdDSA", "ed25519", "e", "Invalid algorithm"),
    ],
)
def test_a_token_of_another_key_or_algorithm_is_refused(
    keys: str, algorithm: str, kind: str, kid: str, message: str
) -> None:
    assert come(token(SUBJECT, algorithm, key=private_key(kind), kid=kid), keys).message == message


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_token_that_is_signed_with_the_public_key_as_a_secret_is_refused(keys: str, algorithm: str) -> None:
    for secret in (json.dumps(jwk("rsa", kid="r")), jwk("rsa")["n"], SECRET):
        assert come(token(SUBJECT, algorithm, key=secret, kid="r"), keys).message == "Invalid algorithm"


def test_a_consumers_own_secret_does_not_sign_for_the_issuer(keys: str) -> None:
    assert come(token({"iss": "issuer-a", "sub": "bob"}, kid="d"), keys).message == "Invalid algorithm"


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({}, "No mandatory 'sub' in claims"),
        ({"sub": ""}, "Invalid 'sub' in claims"),
        ({"sub": 7}, "Invalid 'sub' in claims"),
        ({"sub": "A-1\r\nX-Admin: 1"}, "Invalid 'sub' in claims"),
        ({"sub": "\ud800"}, "Invalid 'sub' in claims"),
        ({"sub": "a-1"}, "Could not find consumer for 'sub'"),
    ],
)
def test_a_token_that_names_nobody_is_refused(keys: str, claims: Any, message: str) -> None:
    seen = come(token(claims, "EdDSA", kid="d"), keys)
    assert (seen.status, seen.message) == (401, message)


def test_its_claims_are_verified_as_any_tokens(keys: str) -> None:
    config = {"claims_to_verify": ["exp"], "issuer": ["https://login.example"], "audience": ["chat"]}
    good = {**SUBJECT, "exp": 2**40, "aud": "chat"}
    assert come(token(good, "EdDSA", kid="d"), keys, **config).status is None
    wrong = {"sub": "A-1", "iss": "https://evil.example", "exp": 1}
    assert come(token(wrong, "EdDSA", kid="d"), keys, **config).said == {
        "exp": "token expired",
        "iss": "issuer not allowed",
        "aud": "audience not allowed",
    }


@pytest.mark.parametrize("kid", [7, None, ["d"], {"d": 1}])
def test_a_kid_that_is_no_string_names_no_key(keys: str, kid: Any) -> None:
    assert come(token(SUBJECT, "EdDSA", kid=kid), keys).message == "No credentials found for given 'iss'"


# The file


def test_keys_for_something_else_are_passed_over(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        jwk("rsa", kid="enc", use="enc"),
        jwk("rsa", kid="enc2", alg="RSA-OAEP"),
        jwk("rsa", kid="ops", key_ops=["encrypt"]),
        {"kty": "future", "kid": "f"},
        {"kty": "OKP", "crv": "X25519", "x": "AA", "kid": "x"},
        "no key at all",
        jwk("ed25519", kid="d"),
    )
    assert come(token(SUBJECT, "EdDSA", kid="d"), file).status is None
    assert come(token(SUBJECT, "RS256", kid="enc"), file).message == "No credentials found for given 'iss'"


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([], "holds no key for RS256"),
        ([{"kty": "RSA", "use": "enc"}], "holds no key for RS256"),
        ([jwk("rsa")], "has no kid, by which tokens name it"),
        ([jwk("rsa", kid="")], "has no kid, by which tokens name it"),
        ([jwk("rsa", kid=7)], "has no kid, by which tokens name it"),
        ([jwk("rsa", kid="a"), jwk("rsa2", kid="a")], "keys[1] of "),
        ([{"kty": "oct", "k": "c2VjcmV0", "kid": "a", "alg": "HS256"}], "is a secret: only public keys belong there"),
        ([jwk("rsa", kid="a", d="AQAB")], "is a private key: only public keys belong there"),
        ([jwk("rsa", kid="a", alg="ES256")], "is of another type than ES256 takes"),
        ([jwk("P-256", kid="a", alg="EdDSA")], "is of another type than EdDSA takes"),
        ([jwk("P-256", kid="a", alg="ES384")], "is not a valid key for ES384"),
        ([{"kty": "RSA", "kid": "a"}], "is not a valid key for RS256"),
        ([{"kty": "RSA", "kid": "a", "n": "!", "e": 7}], "is not a valid key for RS256"),
        ([{**jwk("P-256", kid="a"), "x": "AA"}], "is not a valid key for ES256"),
    ],
)
def test_a_file_that_is_not_good_is_named_and_nothing_of_its_keys(tmp_path: Path, entries: Any, says: str) -> None:
    file = written(tmp_path, *entries)
    (fault,) = faults("jwt", jwks_file=file)
    assert fault.startswith("jwks_file: ") and says in fault and file in fault
    assert "c2VjcmV0" not in fault and "AQAB" not in fault


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "is not JSON"),
        (b"[" * 20000, "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", 'must hold {"keys": [...]}'),
        (b'{"keys": {}}', "must hold"),
    ],
)
def test_a_file_that_is_no_key_set_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "keys.json").write_bytes(content)
    (fault,) = faults("jwt", jwks_file=str(tmp_path / "keys.json"))
    assert fault.startswith(f"jwks_file: {says}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    assert faults("jwt", jwks_file=str(missing)) == [f"jwks_file: cannot be read: No such file or directory: {missing}"]


def test_a_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    (fault,) = faults("jwt", jwks_file=str(tmp_path))
    assert fault.startswith("jwks_file: cannot be read: ")
