"""Lets in clients that show a signed token (JWT; RFC 7519) of a consumer, or of an issuer whose keys are in a file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from framegate.pdk import FieldError, resolve_path
from framegate.pdk.entities import Entity
from framegate.pdk.kong import Kong
from framegate.plugins._auth import Identity, Refusal, admit, challenge, owner
from framegate.plugins.jwt import claims
from framegate.plugins.jwt._schema import Schema as Schema
from framegate.plugins.jwt._schema import entity_checks as entity_checks
from framegate.plugins.jwt.key_set import BadKeySet, read_key_set
from framegate.plugins.jwt.keys import ALGORITHMS, DEFAULT_ALGORITHM, Key, UnusableKey, key_of
from framegate.plugins.jwt.tokens import Token, read, the_token

version = "1.0.0"
priority = 1450


class Plugin:
    """One configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self._challenge = challenge("Bearer", config["realm"])
        self._invalid = challenge("Bearer", config["realm"], 'error="invalid_token"')  # RFC 6750, section 3.1
        self._to_verify: tuple[str, ...] = tuple(config["claims_to_verify"] or ())
        if config["maximum_expiration"] > 0 and "exp" not in self._to_verify:
            raise FieldError("claims_to_verify", "must have exp in it where maximum_expiration is over 0")
        self._key_set: Mapping[str, Key] = {}
        if config["jwks_file"] is not None:
            try:
                self._key_set = read_key_set(str(resolve_path(config["jwks_file"])))
            except BadKeySet as error:
                raise FieldError("jwks_file", str(error)) from None
        self._told: set[object] = set()

    def ws_handshake(self, kong: Kong) -> None:
        admit(kong, self.config["anonymous"], self._challenge, self._identify)

    def _identify(self, kong: Kong) -> Identity:
        text = the_token(kong, self.config)
        try:
            found = self._verified(kong, read(text))
        except Refusal as refusal:
            raise Refusal(refusal.body, self._invalid) from None
        shared: Any = kong.ctx.shared
        shared.authenticated_jwt_token = text
        return found

    def _verified(self, kong: Kong, token: Token) -> Identity:
        if token.header["alg"] not in ALGORITHMS:
            raise Refusal("Bad token; invalid alg")
        kid = token.header.get("kid")
        key = self._key_set.get(kid) if isinstance(kid, str) else None
        if key is not None:
            self._check(token, key)
            return self._named(kong, token)
        credential = self._credential(kong, token)
        if token.header["alg"] != (credential.get("algorithm") or DEFAULT_ALGORITHM):
            raise Refusal("Invalid algorithm")
        self._check(token, self._key(kong, credential))
        return Identity(owner(kong, credential), credential)

    def _credential(self, kong: Kong, token: Token) -> Entity:
        name = self.config["key_claim_name"]
        value = token.claims.get(name)
        value = token.header.get(name) if value is None else value
        if value is None:
            raise Refusal(f"No mandatory '{name}' in claims")
        if not isinstance(value, str) or not value:
            raise Refusal(f"Invalid '{name}' in claims")
        credential = kong.db.jwt_secrets.select_by("key", value)
        if credential is None:
            raise Refusal(f"No credentials found for given '{name}'")
        return credential

    def _key(self, kong: Kong, credential: Entity) -> Key:
        try:
            return key_of(credential, self.config["secret_is_base64"])
        except UnusableKey as error:
            which = credential.get("id")
            if which not in self._told:  # whoever knows its key could fill the log
                self._told.add(which)
                kong.log.err(f"credential {which} cannot verify a token: {error}")
            raise Refusal("Invalid key/secret") from None

    def _check(self, token: Token, key: Key) -> None:
        if token.header["alg"] != key.algorithm:
            raise Refusal("Invalid algorithm")
        if not key.verifies(token.signed, token.signature):
            raise Refusal("Invalid signature")
        wrong = self._wrong_claims(token.claims, time.time())
        if wrong:
            raise Refusal(wrong)

    def _wrong_claims(self, said: Mapping[str, Any], now: float) -> dict[str, str]:
        config = self.config
        wrong = claims.wrong_times(said, self._to_verify, now, config["leeway"])
        if not wrong and config["maximum_expiration"] > 0:
            if claims.lives_too_long(said, config["maximum_expiration"], now):
                wrong["exp"] = "exceeds maximum allowed expiration"
        if config["issuer"] and not claims.is_issued_by(said, config["issuer"]):
            wrong["iss"] = "issuer not allowed"
        if config["audience"] and not claims.is_meant_for(said, config["audience"]):
            wrong["aud"] = "audience not allowed"
        return wrong

    def _named(self, kong: Kong, token: Token) -> Identity:
        """Whom a token of the issuer names."""
        claim = self.config["jwks_consumer_claim"]
        name = token.claims.get(claim)
        if name is None:
            raise Refusal(f"No mandatory '{claim}' in claims")
        # It goes to the upstream in a header.
        if not isinstance(name, str) or not name or not name.isprintable():
            raise Refusal(f"Invalid '{claim}' in claims")
        consumers = kong.db.consumers
        consumer = consumers.select_by("custom_id", name) or consumers.select_by("username", name)
        if consumer is None and not self.config["jwks_consumer_optional"]:
            raise Refusal(f"Could not find consumer for '{claim}'")
        return Identity(consumer, {"id": name})
