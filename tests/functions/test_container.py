"""The blur image: its requirements agree with the project's, its code needs no more, its steps are safe."""

import base64
import json
import re
import subprocess
import sys
import tomllib
import uuid

import av
import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from lambda_kit import ROOT, load
from video_kit import atoms

from faceblur import documents, video
from faceblur.cli import main
from faceblur.errors import FacesMissedError, InputError, VerificationError
from faceblur.plan import Plan
from faceblur.rendering.report import count
from faceblur.workshop import IMAGE_FUNCTIONS
from faceblur.workshop.building import image

FOLDER = ROOT / "container"


@pytest.fixture
def modules(local_aws):
    """(handlers, storage) with a client for the embedded AWS."""
    return load(FOLDER, "handlers", "storage")


@pytest.fixture
def bucket(local_aws):
    name = f"test-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def clip(sample, tmp_path_factory):
    """Half a second of the sample: a real face, quick to encode."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    pictures = []
    with video.Reader(sample[0]) as reader:
        for frame in reader:
            if frame.time_ms >= 3000:
                pictures.append(frame.bgr(width=640))
            if len(pictures) == 12:
                break
    video.encode(path, pictures, frame_rate=24)
    return path


def upload(bucket, key, content):
    answer = boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return {"bucket": bucket, "key": key, "version_id": "", "etag": answer["ETag"].strip('"')}


def keys(bucket, prefix=""):
    listed = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", ())]


def requirements(lines):
    return {re.match(r"[\w-]+", line)[0]: line for line in lines if line.strip() and not line.startswith("#")}


def test_the_image_takes_the_same_packages_as_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = requirements(project["dependencies"])
    wanted |= {"boto3": requirements(project["optional-dependencies"]["workshop"])["boto3"]}
    assert requirements((FOLDER / "requirements.txt").read_text().splitlines()) == wanted


def test_the_dockerfile_copies_what_the_context_holds(tmp_path):
    image.write_context(tmp_path)
    copied = re.findall(r"^COPY (.+) \S+$", (tmp_path / "Dockerfile").read_text(), re.MULTILINE)
    sources = " ".join(copied).split()
    assert all((tmp_path / name).exists() for name in sources)
    assert {path.name for path in tmp_path.glob("*.py")} <= set(sources)
    assert not list(tmp_path.rglob("__pycache__"))


def test_the_code_in_the_image_imports_nothing_that_is_left_out(tmp_path):
    """In a process that sees the context and the packages, not this checkout."""
    image.write_context(tmp_path)
    look = "import json, sys, handlers; print(json.dumps([m for m in sys.modules if 'faceblur' in m]))"
    environment = {"PYTHONPATH": str(tmp_path), "AWS_DEFAULT_REGION": "eu-west-1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", look],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = json.loads(done.stdout)
    assert "faceblur.rendering.renderer" in imported
    assert not [name for name in imported if "workshop" in name or "localaws" in name]


def test_every_image_function_has_its_handler(modules):
    handlers, _ = modules
    assert all(callable(getattr(handlers, name)) for name in IMAGE_FUNCTIONS)


def test_an_upload_that_is_gone_says_so(modules, bucket):
    _, storage = modules
    nothing = {"bucket": bucket, "key": "gone.mp4", "version_id": "", "etag": ""}
    with pytest.raises(InputError, match=r"gone\.mp4: is no longer in the bucket"):
        storage.uploaded(nothing)


def test_an_upload_that_was_replaced_is_not_mistaken_for_the_new_one(modules, bucket):
    """Neither before the first byte nor between two of them."""
    _, storage = modules
    first = upload(bucket, "a.mp4", b"first")
    source = storage.uploaded(first)
    upload(bucket, "a.mp4", b"second")
    with pytest.raises(InputError, match="was replaced"):
        storage.uploaded(first)
    with pytest.raises(InputError, match="was replaced"):
        source.read(0, 5)


def test_an_upload_is_read_in_parts_of_one_version(modules, local_aws):
    _, storage = modules
    s3, name = boto3.client("s3"), f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    answers = [s3.put_object(Bucket=name, Key="a.mp4", Body=content) for content in (b"0123456789", b"abcdefghij")]
    first = {"bucket": name, "key": "a.mp4", "version_id": answers[0]["VersionId"], "etag": ""}
    source = storage.uploaded(first)
    assert (source.size, source.read(3, 7), source.read(8, 20)) == (10, b"3456", b"89")


def test_a_connection_that_breaks_off_is_tried_anew(modules, bucket, monkeypatch):
    _, storage = modules
    source = storage.uploaded(upload(bucket, "a.mp4", b"0123456789"))
    real, calls = storage.s3.get_object, []

    class Broken:
        def read(self):
            raise IncompleteReadError(actual_bytes=3, expected_bytes=10)

    def breaking(**request):
        calls.append(request["Range"])
        return {"Body": Broken()} if len(calls) < 3 else real(**request)

    monkeypatch.setattr(storage.s3, "get_object", breaking)
    assert source.read(2, 4) == b"23" and len(calls) == 3


def test_what_s3_refuses_is_raised_by_its_name(modules, bucket, monkeypatch):
    """The state machine repeats SlowDown; a record says AccessDenied."""
    handlers, storage = modules

    def slow(**request):
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "Please reduce your request rate."}}, "GetObject")

    source = upload(bucket, "a.mp4", b"0123456789")
    monkeypatch.setattr(storage.s3, "get_object", slow)
    with pytest.raises(Exception, match="reduce your request rate") as raised:
        handlers.plan_segments({"input": source}, None)
    assert type(raised.value).__name__ == "SlowDown"


def test_what_is_not_a_video_is_refused_before_anything_is_blurred(modules, bucket):
    handlers, _ = modules
    with pytest.raises(InputError):
        handlers.plan_segments({"input": upload(bucket, "notes.txt", b"no video at all")}, None)


@pytest.fixture(scope="module")
def two_scenes(sample, tmp_path_factory):
    """A second of the sample, a second of nothing much, with a keyframe every second."""
    path = tmp_path_factory.mktemp("clip") / "two-scenes.mp4"
    pictures = []
    with video.Reader(sample[0]) as reader:
        for frame in reader:
            if frame.time_ms >= 3000:
                pictures.append(frame.bgr(width=480))
            if len(pictures) == 30:
                break
    pictures += [np.full_like(pictures[0], 40 + number) for number in range(30)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"g": "30"})
        stream.height, stream.width = pictures[0].shape[:2]
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return path


def work_of(bucket, name):
    kinds = ("detections", "pieces", "plans", "reports", "proofs")
    return {"bucket": bucket, "prefix": f"{name}/", **{kind: f"{name}/{kind}/" for kind in kinds}}


def output_of(bucket, key):
    names = {"plan": f"{key}.plan.json", "report": f"{key}.report.json", "parts": f"{key}.parts/"}
    return {"bucket": bucket, "key": key, **names}


def begin(handlers, bucket, name, video_file):
    """What the state machine's steps are given, with the plan of the segments made."""
    event = {
        "input": upload(bucket, f"in/{name}.mp4", video_file.read_bytes()),
        "work": work_of(bucket, name),
        "output": output_of(bucket, f"out-{name}/{name}.mp4"),
        "detections": {"pages": 1},
    }
    body = json.dumps({"JobStatus": "SUCCEEDED", "Faces": []})
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{name}/detections/00000.json", Body=body)
    return event | handlers.plan_segments(event, None)


