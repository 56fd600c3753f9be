"""Runs a committed notebook's code cells in this process: the same calls as in Jupyter, without a kernel."""

import json

from lambda_kit import ROOT

from faceblur.workshop import CHAPTERS


def cells(number):
    return json.loads((ROOT / "notebooks" / CHAPTERS[number].file).read_text(encoding="utf-8"))["cells"]


def code_cells(number):
    return [cell for cell in cells(number) if cell["cell_type"] == "code"]


def run_notebook(number, until=None, **parameters):
    """Execute the cells in order, stop before the cell `until`; returns the notebook's variables."""
    variables = {}
    for cell in code_cells(number):
        if cell["id"] == until:
            break
        source = "".join(cell["source"])
        exec(compile(source, f"{CHAPTERS[number].file}:{cell['id']}", "exec"), variables)
        if "parameters" in cell["metadata"].get("tags", ()):
            assert set(parameters) <= set(variables), f"unknown parameters for notebook {number}"
            variables.update(parameters)
    return variables
