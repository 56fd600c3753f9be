"""Proof that owes the renderer nothing: the finished video held against the original and the plan."""

from .joined import add_up, describe_packets, verify_joined
from .verdict import verify

__all__ = ["add_up", "describe_packets", "verify", "verify_joined"]
