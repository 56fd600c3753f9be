"""From a plan to pixels, and the report of what was done."""

from .renderer import render

__all__ = ["render"]
