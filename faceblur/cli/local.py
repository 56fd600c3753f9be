"""`faceblur local`: the embedded AWS by itself, for anybody's boto3, AWS CLI, Terraform or CDK."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable
from typing import Any

from ..localaws import Chaos, running
from ..localaws.__main__ import say_exports, say_json
from .guard import interruptible

# The kinds of failure, with what the target of each is called.
CHAOS = {
    "throttle": ("operation", "fail calls of an operation, named as IAM names it: s3:GetObject, lambda:InvokeFunction"),
    "kill": ("function", "kill a Lambda function's process in a call"),
    "fail-job": ("video", "fail Rekognition's job for a video, BUCKET/KEY"),
    "slow-job": ("video", "slow Rekognition's job for a video, BUCKET/KEY"),
    "repeat": ("source", "deliver twice what a bucket (s3:BUCKET) or a topic (sns:NAME) tells"),
    "drop": ("source", "lose what a bucket (s3:BUCKET) or a topic (sns:NAME) tells"),
}


def add(commands: _SubParsersAction) -> None:
    local = commands.add_parser(
        "local",
        help="the embedded AWS by itself: up, down, status, env, logs, chaos",
        description="The embedded AWS by itself, on this machine alone, for boto3, the AWS CLI, Terraform or CDK.",
    )
    parts = local.add_subparsers(required=True, metavar="COMMAND")
    one = _part(parts, "up", up, "start it; stays in the foreground until Ctrl-C, or with --detach in the background")
    one.add_argument("--port", type=int, default=running.PORT, help="default: %(default)s; 0: any that is free")
    one.add_argument("--state", metavar="FOLDER", help="keep what is in it there, for the next start with the folder")
    one.add_argument("--detach", "-d", action="store_true", help="come back when it is ready; ends with local down")
    one.add_argument("--json", action="store_true", help="one line when it is ready: endpoint_url, region, keys")
    _one_that_runs(_part(parts, "down", down, "end it, and wait until it has ended"))
    one = _one_that_runs(_part(parts, "status", status, "where it runs, since when"))
    one.add_argument("--json", action="store_true", help="one line: endpoint_url, region, keys, pid, state")
    _one_that_runs(_part(parts, "env", env, 'what clients need: eval "$(faceblur local env)"'))
    one = _one_that_runs(_part(parts, "logs", logs, "what a Lambda function has written"))
    one.add_argument("function", metavar="FUNCTION")
    _add_chaos(parts)


def _part(parts: _SubParsersAction, name: str, run: Callable[[Namespace], int | None], words: str) -> ArgumentParser:
    one = parts.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
    one.set_defaults(run=run)
    return one


def _one_that_runs(one: ArgumentParser) -> ArgumentParser:
    one.add_argument("--port", type=int, help="of the one that is meant, if several run")
    return one


def _add_chaos(parts: _SubParsersAction) -> None:
    kinds = parts.add_parser(
        "chaos", help="switch failures on and off", description="Failures on demand, for tests and teaching."
    ).add_subparsers(required=True, metavar="FAILURE")
    for kind, (target, words) in CHAOS.items():
        one = _one_that_runs(_part(kinds, kind, chaos, words))
        one.set_defaults(kind=kind)
        optional: dict[str, Any] = {} if kind in ("throttle", "kill") else {"nargs": "?", "default": "*"}
        one.add_argument("target", metavar=target.upper(), help="a name, or a pattern with * and ?", **optional)
        one.add_argument("--after", type=int, metavar="N", help="let so many calls pass first")
        one.add_argument("--times", type=int, metavar="N", help="fail so often at most (default: until it is cleared)")
        one.add_argument("--probability", type=float, metavar="P", help="of each call, 0 to 1 (default: 1)")
        one.add_argument("--seed", type=int, metavar="N", help="the same calls fail again")
        if kind in ("kill", "slow-job"):
            one.add_argument("--seconds", type=float, metavar="S", help="so long after the start, or longer")
        if kind == "fail-job":
            one.add_argument("--message", metavar="TEXT", help="what its StatusMessage says")
        if kind == "throttle":
            one.add_argument("--code", metavar="NAME", help="another error than the service's own for that")
            one.add_argument("--status", type=int, metavar="N", help="its HTTP status")
    _one_that_runs(_part(kinds, "list", chaos_list, "the failures that are on"))
    one = _one_that_runs(_part(kinds, "clear", chaos_clear, "switch a failure off, or all"))
    one.add_argument("id", nargs="?", default="", metavar="ID")


def up(options: Namespace) -> int:
    say = say_json if options.json else say_exports
    if not options.detach:
        with interruptible():
            return running.serve(options.port, options.state, say)
    one = running.detach(options.port, options.state)
    print(one.ready_line() if options.json else f'{one.endpoint_url}\nuse it with: eval "$(faceblur local env)"')
    return 0


def down(options: Namespace) -> None:
    one = running.find(options.port)
    running.down(one)
    print(f"{one.endpoint_url}: ended" + (f"; its state is in {one.state}" if one.state else ""))


def status(options: Namespace) -> None:
    one = running.find(options.port)
    if options.json:
        print(one.ready_line())
        return
    minutes = int(time.time() - one.since) // 60
    kept = f"keeps its state in {one.state}" if one.state else "deletes everything when it ends"
    print(f"{one.endpoint_url}: process {one.pid}, up for {minutes} min, {kept}")


def env(options: Namespace) -> None:
    print(running.find(options.port).exports())


def logs(options: Namespace) -> None:
    empty = True
    for line in running.log_lines(running.find(options.port), options.function):
        print(line)
        empty = False
    if empty:
        print(f"{options.function} has written nothing yet, or its role may not write logs", file=sys.stderr)


def chaos(options: Namespace) -> None:
    names = ("after", "times", "probability", "seed", "seconds", "message", "code", "status")
    given = {name: value for name in names if (value := getattr(options, name, None)) is not None}
    print(_chaos(options).switch_on(options.kind, options.target, **given).id)


def chaos_list(options: Namespace) -> None:
    for one in _chaos(options).list():
        print(json.dumps(one))


def chaos_clear(options: Namespace) -> None:
    _chaos(options).clear(options.id)


def _chaos(options: Namespace) -> Chaos:
    return Chaos(running.find(options.port).environment)
