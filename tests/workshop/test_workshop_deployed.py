"""The application as notebooks 02 to 07 build it, on the embedded AWS: what users upload, good and bad."""

import dataclasses
import json
import uuid
import warnings

import boto3
import pytest
from localaws_kit import eventually
from notebook_kit import run_notebook
from second_engine import FOLDER, HOW_IT_ENDED, recording, replayed, shape
from second_engine import plain as as_json
from seeing import make_video

from faceblur import workshop
from faceblur.errors import WorkshopError
from faceblur.workshop.teaching import trouble
from faceblur.workshop.watching.progress import readable_cause

PREFIX = "deployed"


@pytest.fixture(scope="module")
def ws(local_aws, tmp_path_factory):
    """Everything that notebooks 02 to 07 make."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEBLUR_STATE", str(tmp_path_factory.mktemp("state") / "state.json"))
        for number in range(2, 8):
            run_notebook(number, PREFIX=PREFIX)
        yield workshop.begin(notebook=8, prefix=PREFIX)
        run_notebook(10, PREFIX=PREFIX)


def upload(ws, key, content):
    boto3.client("s3").put_object(Bucket=ws.names.input_bucket, Key=key, Body=content)
    return execution_of(ws, key)


def executions(ws):
    listed = boto3.client("stepfunctions").list_executions(stateMachineArn=ws.need("state_machine_arn"))
    return listed["executions"]


def execution_of(ws, key):
    """The finished execution that the upload of `key` started, as describe_execution tells it."""
    sfn = boto3.client("stepfunctions")

    def look():
        for each in executions(ws):
            found = sfn.describe_execution(executionArn=each["executionArn"])
            if json.loads(found["input"])["input"]["key"] == key and found["status"] != "RUNNING":
                return found
        return None

    return eventually(look, timeout_s=180)


def keys(bucket):
    return [item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", ())]


def read_json(bucket, key):
    return json.load(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"])


@pytest.fixture(scope="module")
def plain(ws, tmp_path_factory):
    """The finished execution of a video without faces, under a key that needs decoding."""
    video = make_video(tmp_path_factory.mktemp("plain") / "plain.mp4")
    done = upload(ws, "uploads/ein schöner Tag (1)+.mp4", video.read_bytes())
    assert done["status"] == "SUCCEEDED", done.get("cause")
    return done


def test_a_video_without_faces_is_delivered_and_says_so(ws, plain):
    output, key = json.loads(plain["output"]), json.loads(plain["input"])["input"]["key"]
    assert "no face was found" in output["message"]
    assert output["output"]["bucket"] == ws.names.output_bucket and output["output"]["key"] == f"{key}.blurred.mp4"
    assert f"{key}.blurred.mp4" in keys(ws.names.output_bucket)
    report = read_json(ws.names.output_bucket, output["report"])
    assert report["counts"]["frames"] == 30 and report["input"]["name"] == key
    assert keys(ws.names.work_bucket) == []


def test_moto_makes_the_same_of_it_and_its_answers_look_like_the_recorded_ones(ws, plain):
    """The recordings that test_second_engine.py goes by are of today's functions."""
    sfn = boto3.client("stepfunctions")
    text = sfn.describe_state_machine_for_execution(executionArn=plain["executionArn"])["definition"]
    events = sfn.get_execution_history(executionArn=plain["executionArn"], maxResults=1000)["events"]
    live = recording(plain, events)
    found = replayed(text, live, machine=ws.names.state_machine)
    assert found["entered"] == live["entered"] and found["left"] == 0
    assert as_json([found.get(key) for key in HOW_IT_ENDED]) == as_json([live.get(key) for key in HOW_IT_ENDED])
    recorded = json.loads((FOLDER / "functions_throttled.json").read_text(encoding="utf-8"))
    assert shape(live) == shape(recorded)


@pytest.mark.parametrize(("key", "content"), [("uploads/notes.txt", b"no video at all"), ("uploads/empty.mp4", b"")])
def test_what_is_no_video_fails_with_a_cause_to_read(ws, key, content):
    done = upload(ws, key, content)
    assert done["status"] == "FAILED"
    assert done["error"] and done["cause"] == readable_cause(done["cause"])
    assert not done["cause"].startswith("{") and "Traceback" not in done["cause"]
    record = read_json(ws.names.output_bucket, json.loads(done["input"])["output"]["failure"])
    assert (record["error"], record["cause"]) == (done["error"], done["cause"])
    assert record["input"]["key"] == key and record["execution"] == done["executionArn"]
    assert keys(ws.names.work_bucket) == []
    assert f"{key}.blurred.mp4" not in keys(ws.names.output_bucket)


def test_what_is_cut_off_is_refused_before_rekognition_is_paid(ws, tmp_path):
    done = upload(ws, "uploads/cut.mp4", make_video(tmp_path / "cut.mp4").read_bytes()[:500])
    given = json.loads(done["input"])
    assert done["cause"] == "uploads/cut.mp4: it is cut off: the upload is not whole"
    assert "job" not in given and given["output"]["failure"] in keys(ws.names.output_bucket)


