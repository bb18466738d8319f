"""Charts of a kept result for the README and the documents: `python -m benchmarks.charts RESULT.json`.

The drawings are written with the standard library's ElementTree. The libraries at hand were tried for what these files
have to be, which is the same bytes for the same result, readable in light and dark, described for those who do not see
them, and free of scripts: pygal gives each chart a random id and today's date, links a style for hovering and has no
`<desc>`; matplotlib's SVG changes with its version, turns text into outlines or names fonts, and has no style for the
dark. Bars and lines with an axis are little besides.
"""
