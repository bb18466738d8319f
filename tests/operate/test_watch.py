"""Watching files by looking at them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from framegate.operate.watch import Watch, look_at

TICK = 0.03


class Told:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1

    async def comes(self, count: int) -> None:
        async with asyncio.timeout(5):
            while self.count < count:
                await asyncio.sleep(TICK / 3)
        # And no more than that.
        await asyncio.sleep(4 * TICK)
        assert self.count == count


@asynccontextmanager
async def watching(*paths: Path) -> AsyncIterator[Told]:
    told = Told()
    task = asyncio.create_task(Watch(lambda: paths, told, TICK).run())
    await asyncio.sleep(2 * TICK)
    try:
        yield told
    finally:
        task.cancel()


async def test_a_change_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    async with watching(file) as told:
        await told.comes(0)
        file.write_text("22")
        await told.comes(1)
        os.utime(file, (1, 1))
        await told.comes(2)


async def test_a_file_that_is_replaced_vanishes_or_appears_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    async with watching(file) as told:
        new = tmp_path / "b"
        new.write_text("2")
        os.replace(new, file)
        await told.comes(1)
        file.unlink()
        await told.comes(2)
        file.write_text("1")
        await told.comes(3)


async def test_a_file_that_is_being_written_is_told_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("")
    async with watching(file) as told:
        with file.open("a") as stream:
            for _ in range(40):
                stream.write("more")
                stream.flush()
                await asyncio.sleep(TICK / 4)
                written = told.count
        await told.comes(max(1, written))


async def test_a_link_that_leads_elsewhere_has_changed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gateway.yaml").write_text(name)
    link = tmp_path / "data"
    link.symlink_to("one")
    async with watching(link / "gateway.yaml") as told:
        (tmp_path / "next").symlink_to("two")
        os.replace(tmp_path / "next", link)
        await told.comes(1)


def test_a_folder_stands_for_the_python_files_in_it(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    for name in ("a.py", "pack/__init__.py", "notes.txt"):
        (tmp_path / name).write_text("")
    assert [Path(seen[0]).relative_to(tmp_path).as_posix() for seen in look_at([tmp_path])] == [
        "a.py",
        "pack/__init__.py",
    ]