def test_what_rekognition_does_not_read_is_delivered_without_it(ws, tmp_path):
    done = upload(ws, "uploads/plain.mkv", make_video(tmp_path / "plain.mkv").read_bytes())
    given = json.loads(done["input"])
    assert done["status"] == "SUCCEEDED", done.get("cause")
    assert given["finder"] == "image" and given["video"]["container"] == "matroska" and "job" not in given


def test_while_rekognition_is_busy_the_state_machine_asks_for_the_job(ws, local_aws, tmp_path):
    """The start function gives up after three tries."""
    film = make_video(tmp_path / "busy.mp4").read_bytes()
    with local_aws.chaos.throttle("rekognition:StartFaceDetection", code="LimitExceededException", times=3) as busy:
        done = upload(ws, "uploads/busy.mp4", film)
        assert busy.struck == 3
    assert done["status"] == "SUCCEEDED" and "job" not in json.loads(done["input"])


def test_an_execution_that_is_stopped_leaves_its_record(ws, local_aws, tmp_path):
    film, sfn = make_video(tmp_path / "stopped.mp4").read_bytes(), boto3.client("stepfunctions")
    with local_aws.chaos.slow_job(seconds=60):
        boto3.client("s3").put_object(Bucket=ws.names.input_bucket, Key="uploads/stopped.mp4", Body=film)
        running = eventually(lambda: [each for each in executions(ws) if each["status"] == "RUNNING"])
        sfn.stop_execution(executionArn=running[0]["executionArn"], cause="enough")
    given = json.loads(sfn.describe_execution(executionArn=running[0]["executionArn"])["input"])
    eventually(lambda: given["output"]["failure"] in keys(ws.names.output_bucket))
    record = read_json(ws.names.output_bucket, given["output"]["failure"])
    assert record["error"] == "Aborted" and record["input"]["key"] == "uploads/stopped.mp4"
    assert "stopped the execution" in record["cause"]


@pytest.mark.parametrize(
    ("who", "action"), [("get_detections", "s3:PutObject"), ("start_face_detection", "states:StartExecution")]
)
def test_a_missing_permission_is_named_in_one_record(ws, tmp_path, who, action):
    """A sample; benchmarks/permissions.py takes all of them away in turn."""
    iam, place = boto3.client("iam"), {"RoleName": ws.names.role(who), "PolicyName": "permissions"}
    whole = iam.get_role_policy(**place)["PolicyDocument"]
    left = [each for each in whole["Statement"] if action not in each["Action"]]
    key = f"uploads/{uuid.uuid4().hex}.mp4"
    iam.put_role_policy(**place, PolicyDocument=json.dumps({**whole, "Statement": left}))
    try:
        film = make_video(tmp_path / "film.mp4").read_bytes()
        boto3.client("s3").put_object(Bucket=ws.names.input_bucket, Key=key, Body=film)

        def records():
            return [name for name in keys(ws.names.output_bucket) if name.startswith(f"{key}.")]

        (found,) = eventually(records, timeout_s=120)
        assert found.endswith(".failure.json") and action in read_json(ws.names.output_bucket, found)["cause"]
    finally:
        iam.put_role_policy(**place, PolicyDocument=json.dumps(whole))


