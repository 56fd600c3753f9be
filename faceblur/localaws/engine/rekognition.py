"""Connects our Rekognition Video with ministack: routing, the caller's permissions, S3 and SNS."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
from pathlib import Path

import boto3
from botocore.exceptions import ClientError
from ministack import app
from ministack.core import iam_actions, router

from ..failures import Failures
from ..rekognition import RekognitionVideo, ServiceError
from . import permissions

REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")


class Rekognition:
    """Looks to ministack like one of its service modules."""

    def __init__(self, root: Path, url: str, failures: Failures):
        self._root, self._storage, self._failures = root / "rekognition", CloudStorage(url), failures
        self._root.mkdir()
        self.reset()

    def install(self) -> None:
        app._loaded_modules["rekognition"] = self
        app.SERVICE_REGISTRY["rekognition"] = {"module": "rekognition"}
        app.SERVICE_HANDLERS["rekognition"] = app._lazy_handler("rekognition")
        router.SERVICE_PATTERNS["rekognition"] = {"target_prefixes": ["RekognitionService"]}
        iam_actions.SERVICE_TO_IAM_NAMESPACE["rekognition"] = "rekognition"

    def close(self) -> None:
        self._service.close()

    async def handle_request(self, method, path, headers, body, query_params):
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        caller = router.extract_access_key_id(headers, query_params)
        context = contextvars.copy_context()
        answer = await asyncio.to_thread(context.run, self._answer, operation, body, caller)
        status, document = answer
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()

    def _answer(self, operation: str, body: bytes, caller: str) -> tuple[int, dict]:
        try:
            return 200, self._service.handle(operation, json.loads(body or b"{}"), caller)
        except ServiceError as problem:
            return 400, {"__type": problem.name, "message": problem.message, "Message": problem.message}

    def reset(self) -> None:
        self._service = RekognitionVideo(self._storage, self._root, failures=self._failures)

    def get_state(self) -> dict:
        return {}

    def load_persisted_state(self, data) -> None:
        """Nothing outlives the process."""


class CloudStorage:
    """S3 and SNS for the service; objects are read with the caller's permission."""

    def __init__(self, url: str):
        self._url = url

    def size(self, caller: str, place: dict) -> int | None:
        action = "s3:GetObjectVersion" if "Version" in place else "s3:GetObject"
        if permissions.check(caller, action, f"arn:aws:s3:::{place['Bucket']}/{place['Name']}"):
            return None
        try:
            return self._client("s3").head_object(**_object(place))["ContentLength"]
        except ClientError:
            return None

    def download(self, place: dict, path: Path) -> None:
        with path.open("wb") as file:
            for chunk in self._client("s3").get_object(**_object(place))["Body"].iter_chunks(1 << 20):
                file.write(chunk)

    def may_publish(self, channel: dict) -> bool:
        return permissions.trusts(channel.get("RoleArn", ""), "rekognition.amazonaws.com")

    def publish(self, channel: dict, message: str) -> None:
        credentials = permissions.role_credentials(channel["RoleArn"], "rekognition")
        client = self._client("sns", **credentials)
        client.publish(TopicArn=channel["SNSTopicArn"], Message=message)

    def _client(self, service: str, **credentials):
        return boto3.client(service, endpoint_url=self._url, region_name=REGION, **credentials)


def _object(place: dict) -> dict:
    version = {"VersionId": place["Version"]} if "Version" in place else {}
    return {"Bucket": place["Bucket"], "Key": place["Name"]} | version
