"""What the tests of the Lambda functions share: loading their modules, recorded events, stubbed clients."""

import contextlib
import importlib
import json
import sys
from pathlib import Path

from botocore.stub import Stubber

ROOT = Path(__file__).resolve().parents[1]
EVENTS = Path(__file__).with_name("events")


def load(folder, *modules):
    """The modules of a function's folder, fresh, as Lambda imports them: by plain name from that folder, in which those
    of lambda_src/shared lie, too.
    """
    places = [Path(folder), ROOT / "lambda_src" / "shared"]
    names = [path.stem for place in places for path in place.glob("*.py")]
    sys.path[:0] = map(str, places)
    try:
        for name in names:
            sys.modules.pop(name, None)
        loaded = [importlib.import_module(name) for name in modules]
    finally:
        del sys.path[: len(places)]
        for name in names:
            sys.modules.pop(name, None)
    return loaded[0] if len(loaded) == 1 else loaded


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text())


@contextlib.contextmanager
def stubbed(*clients):
    """Stubs that check every parameter against AWS's own service model; all answers must be asked for."""
    stubs = [Stubber(client) for client in clients]
    with contextlib.ExitStack() as stack:
        for stub in stubs:
            stack.enter_context(stub)
        yield stubs
        for stub in stubs:
            stub.assert_no_pending_responses()
