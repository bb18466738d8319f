"""jwt: whoever shows a token that a consumer's key has signed is that consumer, and nobody else is."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from framegate.plugins import jwt
from tests.plugins.stage import ALICE, BOB, Outcome, credential, faults, play, plugin
from tests.plugins.tokens import SECRET, part, token

SECRETS = {
    "jwt_secrets": [
        credential(ALICE, id="cred-a", key="issuer-a", secret=SECRET),
        credential(BOB, id="cred-b", key="issuer-b", secret="the secret of bob, long enough", algorithm="HS256"),
        credential(BOB, id="cred-64", key="issuer-64", secret="_-_-c2VjcmV0IQ"),
        credential({"id": "gone"}, id="cred-x", key="orphan", secret=SECRET),
        credential(BOB, id="cred-n", key="nothing"),
    ]
}
NOW = 2_000_000_000


@pytest.fixture(autouse=True)
def the_time_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwt.time, "time", lambda: float(NOW))


def signed(algorithm: str = "HS256", *, key: Any = None, header: Any = None, **claims: Any) -> str:
    return token({"iss": "issuer-a", **claims}, algorithm, key=key, header=header)


def come(text: str | None = None, *fields: tuple[str, str], target: str = "/chat", **config: Any) -> Outcome:
    shown = [("Authorization", f"Bearer {text}")] if text is not None else []
    return play(plugin("jwt", **config), [*shown, *fields], target=target, entities=SECRETS)


# Who is let in


def test_a_token_makes_the_client_the_consumer_whose_key_signed_it() -> None:
    seen = come(signed())
    assert (seen.status, seen.consumer) == (None, "alice")
    assert seen.told("X-Consumer-Username") == "alice"
    assert seen.told("X-Credential-Identifier") == "cred-a"


def test_the_token_is_left_for_other_plugins_and_for_the_upstream() -> None:
    text = signed()
    seen = come(text)
    assert vars(seen.exchange.shared)["authenticated_jwt_token"] == text
    assert seen.told("Authorization") == f"Bearer {text}"


@pytest.mark.parametrize("value", ["Bearer  {}", "bearer {}", "BEARER\t{}"])
def test_the_scheme_has_no_case(value: str) -> None:
    assert come(None, ("Authorization", value.format(signed()))).consumer == "alice"


def test_a_token_may_come_in_the_query() -> None:
    assert come(target=f"/chat?jwt={signed()}").consumer == "alice"
    assert come(target=f"/chat?t={signed()}", uri_param_names=["jwt", "t"]).consumer == "alice"
    assert come(target=f"/chat?t={signed()}").message == "Unauthorized"


@pytest.mark.parametrize("cookie", ["token={}", "a=b; token={}; c=d", 'a=b;token="{}"'])
def test_a_token_may_come_in_a_cookie(cookie: str) -> None:
    field = ("Cookie", cookie.format(signed()))
    assert come(None, field, cookie_names=["token"]).consumer == "alice"
    assert come(None, field).message == "Unauthorized"


def test_a_token_may_come_in_another_header() -> None:
    field = ("X-Token", f"Bearer {signed()}")
    assert come(None, field, header_names=["X-Token"]).consumer == "alice"
    assert come(None, field).message == "Unauthorized"


def test_one_token_that_is_shown_twice_is_one() -> None:
    text = signed()
    assert come(text, ("Authorization", f"Bearer {text}"), target=f"/?jwt={text}").consumer == "alice"


def test_the_key_may_stand_in_another_claim_or_in_the_header() -> None:
    assert come(token({"kid": "issuer-a"}), key_claim_name="kid").consumer == "alice"
    assert come(token({}, kid="issuer-a"), key_claim_name="kid").consumer == "alice"
    assert come(token({"kid": "issuer-a"}, kid="issuer-b"), key_claim_name="kid").consumer == "alice"


def test_a_secret_may_be_written_in_base64() -> None:
    text = token({"iss": "issuer-64"}, key=b"\xff\xef\xfesecret!")
    assert come(text, secret_is_base64=True).consumer == "bob"
    assert come(text).message == "Invalid signature"


# Who is refused


def refused(seen: Outcome, message: str, challenge: str = 'Bearer error="invalid_token"') -> None:
    assert (seen.status, seen.said) == (401, {"message": message})
    assert seen.header("WWW-Authenticate") == challenge
    assert (seen.exchange.consumer, seen.exchange.credential) == (None, None)
    assert vars(seen.exchange.shared) == {}


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic YTpi", "Token a.b.c", "a.b.c", ""])
def test_a_client_without_a_token_is_refused(value: str) -> None:
    refused(come(), "Unauthorized", "Bearer")
    refused(come(None, ("Authorization", value)), "Unauthorized", "Bearer")
    refused(come(target="/?jwt"), "Unauthorized", "Bearer")
    refused(come(target="/?jwt="), "Unauthorized", "Bearer")


def test_a_client_with_several_tokens_is_refused() -> None:
    one, other = signed(), signed(jti="2")
    refused(come(one, target=f"/?jwt={other}"), "Multiple tokens provided", "Bearer")
    refused(come(target=f"/?jwt={one}&jwt={other}"), "Multiple tokens provided", "Bearer")
    refused(come(one, ("Authorization", f"Bearer {other}")), "Multiple tokens provided", "Bearer")


def test_the_realm_stands_in_the_challenge_where_one_is_given() -> None:
    refused(come(realm="chat"), "Unauthorized", 'Bearer realm="chat"')
    refused(come("x", realm="chat"), "Bad token; invalid JSON", 'Bearer realm="chat", error="invalid_token"')


HEAD, CLAIMS, SIGNATURE = signed().split(".")
DEEP = part(b"[" * 20000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "Bad token; invalid JSON"),
        ("..", "Bad token; invalid JSON"),
        (f"{HEAD}.{CLAIMS}", "Bad token; invalid JSON"),
        (f"{HEAD}.{CLAIMS}.{SIGNATURE}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{HEAD}.{CLAIMS}. {SIGNATURE}", "Bad token; invalid signature"),
        (f"!{HEAD}.{CLAIMS}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{HEAD}=.{CLAIMS}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"\xe9{HEAD}.{CLAIMS}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{part(b'no json')}.{CLAIMS}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{part(['alg'])}.{CLAIMS}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{HEAD}.{part('claims')}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{HEAD}.{part(None)}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{HEAD}.{part(b'{`exp`: NaN}'.replace(b'`', bytes([34])))}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{DEEP}.{CLAIMS}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{HEAD}.{DEEP}.{SIGNATURE}", "Bad token; invalid JSON"),
        (f"{HEAD}.{CLAIMS}.", "Bad token; invalid signature"),
        (f"{HEAD}.{CLAIMS}.!", "Bad token; invalid signature"),
        (f"{HEAD}.{CLAIMS}.{SIGNATURE}=", "Bad token; invalid signature"),
        (f"{HEAD}.{CLAIMS}.{SIGNATURE[:-1]}", "Bad token; invalid signature"),
        (f"{HEAD}.{CLAIMS}.{part(b'x' * 32)}", "Invalid signature"),
        (f"{HEAD}.{CLAIMS}.{part(b'x')}", "Invalid signature"),
        (signed(key="another secret"), "Invalid signature"),
        (f"{HEAD}.{part({'iss': 'issuer-a', 'admin': True})}.{SIGNATURE}", "Invalid signature"),
        (f"{HEAD}.{part({'iss': 'issuer-b'})}.{SIGNATURE}", "Invalid signature"),
        (token({}), "No mandatory 'iss' in claims"),
        (token({"iss": None}), "No mandatory 'iss' in claims"),
        (token({"iss": ""}), "Invalid 'iss' in claims"),
        (token({"iss": 7}), "Invalid 'iss' in claims"),
        (token({"iss": ["issuer-a"]}), "Invalid 'iss' in claims"),
        (token({"iss": {"key": "issuer-a"}}), "Invalid 'iss' in claims"),
        (token({"iss": "nobody"}), "No credentials found for given 'iss'"),
        (token({"iss": "ISSUER-A"}), "No credentials found for given 'iss'"),
        (token({"iss": "nothing"}), "Invalid key/secret"),
        (token({"iss": "orphan"}), "Unauthorized"),
        (signed(header={"alg": "HS256", "crit": ["exp"]}), "Bad token; invalid crit"),
        (signed(header={"alg": "HS256", "crit": []}), "Bad token; invalid crit"),
        (signed(header={"alg": "HS256", "b64": False}), "Bad token; invalid crit"),
        (signed(header={"typ": "JWT"}), "Bad token; invalid alg"),
        (signed(header={"alg": 256}), "Bad token; invalid alg"),
        (signed(header={"alg": "HS1"}), "Bad token; invalid alg"),
    ],
)
def test_a_token_that_is_not_good_is_refused_with_the_reason(text: str, message: str) -> None:
    refused(come(text), message)


def test_a_credential_without_a_key_is_told_to_the_operator_once_and_without_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    configured = plugin("jwt")
    fields = [("Authorization", f"Bearer {token({'iss': 'nothing'})}")]
    for _ in range(3):
        assert play(configured, fields, entities=SECRETS).status == 401
    (told,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert told.getMessage() == "credential cred-n cannot verify a token: it has no secret"


# Times


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": NOW + 1, "nbf": NOW}, None),
        ({"exp": NOW + 0.5, "nbf": NOW - 0.5}, None),
        ({"exp": 10**400, "nbf": -(10**400)}, None),
        ({"exp": NOW, "nbf": NOW}, {"exp": "token expired"}),
        ({"exp": NOW - 1, "nbf": NOW}, {"exp": "token expired"}),
        ({"exp": NOW + 1, "nbf": NOW + 1}, {"nbf": "token not valid yet"}),
        ({"exp": NOW - 1, "nbf": NOW + 1}, {"exp": "token expired", "nbf": "token not valid yet"}),
        ({}, {"exp": "must be a number", "nbf": "must be a number"}),
        ({"exp": str(NOW + 1), "nbf": None}, {"exp": "must be a number", "nbf": "must be a number"}),
        ({"exp": True, "nbf": NOW}, {"exp": "must be a number"}),
        ({"exp": [NOW + 1], "nbf": NOW}, {"exp": "must be a number"}),
    ],
)
def test_the_times_of_a_token_must_hold_where_they_are_verified(claims: Any, says: Any) -> None:
    seen = come(signed(**claims), claims_to_verify=["exp", "nbf"])
    if says is None:
        assert seen.consumer == "alice"
    else:
        assert (seen.status, seen.said, seen.consumer) == (401, says, None)
        assert seen.header("WWW-Authenticate") == 'Bearer error="invalid_token"'


def test_an_infinite_time_is_no_number() -> None:
    claims = json.dumps({"iss": "issuer-a", "exp": 0}).replace("0}", "1e999}")
    text = token(claims.encode())
    assert come(text, claims_to_verify=["exp"]).said == {"exp": "must be a number"}


def test_the_times_do_not_matter_where_they_are_not_verified() -> None:
    assert come(signed(exp=NOW - 1, nbf=NOW + 9)).consumer == "alice"


def test_a_wrong_signature_is_told_before_a_wrong_time() -> None:
    text = signed(key="another secret", exp=NOW - 1)
    assert come(text, claims_to_verify=["exp"]).message == "Invalid signature"


def test_clocks_may_differ_by_the_leeway() -> None:
    both = {"claims_to_verify": ["exp", "nbf"], "leeway": 30}
    assert come(signed(exp=NOW - 29, nbf=NOW + 30), **both).status is None
    assert come(signed(exp=NOW - 30, nbf=NOW), **both).said == {"exp": "token expired"}
    assert come(signed(exp=NOW + 1, nbf=NOW + 31), **both).said == {"nbf": "token not valid yet"}


def test_a_token_may_be_limited_in_its_life() -> None:
    limit = {"claims_to_verify": ["exp"], "maximum_expiration": 300}
    assert come(signed(exp=NOW + 300), **limit).status is None
    assert come(signed(exp=NOW + 301), **limit).said == {"exp": "exceeds maximum allowed expiration"}
    assert come(signed(exp=10**400), **limit).said == {"exp": "exceeds maximum allowed expiration"}
    assert come(signed(), **limit).said == {"exp": "must be a number"}


# Issuer and audience


@pytest.mark.parametrize("aud", ["chat", ["other", "chat"]])
def test_a_token_for_one_of_the_audiences_comes_in(aud: Any) -> None:
    assert come(signed(aud=aud), audience=["chat", "more"]).status is None


@pytest.mark.parametrize("claims", [{}, {"aud": "chat2"}, {"aud": []}, {"aud": [["chat"]]}, {"aud": {"chat": 1}}])
def test_a_token_for_others_is_refused(claims: Any) -> None:
    assert come(signed(**claims), audience=["chat"]).said == {"aud": "audience not allowed"}


def test_a_token_must_be_of_one_of_the_issuers() -> None:
    assert come(signed(), issuer=["issuer-z", "issuer-a"]).status is None
    assert come(signed(), issuer=["issuer-z"]).said == {"iss": "issuer not allowed"}


# anonymous


@pytest.mark.parametrize("text", [None, "x", signed(key="wrong")])
def test_without_a_good_token_a_client_is_the_anonymous_consumer(text: str | None) -> None:
    seen = come(text, anonymous="nobody")
    assert (seen.status, seen.consumer, seen.told("X-Anonymous-Consumer")) == (None, "nobody", "true")
    assert vars(seen.exchange.shared) == {}


def test_a_good_token_comes_before_the_anonymous_consumer() -> None:
    assert come(signed(), anonymous="nobody").consumer == "alice"


# The configuration


def test_what_a_namesakes_file_carries_is_accepted() -> None:
    config = {"run_on_preflight": True, "claims_to_verify": ["exp"], "maximum_expiration": 0, "cookie_names": []}
    assert faults("jwt", **config) == []


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"maximum_expiration": 60}, "claims_to_verify: must have exp in it where maximum_expiration is over 0"),
        ({"maximum_expiration": 60, "claims_to_verify": ["nbf"]}, "claims_to_verify: must have exp in it"),
        ({"maximum_expiration": -1}, "maximum_expiration: must be between 0 and 31536000"),
        ({"claims_to_verify": ["aud"]}, "claims_to_verify[0]: must be one of"),
        ({"leeway": 301}, "leeway: must be between 0 and 300"),
        ({"uri_param_names": [], "header_names": []}, "at least one of uri_param_names, cookie_names, header_names"),
        ({"header_names": ["a b"]}, "header_names[0]: must be"),
        ({"secret": "x"}, "secret: there is no such field"),
    ],
)
def test_a_wrong_configuration_is_named(config: dict[str, Any], says: str) -> None:
    (fault,) = faults("jwt", **config)
    assert fault.startswith(says)
