"""``kong.ctx``: what plugins keep for the time of a connection."""

from __future__ import annotations

from tests.pdk.stage import exchange, kong, on, plugin


def test_what_was_not_set_is_none() -> None:
    probe = kong()
    assert probe.ctx.shared.anything is None
    assert probe.ctx.plugin.anything is None


def test_what_was_set_is_there_in_later_phases() -> None:
    connection = exchange()
    on(connection, "ws_handshake").ctx.plugin.count = 1
    on(connection, "ws_client_frame").ctx.plugin.count += 1
    assert on(connection, "ws_close").ctx.plugin.count == 2


def test_all_plugins_share_what_is_shared_and_nothing_else() -> None:
    connection = exchange()
    one, other = plugin("one", "id-1"), plugin("other", "id-2")
    first, second = on(connection, by=one), on(connection, by=other)
    first.ctx.shared.color = first.ctx.plugin.color = "red"
    assert second.ctx.shared.color == "red"
    assert second.ctx.plugin.color is None


def test_two_configurations_of_a_plugin_keep_apart() -> None:
    connection = exchange()
    on(connection, by=plugin("probe", "id-1")).ctx.plugin.color = "red"
    assert on(connection, by=plugin("probe", "id-2")).ctx.plugin.color is None


def test_two_connections_keep_apart() -> None:
    kong().ctx.shared.color = "red"
    assert kong().ctx.shared.color is None


def test_what_was_deleted_is_none_again() -> None:
    shared = kong().ctx.shared
    shared.color = "red"
    del shared.color
    del shared.never_there
    assert shared.color is None
