"""A person looks the plan over: in the browser, in a notebook, by code."""

from .session import Review

__all__ = ["Review"]
