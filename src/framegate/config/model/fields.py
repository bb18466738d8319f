"""What the fields of the models are made of: kinds of values, each with its rule in words.

The rules speak for themselves: ``refusal`` carries the mend beside the message.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic_core import PydanticCustomError, core_schema

KONG: Final = "Kong"
"""The origin of a default that Kong Gateway has too."""

MAX_SHOWN: Final = 80
"""Most characters of a value in a message."""

MAX_TIME: Final = 2**31 - 2
"""The longest time of the format, in milliseconds."""


def refusal(message: str, hint: str | None = None) -> PydanticCustomError:
    """The error of a value that breaks a rule, with its mend."""
    return PydanticCustomError("refused", "{message}", {"message": message, "hint": hint})


def field(default: Any = ..., *, origin: str = "", unit: str = "", **more: Any) -> Any:
    """A field of a model.

    Args:
        default: its value where the file has none; without one it must be there.
        origin: where the default comes from.
        unit: of a number: ``"ms"``, ``"s"``, ``"bytes"``.
        more: arguments of pydantic's ``Field``.
    """
    return Field(default, json_schema_extra={"x-origin": origin, "x-unit": unit}, **more)


def shown(value: object) -> str:
    """A value as messages show it: as Python writes it, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


class Model(BaseModel):
    """Base of all models: nothing is converted, nothing unknown is let pass, and no message shows a secret."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )


@dataclass(frozen=True, slots=True)
class Form:
    """A rule about a text.

    Attributes:
        pattern: what it must match, in the syntax that Python and ECMA-262 share.
        rule: the same in words, to follow "must be".
        hint: the mend.
        check: raises :func:`refusal` for what the pattern cannot tell.
        secret: the text stays out of messages.
        schema_pattern: what the JSON Schema says instead, where ``check`` has better words for what it refuses.
    """

    pattern: str
    rule: str
    hint: str | None = None
    check: Callable[[str], None] | None = None
    secret: bool = False
    schema_pattern: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.schema_pattern or self.pattern}

    def checked(self, text: str) -> str:
        if not re.search(self.pattern, text):
            raise refusal(f"must be {self.rule}" + ("" if self.secret else f", not {shown(text)}"), self.hint)
        if self.check is not None:
            self.check(text)
        return text


@dataclass(frozen=True, slots=True)
class Between:
    """A rule about a number: its least and its most. Whether it must be whole is its type's to say."""

    least: float
    most: float

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "minimum": self.least, "maximum": self.most}

    def checked(self, number: float) -> float:
        if not self.least <= number <= self.most:
            raise refusal(f"must be from {_written(self.least)} to {_written(self.most)}, not {_written(number)}")
        return number


def _written(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


@dataclass(frozen=True, slots=True)
class NotEmpty:
    """A rule about a list: there is something in it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        json = handler(schema)
        return {**json, "minProperties" if json.get("type") == "object" else "minItems": 1}

    def checked(self, values: Any) -> Any:
        if not values:
            raise refusal("must not be empty", "leave the field out")
        return values


def _check_host(text: str) -> None:
    if re.fullmatch(r"[0-9.]+", text):
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            raise refusal(f"{text!r} is no IPv4 address") from None


def _check_address(text: str) -> None:
    inner = text[1:-1] if text.startswith("[") else text
    if ":" in inner:
        try:
            ipaddress.IPv6Address(inner)
        except ValueError:
            raise refusal(f"{text!r} is no IPv6 address", "a host has no port") from None
    else:
        _check_host(text)


def _check_base_path(text: str) -> None:
    if "//" in text:
        raise refusal(f"must have no empty segments, not {text!r}", "one / is enough")
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise refusal(f"has a % that begins no percent-encoding: {text!r}", "write %25")


def _check_target(text: str) -> None:
    host, port = split_target(text)
    _check_address(host)
    if not 1 <= port <= 65535:
        raise refusal(f"the port must be from 1 to 65535, not {port}")


def is_address(host: str) -> bool:
    """Whether a host, without brackets, is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def split_target(text: str) -> tuple[str, int]:
    """Host, without brackets, and port of a target."""
    found = re.fullmatch(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]+))(?::(?P<port>\d+))?", text, re.ASCII)
    if found is None:
        return text, DEFAULT_TARGET_PORT
    return found["v6"] or found["host"] or "", int(found["port"] or DEFAULT_TARGET_PORT)


DEFAULT_TARGET_PORT: Final = 8000
_LABELS = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
_WILDCARD = rf"(\*\.{_LABELS}|{_LABELS}\.\*|{_LABELS})"

Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[
    str,
    Form(
        r"^[-0-9A-Za-z._~\u0080-\uffff]+$",
        "a name of letters, digits and . _ ~ -",
        "replace what is not one of them",
    ),
]
Uuid = Annotated[
    str,
    Form(
        r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        "a UUID",
        "leave it out: an entity without one is given an id made of its name",
    ),
]
Port = Annotated[int, Between(1, 65535)]
Milliseconds = Annotated[int, Between(1, MAX_TIME)]
Host = Annotated[
    str,
    Form(
        rf"^({_LABELS}\.?|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?)$",
        "a host name or an address",
        "without scheme, port and path",
        _check_address,
    ),
]
TargetAddress = Annotated[
    str,
    Form(
        rf"^({_LABELS}|\[[0-9A-Fa-f:.]+\])(:[0-9]{{1,5}})?$",
        "HOST:PORT",
        "as in 10.0.0.1:8000, [::1]:8000 or chat.internal:8000",
        _check_target,
    ),
]
HostName = Annotated[str, Form(rf"^{_LABELS}$", "a host name", "without port, and not an address")]
RouteHost = Annotated[
    str,
    Form(
        rf"^({_WILDCARD}|\[[0-9A-Fa-f:.]+\])(:[0-9]{{1,5}})?$",
        "a host name, perhaps with one * as its first or last part and with a port",
        "as in example.com, *.example.com or example.com:8443",
    ),
]
ServerName = Annotated[
    str,
    Form(
        rf"^(\*|{_WILDCARD})$",
        "a host name, perhaps with one * as its first or last part, without port",
        "as in example.com or *.example.com",
    ),
]
BasePath = Annotated[
    str,
    Form(
        r"^/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*$",
        "a path that begins with / and has only the characters of one",
        "percent-encode the others; a query has no place here",
        _check_base_path,
    ),
]
HEADER_NAME: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
HeaderName = Annotated[str, Form(HEADER_NAME, "the name of a header field or cookie")]
Protocol = Literal["ws", "wss"]
TlsVersion = Literal["TLSv1.2", "TLSv1.3"]
PemCertificate = Annotated[
    str, Form(r"-----BEGIN CERTIFICATE-----", "a certificate (PEM)", "it begins with -----BEGIN CERTIFICATE-----")
]
PemKey = Annotated[
    str,
    Form(
        r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----",
        "a private key (PEM)",
        "it begins with -----BEGIN PRIVATE KEY-----",
        secret=True,
    ),
]
