"""The options of a proxied session and the limits of a server: one table each, and the rules between options.

The tables drive the validation, the command line's flags and the documentation, and each default names its origin.
Acting on an option happens elsewhere; nothing here reads a socket, a clock or the environment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from framegate._rules import Table, option, refuse_unknown

Side = Literal["client", "upstream"]
OnFrame = Callable[[str, str, bytes, bool, int | None], Any | Awaitable[Any]]
"""``on_frame(origin, typ, payload, last, code)``; its result decides what becomes of the frame."""

KIB: Final = 1024
MIB: Final = 1024 * 1024

AUTO_MAX_FRAME_SIZE: Final[Mapping[str, int]] = {"client": 1 * MIB, "upstream": 16 * MIB}
"""What ``"auto"`` means for a side where payloads are read or joined, in bytes."""

_KONG_LIMITS = "unlimited while frames stream through; else the defaults of Kong Gateway's WebSocket services"
_FRAME_SIZE: Final[dict[str, Any]] = {"origin": _KONG_LIMITS, "least": 1, "none": "unlimited", "words": ("auto",)}
_FRAGMENTS: Final[dict[str, Any]] = {"origin": "off unless asked for", "least": 1, "none": "unlimited"}
_OFF: Final[dict[str, Any]] = {"origin": "off unless asked for", "above": True, "none": "off"}


@dataclass(frozen=True, slots=True)
class ProxyOptions(Table):
    """The options of a proxied session; times in seconds, sizes in bytes.

    ``ProxyOptions.of(**options)`` is the way in: it knows the nearest name of a misspelt one.
    """

    on_frame: OnFrame | None = option(
        None,
        "hook",
        "The hook, called with (origin, typ, payload, last, code) for each frame; it may be async",
        "without one, frames are relayed as they are",
        none="nothing is inspected",
    )
    aggregate_fragments: bool = option(
        False,
        "flag",
        "Join the fragments of a message before the hook and the forwarding",
        "joining costs memory and delay",
    )
    client_max_frame_size: int | Literal["auto"] | None = option(
        "auto",
        "bytes",
        "Most payload bytes of a frame (of the whole message when aggregating) from the client; auto is unlimited "
        "while frames stream through unread, 1 MiB where payloads are read or joined",
        **_FRAME_SIZE,
    )
    upstream_max_frame_size: int | Literal["auto"] | None = option(
        "auto",
        "bytes",
        "Most payload bytes of a frame (of the whole message when aggregating) from the upstream; auto is unlimited "
        "while frames stream through unread, 16 MiB where payloads are read or joined",
        **_FRAME_SIZE,
    )
    client_max_fragments: int | None = option(
        None, "count", "Most data frames in one message from the client, aggregating or not", **_FRAGMENTS
    )
    upstream_max_fragments: int | None = option(
        None, "count", "Most data frames in one message from the upstream, aggregating or not", **_FRAGMENTS
    )
    recv_timeout: float | None = option(
        None, "seconds", "No frame from a side for this long is logged, and waiting goes on", **_OFF
    )
    idle_timeout: float | None = option(
        None,
        "seconds",
        "No frame of the peers in either direction for this long: both sides are closed with 1001",
        **_OFF,
    )
    max_lifetime: float | None = option(None, "seconds", "Both sides are closed with 1001 after this long", **_OFF)
    write_timeout: float | None = option(
        None,
        "seconds",
        "A side that takes nothing for this long, while write_high_water bytes are queued toward it, is aborted; the "
        "other is closed with 1001",
        **_OFF,
    )
    ping_interval: float | None = option(
        None, "seconds", "Time between the proxy's own pings to each side; their pongs are not relayed", **_OFF
    )
    ping_timeout: float | None = option(
        20.0,
        "seconds",
        "A side that shows no sign of life for this long after such a ping is aborted",
        "the same setting of the websockets library",
        above=True,
        none="a side is never taken for dead",
    )
    lingering_timeout: float = option(
        5.0,
        "seconds",
        "After the first close frame: longest wait for one more frame",
        "the same setting of nginx",
        above=True,
    )
    lingering_time: float = option(
        30.0,
        "seconds",
        "After the first close frame: longest wait in all; at least lingering_timeout",
        "the same setting of nginx",
        above=True,
    )
    connect_timeout: float | None = option(
        10.0,
        "seconds",
        "Longest wait for the upstream: TCP, TLS and opening handshake together",
        "open_timeout of the websockets library",
        above=True,
        none="no limit of our own",
    )
    max_refusal_body: int = option(
        64 * KIB,
        "bytes",
        "Most bytes of the upstream's refusal that are relayed to the client",
        "an error page is smaller",
    )
    compression: Literal["auto", "terminate", "pass", "off"] = option(
        "auto",
        "choice",
        "permessage-deflate (RFC 7692): terminate inflates and deflates on each side apart, pass relays compressed "
        "messages as they are and is refused together with whatever reads payloads, off removes the offer, auto is "
        "pass where nothing reads payloads or limits them, else terminate",
        "what suits the other options best",
        words=("auto", "terminate", "pass", "off"),
    )
    validate_utf8: bool | None = option(
        None,
        "flag",
        "Check the payloads of texts, always or never",
        "text that nobody reads is the receiver's to check",
        none="where a hook reads them or fragments are joined",
    )
    write_high_water: int = option(
        64 * KIB,
        "bytes",
        "Queued bytes toward one side at which reading from the other side stops",
        "the same mark of asyncio's transports",
        least=1,
    )
    max_buffered: int | None = option(
        None,
        "bytes",
        "Most bytes that a session may hold in all; over it: 1009 to the sender, 1001 to the other side",
        "the limits on frames and the high-water mark bound it already",
        least=1,
        none="no limit on the sum",
    )
    debug: bool = option(False, "flag", "Log one line a frame", "payloads may be private")

    def _check_together(self) -> None:
        if self.lingering_time < self.lingering_timeout:
            raise ValueError(
                f"lingering_time must be >= lingering_timeout: it is {self.lingering_time:g}, "
                f"and lingering_timeout is {self.lingering_timeout:g}"
            )
        self.refuse_pass_if_read(self.on_frame is not None)

    def refuse_pass_if_read(self, has_hook: bool) -> None:
        """Raise ValueError where ``compression="pass"`` meets something that must see plain payloads.

        Args:
            has_hook: whether there is a hook, by option or as a method of a subclass.
        """
        if self.compression != "pass":
            return
        readers = {
            "a hook": has_hook,
            "aggregate_fragments=True": self.aggregate_fragments,
            "validate_utf8=True": self.validate_utf8 is True,
            "client_max_frame_size": isinstance(self.client_max_frame_size, int),
            "upstream_max_frame_size": isinstance(self.upstream_max_frame_size, int),
        }
        reader = next((name for name, reads in readers.items() if reads), None)
        if reader is not None:
            raise ValueError(
                f'compression must be "auto", "terminate" or "off" together with {reader}, not "pass": '
                "compressed payloads cannot be read or measured"
            )

    def reads_payloads(self, has_hook: bool) -> bool:
        """Whether whole payloads are held, to be read by a hook or joined with others."""
        return has_hook or self.aggregate_fragments

    def checks_utf8(self, has_hook: bool) -> bool:
        """Whether the payloads of texts are checked (RFC 6455, section 8.1)."""
        return self.reads_payloads(has_hook) if self.validate_utf8 is None else self.validate_utf8

    def effective_max_frame_size(self, side: str, reads: bool) -> int | None:
        """The limit on what one side sends, in bytes; None is unlimited.

        Args:
            side: the sender, ``"client"`` or ``"upstream"``.
            reads: what :meth:`reads_payloads` says.
        """
        limit = self.client_max_frame_size if side == "client" else self.upstream_max_frame_size
        if limit != "auto":
            return limit
        return AUTO_MAX_FRAME_SIZE[side] if reads else None

    def max_fragments(self, side: str) -> int | None:
        """Most data frames in one message from ``side``; None is unlimited."""
        return self.client_max_fragments if side == "client" else self.upstream_max_fragments


@dataclass(frozen=True, slots=True)
class ServerLimits(Table):
    """The limits of a server on handshakes and connections, and how it drains; times in seconds, sizes in bytes."""

    handshake_timeout: float | None = option(
        10.0,
        "seconds",
        "Longest wait for the whole request of a client: 408 and closed",
        "open_timeout of the websockets library",
        above=True,
        none="no limit",
    )
    max_request_line: int = option(
        8 * KIB,
        "bytes",
        "Longest request line: 414 and closed",
        "the size of one of nginx's large header buffers",
        least=1,
    )
    max_header_bytes: int = option(
        64 * KIB, "bytes", "Most bytes of all header fields: 431 and closed", "eight fields of 8 KiB", least=1
    )
    max_headers: int = option(
        128, "count", "Most header fields: 431 and closed", "the same limit of the websockets library", least=1
    )
    max_connections: int | None = option(
        None,
        "count",
        "Most connections of the process: 503 with Retry-After",
        "the limit on open files is the system's",
        least=1,
        none="unlimited",
    )
    max_connections_per_address: int | None = option(
        None,
        "count",
        "Most connections from one client address: 429",
        "many clients may share one address",
        least=1,
        none="unlimited",
    )
    max_pending_handshakes: int | None = option(
        1024,
        "count",
        "Most connections of the process that are still in their opening handshake: 503 with Retry-After",
        "together they hold 64 MiB of header fields at most",
        least=1,
        none="unlimited",
    )
    drain_timeout: float | None = option(
        10.0,
        "seconds",
        "A drain aborts what is left after this long",
        "what docker stop allows",
        none="the lingering limits alone decide",
    )
    drain_window: float = option(
        0.0, "seconds", "Time over which a drain spreads its close frames", "0 sends them at once"
    )
    drain_code: int = option(1001, "code", "Close code of a drain", "going away (RFC 6455, section 7.4.1)")


def split_options(options: Mapping[str, Any]) -> tuple[ProxyOptions, ServerLimits]:
    """Sort options given together by the table that they belong to, and check them.

    Raises:
        TypeError, ValueError: as :meth:`ProxyOptions.of`; an option that stands in neither table is a TypeError.
    """
    proxy_names, limit_names = ProxyOptions.rules(), ServerLimits.rules()
    refuse_unknown(options, [*proxy_names, *limit_names])
    return (
        ProxyOptions.of(**{name: value for name, value in options.items() if name in proxy_names}),
        ServerLimits.of(**{name: value for name, value in options.items() if name in limit_names}),
    )