def test_an_event_that_is_delivered_again_starts_nothing(ws, tmp_path):
    key = f"uploads/{uuid.uuid4().hex}.txt"
    work = json.loads(upload(ws, key, b"x")["input"])["input"]
    item = {"key": key, "size": work["size"], "eTag": work["etag"], "sequencer": work["sequencer"]}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": ws.names.input_bucket}, "object": item},
    }
    before = len(executions(ws))
    answer = boto3.client("lambda").invoke(
        FunctionName=ws.names.function("start_face_detection"), Payload=json.dumps({"Records": [record]})
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert len(executions(ws)) == before


def test_policies_are_what_iam_takes_and_no_wider_than_needed(ws):
    """parliament knows every action and resource type of IAM."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it leaves its data files open, and needs what setuptools gives up
        from parliament import analyze_policy_string

    iam = boto3.client("iam")
    for who, role in ws.names.roles.items():
        document = iam.get_role_policy(RoleName=role, PolicyName="permissions")["PolicyDocument"]
        findings = analyze_policy_string(json.dumps(document)).findings
        assert not findings, f"{who}: {[finding.issue for finding in findings]}"
        for statement in document["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not any("*" in action for action in actions), who
            if statement["Resource"] == "*":
                assert all(action.startswith(("rekognition:", "logs:")) for action in actions), who


def test_everything_is_tagged_kept_for_a_time_and_closed(ws):
    inventory = workshop.inventory(ws)
    assert inventory.others == () and len(inventory) == 1 + 1 + 1 + 8 + 1 + 3 + 9 + 9 + 1
    assert all(each.detail == "kept 7 days" for each in inventory.ours if each.kind == "log group")


def test_a_function_may_not_touch_what_is_not_its_own(ws, plain):
    """get_detections may write into the work bucket; told to write elsewhere it is stopped by IAM."""
    job_id = json.loads(plain["input"])["job"]["id"]
    event = {"job_id": job_id, "work": {"bucket": ws.names.output_bucket, "detections": "x/"}}
    answer = boto3.client("lambda").invoke(FunctionName=ws.names.function("get_detections"), Payload=json.dumps(event))
    assert json.load(answer["Payload"])["errorType"] == "AccessDenied"
    assert not [key for key in keys(ws.names.output_bucket) if key.startswith("x/")]


@pytest.mark.parametrize("number", range(2, 8))
def test_every_notebook_can_be_run_again(ws, number):
    before = {(each.kind, each.name) for each in workshop.inventory(ws).resources}
    run_notebook(number, PREFIX=PREFIX)
    assert {(each.kind, each.name) for each in workshop.inventory(ws).resources} == before


def test_another_region_is_another_place(local_aws, monkeypatch, tmp_path):
    """Buckets need a LocationConstraint everywhere but in us-east-1; names and ARNs follow the region."""
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    for variable in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.setenv(variable, "eu-west-1")
    for number in (2, 3):
        run_notebook(number, PREFIX="abroad")
    ws = workshop.begin(notebook=4, prefix="abroad")
    s3 = boto3.client("s3")
    assert s3.get_bucket_location(Bucket=ws.names.input_bucket)["LocationConstraint"] == "eu-west-1"
    assert all("eu-west-1" in each.name for each in workshop.inventory(ws).ours)
    run_notebook(10, PREFIX="abroad")
    assert len(workshop.inventory(ws)) == 0


def test_a_permission_taken_on_purpose_is_told_by_the_record_and_mended_no_wider(ws, tmp_path, capsys):
    film = make_video(tmp_path / "film.mp4").read_bytes()
    trouble.forget(ws, False)  # as chapter 3 does
    assert "trouble" not in ws.state
    trouble.forget(ws, True)
    failed = upload(ws, "broken.mp4", film)
    assert failed["status"] == "FAILED" and "AccessDenied" in failed["cause"] and "PutObject" in failed["cause"]
    with pytest.raises(WorkshopError, match="Not yet: an upload still fails"):
        trouble.check(ws)
    trouble._write(ws, [*trouble._statements(ws), {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}])
    with pytest.raises(WorkshopError, match="Not yet: the role may write now, but into other buckets"):
        trouble.check(ws)
    mended = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{ws.names.work_bucket}/*"}
    trouble._write(ws, [*trouble._statements(ws)[:-1], {**mended, "Action": "s3:*"}])
    with pytest.raises(WorkshopError, match="Not yet: the role may write now, and delete, too"):
        trouble.check(ws)
    whole = [*trouble._statements(ws)[:-1], mended]
    trouble._write(ws, [mended])  # as put_role_policy does when it is told of one statement
    with pytest.raises(WorkshopError, match="Not yet: the role may write now, and no longer rekognition:GetFace"):
        trouble.check(ws)
    trouble.mend(ws)
    assert len(trouble._statements(ws)) == len(whole)
    trouble.forget(ws, True)
    extra = {"RoleName": ws.names.role(trouble.ROLE), "PolicyName": "extra"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [mended]})
    ws.client("iam").put_role_policy(**extra, PolicyDocument=document)
    trouble.check(ws)
    assert ws.client("iam").list_role_policies(RoleName=extra["RoleName"])["PolicyNames"] == [trouble.POLICY]
    assert "Right: the record named the state" in capsys.readouterr().out
    assert upload(ws, "mended.mp4", film)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("name", ["worker", "twice", "busy"])
def test_other_troubles_strike_and_the_video_comes_all_the_same(ws, name, tmp_path, capsys):
    trouble.practise(ws, name)
    with pytest.raises(WorkshopError, match="Not yet: it has not happened yet"):
        trouble.check(ws)
    film = make_video(tmp_path / "film.mp4")
    assert upload(ws, f"{name}.mp4", film.read_bytes())["status"] == "SUCCEEDED"
    trouble.check(ws)
    assert "Right: " in capsys.readouterr().out
    assert "trouble" not in ws.state


def test_trouble_is_named_and_stays_on_the_embedded_aws(ws, capsys):
    trouble.practise(ws, "")
    trouble.check(ws)
    assert capsys.readouterr().out.endswith("Nothing is broken.\n")
    with pytest.raises(WorkshopError, match="there is no trouble 'fire'; there are permission, worker, twice, busy"):
        trouble.practise(ws, "fire")
    trouble.hint(ws)
    assert capsys.readouterr().out == "Nothing is broken.\n"
    trouble.forget(ws, True)
    with pytest.raises(WorkshopError, match=r"broken already \(permission\): mend that first"):
        trouble.practise(ws, "twice")
    assert "Note:    something is broken" not in capsys.readouterr().out
    workshop.begin(notebook=7, prefix=PREFIX)
    assert "Note:    something is broken on purpose" in capsys.readouterr().out
    trouble.hint(ws)
    trouble.mend(ws)
    assert "GetObject reads" in capsys.readouterr().out and not trouble._permission(ws)
    with pytest.raises(WorkshopError, match="on the embedded AWS alone"):
        trouble.practise(dataclasses.replace(ws, target="aws"), "twice")
