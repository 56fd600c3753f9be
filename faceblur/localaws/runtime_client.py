"""A Lambda runtime client in plain Python, where AWS's own (`awslambdaric`) has no wheel: macOS, say.

Runs inside the function's process as `python -m localaws_runtime module.handler`; imports the standard
library only. Protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import http.client
import importlib
import json
import os
import sys
import time
import traceback


class ClientContext:
    """What a client says of itself: `custom`, `env`, `client`."""

    def __init__(self, document):
        self.custom, self.env, self.client = (document.get(name) for name in ("custom", "env", "client"))


class Context:
    """The second argument of a handler: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, headers):
        setting = os.environ.get
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = setting("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = setting("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = setting("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = setting("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = setting("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = None
        given = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = ClientContext(json.loads(given)) if given else None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))


def describe(error, name=None):
    """The error document that the Runtime API takes."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    lines = traceback.format_list([frame for frame in frames if "importlib" not in frame.filename])
    return {"errorMessage": str(error), "errorType": name or type(error).__name__, "stackTrace": lines}


def show(document, request_id=""):
    trace = "Traceback (most recent call last):\n" + "".join(document["stackTrace"])
    print(f"[ERROR] {document['errorType']}: {document['errorMessage']} {request_id}\n{trace}", flush=True)


class Api:
    """One connection to the Runtime API."""

    def __init__(self):
        self._connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(self, method, path, document=None):
        body = None if document is None else json.dumps(document, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        self._connection.request(method, "/2018-06-01/runtime" + path, body, headers)
        response = self._connection.getresponse()
        return response, response.read()


def load(handler):
    """Import `module.function`; raises what the import raises, named as Lambda names it."""
    module, _, function = handler.rpartition(".")
    try:
        return getattr(importlib.import_module(module.replace("/", ".")), function)
    except ImportError as error:
        raise RuntimeError("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        text = f"Syntax error in module '{module}': {error}"
        raise RuntimeError("Runtime.UserCodeSyntaxError", text) from error
    except AttributeError as error:
        text = f"Handler '{function}' missing on module '{module}'"
        raise RuntimeError("Runtime.HandlerNotFound", text) from error


def main(handler):
    api = Api()
    try:
        function = load(handler)
    except BaseException as error:
        cause = error.__cause__ or error
        document = describe(cause)
        if isinstance(error, RuntimeError) and len(error.args) == 2:
            document["errorType"], document["errorMessage"] = error.args
        show(document)
        api.call("POST", "/init/error", document)
        sys.exit(1)
    while True:
        response, body = api.call("GET", "/invocation/next")
        if response.status != 200:
            return
        request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            result = function(json.loads(body), Context(response.headers))
        except Exception as error:
            document = describe(error)
            show(document, request_id)
            api.call("POST", f"/invocation/{request_id}/error", document)
            continue
        try:
            json.dumps(result)
        except (TypeError, ValueError) as error:
            text = f"Unable to marshal response: {error}"
            document = {"errorMessage": text, "errorType": "Runtime.MarshalError", "stackTrace": []}
            show(document, request_id)
            api.call("POST", f"/invocation/{request_id}/error", document)
            continue
        sys.stdout.flush()
        api.call("POST", f"/invocation/{request_id}/response", result)


if __name__ == "__main__":
    main(sys.argv[1])
