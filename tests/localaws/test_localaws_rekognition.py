"""Rekognition Video on the embedded AWS: real detection, jobs, pages, errors."""

import json
import threading
from pathlib import Path

import boto3
import cv2
import matplotlib
import numpy as np
import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from localaws_kit import allow, eventually, make_bucket, make_role, receive, subscribe, unique

from faceblur import video
from faceblur.localaws.rekognition import RekognitionVideo, ServiceError
from faceblur.localaws.sampling import sampled

MODEL = get_session().get_service_model("rekognition")


@pytest.fixture(scope="module")
def portrait():
    """A public-domain portrait (U.S. Navy) that matplotlib carries, 512 pixels wide."""
    path = Path(matplotlib.get_data_path()) / "sample_data/grace_hopper.jpg"
    return cv2.imread(str(path))


@pytest.fixture(scope="module")
def clip(portrait, tmp_path_factory):
    """3 s at 25 frames a second; the portrait is on the left half, from 1.2 s on it is on the right half."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    face = cv2.resize(portrait, (300, 352))

    def frames():
        for index in range(75):
            picture = np.full((360, 640, 3), 90, np.uint8)
            left = 10 if index < 30 else 330
            picture[4:356, left : left + 300] = face
            yield picture

    video.encode(path, frames(), frame_rate=25)
    return path


@pytest.fixture(scope="module")
def uploaded(local_aws, clip):
    """The clip as Video argument."""
    bucket = make_bucket()
    boto3.client("s3").upload_file(str(clip), bucket, "in/clip one.mp4")
    return {"S3Object": {"Bucket": bucket, "Name": "in/clip one.mp4"}}


def put(content, key="file.mp4"):
    bucket = make_bucket()
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return {"S3Object": {"Bucket": bucket, "Name": key}}


def finish(job, **options):
    client = boto3.client("rekognition")

    def look():
        answer = client.get_face_detection(JobId=job, **options)
        return answer if answer["JobStatus"] != "IN_PROGRESS" else None

    return eventually(look)


def detect(place):
    job = boto3.client("rekognition").start_face_detection(Video=place)["JobId"]
    return job, finish(job)


def test_faces_are_found_where_and_when_they_are(uploaded):
    job, answer = detect(uploaded)
    assert answer["JobStatus"] == "SUCCEEDED"
    assert answer["VideoMetadata"] == {
        "Codec": "h264",
        "ColorRange": "LIMITED",
        "DurationMillis": 3000,
        "Format": "QuickTime / MOV",
        "FrameRate": 25.0,
        "FrameHeight": 360,
        "FrameWidth": 640,
    }
    assert [face["Timestamp"] for face in answer["Faces"]] == [480, 1000, 1480, 2000, 2480]
    for found in answer["Faces"]:
        face, box = found["Face"], found["Face"]["BoundingBox"]
        centre = box["Left"] + box["Width"] / 2
        assert (centre < 0.5) == (found["Timestamp"] < 1200)
        assert 0.1 < box["Width"] < 0.4
        assert face["Confidence"] > 60
        places = {mark["Type"]: mark for mark in face["Landmarks"]}
        assert set(places) == {"eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight"}
        assert places["eyeLeft"]["X"] < places["nose"]["X"] < places["eyeRight"]["X"]
        assert places["eyeLeft"]["Y"] < places["nose"]["Y"] < places["mouthLeft"]["Y"]
        assert abs(face["Pose"]["Roll"]) < 20
    assert (answer["JobId"], answer["Video"]) == (job, uploaded)


def test_the_answers_have_the_shapes_of_the_service_model(uploaded):
    client = boto3.client("rekognition")
    seen = {}

    def keep(response_dict, operation_name=None, **_):
        seen[len(seen)] = json.loads(response_dict["body"])

    client.meta.events.register("before-parse.rekognition", keep)
    job = client.start_face_detection(Video=uploaded, JobTag="tag", ClientRequestToken=unique("token"))["JobId"]
    finish(job)
    client.get_face_detection(JobId=job, MaxResults=2)
    for number, operation in ((0, "StartFaceDetection"), (len(seen) - 1, "GetFaceDetection")):
        shape = MODEL.operation_model(operation).output_shape
        report = ParamValidator().validate(seen[number], shape)
        assert not report.has_errors(), report.generate_report()
    assert seen[len(seen) - 1]["JobTag"] == "tag"


def test_pages_hold_everything_once(uploaded):
    client = boto3.client("rekognition")
    job, whole = detect(uploaded)
    faces, token, pages = [], {}, 0
    while True:
        page = client.get_face_detection(JobId=job, MaxResults=2, **token)
        faces += page["Faces"]
        pages += 1
        assert page["VideoMetadata"] == whole["VideoMetadata"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert (faces, pages) == (whole["Faces"], 3)


def test_a_page_holds_a_thousand_at_most(local_aws, portrait, tmp_path):
    tile = cv2.resize(portrait, (128, 144))
    crowd = np.tile(tile, (5, 10, 1))
    video.encode(tmp_path / "crowd.mp4", (crowd for _ in range(60)), frame_rate=4)
    job, first = detect(put((tmp_path / "crowd.mp4").read_bytes()))
    assert len(first["Faces"]) == 1000
    rest = boto3.client("rekognition").get_face_detection(JobId=job, MaxResults=5000, NextToken=first["NextToken"])
    assert 0 < len(rest["Faces"]) <= 1000
    assert len({face["Timestamp"] for face in first["Faces"] + rest["Faces"]}) == 29


def test_a_token_that_was_not_given_out_is_refused(uploaded):
    job, _ = detect(uploaded)
    client = boto3.client("rekognition")
    with pytest.raises(client.exceptions.InvalidPaginationTokenException):
        client.get_face_detection(JobId=job, NextToken="made-up")


def test_an_unknown_job_is_not_found(local_aws):
    client = boto3.client("rekognition")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_face_detection(JobId="0" * 64)


def test_the_same_request_token_is_the_same_job(uploaded):
    client, token = boto3.client("rekognition"), unique("token")
    first = client.start_face_detection(Video=uploaded, ClientRequestToken=token)["JobId"]
    assert client.start_face_detection(Video=uploaded, ClientRequestToken=token)["JobId"] == first
    with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
        client.start_face_detection(Video=uploaded, ClientRequestToken=token, JobTag="other")
    finish(first)
    assert client.start_face_detection(Video=uploaded, ClientRequestToken=token)["JobId"] == first
    assert client.start_face_detection(Video=uploaded)["JobId"] != first


@pytest.mark.parametrize("content", [b"this is no video", b""])
def test_a_file_that_is_no_video_fails_with_a_reason(local_aws, content):
    _, answer = detect(put(content))
    assert answer["JobStatus"] == "FAILED"
    assert answer["StatusMessage"]
    assert "/" not in answer["StatusMessage"].partition("(")[0]
    assert answer["Faces"] == []


def test_a_container_that_rekognition_does_not_read_fails(local_aws, clip, tmp_path):
    import av

    with av.open(str(clip)) as source, av.open(str(tmp_path / "clip.mkv"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    _, answer = detect(put((tmp_path / "clip.mkv").read_bytes()))
    assert answer["JobStatus"] == "FAILED"
    assert "Unsupported codec/format: h264 in matroska" in answer["StatusMessage"]


def test_a_video_without_faces_succeeds(local_aws, tmp_path):
    video.encode(tmp_path / "grey.mp4", (np.full((120, 160, 3), 90, np.uint8) for _ in range(30)), frame_rate=25)
    _, answer = detect(put((tmp_path / "grey.mp4").read_bytes()))
    assert (answer["JobStatus"], answer["Faces"]) == ("SUCCEEDED", [])


def test_an_object_that_is_not_there_is_refused(local_aws):
    client = boto3.client("rekognition")
    for place in (
        {"Bucket": make_bucket(), "Name": "none.mp4"},
        {"Bucket": unique("no-bucket"), "Name": "x"},
    ):
        with pytest.raises(client.exceptions.InvalidS3ObjectException):
            client.start_face_detection(Video={"S3Object": place})


def client_of(*statements):
    """Rekognition as a user with these permissions."""
    iam, name = boto3.client("iam"), unique("user")
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "rekognition", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


def test_the_caller_needs_permission_for_the_job_and_for_the_object(uploaded):
    place = uploaded["S3Object"]
    read = allow("s3:GetObject", f"arn:aws:s3:::{place['Bucket']}/{place['Name']}")
    client = client_of(read)
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.start_face_detection(Video=uploaded)
    client = client_of(allow("rekognition:StartFaceDetection"), allow("s3:GetObject", "arn:aws:s3:::other/*"))
    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        client.start_face_detection(Video=uploaded)
    job = client_of(allow("rekognition:StartFaceDetection"), read).start_face_detection(Video=uploaded)["JobId"]
    assert finish(job)["JobStatus"] == "SUCCEEDED"


def test_the_end_of_a_job_is_published(uploaded):
    topic = boto3.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName=unique("queue"))["QueueUrl"]
    subscribe(queue, topic)
    role = make_role("rekognition.amazonaws.com", allow("sns:Publish", topic))
    client = boto3.client("rekognition")
    channel = {"SNSTopicArn": topic, "RoleArn": role}
    job = client.start_face_detection(Video=uploaded, JobTag="tag", NotificationChannel=channel)["JobId"]
    message = json.loads(receive(queue))
    assert (message["JobId"], message["Status"], message["JobTag"]) == (job, "SUCCEEDED", "tag")
    assert message["Video"]["S3ObjectName"] == uploaded["S3Object"]["Name"]
    channel["RoleArn"] = make_role("lambda.amazonaws.com", allow("sns:Publish", topic))
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.start_face_detection(Video=uploaded, NotificationChannel=channel)


class OneFile:
    """Storage that holds one file under every name and hands it out when told to."""

    def __init__(self, path):
        self.path, self.open = path, threading.Event()

    def size(self, caller, place):
        return self.path.stat().st_size

    def download(self, place, path):
        assert self.open.wait(60)
        path.write_bytes(self.path.read_bytes())


@pytest.fixture
def held(clip, tmp_path):
    """(service, storage): jobs wait until storage.open is set."""
    storage = OneFile(clip)
    service = RekognitionVideo(storage, tmp_path)
    yield service, storage
    storage.open.set()
    service.close()


def start(service, **options):
    request = {"Video": {"S3Object": {"Bucket": "bucket", "Name": "clip.mp4"}}, **options}
    return service.handle("StartFaceDetection", request, "caller")["JobId"]


def test_a_job_is_in_progress_until_it_ends(held):
    service, storage = held
    job = start(service)
    answer = service.handle("GetFaceDetection", {"JobId": job}, "caller")
    assert (answer["JobStatus"], answer["Faces"]) == ("IN_PROGRESS", [])
    assert "VideoMetadata" not in answer
    storage.open.set()
    assert len(eventually(lambda: service.handle("GetFaceDetection", {"JobId": job}, "caller")["Faces"])) == 5


def test_twenty_jobs_may_be_open(held):
    service, _ = held
    for _ in range(20):
        start(service)
    with pytest.raises(ServiceError) as refused:
        start(service)
    assert refused.value.name == "LimitExceededException"


def test_a_video_over_the_size_limit_is_refused(clip, tmp_path):
    service = RekognitionVideo(OneFile(clip), tmp_path, max_bytes=100)
    with pytest.raises(ServiceError) as refused:
        start(service)
    assert refused.value.name == "VideoTooLargeException"


@pytest.mark.parametrize(
    "request_",
    [{}, {"Video": {}}, {"Video": {"S3Object": {"Bucket": "b", "Name": "n"}}, "FaceAttributes": "SOME"}],
)
def test_an_incomplete_request_is_refused(held, request_):
    with pytest.raises(ServiceError) as refused:
        held[0].handle("StartFaceDetection", request_, "caller")
    assert refused.value.name == "InvalidParameterException"


class At:
    def __init__(self, time_ms):
        self.time_ms = time_ms


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([n * 40 for n in range(63)], [480, 1000, 1480, 2000]),
        ([n * 1001 / 30 for n in range(46)], [14 * 1001 / 30, 29 * 1001 / 30, 44 * 1001 / 30]),
        ([n * 1000 for n in range(4)], [0, 1000, 2000, 3000]),
        ([0, 40, 80], [80]),
        ([0], [0]),
        ([], []),
        ([0, 100, 5000, 5100], [100, 5000]),
    ],
)
def test_samples_are_the_frames_on_display_every_half_second(times, expected):
    assert [frame.time_ms for frame in sampled(map(At, times))] == expected
