"""Rekognition Video, CloudWatch Logs, SNS and SQS."""

import functools
import io
import json
import time

from world import Table, error_of

REKOGNITION, LOGS, MESSAGES = Table("Rekognition Video"), Table("CloudWatch Logs"), Table("SNS and SQS")

# --- Rekognition: https://docs.aws.amazon.com/rekognition/latest/ ---
START, GET = (
    "rekognition/latest/APIReference/API_StartFaceDetection.html",
    "rekognition/latest/APIReference/API_GetFaceDetection.html",
)


def video(key="key"):
    return {"S3Object": {"Bucket": "@bucket", "Name": key}}


refuses, gives, case = REKOGNITION.refuses, REKOGNITION.gives, REKOGNITION.case
start = "rekognition.start_face_detection"
refuses("a video that is not there", START, start, "InvalidS3ObjectException", Video=video("none"))
refuses("no video", START, start, "InvalidParameterException", Video={})
refuses("attributes that are none", START, start, "InvalidParameterException", Video=video(), FaceAttributes="SOME")
refuses(
    "a token with other letters", START, start, "InvalidParameterException", Video=video(), ClientRequestToken="a b"
)
refuses(
    "a token of more than 64 letters",
    START,
    start,
    "InvalidParameterException",
    Video=video(),
    ClientRequestToken="x" * 65,
)
refuses("a tag of more than 1,024 letters", START, start, "InvalidParameterException", Video=video(), JobTag="x" * 1025)
refuses("a channel whose role trusts somebody else", START, start, "InvalidParameterException", Video=video(),
        NotificationChannel={"SNSTopicArn": "@topic", "RoleArn": "@role"})  # fmt: skip
get = "rekognition.get_face_detection"
refuses("a job that is none", GET, get, "ResourceNotFoundException", JobId="0" * 64)
refuses("a job's id with other letters", GET, get, "InvalidParameterException", JobId="not a job")
refuses("no results at all", GET, get, "InvalidParameterException", JobId="0" * 64, MaxResults=0)


@case("who may not ask, and whose object may not be read", START)
def _(world):
    given = {"Video": world.filled(video())}
    for action, code in (("s3:*", "AccessDeniedException"), ("rekognition:*", "InvalidS3ObjectException")):
        client = world.as_role({"Effect": "Allow", "Action": action, "Resource": "*"})("rekognition")
        assert error_of(client.start_face_detection, **given) == code


@case("a version of an object, and one that is none", START)
def _(world):
    version = world.s3.put_object(Bucket=world.versioned, Key="clip", Body=b"x")["VersionId"]
    place = {"Bucket": world.versioned, "Name": "clip"}
    start_job = world.rekognition.start_face_detection
    assert len(start_job(Video={"S3Object": place | {"Version": version}})["JobId"]) == 64
    assert error_of(start_job, Video={"S3Object": place | {"Version": "none"}}) == "InvalidS3ObjectException"


def finished(world, **more) -> dict:
    """The answer for a job that has ended, of the video that is none."""
    job = world.rekognition.start_face_detection(Video=world.filled(video()), **more)["JobId"]
    look = functools.partial(world.rekognition.get_face_detection, JobId=job)
    return world.eventually(lambda: (found := look())["JobStatus"] != "IN_PROGRESS" and found, 300)


@case("what is no video fails, and says so", GET)
def _(world):
    found = finished(world, JobTag="mine")
    assert found["JobStatus"] == "FAILED" and found["StatusMessage"] and found["JobTag"] == "mine"


@case("the same token is the same job", START)
def _(world):
    given = {"Video": world.filled(video()), "ClientRequestToken": world.unique()}
    first = world.rekognition.start_face_detection(**given)["JobId"]
    assert world.rekognition.start_face_detection(**given)["JobId"] == first
    other = error_of(world.rekognition.start_face_detection, **given, JobTag="other")
    assert other == "IdempotentParameterMismatchException"


