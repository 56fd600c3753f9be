"""Proof that owes the renderer nothing: the finished video held against the original and the plan."""

from .verdict import verify

__all__ = ["verify"]
