"""Rules between the fields of one entity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic_core import PydanticCustomError

from framegate.config.credentials import jwt_secret
from framegate.config.document import Path
from framegate.config.draft import Draft, Drafts
from framegate.config.model.fields import is_address, split_target
from framegate.config.model.syntax import Url, check_header_pattern, parse_url
from framegate.config.pem import authority, certificate
from framegate.config.problems import Problems

Fault = tuple[Path, str, str | None]
"""Where within the entity, what is wrong, and the mend."""

HASH_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "header": ("hash_on_header", "hash_fallback_header"),
    "cookie": ("hash_on_cookie", "hash_on_cookie"),
    "query_arg": ("hash_on_query_arg", "hash_fallback_query_arg"),
    "uri_capture": ("hash_on_uri_capture", "hash_fallback_uri_capture"),
}
"""What each way to hash needs: for ``hash_on`` and for ``hash_fallback``."""


def check_rules(drafts: Drafts, problems: Problems) -> None:
    """Check every entity by the rules of its kind."""
    for draft in drafts:
        for path, message, hint in _RULES.get(draft.kind, _nothing)(draft):
            problems.at((*draft.path, *path), message, hint)


def url_of(draft: Draft) -> Url | None:
    """Where a service is, by its ``url`` or by its parts; None where that is wrong or missing."""
    fields = draft.fields
    if not draft.is_sound("url", "protocol", "host", "port", "path"):
        return None
    if fields.url is not None:
        return parse_url(fields.url)
    if fields.protocol is None or fields.host is None:
        return None
    host = fields.host.removeprefix("[").removesuffix("]")
    return Url(fields.protocol, host, fields.port or {"ws": 80, "wss": 443}[fields.protocol], fields.path)


def algorithm_of(fields: Any) -> str:
    """How an upstream chooses: where the file only says what to hash, by hashing."""
    return fields.algorithm or ("round-robin" if fields.hash_on == "none" else "consistent-hashing")


def _nothing(draft: Draft) -> Iterator[Fault]:
    yield from ()


def _service(draft: Draft) -> Iterator[Fault]:
    fields = draft.fields
    if fields.url is None and draft.is_sound("url"):
        if fields.host is None and draft.is_sound("host"):
            yield (), "host is missing", "write url: ws://HOST:PORT/"
        elif fields.protocol is None and draft.is_sound("protocol"):
            yield (), "protocol is missing", "write protocol: ws, or wss for TLS; Kong's default, http, is not served"
    elif fields.url is not None:
        url = parse_url(fields.url)
        for name in ("protocol", "host", "port", "path"):
            other = getattr(fields, name)
            if other is not None and other != getattr(url, name):
                yield (name,), f"contradicts the url, {fields.url!r}", f"take {name} out, or the url"
    yield from _service_tls(draft)


def _service_tls(draft: Draft) -> Iterator[Fault]:
    url = url_of(draft)
    if url is not None and url.protocol == "ws":
        for name in ("tls_verify", "client_certificate", "ca_certificates", "tls_server_name", "tls_min_version"):
            if name in draft.fields.model_fields_set and getattr(draft.fields, name) not in (None, []):
                yield (name,), "needs the protocol wss", f"write wss, or take {name} out"


def _route(draft: Draft) -> Iterator[Fault]:
    fields = draft.fields
    criteria = ("hosts", "headers", "paths", "snis")
    if draft.is_sound(*criteria) and not any(getattr(fields, name) for name in criteria):
        yield (), "matches nothing in particular", "give it paths, hosts, headers or snis; paths: [/] takes everything"
    if not draft.refers("service"):
        yield (), "service is missing", "name the service, or put the route under it"
    if fields.snis and draft.is_sound("protocols") and "wss" not in fields.protocols:
        yield ("snis",), "needs the protocol wss: without TLS there is no server name", "add wss to protocols"
    if draft.is_sound("headers"):
        yield from _route_headers(fields.headers)


def _route_headers(headers: Mapping[str, list[str]]) -> Iterator[Fault]:
    lower: dict[str, str] = {}
    for name, values in headers.items():
        if name.lower() in lower:
            yield ("headers", name), f"is the header {lower[name.lower()]!r} again", "names have no case: merge them"
        lower.setdefault(name.lower(), name)
        for index, value in enumerate(values):
            if value.startswith("~*") and len(values) > 1:
                yield ("headers", name, index), "a regular expression is the only value of its header", "join them by |"
            elif value.startswith("~*"):
                yield from _refused(("headers", name, index), check_header_pattern, value)


def _refused(path: Path, check: Callable[[str], None], text: str) -> Iterator[Fault]:
    try:
        check(text)
    except PydanticCustomError as error:
        context = error.context or {}
        yield path, context["message"], context["hint"]


def _upstream(draft: Draft) -> Iterator[Fault]:
    fields = draft.fields
    if not draft.is_sound("hash_on", "hash_fallback", "algorithm"):
        return
    first, second = fields.hash_on, fields.hash_fallback
    if first != "none" and fields.algorithm not in (None, "consistent-hashing"):
        yield ("hash_on",), f"has no effect with the algorithm {fields.algorithm}", "write consistent-hashing, or none"
    if second != "none" and first in ("none", "cookie"):
        why = "a client without the cookie is given one" if first == "cookie" else "hash_on is none"
        yield ("hash_fallback",), f"has no effect: {why}", "write hash_fallback: none"
    for at, way, place in (("hash_on", first, 0), ("hash_fallback", second, 1)):
        name = HASH_FIELDS.get(way, ("", ""))[place]
        if name and getattr(fields, name) is None and draft.is_sound(name):
            yield (at,), f"{way} needs {name}", f"add {name}"
    yield from _same_hash(fields, first, second)


def _same_hash(fields: Any, first: str, second: str) -> Iterator[Fault]:
    if first != second or first in ("none", "cookie"):
        return
    names = HASH_FIELDS.get(first)
    if names is None or getattr(fields, names[0]) == getattr(fields, names[1]) is not None:
        yield ("hash_fallback",), "is the same as hash_on", "write hash_fallback: none"


def _target(draft: Draft) -> Iterator[Fault]:
    if not draft.refers("upstream"):
        yield (), "upstream is missing", "name the upstream, or put the target under it"
    fields = draft.fields
    if draft.is_sound("target", "srv") and fields.srv and is_address(split_target(fields.target)[0]):
        yield ("srv",), "an address has no SRV records", "write a name, or take srv out"


def _consumer(draft: Draft) -> Iterator[Fault]:
    fields = draft.fields
    if fields.username is None and fields.custom_id is None and draft.is_sound("username", "custom_id"):
        yield (), "needs a username or a custom_id", None


def _credential(draft: Draft) -> Iterator[Fault]:
    if not draft.refers("consumer"):
        yield (), "consumer is missing", "name the consumer, or put it under the consumer"
    if draft.kind == "jwt_secrets":
        yield from jwt_secret(draft)


def _sni(draft: Draft) -> Iterator[Fault]:
    if not draft.refers("certificate"):
        yield (), "certificate is missing", "name the certificate by its id, or put the name under it"


_RULES: Final[Mapping[str, Callable[[Draft], Iterator[Fault]]]] = {
    "services": _service,
    "routes": _route,
    "upstreams": _upstream,
    "targets": _target,
    "consumers": _consumer,
    "keyauth_credentials": _credential,
    "basicauth_credentials": _credential,
    "jwt_secrets": _credential,
    "acls": _credential,
    "snis": _sni,
    "certificates": certificate,
    "ca_certificates": authority,
}
