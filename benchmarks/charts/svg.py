"""SVG elements, the style of the charts and the card they stand on. Knows nothing of bars, lines or results."""

from __future__ import annotations

import xml.etree.ElementTree as ET

WIDTH = 820
MARGIN = 24
# Generous for the widest of the fonts that `system-ui` may be, at the 13 px of labels.
CHARACTER = 7.6
# An SVG in an <img> follows the reader's system, which may differ from the theme of the page around it: on a ground of
# its own the text stays readable in each of the four cases.
STYLE = """
.card{fill:#ffffff;stroke:#d1d9e0}
text{font:13px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:#1f2328}
.title{font-size:17px;font-weight:600}
.heading{font-weight:600}
.muted{font-size:12px;fill:#59636e}
.ours-text{fill:#0757b3}
.grid{stroke:#e4e8ec;stroke-width:1}
.axis{stroke:#9aa4af;stroke-width:1}
.whisker{stroke:#1f2328;stroke-width:1.2;fill:none}
.bar{fill:#9aa4af}
.tail{fill:#d3d9df}
.bar.ours{fill:#2f81e0}
.tail.ours{fill:#b6d7fb}
.line{stroke-width:1.8}
.line.ours{stroke-width:2.6}
.leader{stroke-width:0.8;opacity:0.55}
.point{stroke:none}
.s0{stroke:#6b7580;fill:#6b7580}
.s1{stroke:#99a2ab;fill:#99a2ab}
.s2{stroke:#8d7b63;fill:#8d7b63}
.s3{stroke:#62807a;fill:#62807a}
.s4{stroke:#89708d;fill:#89708d}
.s5{stroke:#808a52;fill:#808a52}
.s6{stroke:#a0736d;fill:#a0736d}
.ours.o0{stroke:#0757b3;fill:#0757b3}
.ours.o1{stroke:#2f81e0;fill:#2f81e0}
.ours.o2{stroke:#62a8f5;fill:#62a8f5}
.line,.leader{fill:none!important}
@media (prefers-color-scheme:dark){
.card{fill:#0d1117;stroke:#3d444d}
text{fill:#f0f6fc}
.muted{fill:#9198a1}
.ours-text{fill:#79c0ff}
.grid{stroke:#262c36}
.axis{stroke:#6e7681}
.whisker{stroke:#f0f6fc}
.bar{fill:#6e7681}
.tail{fill:#373e47}
.bar.ours{fill:#388bfd}
.tail.ours{fill:#1c4479}
.s0{stroke:#9aa4af;fill:#9aa4af}
.s1{stroke:#6e7681;fill:#6e7681}
.s2{stroke:#b39f84;fill:#b39f84}
.s3{stroke:#86aaa2;fill:#86aaa2}
.s4{stroke:#b294b7;fill:#b294b7}
.s5{stroke:#a9b46f;fill:#a9b46f}
.s6{stroke:#c9938c;fill:#c9938c}
.ours.o0{stroke:#79c0ff;fill:#79c0ff}
.ours.o1{stroke:#388bfd;fill:#388bfd}
.ours.o2{stroke:#2563b0;fill:#2563b0}
}
"""


def add(parent: ET.Element, tag: str, text: str | None = None, /, **attributes: object) -> ET.Element:
    """A new child of `parent`. `text_anchor=` becomes `text-anchor`, `class_=` becomes `class`."""
    named = {name.rstrip("_").replace("_", "-"): _written(value) for name, value in attributes.items()}
    element = ET.SubElement(parent, tag, named)
    element.text = text
    return element


def write(parent: ET.Element, x: float, y: float, text: str, class_: str = "", anchor: str = "start") -> ET.Element:
    """A line of text whose middle is at the height `y`."""
    # Not every renderer knows `dominant-baseline`.
    attributes: dict[str, object] = {"class_": class_} if class_ else {}
    if anchor != "start":
        attributes["text_anchor"] = anchor
    return add(parent, "text", text, x=x, y=y + 4.5, **attributes)


def card(height: float, title: str, description: str) -> ET.Element:
    """The root of a drawing: its name and description for those who do not see it, its style and its ground."""
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
    root.attrib |= {"width": str(WIDTH), "height": _written(height), "viewBox": f"0 0 {WIDTH} {_written(height)}"}
    root.attrib["aria-labelledby"] = "title description"
    add(root, "title", title, id="title")
    add(root, "desc", description, id="description")
    add(root, "style", STYLE)
    add(root, "rect", class_="card", x=0.5, y=0.5, width=WIDTH - 1, height=height - 1, rx=6)
    return root


def as_text(root: ET.Element) -> str:
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode") + "\n"


def width_of(text: str) -> float:
    return len(text) * CHARACTER


def _written(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
