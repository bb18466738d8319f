"""The configuration of the plugin jwt."""

from __future__ import annotations

from framegate.plugins._auth import ANONYMOUS_FIELD, PREFLIGHT_FIELD

_NAMES = {"type": "string"}

Schema = (
    {
        "uri_param_names": {
            "type": "set",
            "elements": _NAMES,
            "default": ["jwt"],
            "description": "Query arguments that may hold a token.",
        }
    },
    {
        "cookie_names": {
            "type": "set",
            "elements": _NAMES,
            "default": [],
            "description": "Cookies that may hold a token.",
        }
    },
    {
        "header_names": {
            "type": "set",
            "elements": {"type": "string", "match": "^[A-Za-z0-9_-]+$"},
            "default": ["authorization"],
            "description": "Header fields that may hold a token, behind the word Bearer.",
        }
    },
    {
        "key_claim_name": {
            "type": "string",
            "required": True,
            "default": "iss",
            "description": "The claim, else the header parameter, that holds the key of the credential.",
        }
    },
    {
        "secret_is_base64": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether the secrets of credentials are written in base64.",
        }
    },
    {
        "claims_to_verify": {
            "type": "set",
            "elements": {"type": "string", "one_of": ["exp", "nbf"]},
            "description": "Claims that must be there and hold: exp (not expired) and nbf (valid already). Without "
            "exp, tokens do not expire.",
        }
    },
    {
        "maximum_expiration": {
            "type": "number",
            "required": True,
            "default": 0,
            "between": [0, 31536000],
            "description": "The longest time, in seconds, that exp may lie ahead; 0: no limit. Needs exp in "
            "claims_to_verify.",
        }
    },
    {
        "leeway": {
            "type": "number",
            "required": True,
            "default": 0,
            "between": [0, 300],
            "description": "Seconds by which the issuer's clock and ours may differ, for exp and nbf.",
        }
    },
    {
        "issuer": {
            "type": "array",
            "elements": {"type": "string"},
            "description": "Values of iss of which a token must have one; not checked where it is not given.",
        }
    },
    {
        "audience": {
            "type": "array",
            "elements": {"type": "string"},
            "description": "Values of aud of which a token must have one; not checked where it is not given.",
        }
    },
    {
        "jwks_file": {
            "type": "string",
            "description": "A file with an issuer's public keys (JWKS), read at the start. A token whose kid is among "
            "them is verified by that key instead of a credential's.",
        }
    },
    {
        "jwks_consumer_claim": {
            "type": "string",
            "required": True,
            "default": "sub",
            "description": "The claim of such a token that holds the custom_id, else the username, of the consumer.",
        }
    },
    {
        "jwks_consumer_optional": {
            "type": "boolean",
            "required": True,
            "default": False,
            "description": "Whether such a token also lets in who is no consumer.",
        }
    },
    {"anonymous": ANONYMOUS_FIELD},
    {"run_on_preflight": PREFLIGHT_FIELD},
    {
        "realm": {
            "type": "string",
            "description": "The realm in WWW-Authenticate of a refusal; none where it is not given.",
        }
    },
)

entity_checks = ({"at_least_one_of": ["uri_param_names", "cookie_names", "header_names"]},)