def walk(handlers, event):
    """Every segment blurred and proven; the frames of each."""
    found = []
    for span in event["segments"]:
        blurred, proven = (
            step(event | {"span": span}, None) for step in (handlers.blur_segment, handlers.prove_segment)
        )
        assert blurred == proven
        found.append(blurred["frames"])
    return found


def whole(bucket, key):
    def read(name):
        return boto3.client("s3").get_object(Bucket=bucket, Key=name)["Body"].read()

    return documents.assemble(json.loads(read(key)), key, read)


def under_way(bucket):
    return [each["Key"] for each in boto3.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", ())]


def test_a_longer_video_goes_through_in_segments(modules, bucket, two_scenes, tmp_path, monkeypatch):
    handlers, _ = modules
    monkeypatch.setattr(handlers, "segment_seconds", lambda info, memory_mb: 0.5)
    event = begin(handlers, bucket, "long", two_scenes)
    assert walk(handlers, event) == [30, 30]
    done = handlers.join_segments(event, None)
    assert done["counts"]["frames"] == 60 and 25 <= done["counts"]["frames_with_regions"] <= 40
    assert keys(bucket, "long/") == [] and under_way(bucket) == []

    report, plan = whole(bucket, done["report"]), whole(bucket, done["plan"])
    assert len(report["frames"]) == sum(part["count"] for part in plan["frames"]) == 60
    assert report["counts"] == count(report["frames"])
    assert report["audit"]["passed"] and report["audit"]["frames"] == 60
    boto3.client("s3").download_file(bucket, event["output"]["key"], str(tmp_path / "out.mp4"))
    (tmp_path / "in.mp4").write_bytes(two_scenes.read_bytes())
    (tmp_path / "report.json").write_text(json.dumps(report))
    sides = [str(tmp_path / name) for name in ("in.mp4", "out.mp4", "report.json")]
    assert main(["audit", *sides[:2], "--report", sides[2], "--every", "5"]) == 0
    assert atoms(tmp_path / "out.mp4")[:2] == ["ftyp", "moov"]


def test_documents_and_output_name_each_other(modules, local_aws, clip):
    """In a bucket with versions, as chapter 2 makes them."""
    handlers, _ = modules
    s3, name = boto3.client("s3"), f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    event = begin(handlers, name, "named", clip)
    walk(handlers, event)
    done = handlers.join_segments(event, None)
    heads = {kind: s3.head_object(Bucket=name, Key=done[kind]) for kind in ("plan", "report")}
    video_head = s3.head_object(Bucket=name, Key=done["output"]["key"], ChecksumMode="ENABLED")
    heads["video"] = video_head
    assert {kind: head["VersionId"] for kind, head in heads.items()} == done["versions"]

    report = json.load(s3.get_object(Bucket=name, Key=done["report"])["Body"])
    plan = json.load(s3.get_object(Bucket=name, Key=done["plan"])["Body"])
    assert report["plan"]["name"] == done["plan"] and report["plan"]["version_id"] == done["versions"]["plan"]
    assert report["execution"] == plan["execution"] == video_head["Metadata"]["execution"] == "named"
    assert (
        report["output"]["name"] == done["output"]["key"] and report["output"]["bytes"] == video_head["ContentLength"]
    )
    digest = base64.b64encode(bytes.fromhex(report["output"]["sha256_of_parts"])).decode()
    assert video_head["ChecksumSHA256"].split("-")[0] == digest
    assert report["input"]["etag"] == plan["source"]["etag"] == event["input"]["etag"]
    for kind, index in (("plan", plan), ("report", report)):
        assert [part["name"] for part in index["segments"]] == [f"named.mp4.parts/00000.{kind}.json"]


def test_a_clip_goes_through_all_four_steps(modules, bucket, clip):
    handlers, _ = modules
    event = begin(handlers, bucket, "clip", clip)
    assert walk(handlers, event) == [12]
    done = handlers.join_segments(event, None)
    assert keys(bucket, "clip/") == [] and under_way(bucket) == []
    names = ["clip.mp4", "clip.mp4.parts/00000.plan.json", "clip.mp4.parts/00000.report.json"]
    assert keys(bucket, "out-clip/") == [
        f"out-clip/{name}" for name in (*names, "clip.mp4.plan.json", "clip.mp4.report.json")
    ]
    assert done["counts"]["frames"] == 12 and done["counts"]["face_frames"] > 0
    assert "faces are blurred in" in done["message"]


def test_nobody_asked_rekognition_and_the_detector_leads(modules, bucket, clip):
    handlers, storage = modules
    event = begin(handlers, bucket, "alone", clip) | {"detections": {"pages": 0}}
    assert walk(handlers, event) == [12]
    assert "samples" not in storage.Work(**event["work"]).read("plans", 0)[0]["counts"]


def test_what_is_delivered_is_said_again_not_done_again(modules, bucket, clip):
    """Lambda may end a function after it delivered and before its answer, and the state machine calls it once more."""
    handlers, storage = modules
    event = begin(handlers, bucket, "again", clip)
    walk(handlers, event)
    first = handlers.join_segments(event, None)
    storage.Work(**event["work"]).remember_upload("left behind")
    assert handlers.join_segments(event, None) == first and keys(bucket, "again/") == []


def test_what_fails_the_proof_goes_no_further(modules, bucket, clip):
    """The piece is the unblurred clip itself, under a plan that knows of no face, however often it is blurred."""
    handlers, storage = modules
    event = begin(handlers, bucket, "leak", clip)
    report = {"frames": [{}] * 12, "counts": {"frames": 12}, "notes": [], "kept_visible": [], "needs_review": []}
    storage.Work(**event["work"]).put_segment(0, clip, Plan(()).to_json(), report)
    segment = event | {"span": event["segments"][0]}
    for _ in range(storage.MOST_ROUNDS):
        with pytest.raises(FacesMissedError, match="segment 0: 8 faces were missed; they are covered next"):
            handlers.prove_segment(segment, None)
        segment["missed"] = {"Error": "FacesMissedError"}
    with pytest.raises(VerificationError, match="faces are left"):
        handlers.prove_segment(segment, None)
    with pytest.raises(storage.TemporaryGoneError, match="proofs"):
        handlers.join_segments(event, None)
    assert keys(bucket, "out-leak/") == [] and under_way(bucket) == []


def test_what_the_proof_finds_is_blurred_and_proven_again(modules, bucket, clip, monkeypatch):
    """As if nobody but the audit could see faces."""
    handlers, storage = modules
    event = begin(handlers, bucket, "missed", clip)
    segment = event | {"span": event["segments"][0]}
    monkeypatch.setattr(handlers, "analyse", lambda *_, **__: Plan(()))
    monkeypatch.setattr("faceblur.pipeline.second_look.is_there", lambda: False)
    handlers.blur_segment(segment, None)
    with pytest.raises(FacesMissedError):
        handlers.prove_segment(segment, None)
    segment["missed"] = {"Error": "FacesMissedError"}
    assert handlers.blur_segment(segment, None) == handlers.prove_segment(segment, None) == {"frames": 12}
    assert len(Plan.from_json(storage.Work(**event["work"]).read("plans", 0)[0]).tracks) == 2


def test_a_report_of_other_frames_fails_the_proof(modules, bucket, clip):
    handlers, storage = modules
    event = begin(handlers, bucket, "fewer", clip)
    (span,) = event["segments"]
    handlers.blur_segment(event | {"span": span}, None)
    work = storage.Work(**event["work"])
    report = work.read("reports", 0)[0]
    work.write("reports", 0, report | {"frames": report["frames"][:-1]})
    with pytest.raises(VerificationError, match="the report tells of 11 frames, and there are 12"):
        handlers.prove_segment(event | {"span": span}, None)


@pytest.mark.parametrize("kind", ["pieces", "plans", "reports"])
def test_what_changes_after_its_proof_is_not_delivered(modules, bucket, clip, kind):
    handlers, storage = modules
    event = begin(handlers, bucket, f"later-{kind}", clip)
    walk(handlers, event)
    key = storage.Work(**event["work"]).key(kind, 0, "mp4" if kind == "pieces" else "json")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body + b" ")
    with pytest.raises(VerificationError, match="was changed after it was proven"):
        handlers.join_segments(event, None)
    assert f"out-later-{kind}/later-{kind}.mp4" not in keys(bucket) and under_way(bucket) == []


