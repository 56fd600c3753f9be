"""ministack's Lambda functions, run by our executor and checked as AWS checks them."""

from __future__ import annotations

import base64
import contextlib
import contextvars
import functools
import io
import json
import logging
import os
import threading
import zipfile
from pathlib import Path

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import ecr, lambda_svc

from .. import limits
from ..entry import entry_of
from ..executor import Executor
from ..failures import Failures
from ..function import Function, error_document
from ..images import ImageError, ImageStore, UnpackedImage, read_manifest, split_uri
from ..warden import Warden
from . import invocations, permissions

# The account's limit of functions that run at once; beyond it they are throttled, as on AWS.
CONCURRENCY, DEFAULT_CONCURRENCY = "FACEBLUR_CONCURRENT_EXECUTIONS", 16
LOG_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")


class Lambdas:
    """Runs ministack's function records with our executor."""

    def __init__(self, root: Path, url: str, warden: Warden, failures: Failures):
        self._url = url
        self._executor = Executor(root, warden=warden, failures=failures)
        self._images = ImageStore(root / "images")

    @property
    def lacks(self) -> str:
        """What functions are not kept from on this system, in words."""
        return self._executor.sandbox.lacks

    def install(self) -> None:
        # Long enough to be seen as Pending, short enough to wait for many.
        lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 0.1
        lambda_svc._execute_function_warm = lambda_svc._execute_function_docker = self.execute
        for name in ("_create_function", "_update_code", "_update_config"):
            setattr(lambda_svc, name, self._checked(getattr(lambda_svc, name)))
        lambda_svc._ACCOUNT_CONCURRENCY_CAP = int(os.environ.get(CONCURRENCY, DEFAULT_CONCURRENCY))
        lambda_svc._delete_function = self._forgetting(lambda_svc._delete_function)
        lambda_svc._emit_lambda_logs = with_log_permission(lambda_svc._emit_lambda_logs)

    def close(self) -> None:
        self._executor.close()

    def execute(self, record: dict, event, request_id: str) -> dict:
        """ministack's contract: {'body', 'log', 'error'}."""
        config = record.get("config") or record
        try:
            function = self._function(record, config)
        except (ImageError, ValueError) as problem:
            name = getattr(problem, "name", "Runtime.InvalidPackage")
            return {"body": json.loads(error_document(name, str(problem))), "error": True}
        call = invocations.current()
        request_id, context = (call.request_id, call.client_context) if call else (request_id, "")
        result = self._executor.invoke(function, json.dumps(event).encode(), request_id, context)
        try:
            body = json.loads(result.payload)
        except ValueError:
            body = result.payload.decode("utf-8", "replace")
        return {"body": body, "log": result.log, "log_source": "rie"} | ({"error": True} if result.error else {})

    def _function(self, record: dict, config: dict) -> Function:
        _, region = lambda_runtime._account_region_from_function_config(config)
        image, entry, handler = None, None, config.get("Handler") or ""
        layers: tuple[Path, ...] = ()
        if config.get("PackageType") == "Image":
            image = self._image(config)
            override = (config.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
            entry, handler = entry_of(image, override, self._executor.sandbox.confined is not None)
            task = image.root / "var/task"
        else:
            task = self._executor.unpack(record.get("code_zip") or b"", config["FunctionArn"])
            packages = (lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers", []))
            layers = tuple(self._executor.unpack(package) for package in packages if package)
        return Function(
            name=config["FunctionName"],
            arn=config["FunctionArn"],
            handler=handler,
            task=task,
            timeout_s=float(config.get("Timeout", 3)),
            memory_mb=int(config.get("MemorySize", 128)),
            storage_mb=int((config.get("EphemeralStorage") or {}).get("Size", 512)),
            version=config.get("Version", "$LATEST"),
            region=region,
            variables=(config.get("Environment") or {}).get("Variables") or {},
            credentials=lambda_runtime.execution_credentials(config),
            endpoint_url=self._url,
            layers=layers,
            image=image,
            entry=entry,
        )

    def _checked(self, change):
        """CreateFunction, UpdateFunctionCode and -Configuration with AWS's checks; an image is pinned by its
        digest and unpacked while the function is pending.
        """

        @functools.wraps(change)
        def wrapper(*arguments):
            data = arguments[-1]
            name = arguments[0] if len(arguments) == 2 else data.get("FunctionName")
            uri, digest = image_of(data), ""
            try:
                problem = problem_with(data, name or "")
                package = zip_of(data)
                if package and not problem:
                    problem = self._zip_fault(package, name or "")
                if uri and not problem:
                    digest, _ = read_manifest(uri, fetch_from_ecr)
            except (ImageError, ValueError) as found:
                problem = str(found)
            if problem:
                return error_response_json("InvalidParameterValueException", problem, 400)
            known = lambda_svc._functions.get(name) if len(arguments) == 2 else None
            if refused := known and waits(known["config"], data):
                return refused
            response = change(*arguments)
            if response[0] < 300:
                config = lambda_svc._functions[name]["config"]
                self._settle(config, data, digest)
                if known:
                    config |= {"State": "Active", "StateReason": "", "StateReasonCode": ""}
                    response = (*response[:2], json.dumps(json.loads(response[2]) | {"State": "Active"}).encode())
            return response

        return wrapper

    def _zip_fault(self, package: bytes, name: str) -> str | None:
        """Why this code of a function of that name is refused; unpacks it, which its first call would have to do."""
        arn = permissions.own_arn("lambda", f"function:{name.rpartition(':function:')[2]}")
        problem = zip_fault(package)
        if not problem:
            self._executor.unpack(package, arn)
        return problem

    def _forgetting(self, delete):
        """A deleted function's processes end with it."""

        @functools.wraps(delete)
        def wrapper(name: str, *arguments):
            record = lambda_svc._functions.get(name)
            response = delete(name, *arguments)
            if record and response[0] < 300:
                self._executor.forget(record["config"]["FunctionArn"])
            return response

        return wrapper

    def _settle(self, config: dict, data: dict, digest: str) -> None:
        if "ImageConfig" in data:
            config["ImageConfigResponse"] = {"ImageConfig": data["ImageConfig"]}
        if digest:
            config["CodeSha256"] = digest.removeprefix("sha256:")
            run = contextvars.copy_context().run
            threading.Thread(target=run, args=(self._unpack_early, dict(config)), daemon=True).start()

    def _unpack_early(self, config: dict) -> None:
        with contextlib.suppress(ImageError):  # the first invocation will meet it again and report it
            self._image(config)

    def _image(self, config: dict) -> UnpackedImage:
        return self._images.get(pinned_uri(config), fetch_from_ecr)


def waits(config: dict, data: dict):
    """One change at a time, none of what was changed meanwhile, and none at all where it is only tried: else None.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    if stale := lambda_svc._check_revision(config, data):
        return stale
    if config.get("State") == "Pending" or config.get("LastUpdateStatus") == "InProgress":
        text = (
            "The operation cannot be performed at this time. An update is in progress for resource: "
            + config["FunctionArn"]
        )
        return error_response_json("ResourceConflictException", text, 409)
    return json_response(config) if data.get("DryRun") else None


def pinned_uri(config: dict) -> str:
    """The image by the digest it had when the function was created or updated: a tag that moves changes
    nothing.
    """
    repository, _ = split_uri(config["ImageUri"])
    return f"{config['ImageUri'].partition('/')[0]}/{repository}@sha256:{config['CodeSha256']}"


def fetch_from_ecr(repository: str, kind: str, reference: str) -> bytes | None:
    if kind == "blobs":
        status, _, body = ecr._v2_get_blob(repository, reference)
        return bytes(body) if status == 200 else None
    status, _, body = ecr._v2_get_manifest(repository, reference)
    if status == 200:
        return bytes(body)
    # What PutImage brought is kept as text and not found by digest.
    image = ecr._find_image(repository, {"imageDigest": reference})
    return image["imageManifest"].encode() if image else None


def problem_with(data: dict, name: str) -> str | None:
    """Why AWS Lambda would refuse these settings of a new or changed function of this name."""
    function = permissions.own_arn("lambda", f"function:{name.rpartition(':function:')[2]}")
    if "Role" in data and not permissions.trusts(data["Role"], "lambda.amazonaws.com", function):
        return "The role defined for the function cannot be assumed by Lambda."
    is_image = "ImageUri" in (data.get("Code") or {})
    is_new_zip = "Code" in data and data.get("PackageType", "Image" if is_image else "Zip") == "Zip"
    if "Code" in data and is_image == is_new_zip:
        return "Please provide ImageUri for a function of PackageType Image, and code for one of PackageType Zip."
    if is_new_zip and not (data.get("Handler") and data.get("Runtime")):
        return "Runtime and Handler are mandatory parameters for functions created with deployment packages."
    return limits.refusal(data)


def zip_of(data: dict) -> bytes:
    """Raises ValueError where S3 does not have it."""
    place = data.get("Code") or data
    if "S3Bucket" in place and "S3Key" in place:
        found = lambda_svc._fetch_code_from_s3(place["S3Bucket"], place["S3Key"], place.get("S3ObjectVersion"))
        if found is None:
            raise ValueError(
                "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "
                "The specified key does not exist."
            )
        return found
    text = data.get("ZipFile") or (data.get("Code") or {}).get("ZipFile") or ""
    return base64.b64decode(text) if isinstance(text, str) else bytes(text)


def zip_fault(package: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        return "Could not unzip uploaded file. Please check your file, then try to upload again."
    limit = limits.MAX_UNPACKED_BYTES
    return f"Unzipped size must be smaller than {limit} bytes" if size > limit else None


def image_of(data: dict) -> str | None:
    return data.get("ImageUri") or (data.get("Code") or {}).get("ImageUri")


def with_log_permission(emit):
    """A role that may not write logs leaves none, as on AWS."""

    @functools.wraps(emit)
    def wrapper(record: dict, request_id: str, *arguments, **keywords):
        call = invocations.current()
        config = record.get("config") or record
        group = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:/aws/lambda/{config['FunctionName']}"
        key = lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"]
        for action in LOG_ACTIONS:
            if permissions.check(key, action, f"{group}:log-stream:any") and permissions.check(
                key, action, f"{group}:*"
            ):
                logging.getLogger(__name__).warning("%s may not %s: no logs", config["FunctionName"], action)
                return
        emit(record, call.request_id if call else request_id, *arguments, **keywords)

    return wrapper
