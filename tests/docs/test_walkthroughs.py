"""The tutorial and the how-to pages do what they say: each is followed in a folder of its own, with real processes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.walkthrough import DOCS, NOT_RUN, blocks, fits, missing, steps, walked, with_free_ports

PAGES = sorted([*DOCS.glob("tutorial/*.md"), *DOCS.glob("how-to/*.md"), *DOCS.glob("migration/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_whoever_follows_the_page_sees_what_it_promises(page: Path, tmp_path: Path) -> None:
    if absent := missing(page.read_text()):
        pytest.skip(f"the page needs {', '.join(absent)}")
    with walked(page, tmp_path) as walk:
        walk.follow()
    assert walk.done, "a page with nothing to do: give its examples titles"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_shell_block_is_run_but_installations(page: Path) -> None:
    shown = [block for block in blocks(page.read_text()) if block.language in ("sh", "bash", "console", "shell")]
    followed = [step.block for step in steps(page.read_text())]
    assert [block for block in shown if block not in followed and block.title != NOT_RUN] == []


def test_what_a_page_promises_must_come_out_whole() -> None:
    assert fits("one …\ntwo", "one and a half\ntwo\n")
    assert fits("first\n…\nlast", "first\nsecond\nthird\nlast\n")
    assert not fits("one\ntwo", "one\n")
    assert not fits("one", "one\ntwo\n")
    assert not fits("o…e", "one two\n")


def test_ports_are_exchanged_alike_everywhere_in_a_page() -> None:
    moved = with_free_ports("listen 127.0.0.1:8000, connect ws://127.0.0.1:8000/ and ws://localhost:9001/")
    ports = re.findall(r":(\d+)", moved)
    assert ports[0] == ports[1] != "8000" and ports[2] not in (ports[0], "9001")
