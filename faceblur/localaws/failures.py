"""Failures that were switched on from outside, for tests and teaching: which of them strikes now.

Knows nothing of the engine. A failure has a kind, a target (a pattern with * and ?) and says how often it strikes.
"""

from __future__ import annotations

import fnmatch
import random
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

# Kind: its own options with what they are when they are not given.
KINDS: dict[str, dict[str, object]] = {
    "throttle": {"code": "", "status": 0},
    "kill": {"seconds": 0.0},
    "fail-job": {"message": "Internal server error"},
    "slow-job": {"seconds": 30.0},
    "repeat": {},
    "drop": {},
}
COMMON: dict[str, object] = {"after": 0, "times": None, "probability": 1.0, "seed": None}
MAX_FAILURES = 1000
MAX_SECONDS = 3600


class UnknownFailureError(ValueError):
    """What was asked for is no failure; one line says why."""


@dataclass
class Failure:
    """One failure that is switched on; `seen` counts what it might have struck, `struck` what it did."""

    kind: str
    target: str
    options: dict
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    seen: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.options["seed"])

    def strikes(self, target: str) -> bool:
        """Count this call, and say whether it is one that fails."""
        if not fnmatch.fnmatchcase(target.lower(), self.target.lower()):
            return False
        self.seen += 1
        times = self.options["times"]
        if self.seen <= self.options["after"] or (times is not None and self.struck >= times):
            return False
        if self._random.random() >= self.options["probability"]:
            return False
        self.struck += 1
        return True

    def document(self) -> dict:
        counts = {"seen": self.seen, "struck": self.struck}
        return {"id": self.id, "kind": self.kind, "target": self.target} | self.options | counts


class Failures:
    """All that are switched on. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._all: dict[str, Failure] = {}
        self._lock = threading.Lock()

    def add(self, request: dict) -> Failure:
        """Switch one on. Raises UnknownFailureError."""
        failure = read(request)
        with self._lock:
            if len(self._all) >= MAX_FAILURES:
                raise UnknownFailureError(f"there are {MAX_FAILURES} failures already: clear some")
            self._all[failure.id] = failure
        return failure

    def strike(self, kind: str, target: str) -> Failure | None:
        """The first failure of this kind that strikes this target now, in the order in which they were added."""
        with self._lock:
            mine = [one for one in self._all.values() if one.kind == kind]
            return next((one for one in mine if one.strikes(target)), None)

    def documents(self) -> list[dict]:
        with self._lock:
            return [one.document() for one in self._all.values()]

    def clear(self, name: str = "") -> bool:
        """Switch this one off, or all; False when there is none of this name."""
        with self._lock:
            if name:
                return self._all.pop(name, None) is not None
            self._all.clear()
            return True


def read(request: Any) -> Failure:
    """The failure that a JSON document asks for. Raises UnknownFailureError."""
    if not isinstance(request, dict):
        raise UnknownFailureError("a failure is an object with kind and target")
    kind, target = request.get("kind"), request.get("target", "*")
    if kind not in list(KINDS):
        raise UnknownFailureError(f"kind must be one of {', '.join(KINDS)}")
    if not isinstance(target, str) or not 0 < len(target) <= 1024:
        raise UnknownFailureError("target must be a text of 1 to 1024 letters")
    known = COMMON | KINDS[kind]
    given = {name: value for name, value in request.items() if name not in ("kind", "target")}
    if unknown := sorted(set(given) - set(known)):
        raise UnknownFailureError(f"{kind} has no {', '.join(unknown)}")
    options = known | given
    _check(options)
    return Failure(kind, target, options)


def _check(options: dict) -> None:
    for name, lowest, highest in (("after", 0, 1e9), ("times", 1, 1e9), ("status", 400, 599), ("seed", -1e18, 1e18)):
        value = options.get(name)
        if value in (None, 0) and name != "times":
            continue
        if value is not None and not (type(value) is int and lowest <= value <= highest):
            raise UnknownFailureError(f"{name} must be a whole number from {lowest:.0f} to {highest:.0f}")
    for name, lowest, highest in (("probability", 0, 1), ("seconds", 0, MAX_SECONDS)):
        value = options.get(name, 0)
        if type(value) not in (int, float) or not lowest <= value <= highest:
            raise UnknownFailureError(f"{name} must be a number from {lowest} to {highest}")
    for name in ("code", "message"):
        if not isinstance(value := options.get(name, ""), str) or len(value) > 1024:
            raise UnknownFailureError(f"{name} must be a text of at most 1024 letters")
