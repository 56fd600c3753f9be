"""The embedded AWS's process, and the only module that touches ministack's internals.

Run by `cloud` as `python -m faceblur.localaws.engine ROOT`: serves on a free port of 127.0.0.1, prints one JSON line when it
is ready, and ends when its standard input closes. ministack gives S3, IAM, ECR, SNS, logs, Step Functions; hooked in here
are our Lambda executor, Rekognition Video, and the checks that AWS makes and ministack does not.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

# Read by ministack when it is imported.
LISTENER = socket.create_server(("127.0.0.1", 0), backlog=128)
PORT = LISTENER.getsockname()[1]
URL = f"http://127.0.0.1:{PORT}"
os.environ.update(GATEWAY_PORT=str(PORT), BIND_HOST="127.0.0.1", MINISTACK_HOST="127.0.0.1")

from ministack import app  # noqa: E402
from ministack.core import lambda_runtime  # noqa: E402
from ministack.core.responses import error_response_json  # noqa: E402
from ministack.services import ecr, lambda_svc  # noqa: E402

from .executor import Executor  # noqa: E402
from .function import Function, error_document  # noqa: E402
from .images import Image, ImageError, ImageStore, read_manifest, split_uri  # noqa: E402


class Lambdas:
    """Runs ministack's function records with our executor."""

    def __init__(self, root: Path):
        self.executor = Executor(root)
        self._images = ImageStore(root / "images")

    def install(self) -> None:
        lambda_svc._execute_function_warm = lambda_svc._execute_function_docker = self.execute
        lambda_svc._create_function = after_image_check(lambda_svc._create_function)

    def execute(self, record: dict, event, request_id: str) -> dict:
        """ministack's contract: {'body', 'log', 'error'}."""
        config = record.get("config") or record
        try:
            function = self._function(record, config)
        except ImageError as problem:
            return {"body": json.loads(error_document("Runtime.InvalidImage", str(problem))), "error": True}
        result = self.executor.invoke(function, json.dumps(event).encode(), request_id)
        try:
            body = json.loads(result.payload)
        except ValueError:
            body = result.payload.decode("utf-8", "replace")
        return {"body": body, "log": result.log, "log_source": "rie"} | ({"error": True} if result.error else {})

    def _function(self, record: dict, config: dict) -> Function:
        _, region = lambda_runtime._account_region_from_function_config(config)
        image, handler, layers = None, config.get("Handler") or "", ()
        if config.get("PackageType") == "Image":
            image = self._image(config)
            override = (config.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
            command = override.get("Command") or image.command or ("",)
            handler, task = command[-1], image.root / "var/task"
        else:
            task = self.executor.unpack(record.get("code_zip") or b"")
            packages = (lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers", []))
            layers = tuple(self.executor.unpack(package) for package in packages if package)
        return Function(
            name=config["FunctionName"],
            arn=config["FunctionArn"],
            handler=handler,
            task=task,
            timeout_s=float(config.get("Timeout", 3)),
            memory_mb=int(config.get("MemorySize", 128)),
            version=config.get("Version", "$LATEST"),
            region=region,
            variables=(config.get("Environment") or {}).get("Variables") or {},
            credentials=lambda_runtime.execution_credentials(config),
            endpoint_url=URL,
            layers=layers,
            image=image,
        )

    def _image(self, config: dict) -> Image:
        return self._images.get(pinned_uri(config), fetch_from_ecr)


def pinned_uri(config: dict) -> str:
    """The image by the digest it had when the function was created or updated: a tag that moves changes nothing."""
    repository, _ = split_uri(config["ImageUri"])
    return f"{config['ImageUri'].partition('/')[0]}/{repository}@sha256:{config['CodeSha256']}"


def fetch_from_ecr(repository: str, kind: str, reference: str) -> bytes | None:
    read = ecr._v2_get_manifest if kind == "manifests" else ecr._v2_get_blob
    status, _, body = read(repository, reference)
    return bytes(body) if status == 200 else None


def after_image_check(create):
    """CreateFunction refuses an image that the registry does not hold, and pins its digest."""

    def create_function(data: dict):
        uri = (data.get("Code") or {}).get("ImageUri")
        try:
            digest = read_manifest(uri, fetch_from_ecr)[0] if uri else ""
        except ImageError as problem:
            return error_response_json("InvalidParameterValueException", str(problem), 400)
        response = create(data)
        if uri and response[0] < 300:
            lambda_svc._functions[data["FunctionName"]]["config"]["CodeSha256"] = digest.removeprefix("sha256:")
        return response

    return create_function


async def serve() -> None:
    """Serve until standard input closes or a signal comes; say when the first request can be answered."""
    from hypercorn.asyncio import serve as serve_http
    from hypercorn.config import Config
    from ministack.core.hypercorn_compat import install

    install()
    config = Config()
    config.bind = [f"fd://{LISTENER.fileno()}"]
    config.keep_alive_timeout = 75
    config.accesslog = None
    config.loglevel = "WARNING"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin, lambda: os.read(0, 1024) or stop.set())
    announcing = asyncio.create_task(announce())
    await serve_http(app.app, config, shutdown_trigger=stop.wait)
    announcing.cancel()


async def announce() -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    writer.write(b"GET /_ministack/health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
    await reader.readline()
    writer.close()
    print(json.dumps({"endpoint_url": URL}), flush=True)


def main(root: Path) -> None:
    lambdas = Lambdas(root)
    lambdas.install()
    try:
        asyncio.run(serve())
    finally:
        lambdas.executor.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