@pytest.mark.parametrize("kind", ["pieces", "proofs", "plans", "reports"])
def test_a_temporary_that_was_deleted_is_said_to_be(modules, bucket, clip, kind):
    """By a person, or because the lifetime of its bucket ended first."""
    handlers, storage = modules
    event = begin(handlers, bucket, f"deleted-{kind}", clip)
    walk(handlers, event)
    key = storage.Work(**event["work"]).key(kind, 0, "mp4" if kind == "pieces" else "json")
    boto3.client("s3").delete_object(Bucket=bucket, Key=key)
    with pytest.raises(storage.TemporaryGoneError, match=f"{key}: is not in the bucket {bucket}"):
        handlers.join_segments(event, None)
    assert under_way(bucket) == [] and f"{event['work']['prefix']}upload.json" not in keys(bucket)


def test_what_ended_a_join_is_told_although_its_upload_cannot_be_given_up(modules, bucket, clip, monkeypatch):
    handlers, storage = modules
    event = begin(handlers, bucket, "given-up", clip)
    walk(handlers, event)
    boto3.client("s3").delete_object(Bucket=bucket, Key=storage.Work(**event["work"]).key("plans", 0))

    def refusing(**request):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AbortMultipartUpload")

    monkeypatch.setattr(storage.s3, "abort_multipart_upload", refusing)
    with pytest.raises(storage.TemporaryGoneError):
        handlers.join_segments(event, None)