@case("a job tells a topic that it is done", "rekognition/latest/dg/video-notification-payload.html")
def _(world):
    topic, url = world.topic, subscribed(world)
    role = world.new_role("rekognition.amazonaws.com", {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"})
    finished(world, NotificationChannel={"SNSTopicArn": topic, "RoleArn": role}, JobTag="told")
    body = json.loads(heard(world, url))
    assert (body["Status"], body["API"], body["JobTag"]) == ("FAILED", "StartFaceDetection", "told")
    assert body["Video"]["S3ObjectName"] == "key" and isinstance(body["Timestamp"], int)


def seen_by(world) -> dict:
    """All attributes of the faces of a small video, made once."""
    if not hasattr(world, "_faces"):
        world.s3.put_object(Bucket=world.bucket, Key="faces.mp4", Body=small_video())
        job = world.rekognition.start_face_detection(Video=world.filled(video("faces.mp4")), FaceAttributes="ALL")[
            "JobId"
        ]
        look = functools.partial(world.rekognition.get_face_detection, JobId=job)
        world._faces = world.eventually(lambda: (found := look())["JobStatus"] != "IN_PROGRESS" and found, 300)
    return world._faces


def small_video() -> bytes:
    """Two seconds of a face, as H.264 in MP4."""
    import av
    import numpy as np
    from skimage import data

    picture, out = np.asarray(data.astronaut())[:512, :512], io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width = stream.height = 512
        for _ in range(50):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")))
        file.mux(stream.encode())
    return out.getvalue()


@case("the video's own data", GET)
def _(world):
    found = seen_by(world)["VideoMetadata"]
    assert (found["Codec"], found["Format"], found["FrameRate"]) == ("h264", "QuickTime / MOV", 25.0)
    assert (found["FrameWidth"], found["FrameHeight"], found["DurationMillis"]) == (512, 512, 2000)
    assert found["ColorRange"] == "LIMITED"


@case("a face with box, landmarks, pose and quality", "rekognition/latest/APIReference/API_FaceDetail.html")
def _(world):
    face = seen_by(world)["Faces"][0]["Face"]
    assert set(face["BoundingBox"]) == {"Width", "Height", "Left", "Top"} and 50 < face["Confidence"] <= 100
    kinds = {"eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight"}
    assert kinds <= {point["Type"] for point in face["Landmarks"]}
    assert set(face["Pose"]) == {"Roll", "Yaw", "Pitch"} and set(face["Quality"]) == {"Brightness", "Sharpness"}


@case("faces about twice a second, in the order of time", GET)
def _(world):
    times = [one["Timestamp"] for one in seen_by(world)["Faces"]]
    assert times == sorted(times) and 3 <= len(times) <= 6


@case("faces by pages, each once", GET)
def _(world):
    job, seen, more = seen_by(world)["JobId"], [], {}
    while True:
        page = world.rekognition.get_face_detection(JobId=job, MaxResults=1, **more)
        assert len(page["Faces"]) <= 1
        seen += [one["Timestamp"] for one in page["Faces"]]
        if not page.get("NextToken"):
            break
        more = {"NextToken": page["NextToken"]}
    assert seen == [one["Timestamp"] for one in seen_by(world)["Faces"]]


@case("more results than there are at once", GET)
def _(world):
    found = world.rekognition.get_face_detection(JobId=seen_by(world)["JobId"], MaxResults=5000)
    assert len(found["Faces"]) == len(seen_by(world)["Faces"]) and not found.get("NextToken")


@case("a token that was not given out", GET)
def _(world):
    found = error_of(world.rekognition.get_face_detection, JobId=seen_by(world)["JobId"], NextToken="x" * 64)
    assert found == "InvalidPaginationTokenException"


@case("all attributes of a face: age, smile, emotions, glasses", "rekognition/latest/APIReference/API_FaceDetail.html",
      lacks="the detector knows a face's place and five points: ALL gives what DEFAULT gives")  # fmt: skip
def _(world):
    assert {"AgeRange", "Smile", "Eyeglasses", "Emotions"} <= set(seen_by(world)["Faces"][0]["Face"])


# --- CloudWatch Logs: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/ ---
API = "AmazonCloudWatchLogs/latest/APIReference/API_"
refuses, gives, case = LOGS.refuses, LOGS.gives, LOGS.case
NONE = "faceblur-conformance-none"
for call, more in {
    "create_log_stream": {"logStreamName": "s"}, "delete_log_group": {}, "describe_log_streams": {},
    "filter_log_events": {}, "put_retention_policy": {"retentionInDays": 7},
    "get_log_events": {"logStreamName": "s"},
    "put_log_events": {"logStreamName": "s", "logEvents": lambda w: [{"timestamp": int(time.time() * 1000), "message": "m"}]},
}.items():  # fmt: skip
    page = f"{API}{''.join(word.capitalize() for word in call.split('_'))}.html"
    refuses(
        f"{call} of a group that is not there",
        page,
        f"logs.{call}",
        "ResourceNotFoundException",
        logGroupName=NONE,
        **more,
    )
refuses("the same group again", f"{API}CreateLogGroup.html", "logs.create_log_group", "ResourceAlreadyExistsException",
        logGroupName="@log_group")  # fmt: skip
refuses("the same stream again", f"{API}CreateLogStream.html", "logs.create_log_stream", "ResourceAlreadyExistsException",
        logGroupName="@log_group", logStreamName="stream")  # fmt: skip
refuses("a stream that is not there", f"{API}GetLogEvents.html", "logs.get_log_events", "ResourceNotFoundException",
        logGroupName="@log_group", logStreamName="none")  # fmt: skip
refuses("a retention that is none", f"{API}PutRetentionPolicy.html", "logs.put_retention_policy", "InvalidParameterException",
        logGroupName="@log_group", retentionInDays=8)  # fmt: skip
refuses("no events", f"{API}PutLogEvents.html", "logs.put_log_events", "InvalidParameterException",
        logGroupName="@log_group", logStreamName="stream", logEvents=[])  # fmt: skip
refuses("events out of order", f"{API}PutLogEvents.html", "logs.put_log_events", "InvalidParameterException",
        logGroupName="@log_group", logStreamName="stream",
        logEvents=lambda w: [{"timestamp": int(time.time() * 1000) - n, "message": "m"} for n in (0, 99)])  # fmt: skip
gives("a filter's words", f"{API}FilterLogEvents.html", "logs.filter_log_events", "events[].message", ["line 1 odd"],
      logGroupName="@log_group", filterPattern="odd")  # fmt: skip
gives("a filter's quoted text", f"{API}FilterLogEvents.html", "logs.filter_log_events", "length(events)", 1,
      logGroupName="@log_group", filterPattern='"line 2"')  # fmt: skip
gives("a stream's events", f"{API}GetLogEvents.html", "logs.get_log_events", "length(events)", 3,
      logGroupName="@log_group", logStreamName="stream", startFromHead=True)  # fmt: skip
gives("groups by their prefix", f"{API}DescribeLogGroups.html", "logs.describe_log_groups", "length(logGroups)", 1,
      logGroupNamePrefix="@log_group")  # fmt: skip


# --- filter patterns: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html ---
SYNTAX = "AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html"
LINES = [
    "ERROR one", "warn two", "ERROR two exception", '{"level": "ERROR", "code": 500, "m": {"a": "x"}, "l": [1, 2]}',
    '{"level": "INFO", "code": 200, "gap": null}', "127.0.0.1 - [10/Oct/2000:13:25:15 -0700] 404 1534",
]  # fmt: skip


def filtered(world) -> str:
    """A group with the lines above."""
    if not hasattr(world, "_filtered"):
        world._filtered = new_group(world, *LINES)
    return world._filtered


def new_group(world, *messages: str) -> str:
    """A group whose stream `s` has these."""
    name = world.unique()
    world.logs.create_log_group(logGroupName=name)
    world.afterwards(world.logs.delete_log_group, logGroupName=name)
    world.logs.create_log_stream(logGroupName=name, logStreamName="s")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + n, "message": message} for n, message in enumerate(messages)]
    if events:
        world.logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=events)
    return name


