"""Takes each permission of each role away in turn, uploads a video, and prints how that upload ended.

    python -m benchmarks.permissions [part of a row's name ...]

On an embedded AWS of its own, with the application as notebooks 02 to 07 build it. A row has the role, the action and
the upload that needs it: a video (`good`), one that is deleted before the function looks at it (`gone`), one whose
temporaries are (`lost`), one in a bucket that keeps versions (`kept`), one that fails when its detections lie in the
work bucket already, because the image may not read it (`late`), one that was refused when parts of its output had been
sent already (`sent`), or one whose parts were sent before by a function that was ended (`again`). What AWS itself
looks at when a chapter asks for it (`asked`) is asked for again: without the permission it must be refused. A
permission of which nobody is told must change something else: the function's log, or what is left in the work bucket.
About ten seconds a row; invoking takes the state machine minutes, because AWS gives its refusals a name that is worth
repeating.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from application_kit import build, execution_of, own_aws  # noqa: E402
from localaws_kit import eventually, subscribe  # noqa: E402
from seeing import make_video  # noqa: E402

from faceblur.localaws.chaos import Chaos  # noqa: E402

PREFIX, PATIENCE_S, SILENCE_S = "rights", 900, 6
ASKED = {("start_face_detection", "lambda:InvokeFunction")}
NO_UPLOAD = {"ended": "", "delivered": False, "records": 0, "told": 0}
OVER = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class Bench:
    """The application, and one upload after the other."""

    def __init__(self, folder: Path, chaos: Chaos | None = None):
        self.chaos = chaos
        self.ws = build(PREFIX)
        self.s3, self.iam, self.sfn = (boto3.client(name) for name in ("s3", "iam", "stepfunctions"))
        self.video = make_video(folder / "plain.mp4").read_bytes()
        self.queue = boto3.client("sqs").create_queue(QueueName="told")["QueueUrl"]
        subscribe(self.queue, self.ws.need("topic_arn"))
        self.count = 0

    def rows(self) -> list[tuple[str, int, str, str]]:
        """(role, number of the statement, action, kind of upload); a bucket that keeps versions keeps them for good."""
        return sorted(self._rows(), key=lambda row: row[3] == "kept")

    def _rows(self) -> Iterator[tuple[str, int, str, str]]:
        listed = {self.ws.names.input_bucket: "gone", self.ws.names.work_bucket: "lost"}
        for who in self.ws.names.roles:
            for number, statement in enumerate(self.policy(who)["Statement"]):
                for action in actions(statement):
                    if who == "record_failure":
                        sent = ("s3:GetObject", "s3:ListBucket", "s3:AbortMultipartUpload")
                        yield who, number, action, "sent" if action in sent else "late"
                    elif (who, action) == ("join_segments", "s3:AbortMultipartUpload"):
                        yield who, number, action, "again"
                    elif (who, action) in ASKED or (who == "state_machine" and action.startswith("logs:")):
                        yield who, number, action, "asked"
                    elif action == "s3:GetObjectVersion":
                        yield who, number, action, "kept"
                    else:
                        bucket = str(statement["Resource"]).rpartition(":")[2] if action == "s3:ListBucket" else ""
                        kind = listed.get(bucket, "good")
                        yield who, number, action, "good" if kind == "lost" and who == "join_segments" else kind

    def policy(self, who: str) -> dict:
        name = {"RoleName": self.ws.names.role(who), "PolicyName": "permissions"}
        return self.iam.get_role_policy(**name)["PolicyDocument"]

    def without(self, who: str, number: int, action: str, kind: str) -> dict:
        """How an upload ended while the role might not do this."""
        before = {role: self.policy(role) for role in (who, "plan_segments")}
        left = {who: less(before[who], action, number)}
        if kind == "late":
            left["plan_segments"] = less(before["plan_segments"], "s3:GetObject")
        try:
            for role, policy in left.items():
                self._set(role, policy)
            if kind == "asked":
                return {"role": who, "action": action, "upload": kind, "said": [self.asked(who)]} | NO_UPLOAD
            began_ms = int(time.time() * 1000)
            found = self.upload(kind, who) | {"role": who, "action": action, "upload": kind}
            return found | {"logged": self.logged(who, began_ms), "left": self.left()}
        finally:
            for role, policy in before.items():
                self._set(role, policy)

    def upload(self, kind: str = "good", who: str = "") -> dict:
        """{"ended", "records", "told", "said"}: said is every text in which a person could read why."""
        self.count += 1
        key, began = f"n{self.count:03d}.mp4", time.monotonic()
        if kind == "sent":
            self.refuse(key)
        elif kind in ("gone", "lost"):
            self.take_away(key, who, kind)
        else:
            if kind == "kept":
                keeping = {"VersioningConfiguration": {"Status": "Enabled"}}
                self.s3.put_bucket_versioning(Bucket=self.ws.names.input_bucket, **keeping)
            self.s3.put_object(Bucket=self.ws.names.input_bucket, Key=key, Body=self.video)
        if kind == "again":
            given = json.loads(eventually(lambda: execution_of(self.ws, key))["input"])
            self.begin_to_send(given["output"], given["work"]["prefix"])
        silent_since = time.monotonic()
        while time.monotonic() - began < PATIENCE_S:
            execution, outputs = execution_of(self.ws, key), self.outputs(key)
            done = execution.get("status") in OVER or any(name.endswith(".failure.json") for name in outputs)
            if not done:
                silent_since = time.monotonic()
            if done and time.monotonic() - silent_since > SILENCE_S:
                break
            time.sleep(0.5)
        records = [name for name in outputs if name.endswith(".failure.json")]
        texts = [self.s3.get_object(Bucket=self.ws.names.output_bucket, Key=name)["Body"].read() for name in records]
        told = self.told()
        said = [text.decode() for text in texts] + told + [str(execution.get("cause", ""))]
        ended = execution.get("status", "no execution")
        delivered = f"{key}.blurred.mp4" in outputs
        return {"ended": ended, "delivered": delivered, "records": len(records), "told": len(told), "said": said}

    def asked(self, who: str) -> str:
        """What AWS says when chapter 6 or 7 asks for what needs the permission; nothing when it does not mind."""
        lambda_, name = boto3.client("lambda"), {"FunctionName": self.ws.names.function("start_face_detection")}
        machine = {"stateMachineArn": self.ws.need("state_machine_arn")}
        try:
            if who == "state_machine":
                given = self.sfn.describe_state_machine(**machine)["loggingConfiguration"]
                self.sfn.update_state_machine(**machine, loggingConfiguration=given)
            else:
                given = lambda_.get_function_event_invoke_config(**name)["DestinationConfig"]
                lambda_.put_function_event_invoke_config(**name, DestinationConfig=given)
        except ClientError as problem:
            return str(problem)
        return ""

    def take_away(self, key: str, who: str, kind: str) -> None:
        """The function is killed when it is called first, and what it comes back to is gone: the upload, or what the
        functions before it have left.
        """
        assert self.chaos
        place = {"Bucket": self.ws.names.input_bucket, "Key": key}
        with self.chaos.kill(self.ws.names.function(who), times=1) as killed:
            self.s3.put_object(**place, Body=self.video)
            eventually(lambda: killed.struck)
        if kind == "gone":
            self.s3.delete_object(**place)
        else:
            self.left()

    def logged(self, who: str, since_ms: int) -> bool:
        """Whether the role's owner has written into its log group."""
        group = self.ws.names.log_group(who)
        found = boto3.client("logs").filter_log_events(logGroupName=group, startTime=since_ms)
        return bool(found["events"])

    def left(self) -> int:
        """Objects in the work bucket; takes them away."""
        place = {"Bucket": self.ws.names.work_bucket}
        found = [item["Key"] for item in self.s3.list_objects_v2(**place).get("Contents", ())]
        for name in found:
            self.s3.delete_object(**place, Key=name)
        return len(found)

    def refuse(self, key: str) -> None:
        """An execution that fails at once, as if its last function had been ended while it sent the video."""
        names, work = self.ws.names, f"{key}/"
        output = {"bucket": names.output_bucket, "key": f"{key}.blurred.mp4", "failure": f"{key}.0.failure.json"}
        self.begin_to_send(output, work)
        event = {
            "input": {"bucket": names.input_bucket, "key": key},
            "work": {"bucket": names.work_bucket, "prefix": work},
            "output": output,
            "problem": {"Error": "InputError", "Cause": "refused"},
        }
        self.sfn.start_execution(stateMachineArn=self.ws.need("state_machine_arn"), input=json.dumps(event))

    def begin_to_send(self, output: dict, prefix: str) -> None:
        """What a join_segments that was ended leaves behind."""
        begun = self.s3.create_multipart_upload(Bucket=output["bucket"], Key=output["key"])
        remembered = json.dumps({"id": begun["UploadId"]}).encode()
        self.s3.put_object(Bucket=self.ws.names.work_bucket, Key=f"{prefix}upload.json", Body=remembered)

    def outputs(self, key: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.ws.names.output_bucket, Prefix=key)
        return [item["Key"] for item in listed.get("Contents", ())]

    def told(self) -> list[str]:
        """The messages of the topic since the last look."""
        sqs, found = boto3.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"])["Message"])
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def _set(self, who: str, policy: dict) -> None:
        name = {"RoleName": self.ws.names.role(who), "PolicyName": "permissions"}
        self.iam.put_role_policy(**name, PolicyDocument=json.dumps(policy))


