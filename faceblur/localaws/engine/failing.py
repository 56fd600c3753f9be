"""The failures that were switched on, where they strike; and the API that switches them, on a path of the engine's own.

`POST /_faceblur/chaos` adds one, `GET` lists, `DELETE /_faceblur/chaos/ID` clears one, `DELETE /_faceblur/chaos` all.
Signed in the header (Signature Version 4, service `faceblur`) by somebody who may do `faceblur:Chaos`: the key that
is handed out, and no role unless it may do everything.
"""

from __future__ import annotations

import functools
import json
import uuid

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import json_response
from ministack.services import s3, sns
from ministack.services import stepfunctions as states

from ..failures import Failure, Failures, UnknownFailureError
from . import permissions

PATH, SERVICE, ACTION = "/_faceblur/chaos", "faceblur", "faceblur:Chaos"
MAX_REQUEST_BYTES = 65_536
# What a service says to a caller that calls too often: code, status.
THROTTLED = {
    "s3": ("SlowDown", 503),
    "lambda": ("TooManyRequestsException", 429),
    "rekognition": ("ProvisionedThroughputExceededException", 400),
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    **dict.fromkeys(("iam", "sts", "sns", "cloudformation"), ("Throttling", 400)),
}
OTHERWISE_THROTTLED = ("ThrottlingException", 400)


def install(failures: Failures) -> None:
    app._dispatch_service_request = throttled(app._dispatch_service_request, failures)
    states._invoke_resource = throttled_task(states._invoke_resource, failures)
    for name in ("_deliver_event_to_lambda", "_deliver_event_to_sqs", "_deliver_event_to_sns"):
        setattr(s3, name, unreliable(getattr(s3, name), failures, bucket_of))
    sns._fanout = unreliable(sns._fanout, failures, lambda topic, *_: "sns:" + topic.rpartition(":")[2])


def owns(path: str) -> bool:
    return path == PATH or path.startswith(PATH + "/")


def answer(failures: Failures, method: str, path: str, body: bytes, access_key: str):
    """What the API says to a caller whose signature has been verified."""
    if denied := permissions.check(access_key, ACTION, "*"):
        return json_response({"message": denied.message}, 403)
    name = path[len(PATH) + 1 :]
    try:
        if (method, name) == ("GET", ""):
            return json_response({"failures": failures.documents()})
        if (method, name) == ("POST", ""):
            return json_response(failures.add(json.loads(body)).document())
        if method == "DELETE":
            known = failures.clear(name)
            return json_response({} if known else {"message": f"there is no failure {name}"}, 200 if known else 404)
    except UnknownFailureError as problem:
        return json_response({"message": str(problem)}, 400)
    except (ValueError, RecursionError):
        return json_response({"message": "the request is not JSON"}, 400)
    return json_response({"message": f"no {method} here"}, 405)


def throttled(dispatch, failures: Failures):
    """A call of an operation, named as IAM names it (s3:GetObject), that fails before it is looked at."""

    @functools.wraps(dispatch)
    async def dispatch_service_request(method, path, headers, body, query, request_id):
        params = app._routing_params(method, path, headers, body, query)
        service = router.detect_service(method, path, headers, params)
        operation = iam_actions.extract_iam_action(service, method, path, headers, body, params)
        if operation and (failure := failures.strike("throttle", operation)):
            return too_often(service, operation, failure, headers)
        return await dispatch(method, path, headers, body, query, request_id)

    return dispatch_service_request


def too_often(service: str, operation: str, failure: Failure, headers: dict):
    code, status = THROTTLED.get(service, OTHERWISE_THROTTLED)
    code, status = failure.options["code"] or code, failure.options["status"] or status
    text = "Please reduce your request rate." if code == "SlowDown" else "Rate exceeded"
    _, fields, body = iam_actions.access_denied_response(
        service, operation, "", str(uuid.uuid4()), error_code=code, message=text, headers=headers
    )
    return status, fields, body


def throttled_task(invoke, failures: Failures):
    """A state machine calls its functions without a request that `throttled` would see."""

    @functools.wraps(invoke)
    def invoke_resource(resource, arguments):
        calls_function = ":function:" in resource or resource.startswith("arn:aws:states:::lambda:")
        if calls_function and (failure := failures.strike("throttle", "lambda:InvokeFunction")):
            code = failure.options["code"] or THROTTLED["lambda"][0]
            raise states._ExecutionError(f"Lambda.{code}", "Rate exceeded")
        return invoke(resource, arguments)

    return invoke_resource


def bucket_of(_arn, event: dict, *_) -> str:
    """Nothing for the test event that S3 sends when notifications are set."""
    return "s3:" + event["Records"][0]["s3"]["bucket"]["name"] if "Records" in event else ""


def unreliable(deliver, failures: Failures, named):
    """An event or message that is lost on its way, or comes twice."""

    @functools.wraps(deliver)
    def deliver_unreliably(*arguments, **keywords):
        name = named(*arguments)
        if name and failures.strike("drop", name):
            return
        deliver(*arguments, **keywords)
        if name and failures.strike("repeat", name):
            deliver(*arguments, **keywords)

    return deliver_unreliably
