"""Runs a committed notebook's code cells in this process, without a kernel; lists what is in the account."""

import json

import boto3
from lambda_kit import ROOT

from faceblur.workshop import CHAPTERS
from faceblur.workshop.running.runner import UNATTENDED


def cells(number):
    return json.loads((ROOT / "notebooks" / CHAPTERS[number].file).read_text(encoding="utf-8"))["cells"]


def code_cells(number):
    return [cell for cell in cells(number) if cell["cell_type"] == "code"]


def run_notebook(number, until=None, **parameters):
    """Execute the cells in order, unattended, stop before the cell `until`; returns the notebook's variables."""
    variables = {}
    for cell in code_cells(number):
        if cell["id"] == until:
            break
        source = "".join(cell["source"])
        exec(compile(source, f"{CHAPTERS[number].file}:{cell['id']}", "exec"), variables)
        if "parameters" in cell["metadata"].get("tags", ()):
            assert set(parameters) <= set(variables), f"unknown parameters for notebook {number}"
            variables.update({name: value for name, value in UNATTENDED.items() if name in variables} | parameters)
    return variables


def names_left(prefix: str) -> list[str]:
    """Everything in the account whose name carries the prefix, by each service's own listing."""

    def listed(service, operation, items, name):
        client = boto3.client(service)
        pages = client.get_paginator(operation).paginate() if client.can_paginate(operation) else None
        for page in pages or [getattr(client, operation)()]:
            yield from (item[name] for item in page[items])

    found = [
        *listed("s3", "list_buckets", "Buckets", "Name"),
        *listed("iam", "list_roles", "Roles", "RoleName"),
        *listed("lambda", "list_functions", "Functions", "FunctionName"),
        *listed("ecr", "describe_repositories", "repositories", "repositoryName"),
        *listed("stepfunctions", "list_state_machines", "stateMachines", "name"),
        *listed("events", "list_rules", "Rules", "Name"),
        *listed("sns", "list_topics", "Topics", "TopicArn"),
        *listed("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ]
    return [name for name in found if prefix in name]
