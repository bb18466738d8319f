"""``kong.ip``: whose word counts."""

from __future__ import annotations

from typing import Any

import pytest

from framegate.pdk import PDKError
from tests.pdk.stage import kong


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("::ffff:10.0.0.1", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        (None, False),
    ],
)
def test_an_address_is_trusted_where_a_network_holds_it(address: str | None, trusted: bool) -> None:
    assert kong(trusted=["10.0.0.0/8", "2001:db8::/32"]).ip.is_trusted(address) is trusted


def test_nobody_is_trusted_at_first() -> None:
    assert kong().ip.is_trusted("127.0.0.1") is False


@pytest.mark.parametrize("address", ["localhost", "", "10.0.0.1:80", "10.0.0.0/8"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(PDKError) as error:
        kong().ip.is_trusted(address)
    assert str(error.value) == f"kong.ip.is_trusted: {address!r} is not an IPv4 or IPv6 address"


@pytest.mark.parametrize("address", [1, b"10.0.0.1", True])
def test_an_address_is_a_str(address: Any) -> None:
    with pytest.raises(PDKError, match=r"^kong\.ip\.is_trusted: address is a str, not "):
        kong().ip.is_trusted(address)
