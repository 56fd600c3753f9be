"""The application on an embedded AWS of a program's own: for benchmarks, recordings and pictures."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

import boto3
from notebook_kit import run_notebook

from faceblur import workshop
from faceblur.localaws import LocalAws


@contextlib.contextmanager
def own_aws():
    """(a folder that is gone afterwards, the AWS), which this process' clients and notebooks talk to."""
    with tempfile.TemporaryDirectory() as folder, LocalAws() as aws:
        os.environ.update(aws.environment)
        os.environ["FACEBLUR_STATE"] = str(Path(folder, "state.json"))
        boto3.setup_default_session()
        yield Path(folder), aws


def build(prefix, **of_functions):
    """Chapters 2 to 7; of_functions: parameters of chapter 5. The Workshop of chapter 8."""
    for number in range(2, 8):
        run_notebook(number, PREFIX=prefix, **(of_functions if number == 5 else {}))
    return workshop.begin(notebook=8, prefix=prefix)


def execution_of(ws, key):
    """DescribeExecution's answer for the execution of an upload's key; empty where there is none yet."""
    sfn = boto3.client("stepfunctions")
    for each in sfn.list_executions(stateMachineArn=ws.need("state_machine_arn"))["executions"]:
        found = sfn.describe_execution(executionArn=each["executionArn"])
        if json.loads(found["input"])["input"]["key"] == key:
            return found
    return {}
