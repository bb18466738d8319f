"""What a client claims of itself, and how it writes a path or a host: it counts for nothing, or for one thing only."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.kit import heads, raw
from tests.kit.heads import upgrade_request
from tests.kit.served import plugin, served

# Claims


SPELLINGS = [
    "X-Forwarded-For", "x-forwarded-for", "X_Forwarded_For", "X-Forwarded_For", "X-Forwarded-Host", "X_FORWARDED_HOST",
    "X-Forwarded-Proto", "X-Forwarded-Port", "X_Forwarded_Port", "Forwarded", "FORWARDED",
]  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
async def test_a_forwarding_claim_in_any_spelling_never_goes_upstream(name: str, tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        head = await gate.upstream_head(extra=[(name, "203.0.113.99"), (name, "203.0.113.98")])
        assert not [value for _, value in head.headers if "203.0.113" in value]
        assert head.get("X-Forwarded-For") == "127.0.0.1"
        assert len([one for one, _ in head.headers if one.lower().replace("_", "-") == "x-forwarded-for"]) == 1


@pytest.mark.parametrize("name", ["X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"])
async def test_names_that_framegate_does_not_vouch_for_pass_and_move_no_decision(name: str, tmp_path: Path) -> None:
    use = [{"name": "ip-restriction", "config": {"deny": ["127.0.0.0/8"]}}]
    async with served(tmp_path, use=use) as gate:
        refused, _ = await gate.asked(extra=[(name, "203.0.113.7"), ("X-Forwarded-For", "203.0.113.7")])
        assert refused.status == 403


IDENTITY = ["X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID", "X-Credential-Identifier"]


@pytest.mark.parametrize("name", [*IDENTITY, *(name.replace("-", "_").upper() for name in IDENTITY)])
@pytest.mark.parametrize("nominated", [False, True], ids=["", "nominated"])
async def test_an_identity_claim_never_goes_upstream_beside_the_one_that_was_found(
    name: str, nominated: bool, tmp_path: Path
) -> None:
    consumers = [{"username": "ann", "custom_id": "a-1", "keyauth_credentials": [{"key": "sesame"}]}]
    async with served(tmp_path, use=[{"name": "key-auth"}], consumers=consumers) as gate:
        connection = {"Connection": f"Upgrade, {name}"} if nominated else {}
        request = upgrade_request(replace=connection, extra=[("apikey", "sesame"), (name, "root")])  # type: ignore[arg-type]
        head = await gate.upstream_head(request=request)
        assert not [value for _, value in head.headers if value == "root"]
        assert head.get("X-Consumer-Username") == "ann"


async def test_a_second_credential_in_another_place_does_not_make_another_consumer(tmp_path: Path) -> None:
    consumers = [
        {"username": "ann", "keyauth_credentials": [{"key": "anns"}]},
        {"username": "bob", "keyauth_credentials": [{"key": "bobs"}]},
    ]
    async with served(tmp_path, use=[{"name": "key-auth"}], consumers=consumers) as gate:
        refused, _ = await gate.asked(extra=[("apikey", "anns"), ("apikey", "bobs")])
        assert refused.status == 401


# Paths

ROUTES = [{"name": "public", "paths": ["/public"], "strip_path": False}, {"name": "admin", "paths": ["/admin"]}]
CLOSED = [
    {"name": "request-termination", "route": "admin", "config": {"status_code": 403}},
]

AROUND = [
    "/admin", "/admin/", "//admin", "/./admin", "/public/../admin", "/public/%2e%2e/admin", "/public/%2E%2e/admin",
    "/public/.%2e/admin", "/public//../admin", "/%61dmin", "/%61%64%6d%69%6e", "/admin?x", "/admin;x", "/admin%2fx",
    "/admin%00", "/admin/..;/x", "/public/../../admin", "/public/./../admin/.",
]  # fmt: skip


@pytest.mark.parametrize("target", AROUND)
async def test_every_way_to_write_a_closed_path_is_closed(target: str, tmp_path: Path) -> None:
    async with served(tmp_path, service={"routes": ROUTES}, use=CLOSED) as gate:
        refused, _ = await gate.asked(upgrade_request(target))
        assert refused.status == 403
        assert gate.origin.connections == 0


@pytest.mark.parametrize(
    ("target", "upstream"),
    [
        ("/public/..%2fadmin", "/public/..%2Fadmin"),
        ("/public/%2e%2e%2fadmin", "/public/..%2Fadmin"),
        ("/public/..%5cadmin", "/public/..%5Cadmin"),
        ("/public/..;/admin", "/public/..;/admin"),
        ("/public/%252e%252e/admin", "/public/%252e%252e/admin"),
        ("/public%00/../admin", None),
        ("/public/%c0%ae%c0%ae/admin", "/public/%C0%AE%C0%AE/admin"),
        ("/public/%ff", "/public/%FF"),
        ("/ADMIN", None),
    ],
)
async def test_what_is_no_path_separator_for_us_goes_upstream_undecoded_or_has_no_route(
    target: str, upstream: str | None, tmp_path: Path
) -> None:
    async with served(tmp_path, service={"routes": ROUTES}, use=CLOSED) as gate:
        if upstream is not None:
            assert (await gate.upstream_head(target)).target == upstream
        else:
            assert (await gate.asked(upgrade_request(target)))[0].status in (403, 404)


@pytest.mark.parametrize("target", ["/public/\0", "/public/\x7f", "/pub lic", "/public\t", "/public/#/x", "\\admin"])
async def test_a_target_that_no_two_parsers_read_alike_is_400(target: str, tmp_path: Path) -> None:
    async with served(tmp_path, service={"routes": ROUTES}, use=CLOSED) as gate:
        assert (await gate.asked(upgrade_request(target)))[0].status == 400


# Hosts


BY_HOST = [
    {"name": "open", "hosts": ["open.test"]},
    {"name": "closed", "hosts": ["closed.test"]},
]
CLOSED_HOST = [{"name": "request-termination", "route": "closed", "config": {"status_code": 403}}]


@pytest.mark.parametrize("host", ["closed.test", "CLOSED.test", "closed.test:80", "closed.test:65000", "closed.TEST"])
async def test_every_way_to_write_a_closed_host_is_closed(host: str, tmp_path: Path) -> None:
    async with served(tmp_path, service={"routes": BY_HOST}, use=CLOSED_HOST) as gate:
        assert (await gate.asked(upgrade_request(replace={"Host": host})))[0].status == 403


@pytest.mark.parametrize(
    "host",
    ["open.test@closed.test", "open.test, closed.test", "open.test/closed", "http://open.test", "open test", "", "[::1",
     "open.test:80:90", "open.test:x", "open.test#", "open.test?", "op\x00en.test"],
)  # fmt: skip
async def test_a_host_that_is_none_is_400(host: str, tmp_path: Path) -> None:
    async with served(tmp_path, service={"routes": BY_HOST}, use=CLOSED_HOST) as gate:
        assert (await gate.asked(upgrade_request(replace={"Host": host})))[0].status == 400


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded"])
async def test_no_header_but_host_and_no_other_target_moves_a_request_to_another_route(
    name: str, tmp_path: Path
) -> None:
    async with served(tmp_path, service={"routes": BY_HOST}, use=CLOSED_HOST) as gate:
        head, _ = await gate.asked(upgrade_request(replace={"Host": "closed.test"}, extra=[(name, "open.test")]))
        assert head.status == 403


# Injection


BREAKING = ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\0b"]


@pytest.mark.parametrize("value", BREAKING)
@pytest.mark.parametrize(
    "call",
    [
        "kong.service.request.set_header('X-A', VALUE)",
        "kong.service.request.add_header('X-A', VALUE)",
        "kong.service.request.set_headers({'X-A': VALUE})",
        "kong.service.request.set_header(VALUE, 'x')",
        "kong.service.request.set_header('Host', VALUE)",
        "kong.service.request.set_raw_query(VALUE)",
        "kong.service.request.set_path('/' + VALUE)",
        "kong.service.request.set_protocols([VALUE])",
        "kong.service.set_target(VALUE, 80)",
        "kong.response.set_header('X-A', VALUE)",
        "kong.response.add_header('X-A', VALUE)",
        "kong.response.exit(403, 'x', {'X-A': VALUE})",
        "kong.response.exit(403, 'x', {VALUE: 'x'})",
    ],
)
async def test_nothing_that_a_plugin_can_set_carries_a_line_end_into_a_head(
    call: str, value: str, tmp_path: Path
) -> None:
    source = plugin(ws_handshake=f"VALUE = {value!r}\ntry:\n    {call}\nexcept PDKError:\n    note('refused')")
    async with served(tmp_path, {"careless": source}) as gate:
        async with gate.talk() as talk:
            assert gate.notes == ["refused"]
            for head in (talk.upstream.head, talk.client.head):
                assert not [name for name, _ in head.headers if "evil" in name.lower()]


@pytest.mark.parametrize("offer", ["chat\r\nX-Evil: 1", "chat, a b", "chat;x", "ch\0at", 'chat, "x"', "chat, ,("])
async def test_a_subprotocol_that_is_no_token_is_400_and_reaches_no_upstream(offer: str, tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        request = upgrade_request(extra=[("Sec-WebSocket-Protocol", offer)])
        if "\r\n" in offer:
            # A line of its own is a header of its own, and nothing more: that is what the client has sent.
            head = await gate.upstream_head(request=request)
            assert head.get("Sec-WebSocket-Protocol") == "chat"
        else:
            assert (await gate.asked(request))[0].status == 400
            assert gate.origin.connections == 0


async def test_a_subprotocol_that_the_upstream_selects_with_a_line_end_or_unasked_is_502(tmp_path: Path) -> None:
    for selected in ("chat\r\nX-Evil: 1", "other", "chat, other", "CHAT"):
        script = raw.answer_with(lambda head, one=selected: heads.switching(head, protocol=one))
        async with served(tmp_path, script=script) as gate:
            request = upgrade_request(extra=[("Sec-WebSocket-Protocol", "chat")])
            async with raw.dialled(gate.port) as client:
                client.send_raw(request)
                head = await client.recv_head()
                # Behind a line end stands a header of the upstream's own, which it could have sent openly.
                assert head.status == (101 if "\r" in selected else 502)
                assert head.get("Sec-WebSocket-Protocol") == ("chat" if "\r" in selected else None)
            await gate.origin.release()


# Logs


@pytest.mark.parametrize(
    "octets",
    [
        b"GET /\x1b[2J\r\nforged HTTP/1.1\r\n\r\n",
        b"\x1b]0;owned\x07 / HTTP/1.1\r\n\r\n",
        upgrade_request("/\x1b[31m"),
        upgrade_request(replace={"Host": "a\x1b[31m"}),
        upgrade_request(extra=[("Sec-WebSocket-Protocol", "\x1b[31m")]),
        upgrade_request(extra=[("Content-Length", "\x85\x9b31m")]),
        upgrade_request(replace={"Upgrade": "\x9b31m"}),
        upgrade_request(start="G\x9bT / HTTP/1.1"),
    ],
    ids=range(8),
)
async def test_what_a_client_writes_puts_no_control_character_and_no_second_line_into_the_log(
    octets: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="framegate")
    async with served(tmp_path) as gate:
        await gate.asked(octets)
    for record in caplog.records:
        message = record.getMessage()
        assert message.isprintable(), message