def finds(name: str, pattern: str, *which: int) -> None:
    gives(f"a pattern: {name}", SYNTAX, "logs.filter_log_events", "events[].message", [LINES[n] for n in which],
          logGroupName=filtered, filterPattern=pattern)  # fmt: skip


finds("capitals count", "error")
finds("every word", "ERROR two", 2)
finds("one word of several", "?one ?exception", 0, 2)
finds("without a word", "ERROR -exception", 0, 3)
finds("a text in quotes", '"ERROR two"', 2)
finds("a regular expression", "%E..OR (one|two)%", 0, 2)
finds("a field of JSON", '{ $.level = "ERROR" }', 3)
finds("a star in a field", '{ $.level = "E*" }', 3)
finds("a field's number", "{ $.code > 300 }", 3)
finds("a field that is another", '{ $.level != "INFO" }', 3)
finds("two fields", '{ $.code = 200 && $.level = "INFO" }', 4)
finds("either field, in brackets", '{ ($.code = 200 && $.level = "ERROR") || $.m.a = "x" }', 3)
finds("an item of a field", "{ $.l[1] = 2 }", 3)
finds("a field that is not there", "{ $.m NOT EXISTS }", 4)
finds("a field that is null", "{ $.gap IS NULL }", 4)
finds("fields between spaces", "[ip, dash, time, status = 4*, size > 1000]", 5)
finds("fields at the end", "[..., status = 404, size]", 5)
finds("either value between spaces", "[first = ERROR || first = warn, ...]", 0, 1, 2)
for name, pattern in {
    "a pattern that does not end": "{ $.level = ", "a pattern with odd letters": "foo:bar",
    "a pattern of no comparison": "{ $.level }",
}.items():  # fmt: skip
    refuses(name, SYNTAX, "logs.filter_log_events", "InvalidParameterException", logGroupName=filtered,
            filterPattern=pattern)  # fmt: skip
