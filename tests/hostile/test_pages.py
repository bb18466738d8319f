"""A hostile page in somebody's browser: it can make the browser connect, with the cookies, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.heads import upgrade_request
from tests.kit.served import served

ALLOWED = "https://app.example.com"
ORIGIN = [{"name": "origin", "config": {"allow": [ALLOWED]}}]

ELSEWHERE = [
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "https://evil.example/app.example.com",
    "https://app.example.com@evil.example",
    "https://app.example.com:8443",
    "http://app.example.com",
    "https://sub.app.example.com",
    "https://app.example.com/",
    "https://app.example.com ",
    "null",
    "file://",
    "",
]


@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_a_page_of_another_origin_is_403_and_no_upstream_hears_of_its_cookies(
    origin: str, tmp_path: Path
) -> None:
    async with served(tmp_path, use=ORIGIN) as gate:
        request = upgrade_request(extra=[("Origin", origin), ("Cookie", "session=hers")])
        if origin.endswith(" "):
            # White space around a value is none of it (RFC 9110, section 5.5).
            assert (await gate.upstream_head(request=request)).get("Origin") == ALLOWED
            return
        assert (await gate.asked(request))[0].status == 403
        assert gate.origin.connections == 0


async def test_a_page_that_sends_two_origins_is_400_and_reaches_no_upstream(tmp_path: Path) -> None:
    async with served(tmp_path, use=ORIGIN) as gate:
        request = upgrade_request(extra=[("Origin", ALLOWED), ("Origin", "https://evil.example")])
        assert (await gate.asked(request))[0].status == 400
        assert gate.origin.connections == 0


async def test_without_the_plugin_the_origin_goes_upstream_as_the_browser_wrote_it(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        head = await gate.upstream_head(extra=[("Origin", "https://evil.example")])
        assert head.get("Origin") == "https://evil.example"


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "HEAD", "PUT"])
async def test_what_a_form_or_fetch_can_send_is_405_and_reaches_no_upstream(method: str, tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        octets = f"{method} / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 4\r\n\r\nabcd".encode()
        assert (await gate.asked(octets))[0].status == 405
        assert gate.origin.connections == 0


async def test_a_plain_get_of_a_page_is_426_and_reaches_no_upstream(tmp_path: Path) -> None:
    async with served(tmp_path) as gate:
        assert (await gate.asked(b"GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n"))[0].status == 426
        assert gate.origin.connections == 0
