"""The blur image: its requirements agree with the project's, its code needs no more, its steps are safe."""

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
from botocore.exceptions import IncompleteReadError
from lambda_kit import ROOT, load

from faceblur import video
from faceblur.errors import InputError, VerificationError
from faceblur.plan import Plan
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


def test_a_longer_video_goes_through_in_segments(modules, bucket, two_scenes, monkeypatch):
    handlers, _ = modules
    monkeypatch.setattr(handlers, "segment_seconds", lambda info, memory_mb: 0.5)
    source = upload(bucket, "in/long.mp4", two_scenes.read_bytes())
    work, output = {"bucket": bucket, "prefix": "long/"}, {"bucket": bucket, "key": "out/long.mp4"}
    put_detections(bucket, "long/")
    planned = handlers.plan_segments({"input": source}, None)
    assert planned["count"] == 2
    for span in planned["segments"]:
        event = {"span": span, "input": source, "work": work, "detections": {"pages": 1}}
        event["encoder"] = planned["encoder"]
        assert handlers.blur_segment(event, None) == {"frames": 30}
    done = handlers.join_segments({"input": source, "work": work, "output": output, "count": 2}, None)
    assert done["counts"]["frames"] == 60 and 25 <= done["counts"]["frames_with_regions"] <= 40
    assert keys(bucket, "long/") == []


def put_detections(bucket, prefix):
    body = json.dumps({"JobStatus": "SUCCEEDED", "Faces": []})
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}detections/00000.json", Body=body)


def test_a_clip_goes_through_all_three_steps(modules, bucket, clip, tmp_path):
    handlers, _ = modules
    source = upload(bucket, "in/clip.mp4", clip.read_bytes())
    work, output = {"bucket": bucket, "prefix": "work/"}, {"bucket": bucket, "key": "out/clip.mp4"}
    put_detections(bucket, "work/")

    planned = handlers.plan_segments({"input": source}, None)
    assert planned["count"] == len(planned["segments"]) == 1
    for span in planned["segments"]:
        event = {"span": span, "input": source, "work": work, "detections": {"pages": 1}}
        event["encoder"] = planned["encoder"]
        assert handlers.blur_segment(event, None) == {"frames": 12}
    done = handlers.join_segments({"input": source, "work": work, "output": output, "count": 1}, None)

    assert keys(bucket, "work/") == []
    assert keys(bucket, "out/") == ["out/clip.mp4", "out/clip.mp4.plan.json", "out/clip.mp4.report.json"]
    assert done["counts"]["frames"] == 12 and done["counts"]["face_frames"] > 0
    assert "faces are blurred in" in done["message"]
    report = json.load(boto3.client("s3").get_object(Bucket=bucket, Key=done["report"])["Body"])
    assert report["input"]["name"] == "in/clip.mp4" and report["output"]["name"] == "out/clip.mp4"
    assert report["audit"]["passed"] is True


def test_what_fails_the_audit_is_not_delivered(modules, bucket, clip, tmp_path):
    """The piece is the unblurred clip itself, under a plan that knows of no face."""
    handlers, storage = modules
    source = upload(bucket, "in/clip.mp4", clip.read_bytes())
    work, output = {"bucket": bucket, "prefix": "leak/"}, {"bucket": bucket, "key": "leaked/clip.mp4"}
    report = {"frames": [], "notes": [], "kept_visible": [], "needs_review": []}
    storage.Work(**work).put_segment(0, clip, Plan(()).to_json(), report)
    with pytest.raises(VerificationError, match="faces are left"):
        handlers.join_segments({"input": source, "work": work, "output": output, "count": 1}, None)
    assert keys(bucket, "leaked/") == []


def test_a_video_without_faces_is_delivered_and_says_so(modules):
    handlers, _ = modules
    report = {"counts": {"frames": 30, "frames_with_regions": 0, "face_frames": 0, "tracks": 0}}
    assert "no face was found in 30 frames" in handlers.summary({"bucket": "b", "key": "k"}, report)["message"]