def test_a_segment_that_was_not_proven_is_not_delivered(modules, bucket, clip):
    handlers, storage = modules
    event = begin(handlers, bucket, "unproven", clip)
    walk(handlers, event)
    work = storage.Work(**event["work"])
    proof = work.read("proofs", 0)[0]
    work.write("proofs", 0, proof | {"audit": proof["audit"] | {"passed": None}})
    with pytest.raises(VerificationError, match="segment 0 was not proven"):
        handlers.join_segments(event, None)
    work.write("proofs", 0, proof | {"span": proof["span"] | {"end_pts": 7}})
    with pytest.raises(VerificationError, match="segment 0 was not proven"):
        handlers.join_segments(event, None)


def test_a_join_that_was_ended_leaves_no_parts_to_the_next(modules, bucket, clip, monkeypatch):
    handlers, storage = modules
    event = begin(handlers, bucket, "ended", clip)
    walk(handlers, event)
    s3 = boto3.client("s3")
    begun = s3.create_multipart_upload(Bucket=bucket, Key=event["output"]["key"])
    storage.Work(**event["work"]).remember_upload(begun["UploadId"])
    assert under_way(bucket) == [event["output"]["key"]]
    handlers.join_segments(event, None)
    assert under_way(bucket) == []


def test_when_a_document_cannot_be_written_no_video_is_to_be_seen(modules, bucket, clip, monkeypatch):
    handlers, storage = modules
    event = begin(handlers, bucket, "refused", clip)
    walk(handlers, event)
    real = storage.s3.put_object

    def refusing(**request):
        if request["Key"].endswith(".mp4.report.json"):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")
        return real(**request)

    monkeypatch.setattr(storage.s3, "put_object", refusing)
    with pytest.raises(Exception, match="AccessDenied"):
        handlers.join_segments(event, None)
    assert event["output"]["key"] not in keys(bucket) and under_way(bucket) == []


def test_when_temporaries_cannot_be_removed_the_video_is_delivered_all_the_same(modules, bucket, clip, monkeypatch):
    handlers, storage = modules
    event = begin(handlers, bucket, "kept", clip)
    walk(handlers, event)

    def refusing(**request):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteObject")

    monkeypatch.setattr(storage.s3, "delete_object", refusing)
    assert handlers.join_segments(event, None)["counts"]["frames"] == 12
    assert event["output"]["key"] in keys(bucket) and keys(bucket, "kept/") != []


def test_a_video_without_faces_is_delivered_and_says_so(local_aws):
    joining = load(FOLDER, "joining")
    report = {"counts": {"frames": 30, "frames_with_regions": 0, "face_frames": 0, "tracks": 0}}
    assert "no face was found in 30 frames" in joining.words(report)
