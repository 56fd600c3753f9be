"""Serve on the listening socket given, say the key to use on standard output, end when standard input closes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from hypercorn.asyncio import serve as serve_http
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from ministack import app
from ministack.core.hypercorn_compat import install as install_reason_phrases

from ..failures import Failures
from ..warden import Warden, remove
from . import (
    attempts,
    checks,
    conditions,
    entities,
    executions,
    failing,
    history,
    identities,
    integrations,
    keeping,
    logs,
    notifications,
    permissions,
    registry,
    signatures,
    stepfunctions,
    tagging,
    values,
)
from .gate import Gate
from .lambdas import Lambdas
from .rekognition import Rekognition

# For requests that are being answered; the warden ends what is left then.
PATIENCE_S = 5


async def serve(listener: int, gate: Gate, address: tuple[str, int], key: dict[str, str], close: Callable[[], None]):
    """Serve until standard input closes or a signal comes; `close` ends what requests may be waiting for."""
    install_reason_phrases()
    TCPServer._read_data = closing_at_once(TCPServer._read_data)  # type: ignore[method-assign]
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    config.accesslog = None
    config.loglevel = "WARNING"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def let_go() -> None:
        loop.remove_reader(sys.stdin)
        stop.set()

    loop.add_reader(sys.stdin, let_go)

    async def ended() -> None:
        await stop.wait()
        threading.Timer(PATIENCE_S, give_up).start()
        await asyncio.to_thread(close)

    announcing = asyncio.create_task(announce(address, key))
    await serve_http(gate, config, shutdown_trigger=ended)
    announcing.cancel()


def closing_at_once(read_data):
    """Hypercorn keeps what its client has closed until the time for another request is over: files of the process."""

    async def read_until_closed(self) -> None:
        await read_data(self)
        await self.idle_task.stop()

    return read_until_closed


def give_up() -> None:
    """Whatever still hangs, what is there is kept."""
    keeping.save()
    os._exit(0)


async def announce(address: tuple[str, int], key: dict[str, str]) -> None:
    """Say the key once the first request has been answered. It is in no environment that others could read."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET /_ministack/health HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n" % address[1])
    await reader.readline()
    writer.close()
    print(json.dumps(key), flush=True)


def main(root: Path, listener: int) -> None:
    address = "127.0.0.1", int(os.environ["GATEWAY_PORT"])
    url = f"http://{address[0]}:{address[1]}"
    key = identities.install()
    keeping.install()
    permissions.install()
    conditions.install()
    entities.install()
    signatures.install()
    notifications.install()
    logs.install()
    registry.install()
    tagging.install()
    values.install()
    attempts.install()
    history.install()
    stepfunctions.install()
    executions.install()
    integrations.install(url)
    failures = Failures()
    lambdas = Lambdas(root, url, Warden(root), failures)
    lambdas.install()
    rekognition = Rekognition(root, url, failures)
    rekognition.install()
    checks.install(url)
    failing.install(failures)
    gate = Gate(app.app, address[1], failures)
    status = 1
    try:
        # Not asyncio.run, which waits for every function that still runs.
        asyncio.new_event_loop().run_until_complete(
            serve(listener, gate, address, key | {"lacks": lambdas.lacks}, lambdas.close)
        )
        status = 0
    except BaseException:
        traceback.print_exc()
    keeping.save()
    rekognition.close()
    lambdas.close()
    if status == 0:
        # Nobody may be left to do it: the process that started this one may have been killed.
        remove(root)
    # Executions that still wait or retry have nothing left to work with.
    os._exit(status)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