refuses("a metric's pattern that does not end", f"{API}PutMetricFilter.html", "logs.put_metric_filter",
        "InvalidParameterException", logGroupName=filtered, filterName="f", filterPattern="{ $.a = ",
        metricTransformations=[{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}])  # fmt: skip
refuses("names of streams and a prefix at once", f"{API}FilterLogEvents.html", "logs.filter_log_events",
        "InvalidParameterException", logGroupName=filtered, logStreamNames=["s"], logStreamNamePrefix="s")  # fmt: skip
refuses("a query that is none", f"{API}StartQuery.html", "logs.start_query", "MalformedQueryException",
        logGroupName=filtered, startTime=0, endTime=1, queryString="frobnicate x")  # fmt: skip


@case("what was found, by pages", f"{API}FilterLogEvents.html")
def _(world):
    at = {"logGroupName": filtered(world), "limit": 4}
    page = world.logs.filter_log_events(**at)
    rest = world.logs.filter_log_events(**at, nextToken=page["nextToken"])
    assert [one["message"] for one in page["events"] + rest["events"]] == LINES and "nextToken" not in rest


@case("several streams in the order of time, between two times", f"{API}FilterLogEvents.html")
def _(world):
    name, now = new_group(world), int(time.time() * 1000)
    world.logs.create_log_stream(logGroupName=name, logStreamName="t")
    for stream, times in {"s": (0, 20), "t": (10,)}.items():
        events = [{"timestamp": now + time_ms, "message": str(time_ms)} for time_ms in times]
        world.logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=events)
    look = lambda **more: [  # noqa: E731
        one["message"] for one in world.logs.filter_log_events(logGroupName=name, **more)["events"]
    ]
    assert look() == ["0", "10", "20"] and look(startTime=now + 10, endTime=now + 15) == ["10"]
    assert look(logStreamNamePrefix="t") == look(logStreamNames=["t"]) == ["10"]


@case("an event that is too old is left out, and the answer says so", f"{API}PutLogEvents.html")
def _(world):
    at = {"logGroupName": new_group(world), "logStreamName": "s"}
    now, day = int(time.time() * 1000), 86_400_000
    old = world.logs.put_log_events(**at, logEvents=[{"timestamp": now - 15 * day, "message": "old"}])
    assert old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert not world.logs.get_log_events(**at)["events"]
    long = [{"timestamp": now - 2 * day, "message": "a"}, {"timestamp": now, "message": "b"}]
    assert error_of(world.logs.put_log_events, **at, logEvents=long) == "InvalidParameterException"


@case("a query counts", "AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html",
      lacks="fields, filter of one field, sort and limit are run; every other part of a query is refused by name")  # fmt: skip
