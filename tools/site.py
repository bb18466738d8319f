"""A hook of MkDocs: what pages link to outside of docs/ becomes part of the site; ``FOLDER/*`` in the nav is spelt out.

Pages link to files by their places in the repository, so that they can be read there. Here each place outside docs/
that a page links to gets a page of its own below ``repository/``: Markdown as it is, another text in a code block, a
folder as a list. It knows nothing of what the pages say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from posixpath import dirname, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PREFIX = "repository/"
PICTURES = (".svg", ".png")
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json", ".sh": "sh"}

_FENCE = re.compile(r"(^ *```.*?^ *``` *$)", re.M | re.S)
_LINK = re.compile(r"(\]\()(?![a-z]+:|#|/)([^)#\s]+)(#[^)\s]*)?(\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Write the pages of a folder in the place of its ``FOLDER/*``."""
    named = set(_named(config.nav))
    config.nav = _expanded(config.nav, named)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each place that is linked to outside of docs/, from there too, and for folders without one."""
    waiting = [DOCS / page.src_uri for page in files.documentation_pages()]
    waiting += [ROOT / name.removeprefix(PREFIX) for name in _named(config.nav) if name.startswith(PREFIX)]
    done: set[Path] = set()
    while waiting:
        place = waiting.pop()
        if place in done:
            continue
        done.add(place)
        if uri_of(place) not in files.src_uris:
            files.append(_page(place, config))
        if place.suffix == ".md":
            waiting += _targets(place)
        elif place.is_dir() and DOCS not in place.parents:
            waiting += _entries(place)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site."""
    if page.file.src_uri.startswith(PREFIX):
        return markdown
    return relinked(markdown, DOCS / page.file.src_uri)


def relinked(markdown: str, source: Path) -> str:
    """The text of the file ``source`` with the links of its page in the site."""

    def link(found: re.Match[str]) -> str:
        target = _resolved(source, found[2])
        if target is None:
            return found[0]
        return f"{found[1]}{relpath(uri_of(target), dirname(uri_of(source)) or '.')}{found[3] or ''}{found[4]}"

    return _outside_fences(markdown, lambda text: _LINK.sub(link, text))


def uri_of(place: Path) -> str:
    """The name of a place in the site's sources."""
    inside = DOCS in place.parents
    name = place.relative_to(DOCS).as_posix() if inside else PREFIX + place.relative_to(ROOT).as_posix()
    if place.is_dir():
        return f"{name}/{'README' if (place / 'README.md').exists() else 'index'}.md"
    return name if inside or place.suffix in (".md", *PICTURES) else name + ".md"


def _page(place: Path, config: MkDocsConfig) -> File:
    inclusion = InclusionLevel.NOT_IN_NAV
    if place.suffix in PICTURES:
        return File.generated(config, uri_of(place), abs_src_path=str(place), inclusion=inclusion)
    return File.generated(config, uri_of(place), content=_content(place), inclusion=inclusion)


def _content(place: Path) -> str:
    if place.is_dir():
        if (place / "README.md").exists():
            return relinked((place / "README.md").read_text(), place / "README.md")
        index = place / "index.md"
        lines = [f"- [{entry.name}]({relpath(uri_of(entry), dirname(uri_of(index)))})" for entry in _entries(place)]
        return "\n".join([_UNSEARCHED, f"# {place.relative_to(ROOT).as_posix()}", "", *lines, ""])
    text = place.read_text()
    if place.suffix == ".md":
        return relinked(text, place)
    fence = f"````{LANGUAGES.get(place.suffix, 'text')}\n{text.rstrip()}\n````\n"
    return f"{_UNSEARCHED}\n# {place.relative_to(ROOT).as_posix()}\n\n{fence}"


_UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n"


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))


def _targets(source: Path) -> Iterator[Path]:
    for part in _FENCE.split(source.read_text())[::2]:
        for found in _LINK.finditer(part):
            if (target := _resolved(source, found[2])) is not None:
                yield target


def _resolved(source: Path, link: str) -> Path | None:
    """Where a link leads, or None where there is nothing or nothing of ours: MkDocs tells of such links."""
    target = (source.parent / link).resolve()
    return target if target.exists() and ROOT in target.parents else None


def _outside_fences(markdown: str, change: Callable[[str], str]) -> str:
    parts = _FENCE.split(markdown)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def _named(nav: Any) -> Iterator[str]:
    for entry in nav:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        if isinstance(value, list):
            yield from _named(value)
        else:
            yield value


def _expanded(nav: list[Any], named: set[str]) -> list[Any]:
    made: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            made.append({title: _expanded(v, named) if isinstance(v, list) else v for title, v in entry.items()})
        elif entry == "*" or entry.endswith("/*"):
            pages = sorted(DOCS.glob(f"{entry}.md"))
            made += [name for page in pages if (name := page.relative_to(DOCS).as_posix()) not in named]
        else:
            made.append(entry)
    return made
