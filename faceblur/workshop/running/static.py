"""An executed notebook as one HTML file that works offline. Needs nbconvert.

Live widgets need a kernel or scripts from elsewhere: their views give way to the HTML beside them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...files import write_text
from ...showing.widgets import WIDGET_VIEW

# nbconvert's template loads its diagram renderer from a CDN; the notebooks hold no such diagrams.
_SCRIPT = r"(?:(?!</script>).)*"
_FOREIGN = re.compile(rf"<script type=\"module\">{_SCRIPT}cdnjs{_SCRIPT}</script>", re.DOTALL)


def to_html(notebook: Path) -> Path:
    """Write NOTEBOOK.html beside an executed notebook; return its path."""
    import nbformat
    from nbconvert import HTMLExporter

    node = _without_widgets(nbformat.read(notebook, as_version=4))
    exporter = HTMLExporter(
        template_name="lab",
        mathjax_url="",
        require_js_url="",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    resources = {"metadata": {"path": str(notebook.parent), "name": notebook.stem}}
    body, _ = exporter.from_notebook_node(node, resources)
    page = notebook.with_suffix(".html")
    write_text(page, _linked(_FOREIGN.sub("", body)))
    return page


def _without_widgets(node: Any) -> Any:
    node.metadata.pop("widgets", None)
    for cell in node.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET_VIEW, None)
    return node


def _linked(body: str) -> str:
    """Links between chapters lead to the HTML files; the index of the chapters is the result page."""
    body = re.sub(r"(href=\")(\d\d_\w+)\.ipynb\"", r'\1\2.html"', body)
    return body.replace('href="README.md"', 'href="../index.html"')
