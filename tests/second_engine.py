"""A recorded execution, and moto's interpreter of state machines (LocalStack's) on the same definition.

A recording is {"name", "input", "calls", "entered", "status", "output", and "error" and "cause" if it failed}. calls:
each function called, with the payload it was given and its answer or error. entered: the states in order, of the
execution ("") and of each of a Map's items ("0", "1", ...).
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from lambda_kit import ROOT
from localaws_kit import eventually

from faceblur.workshop import FUNCTIONS, render_definition
from faceblur.workshop.names import Names

FOLDER = Path(__file__).with_name("recorded")
ACCOUNT, REGION, MACHINE = "123456789012", "us-east-1", "recorded-pipeline"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/states"
HOW_IT_ENDED = ("status", "output", "error", "cause")


def recording(execution: dict, events: list[dict]) -> dict:
    """Of what DescribeExecution and GetExecutionHistory say."""
    about = {key: execution[key] for key in HOW_IT_ENDED if execution.get(key) is not None}
    about["output"] = json.loads(about.get("output", "null"))
    given = {"name": execution["name"], "input": json.loads(execution["input"])}
    return given | {"calls": calls(events), "entered": entered(events)} | about


def calls(events: list[dict]) -> list[dict]:
    """[{"function", "payload", and "answer" or "error" and "cause"}], in the order in which they ended."""
    by_id, found = {event["id"]: event for event in events}, []
    for event in events:
        if event["type"] not in ("TaskSucceeded", "TaskFailed"):
            continue
        begun = before(event, by_id, "TaskScheduled")
        asked = json.loads(begun["taskScheduledEventDetails"]["parameters"])
        call = {"function": asked["FunctionName"].rpartition(":")[2], "payload": asked["Payload"]}
        if event["type"] == "TaskSucceeded":
            call["answer"] = json.loads(event["taskSucceededEventDetails"]["output"])["Payload"]
        else:
            call |= {key: event["taskFailedEventDetails"][key] for key in ("error", "cause")}
        found.append(call)
    return found


def entered(events: list[dict]) -> dict[str, list[str]]:
    by_id, found = {event["id"]: event for event in events}, defaultdict(list)
    for event in events:
        if event["type"].endswith("StateEntered"):
            begun = before(event, by_id, "MapIterationStarted", "ExecutionStarted")
            index = begun.get("mapIterationStartedEventDetails", {}).get("index", "") if begun else ""
            found[str(index)].append(event["stateEnteredEventDetails"]["name"])
    return dict(found)


def before(event: dict, by_id: dict[int, dict], *kinds: str) -> dict | None:
    """The last event of these kinds before this one, in its own line: a Map's items that ended are passed over."""
    over = 0
    while event := by_id.get(event["previousEventId"]):
        over += event["type"].startswith("MapState") and event["type"] != "MapStateStarted"
        over -= event["type"] == "MapStateStarted"
        if event["type"] in kinds and (over <= 0 or event["type"] != "MapIterationStarted"):
            return event
    return None


def definition() -> str:
    """statemachine.asl.json as the recorded executions had it."""
    names = Names(MACHINE.removesuffix("-pipeline"), ACCOUNT, REGION)
    arns = {"".join(map(str.capitalize, who.split("_"))): names.function(who) for who in FUNCTIONS}
    values = {f"{who}Arn": names.arn("lambda", f"function:{function}") for who, function in arns.items()}
    return render_definition(ROOT / "statemachine.asl.json", values | {"Partition": "aws", "MaxConcurrency": 8})


def plain(content):
    """The same with the JSON that causes hold as JSON: its blanks and order mean nothing."""
    if isinstance(content, dict):
        return {key: plain(value) for key, value in content.items()}
    if isinstance(content, list):
        return [plain(value) for value in content]
    return plain(json.loads(content)) if isinstance(content, str) and content.startswith("{") else content


def shape(recorded: dict) -> dict[str, dict]:
    """The keys of what went in and of what each function took and gave, at any depth."""

    def keys(value):
        return {key: keys(each) for key, each in value.items()} if isinstance(value, dict) else ""

    found = {"input": keys(recorded["input"]), "output": keys(recorded["output"])}
    for call in recorded["calls"]:
        if "answer" in call:
            who = next(name for name in FUNCTIONS if call["function"].endswith(name.replace("_", "-")))
            found[who] = keys({"payload": call["payload"], "answer": call["answer"]})
    return found


class Functions:
    """A Lambda client whose functions answer what was recorded; each answer once."""

    def __init__(self, recorded: list[dict]):
        self.left = defaultdict(list)
        for call in recorded:
            self.left[self.question(call["function"], call["payload"])].append(call)

    @staticmethod
    def question(function: str, payload) -> str:
        return f"{function} {json.dumps(plain(payload), sort_keys=True)}"

    def invoke(self, FunctionName: str, Payload: bytes) -> dict:
        question = self.question(FunctionName.rpartition(":")[2], json.loads(Payload))
        call = self.left[question].pop(0) if self.left[question] else {"error": "NotRecorded", "cause": question}
        if "answer" in call:
            return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(call["answer"]).encode())}
        if call["error"].startswith("Lambda."):
            fault = {"Code": call["error"].removeprefix("Lambda."), "Message": call["cause"]}
            facts = {"HTTPStatusCode": 429, "RequestId": "0"}
            raise ClientError({"Error": fault, "ResponseMetadata": facts}, "Invoke")
        cause = call["cause"] if call["cause"].startswith("{") else json.dumps({"errorType": call["error"]})
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": io.BytesIO(cause.encode())}


@contextmanager
def no_pauses():
    """The pauses that moto would have made, in seconds: before retries, and in states that wait."""
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

    pauses: dict[str, list[float]] = {"retries": [], "waits": []}
    with (
        mock.patch.object(retrier_decl, "time", mock.Mock(sleep=pauses["retries"].append)),
        mock.patch.object(
            WaitFunction, "_wait_interval", lambda _, env, wait_seconds: pauses["waits"].append(wait_seconds)
        ),
    ):
        yield pauses


def replayed(text: str, recorded: dict, machine: str = MACHINE) -> dict:
    """What moto makes of a definition and of what went in: a recording, with the `pauses` and the answers `left`."""
    from moto import mock_aws
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

    functions = Functions(recorded["calls"])
    interpreter = {"stepfunctions": {"execute_state_machine": True}}
    with (
        mock_aws(config=interpreter),
        mock.patch.object(lambda_eval_utils, "boto_client_for", return_value=functions),
        no_pauses() as pauses,
    ):
        sfn = boto3.client("stepfunctions", region_name=REGION, config=Config(ignore_configured_endpoint_urls=True))
        there = sfn.create_state_machine(name=machine, definition=text, roleArn=ROLE)["stateMachineArn"]
        given = json.dumps(recorded["input"])
        arn = sfn.start_execution(stateMachineArn=there, name=recorded["name"], input=given)["executionArn"]
        found = eventually(lambda: (f := sfn.describe_execution(executionArn=arn))["status"] != "RUNNING" and f)
        events = sfn.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    return recording(found, events) | {"pauses": pauses, "left": sum(map(len, functions.left.values()))}