def _(world):
    now = int(time.time())
    asked = {"logGroupName": filtered(world), "startTime": now - 60, "endTime": now + 60}
    query = world.logs.start_query(**asked, queryString="stats count(*) as n")["queryId"]
    look = functools.partial(world.logs.get_query_results, queryId=query)
    found = world.eventually(lambda: (answer := look())["status"] == "Complete" and answer)
    assert found["results"] == [[{"field": "n", "value": str(len(LINES))}]]


# --- SNS and SQS: https://docs.aws.amazon.com/sns/latest/api/, https://docs.aws.amazon.com/AWSSimpleQueueService/ ---
SNS, SQS = "sns/latest/api/API_", "AWSSimpleQueueService/latest/APIReference/API_"
refuses, gives, case = MESSAGES.refuses, MESSAGES.gives, MESSAGES.case
refuses("a topic that is not there", f"{SNS}Publish.html", "sns.publish", "NotFound", Message="m",
        TopicArn=lambda w: f"arn:aws:sns:us-east-1:{w.account}:{NONE}")  # fmt: skip
refuses(
    "a message without words", f"{SNS}Publish.html", "sns.publish", "InvalidParameter", TopicArn="@topic", Message=""
)
refuses("a message of more than 256 KB", f"{SNS}Publish.html", "sns.publish", "InvalidParameter", TopicArn="@topic",
        Message="x" * 262_145)  # fmt: skip
refuses("a topic's name with a space", f"{SNS}CreateTopic.html", "sns.create_topic", "InvalidParameter", Name="a b")
refuses("a protocol that is none", f"{SNS}Subscribe.html", "sns.subscribe", "InvalidParameter", TopicArn="@topic",
        Protocol="pigeon", Endpoint="x")  # fmt: skip
refuses("a queue that is not there", f"{SQS}GetQueueUrl.html", "sqs.get_queue_url", "AWS.SimpleQueueService.NonExistentQueue",
        QueueName=NONE)  # fmt: skip
refuses("a message without a body", f"{SQS}SendMessage.html", "sqs.send_message", "MissingParameter", QueueUrl="@queue",
        MessageBody="")  # fmt: skip
refuses("eleven messages at once", f"{SQS}ReceiveMessage.html", "sqs.receive_message", "InvalidParameterValue",
        QueueUrl="@queue", MaxNumberOfMessages=11)  # fmt: skip
refuses("a receipt that is none", f"{SQS}DeleteMessage.html", "sqs.delete_message", "ReceiptHandleIsInvalid",
        QueueUrl="@queue", ReceiptHandle="x")  # fmt: skip
gives("the same topic again is the same", f"{SNS}CreateTopic.html", "sns.create_topic", "TopicArn", bool,
      Name=lambda w: w.topic.rpartition(":")[2])  # fmt: skip


def subscribed(world) -> str:
    """A queue that hears of the topic."""
    url = world.sqs.create_queue(QueueName=world.unique())["QueueUrl"]
    world.afterwards(world.sqs.delete_queue, QueueUrl=url)
    arn = world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    world.sns.subscribe(TopicArn=world.topic, Protocol="sqs", Endpoint=arn)
    return url


def heard(world, url: str) -> str:
    look = lambda: world.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")  # noqa: E731
    return json.loads(world.eventually(look)[0]["Body"])["Message"]


@case("a topic's message reaches a queue in its envelope", "sns/latest/dg/sns-sqs-as-subscriber.html")
def _(world):
    url = subscribed(world)
    world.sns.publish(TopicArn=world.topic, Message="hello", Subject="about")
    assert heard(world, url) == "hello"


@case(
    "a message that is taken is hidden until its time is over",
    "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html",
)
def _(world):
    url = world.sqs.create_queue(QueueName=world.unique(), Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    world.afterwards(world.sqs.delete_queue, QueueUrl=url)
    world.sqs.send_message(QueueUrl=url, MessageBody="m")
    assert world.sqs.receive_message(QueueUrl=url)["Messages"]
    assert not world.sqs.receive_message(QueueUrl=url).get("Messages")
    again = world.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, AttributeNames=["ApproximateReceiveCount"])
    assert again["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == "2"
