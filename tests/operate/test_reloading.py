"""Reloading a running gateway: what it changes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import closing

import pytest
from cryptography import x509
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.cli.program import Program
from tests.kit import tls
from tests.operate.rig import (
    ANY,
    PLUGIN,
    Place,
    answer,
    chattering,
    ended,
    refused,
    reloaded,
    running,
    seen,
    talking,
)

pytestmark = pytest.mark.patience(90)

one_and_two = pytest.mark.parametrize("workers", ["1", "2"])


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        return int(unused.getsockname()[1])


async def closed_with(peer: object) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as caught:
        async with asyncio.timeout(10):
            while True:
                await peer.recv()  # type: ignore[attr-defined]
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


async def drains(program: Program) -> None:
    program.send(signal.SIGTERM)
    assert await ended(program) == 0


# What changes


@one_and_two
async def test_a_live_session_has_the_new_configuration_at_its_next_message(place: Place, workers: str) -> None:
    with running(place.write(word="A:"), "--workers", workers) as program:
        async with talking(program.urls[0]) as peer:
            await peer.send("1")
            assert await peer.recv() == "A:1"
            place.write(word="B:")
            line = await reloaded(program)
            assert "plugin 'tag' of service 'main' changed" in line
            assert "0 kept, 1 rebound, 0 closed" in line
            await peer.send("2")
            assert await peer.recv() == "B:2"
            assert await answer(program.urls[0], "new") == "B:new"
        await drains(program)


@one_and_two
async def test_a_message_that_has_begun_ends_under_the_configuration_that_it_began_under(
    place: Place, workers: str
) -> None:
    with running(place.write(word="A:"), "--workers", workers) as program:
        async with talking(program.urls[0]) as peer:
            begun, go_on = asyncio.Event(), asyncio.Event()

            async def parts() -> object:
                yield "one "
                begun.set()
                await go_on.wait()
                yield "message"

            sending = asyncio.create_task(peer.send(parts()))
            await begun.wait()
            await (await peer.ping())
            place.write(word="B:")
            await reloaded(program)
            go_on.set()
            await sending
            assert await peer.recv() == "A:one message"
            await peer.send("the next")
            assert await peer.recv() == "B:the next"


async def test_a_session_whose_policy_changes_is_drained_where_the_file_says_so(place: Place) -> None:
    drain = "  on_policy_change: drain\n"
    with running(place.write(word="A:", gateway=drain)) as program:
        async with talking(program.urls[0]) as peer:
            place.write(word="B:", gateway=drain)
            assert "1 closed with 1012" in await reloaded(program)
            assert await closed_with(peer) == (1012, "service restart")
        assert await answer(program.urls[0]) == "B:hello"


@one_and_two
async def test_a_session_whose_route_has_vanished_is_closed_with_1012(place: Place, workers: str) -> None:
    with running(place.write(), "--workers", workers) as program:
        async with talking(program.urls[0]) as peer:
            place.write(route="another")
            line = await reloaded(program)
            assert "route 'another' added" in line and "route 'main' removed" in line
            assert await closed_with(peer) == (1012, "service restart")


async def test_a_session_whose_service_has_moved_is_closed_with_1012(place: Place) -> None:
    with running(place.write()) as program:
        async with talking(program.urls[0]) as peer:
            place.write(upstream=f"ws://127.0.0.1:{free_port()}/")
            assert "service 'main' changed" in await reloaded(program)
            assert await closed_with(peer) == (1012, "service restart")


async def test_a_session_whose_consumer_has_been_removed_is_closed_with_1012(place: Place) -> None:
    ann = "{username: ann, keyauth_credentials: [{key: a1}, {key: a2}]}"
    ben = "{username: ben, keyauth_credentials: [{key: b}]}"
    plugins = "plugins: [{name: key-auth}]\nconsumers: "
    with running(place.write(more=f"{plugins}[{ann}, {ben}]\n")) as program:
        url = program.urls[0]
        async with (
            talking(url, additional_headers={"apikey": "a1"}) as first,
            talking(url, additional_headers={"apikey": "a2"}) as second,
            talking(url, additional_headers={"apikey": "b"}) as third,
        ):
            place.write(more=f"{plugins}[{ann.replace('{key: a1}, ', '')}]\n")
            line = await reloaded(program)
            assert "consumer 'ann' changed" in line and "consumer 'ben' removed" in line
            assert await closed_with(first) == (1012, "service restart")
            assert await closed_with(third) == (1012, "service restart")
            await second.send("still me")
            assert await second.recv() == "A:still me"


async def test_a_plugin_whose_code_has_changed_is_imported_anew(place: Place) -> None:
    with running(place.write()) as program:
        async with talking(program.urls[0]) as peer:
            place.plugin(PLUGIN.replace('MARK = ""', 'MARK = "new "'))
            assert "plugin 'tag' of service 'main' changed" in await reloaded(program)
            await peer.send("code")
            assert await peer.recv() == "A:new code"


async def test_what_a_plugin_imports_from_beside_it_is_its_code_too(place: Place) -> None:
    place.plugin("MARK = 'one '\n", "_marks")
    place.plugin(PLUGIN.replace('MARK = ""', "from ._marks import MARK"))
    with running(place.write()) as program:
        async with talking(program.urls[0]) as peer:
            place.plugin("MARK = 'two '\n", "_marks")
            await reloaded(program)
            await peer.send("x")
            assert await peer.recv() == "A:two x"


async def test_a_plugin_that_has_not_changed_keeps_what_it_remembers(place: Place) -> None:
    counting = PLUGIN.replace('config["word"]', '""; self.count = 0').replace(
        "self.word + MARK + data", "str(self.count)"
    ).replace('if typ == "text":', 'if typ == "text":\n            self.count += 1')
    place.plugin(counting)
    with running(place.write(route="main")) as program:
        assert await answer(program.urls[0]) == "1"
        place.write(more="consumers: [{username: ann}]\n")
        assert "consumer 'ann' added" in await reloaded(program)
        assert await answer(program.urls[0]) == "2"


async def test_a_route_gets_its_first_plugin_and_loses_it_again(place: Place) -> None:
    with running(place.write(word=None)) as program:
        async with talking(program.urls[0]) as peer:
            for count, (word, prefix) in enumerate([("A:", "A:"), (None, ""), ("C:", "C:")], 1):
                place.write(word=word)
                assert "1 rebound" in await reloaded(program, count)
                await peer.send("x" * 70_000)
                assert await peer.recv() == prefix + "x" * 70_000


async def test_compressed_messages_that_pass_unread_cannot_be_rebound_and_are_drained(place: Place) -> None:
    async def back(peer: ServerConnection) -> None:
        async for message in peer:
            await peer.send(message)

    async with serve(back, "127.0.0.1", 0) as upstream:
        place.upstream = f"ws://127.0.0.1:{upstream.sockets[0].getsockname()[1]}/"
        with running(place.write(word=None)) as program:
            async with connect(program.urls[0], proxy=None) as packed, talking(program.urls[0]) as plain:
                await packed.send("squeezed " * 100)
                assert await packed.recv() == "squeezed " * 100
                assert packed.protocol.extensions and not plain.protocol.extensions
                place.write(word="A:")
                assert "1 rebound, 1 closed with 1012" in await reloaded(program)
                assert await closed_with(packed) == (1012, "service restart")
                await plain.send("plain")
                assert await plain.recv() == "A:plain"


async def test_the_size_limit_of_a_live_session_changes_with_its_plugin(place: Place) -> None:
    def limited(size: int) -> str:
        limit = f"{{name: websocket-size-limit, config: {{client_max_payload: {size}}}}}"
        return place.write(word=None, more=f"plugins: [{limit}]\n")

    with running(limited(10)) as program:
        async with talking(program.urls[0]) as peer:
            limited(20)
            await reloaded(program)
            await peer.send("x" * 20)
            assert await peer.recv() == "x" * 20
            await peer.send("x" * 21)
            assert await closed_with(peer) == (1009, "Payload Too Large")


# Listeners


@one_and_two
async def test_listeners_are_added_and_removed_and_their_sessions_go_on(place: Place, workers: str) -> None:
    first, second = free_port(), free_port()
    path = place.folder / "s"
    one = place.write(listen=f'"127.0.0.1:{first}", "unix:{path}"')
    with running(one, "--workers", workers, listeners=2) as program:
        async with talking(f"ws://127.0.0.1:{first}") as peer:
            place.write(listen=f'"127.0.0.1:{second}"')
            assert "option gateway.listen changed" in await reloaded(program)
            await peer.send("alive")
            assert await peer.recv() == "A:alive"
            assert await answer(f"ws://127.0.0.1:{second}") == "A:hello"
            with pytest.raises(OSError):
                await answer(f"ws://127.0.0.1:{first}")
            assert not path.exists()
            place.write(listen=f'"127.0.0.1:{first}", "127.0.0.1:{second}"')
            await reloaded(program, 2)
            assert await answer(f"ws://127.0.0.1:{first}") == "A:hello"
            await peer.send("still alive")
            assert await peer.recv() == "A:still alive"
        await drains(program)


async def test_the_certificate_of_a_listener_is_read_again(place: Place) -> None:
    def issue() -> int:
        issued = tls.authority().issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(place.folder / "server.pem")
        certificate = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
        return certificate.serial_number

    async def shown(url: str) -> int:
        async with talking(url, ssl=tls.client_context()) as peer:
            return int(peer.transport.get_extra_info("ssl_object").getpeercert()["serialNumber"], 16)

    first = issue()
    with running(place.write(listen='{address: "127.0.0.1:0", tls: {cert: server.pem}}')) as program:
        url = program.urls[0]
        assert await shown(url) == first
        async with talking(url, ssl=tls.client_context()) as peer:
            second = issue()
            assert "1 kept" in await reloaded(program)
            assert first != second == await shown(url)
            await peer.send("as before")
            assert await peer.recv() == "A:as before"
            (place.folder / "server.pem").write_text("no certificate")
            await refused(program)
        assert await shown(url) == second


# What is refused


@one_and_two
async def test_a_broken_file_changes_nothing_and_is_told_as_check_tells_it(place: Place, workers: str) -> None:
    with running(place.write(), "--workers", workers) as program:
        async with chattering(program.urls[0], 4, "A:"):
            place.put(place.text(word="B:").replace("paths:", "pathes:"))
            errors = await refused(program)
            assert any(f"{place.file}:" in line and "did you mean" in line for line in errors), errors
            place.put("{")
            await refused(program, 2)
            place.file.unlink()
            assert any("cannot be read" in line for line in await refused(program, 3))
        assert await answer(program.urls[0]) == "A:hello"
        place.write(word="B:")
        await reloaded(program)
        assert await answer(program.urls[0]) == "B:hello"
        await drains(program)


@one_and_two
async def test_a_plugin_that_has_vanished_changes_nothing(place: Place, workers: str) -> None:
    with running(place.write(), "--workers", workers) as program:
        async with chattering(program.urls[0], 4, "A:"):
            (place.folder / "plugins" / "tag.py").unlink()
            assert any("there is no plugin 'tag'" in line for line in await refused(program))
        assert await answer(program.urls[0]) == "A:hello"


@one_and_two
async def test_a_port_in_use_changes_nothing(place: Place, workers: str) -> None:
    with (
        running(place.write(), "--workers", workers) as program,
        closing(socket.create_server(("127.0.0.1", 0))) as taken,
    ):
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        free = free_port()
        async with chattering(program.urls[0], 4, "A:"):
            place.write(word="B:", listen=f'{ANY}, "127.0.0.1:{free}", "{address}"')
            errors = await refused(program)
            assert any(f"cannot listen on {address}: Address already in use" in line for line in errors), errors
        assert await answer(program.urls[0]) == "A:hello"
        # What was opened before the address in use has been let go.
        with closing(socket.create_server(("127.0.0.1", free))):
            pass


# Storms, and load


@one_and_two
async def test_a_storm_of_hang_ups_is_few_reloads(place: Place, workers: str) -> None:
    with running(place.write(), "--workers", workers) as program:
        async with chattering(program.urls[0], 4, "A:", "B:") as chatters:
            place.write(word="B:")
            for _ in range(20):
                program.send(signal.SIGHUP)
            await seen(program, ": reloaded, generation")
            while not all("B:" in chatter.words for chatter in chatters):
                await asyncio.sleep(0.02)
        assert await answer(program.urls[0]) == "B:hello"
        await drains(program)
        assert 1 <= len([line for line in program.log.seen if ": reloaded, generation" in line]) <= 20
        assert not [line for line in program.log.seen if "Traceback" in line or " ERROR " in line]


@one_and_two
async def test_no_message_is_lost_in_twenty_reloads_under_load(place: Place, workers: str) -> None:
    with running(place.write(word="A:"), "--workers", workers) as program:
        url = program.urls[0]
        async with chattering(url, 30, "A:", "B:") as chatters:
            for count in range(1, 21):
                place.write(word="B:" if count % 2 else "A:")
                await reloaded(program, count)
                assert await answer(url) == ("B:hello" if count % 2 else "A:hello")
        assert all(sorted(chatter.words) == ["A:", "B:"] for chatter in chatters)
        print(f"{sum(chatter.count for chatter in chatters)} messages over {len(chatters)} sessions, none lost")
        await drains(program)


# Watching


async def test_a_watched_file_and_its_plugins_are_reloaded_when_they_change(place: Place) -> None:
    watch = "  watch: true\n"
    with running(place.write(gateway=watch), "--workers", "2") as program:
        async with talking(program.urls[0]) as peer:
            place.write(word="B:", gateway=watch)
            await seen(program, ": reloaded, generation")
            await peer.send("1")
            assert await peer.recv() == "B:1"
            place.plugin(PLUGIN.replace('MARK = ""', 'MARK = "new "'))
            await seen(program, ": reloaded, generation", 2)
            await peer.send("2")
            assert await peer.recv() == "B:new 2"
            place.put("broken")
            await seen(program, "not reloaded")
            place.write(word="C:")
            await seen(program, ": reloaded, generation", 3)
            await peer.send("3")
            assert await peer.recv() == "C:new 3"
        await asyncio.sleep(2.5)
        assert len([line for line in program.log.seen if "reloading" in line]) == 4