def less(policy: dict, action: str, number: int | None = None) -> dict:
    """The policy without this action, in the statement of this number or in all."""
    left = []
    for index, statement in enumerate(policy["Statement"]):
        kept = [each for each in actions(statement) if each != action or number not in (None, index)]
        left += [{**statement, "Action": kept}]
    return {**policy, "Statement": [statement for statement in left if statement["Action"]]}


def actions(statement: dict) -> list[str]:
    given = statement["Action"]
    return [given] if isinstance(given, str) else list(given)


def verdict(row: dict) -> str:
    """In a word or two."""
    if row["upload"] == "asked":
        return (
            f"refused beforehand: {row['said'][0].partition('operation: ')[2]}" if row["said"][0] else "NOTHING CHANGED"
        )
    named = any(row["action"] in text for text in row["said"])
    beside = ", no log" if row["action"].startswith("logs:") and not row["logged"] else ""
    beside += f", {row['left']} temporaries left" if row["left"] else ""
    if row["delivered"]:
        return "delivered" + (beside or ", NOTHING CHANGED") if not row["records"] else "DELIVERED AND RECORDED"
    if row["records"] == 1:
        told = ", names it" if named else ", of the other fault" if row["upload"] != "good" else ", NAMES ANOTHER"
        return "one record" + told + beside
    if row["records"] > 1:
        return f"{row['records']} RECORDS"
    return (
        "no record; told on the topic, names it"
        if row["told"] and named
        else "told only"
        if row["told"]
        else ("only the execution says it" if named else "NOTHING")
    )


def main(wanted: list[str]) -> None:
    with own_aws() as (folder, aws):
        bench = Bench(folder, aws.chaos)
        print(f"{'role':22} {'without':34} {'upload':6} {'execution':13} {'records':>7} {'told':>4}  how it ended")
        for who, number, action, kind in bench.rows():
            name = f"{who} {action}"
            if wanted and not any(part in name for part in wanted):
                continue
            row = bench.without(who, number, action, kind)
            facts = f"{who:22} {action:34} {kind:6} {row['ended']:13} {row['records']:7} {row['told']:4}"
            print(f"{facts}  {verdict(row)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
