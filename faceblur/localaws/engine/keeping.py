"""The state that outlives the engine, where it has a folder for that: saved once, when it ends in order.

ministack writes its services' state and S3's objects; an object is written when it comes, the rest at the end. What
it cannot keep: executions that still run (they fail), Rekognition's jobs, sessions of roles, links. The key that is
handed out is another at every start, so it is not kept.
"""

from __future__ import annotations

import threading

from ministack import app
from ministack.services import iam

from . import identities

_lock = threading.Lock()
_saved = threading.Event()


def install() -> None:
    app.save_all = once(app.save_all)
    iam.get_state = without_our_key(iam.get_state)


def save() -> None:
    """May be called more than once and by more than one thread: the first saves, the others wait for it."""
    if app.PERSIST_STATE:
        app.save_all(app._build_persistence_save_dict())


def once(save_all):
    def save_once(services: dict) -> None:
        with _lock:
            if not _saved.is_set():
                save_all(services)
            _saved.set()

    return save_once


def without_our_key(get_state):
    def state_without_our_key() -> dict:
        state = get_state()
        keys = state["access_keys"]._data
        for name in [name for name, key in keys.items() if key.get("UserName") == identities.USER]:
            del keys[name]
        return state

    return state_without_our_key
