"""Questions between processes, and the crew that answers them, be it one process or several."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from framegate.operate.alone import Alone
from framegate.operate.control import Channel, Handler, Local, Refused
from framegate.operate.sockets import hand_over, taken_over
from framegate.operate.source import Source
from framegate.operate.supervisor import Supervisor
from tests.operate.rig import Place, answer

pytestmark = pytest.mark.patience(60)


async def doubled(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"twice": 2 * arguments["number"]}


async def broken(arguments: dict[str, Any]) -> dict[str, Any]:
    raise RuntimeError("no luck")


async def never(arguments: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(3600)
    return {}


HANDLERS: dict[str, Handler] = {"double": doubled, "broken": broken, "never": never}


async def ends(ours: Mapping[str, Handler] = {}, theirs: dict[str, Handler] = HANDLERS) -> tuple[Channel, Channel]:
    one, other = socket.socketpair()
    return await Channel.over(one, ours), await Channel.over(other, theirs)


async def test_a_question_is_answered_by_its_handler() -> None:
    ours, theirs = await ends()
    assert await ours.ask("double", {"number": 21}, timeout=5) == {"twice": 42}
    many = await asyncio.gather(*(ours.ask("double", {"number": n}, timeout=5) for n in range(100)))
    assert many == [{"twice": 2 * n} for n in range(100)]
    await ours.close()
    await theirs.close()


async def test_both_ends_may_ask_at_the_same_time() -> None:
    ours, theirs = await ends(HANDLERS)
    one, other = await asyncio.gather(
        ours.ask("double", {"number": 1}, timeout=5), theirs.ask("double", {"number": 2}, timeout=5)
    )
    assert (one, other) == ({"twice": 2}, {"twice": 4})
    await ours.close()
    await theirs.close()


async def test_a_message_may_be_as_long_as_a_file() -> None:
    async def size(arguments: dict[str, Any]) -> dict[str, Any]:
        return {"size": len(arguments["text"])}

    ours, theirs = await ends(theirs={"size": size})
    assert await ours.ask("size", {"text": "line\n" * 400_000}, timeout=20) == {"size": 2_000_000}
    await ours.close()
    await theirs.close()


async def test_what_goes_wrong_there_is_told_here(caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = await ends()
    with pytest.raises(Refused, match="broken: RuntimeError: no luck"):
        await ours.ask("broken", {}, timeout=5)
    with pytest.raises(Refused, match="sing: nobody answers this here"):
        await ours.ask("sing", {}, timeout=5)
    with pytest.raises(TimeoutError):
        await ours.ask("never", {}, timeout=0.05)
    assert await ours.ask("double", {"number": 1}, timeout=5) == {"twice": 2}
    await ours.close()
    await theirs.close()


async def test_the_end_of_the_other_side_ends_every_question() -> None:
    ours, theirs = await ends()
    asking = asyncio.create_task(ours.ask("never", {}, timeout=None))
    await asyncio.sleep(0.05)
    await theirs.close()
    with pytest.raises(ConnectionError):
        await asking
    await ours.ended
    with pytest.raises(ConnectionError):
        await ours.ask("double", {"number": 1}, timeout=5)
    ours.tell("double", {"number": 1})
    await ours.close()


async def test_an_event_needs_no_answer() -> None:
    told = asyncio.Event()

    async def hear(arguments: dict[str, Any]) -> dict[str, Any]:
        told.set()
        return {}

    ours, theirs = await ends(theirs={"hear": hear})
    ours.tell("hear", {})
    await asyncio.wait_for(told.wait(), 5)
    await ours.close()
    await theirs.close()


async def test_a_process_that_is_alone_answers_itself(caplog: pytest.LogCaptureFixture) -> None:
    crew = Local(dict(HANDLERS))
    (reply,) = await crew.ask_all("double", {"number": 2}, timeout=5)
    assert (reply.worker, reply.pid, reply.answer, reply.error) == (0, os.getpid(), {"twice": 4}, None)
    assert [reply.error for reply in await crew.ask_all("broken", {}, timeout=5)] == ["broken: RuntimeError: no luck"]
    assert [reply.error for reply in await crew.ask_all("never", {}, timeout=0.05)] == [
        "never: no answer in 0.05 seconds"
    ]


@pytest.mark.parametrize("count", [1, 2])
async def test_every_serving_process_answers(place: Place, count: int) -> None:
    source = Source(place.write())
    crew = Alone(source) if count == 1 else Supervisor(source, count)
    attempt = source.read()
    (url,) = await crew.start(attempt)
    try:
        assert await answer(url) == "A:hello"
        replies = await crew.ask_all("status", {}, timeout=10)
        facts = [reply.answer for reply in replies]
        assert [reply.worker for reply in replies] == ([0] if count == 1 else [1, 2])
        assert all(fact is not None and fact["generation"] == 1 and fact["sessions"] == 0 for fact in facts)
        assert [reply.pid for reply in replies] == [fact["pid"] for fact in facts if fact is not None]
        told = [reply.answer for reply in await crew.ask_all("metrics", {}, timeout=10)]
        assert len(told) == count and all(answer is not None and isinstance(answer["text"], str) for answer in told)
        assert [reply.answer for reply in await crew.ask_all("health", {}, timeout=10)] == [{"upstreams": []}] * count
        wrong = await crew.ask_all("level", {"level": "loud"}, timeout=10)
        assert all(reply.error is not None and "'loud'" in reply.error for reply in wrong)
        if count > 1:
            await crew.ask_all("level", {"level": "error"}, timeout=10)
            asked = await crew.ask_all("level", {}, timeout=10)
            assert [reply.answer and reply.answer["level"] for reply in asked] == ["error"] * count
        await crew.reload(source.read(place.text(word="B:").encode()), 2)
        assert await answer(url) == "B:hello"
        again = [reply.answer for reply in await crew.ask_all("status", {}, timeout=10)]
        assert all(fact is not None and fact["generation"] == 2 for fact in again)
    finally:
        await crew.drain()


async def test_more_sockets_than_one_message_takes_are_handed_over() -> None:
    one, other = socket.socketpair()
    handed = [socket.socket(socket.AF_UNIX) for _ in range(300)]
    with one, other:
        hand_over(one, handed)
        taken = taken_over(other, 300)
        assert [os.fstat(sock.fileno()).st_ino for sock in taken] == [os.fstat(s.fileno()).st_ino for s in handed]
        assert not any(sock.get_inheritable() or sock.getblocking() for sock in taken)
    for sock in (*handed, *taken):
        sock.close()
