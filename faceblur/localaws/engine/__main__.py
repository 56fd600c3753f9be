"""Serve on the listening socket given, say "ready" on standard output, end when standard input closes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

from hypercorn.asyncio import serve as serve_http
from hypercorn.config import Config
from ministack import app
from ministack.core.hypercorn_compat import install as install_reason_phrases

from . import integrations, notifications, permissions, registry, stepfunctions
from .lambdas import Lambdas
from .rekognition import Rekognition


async def serve(listener: int, address: tuple[str, int]) -> None:
    """Serve until standard input closes or a signal comes."""
    install_reason_phrases()
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    config.accesslog = None
    config.loglevel = "WARNING"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin, lambda: os.read(sys.stdin.fileno(), 1024) or stop.set())
    announcing = asyncio.create_task(announce(address))
    await serve_http(app.app, config, shutdown_trigger=stop.wait)
    announcing.cancel()


async def announce(address: tuple[str, int]) -> None:
    """Say so once the first request has been answered."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET /_ministack/health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
    await reader.readline()
    writer.close()
    print("ready", flush=True)


def main(root: Path, listener: int) -> None:
    address = "127.0.0.1", int(os.environ["GATEWAY_PORT"])
    url = f"http://{address[0]}:{address[1]}"
    permissions.install()
    notifications.install()
    registry.install()
    stepfunctions.install()
    integrations.install(url)
    lambdas = Lambdas(root, url)
    lambdas.install()
    rekognition = Rekognition(root, url)
    rekognition.install()
    status = 1
    try:
        asyncio.run(serve(listener, address))
        status = 0
    except BaseException:
        traceback.print_exc()
    rekognition.close()
    lambdas.close()
    if status == 0:
        # Nobody may be left to do it: the process that started this one may have been killed.
        shutil.rmtree(root, ignore_errors=True)
    # Executions that still wait or retry have nothing left to work with.
    os._exit(status)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
