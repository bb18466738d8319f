"""The site builds without a warning, and a reader's browser asks no other host for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REMOTE = re.compile(r"^\s*(?:https?:)?//")
IN_STYLES = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)")

pytestmark = pytest.mark.skipif(
    find_spec("mkdocs") is None or find_spec("mkdocstrings") is None, reason="needs framegate[docs]"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    warnings = [line for line in ended.stderr.splitlines() if line.startswith(("WARNING", "ERROR"))]
    assert (ended.returncode, warnings) == (0, []), ended.stderr[-2000:]
    return folder


class Fetched(HTMLParser):
    """Collects what a browser fetches by itself to show a page; links that a reader may follow are none of it."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.classes.update(found.get("class", "").split())
        self.addresses += IN_STYLES.findall(found.get("style", ""))
        if tag == "link" and found.get("rel") != "canonical":
            self.addresses.append(found.get("href", ""))
        elif tag not in ("a", "link"):
            self.addresses += [found[name] for name in ("src", "srcset", "data", "poster", "action") if name in found]


def fetched(page: str) -> Fetched:
    parser = Fetched()
    parser.feed(page)
    return parser


@pytest.mark.patience(300)
def test_no_page_fetches_anything_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    remote = {
        str(page.relative_to(site)): found
        for page in pages
        if (found := [address for address in fetched(page.read_text()).addresses if REMOTE.match(address)])
    }
    assert remote == {}


def test_no_style_sheet_fetches_anything_from_another_host(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    assert sheets
    assert [found for sheet in sheets for found in IN_STYLES.findall(sheet.read_text())] == []


def test_no_page_has_a_diagram_for_which_the_theme_would_fetch_a_script(site: Path) -> None:
    assert [page for page in site.rglob("*.html") if "mermaid" in fetched(page.read_text()).classes] == []


def test_what_would_be_fetched_is_found() -> None:
    page = (
        '<script src="https://a.example/x.js"></script><link rel="stylesheet" href="//b.example/"><a href="https://c/">'
    )
    assert [address for address in fetched(page).addresses if REMOTE.match(address)] == [
        "https://a.example/x.js",
        "//b.example/",
    ]
    assert IN_STYLES.findall("@import url(https://fonts.example/css);") == ["https://fonts.example/css"]


def test_docstrings_are_read_as_what_they_mean() -> None:
    from tools.docstrings import as_markdown

    assert as_markdown("See :meth:`~a.Proxy.close`, :class:`Proxy`::\n\n    x") == "See `close`, `Proxy`:\n\n    x"
    assert as_markdown("A tree.\n\n::\n\n    x") == "A tree.\n\n\n\n    x"


def test_no_role_is_left_in_the_pages(site: Path) -> None:
    roles = re.compile(r":(?:attr|class|data|exc|func|meth|mod):")
    assert [page for page in site.rglob("reference/**/*.html") if roles.search(page.read_text())] == []


def test_pages_outside_of_docs_and_sources_that_are_linked_to_are_part_of_the_site(site: Path) -> None:
    for name in ("ARCHITECTURE", "examples/chat", "examples/chat/plugins/rate_limit.py", "deploy/systemd"):
        assert (site / "repository" / name / "index.html").is_file(), name


def test_a_page_about_a_source_shows_all_of_it(site: Path) -> None:
    name = "examples/llm-realtime/plugins/redact.py"
    shown = re.sub(r"<[^>]+>", "", (site / "repository" / name / "index.html").read_text())
    functions = re.findall(r"def (\w+)", (ROOT / name).read_text())
    assert functions and [each for each in functions if each not in shown] == []
