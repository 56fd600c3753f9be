"""Proof that owes the renderer nothing: the finished video held against the original and the plan."""

from .joined import describe_packets, verify_joined
from .verdict import verify

__all__ = ["describe_packets", "verify", "verify_joined"]
