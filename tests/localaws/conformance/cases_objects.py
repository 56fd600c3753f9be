"""Amazon S3, more closely: conditions, ranges, checksums, parts, copies, tags, configurations of buckets, rights."""

import base64
import hashlib
import json
import urllib.error
import urllib.request
import zlib

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from cases_s3 import API, GET, HEAD, ONE, PUT, S3
from world import allow, deny, error_of

GUIDE = "AmazonS3/latest/userguide/"
CONDITIONAL, INTEGRITY = f"{GUIDE}conditional-writes.html", f"{GUIDE}checking-object-integrity.html"
COPY, COMPLETE, LIFECYCLE = (
    f"{API}CopyObject.html",
    f"{API}CompleteMultipartUpload.html",
    f"{API}PutBucketLifecycleConfiguration.html",
)
refuses, gives, case = S3.refuses, S3.gives, S3.case
AT = {"Bucket": "@bucket", "Key": "more"}
FIVE_MB = b"a" * (5 << 20)


def sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


# --- conditions and ranges ---
refuses("IfMatch in a put where there is none", CONDITIONAL, "s3.put_object", "NoSuchKey", Bucket="@bucket", Key="none",
        IfMatch='"x"')  # fmt: skip
refuses("IfNoneMatch of an ETag in a put", CONDITIONAL, "s3.put_object", "NotImplemented", **AT, IfNoneMatch='"x"')
refuses("IfMatch in a delete of what changed", f"{GUIDE}conditional-deletes.html", "s3.delete_object",
        "PreconditionFailed", **ONE, IfMatch='"x"')  # fmt: skip
refuses("IfNoneMatch * in a copy", COPY, "s3.copy_object", "PreconditionFailed", **ONE, IfNoneMatch="*",
        CopySource=lambda w: f"{w.bucket}/{put(w, 'source')}")  # fmt: skip
refuses("CopySourceIfMatch of another ETag", COPY, "s3.copy_object", "PreconditionFailed", **AT, CopySourceIfMatch='"x"',
        CopySource=lambda w: f"{w.bucket}/key")  # fmt: skip
gives("several ranges are none", GET, "s3.get_object", "[ResponseMetadata.HTTPStatusCode, ContentLength]", [200, 10],
      **ONE, Range="bytes=0-1,3-4")  # fmt: skip
gives("a range that cannot be read is none", GET, "s3.get_object", "ContentLength", 10, **ONE, Range="bytes=5-2")
gives("the head of a range", HEAD, "s3.head_object", "[ContentLength, ContentRange]", [3, "bytes 0-2/10"], **ONE,
      Range="bytes=0-2")  # fmt: skip
gives("the last bytes of fewer", GET, "s3.get_object", "ContentRange", "bytes 0-9/10", **ONE, Range="bytes=-99")
refuses("a range and a part at once", GET, "s3.get_object", "InvalidRequest", **ONE, Range="bytes=0-1", PartNumber=1)
refuses("a part that it does not have", GET, "s3.get_object", "InvalidPartNumber", **ONE, PartNumber=2)
refuses("an attribute that is none", f"{API}GetObjectAttributes.html", "s3.get_object_attributes", "InvalidArgument",
        **ONE, ObjectAttributes=["Colour"])  # fmt: skip


def put(world, key: str, body: bytes = b"", **more) -> str:
    world.s3.put_object(Bucket=world.bucket, Key=key, Body=body, **more)
    return key


@case("IfNoneMatch * when parts are completed", CONDITIONAL)
def _(world):
    put(world, "taken", b"1")
    answer = error_of(complete, world=world, key="taken", parts=[b"x"], end={"IfNoneMatch": "*"})
    assert answer == "PreconditionFailed" and read(world, "taken") == b"1"


def complete(world, key: str, parts: list, begin=None, end=None, **each) -> dict:
    """The answer to an upload of these parts, and what each was answered."""
    at = {"Bucket": world.bucket, "Key": key}
    at["UploadId"] = world.s3.create_multipart_upload(**at, **(begin or {}))["UploadId"]
    listed = []
    for number, body in enumerate(parts, 1):
        answer = world.s3.upload_part(**at, PartNumber=number, Body=body, **each)
        sums = {name: value for name, value in answer.items() if name in ("ChecksumSHA256", "ChecksumCRC32")}
        listed.append({"PartNumber": number, "ETag": answer["ETag"]} | sums)
    return world.s3.complete_multipart_upload(**at, MultipartUpload={"Parts": listed}, **(end or {}))


def read(world, key: str, **more) -> bytes:
    return world.s3.get_object(Bucket=world.bucket, Key=key, **more)["Body"].read()


# --- checksums ---
refuses("a wrong SHA-256", INTEGRITY, "s3.put_object", "BadDigest", **AT, Body=b"abc", ChecksumSHA256=sha256(b"abd"))
refuses("a CRC-32 of other bytes", INTEGRITY, "s3.put_object", "BadDigest", **AT, Body=b"abc",
        ChecksumCRC32=crc32(b"abd"))  # fmt: skip
refuses("a checksum that is none", INTEGRITY, "s3.put_object", "InvalidRequest", **AT, Body=b"abc", ChecksumCRC32="zz")
refuses("two checksums at once", INTEGRITY, "s3.put_object", "InvalidRequest", **AT, Body=b"abc",
        ChecksumCRC32=crc32(b"abc"), ChecksumSHA256=sha256(b"abc"))  # fmt: skip
refuses("a SHA-256 of the whole of several parts", INTEGRITY, "s3.create_multipart_upload", "InvalidRequest", **AT,
        ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")  # fmt: skip
gives("the checksum that was asked for", PUT, "s3.put_object", "[ChecksumSHA256, ChecksumType]",
      [sha256(b"abc"), "FULL_OBJECT"], **AT, Body=b"abc", ChecksumAlgorithm="SHA256")  # fmt: skip


@case("a checksum is told to who asks for it", HEAD)
def _(world):
    at = {"Bucket": world.bucket, "Key": put(world, "summed", b"abc", ChecksumAlgorithm="SHA256")}
    assert world.s3.head_object(**at, ChecksumMode="ENABLED")["ChecksumSHA256"] == sha256(b"abc")
    assert "ChecksumSHA256" not in world.s3.head_object(**at)


@case("a checksum of the parts' checksums", INTEGRITY)
def _(world):
    parts = [FIVE_MB, b"b"]
    found = complete(world, "composite", parts, {"ChecksumAlgorithm": "SHA256"}, ChecksumAlgorithm="SHA256")
    whole = sha256(b"".join(hashlib.sha256(part).digest() for part in parts))
    assert (found["ChecksumSHA256"], found["ChecksumType"]) == (f"{whole}-2", "COMPOSITE")


@case("a checksum of the whole, of several parts", INTEGRITY)
def _(world):
    begin = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    found = complete(world, "full", [FIVE_MB, b"b"], begin)
    assert (found["ChecksumCRC32"], found["ChecksumType"]) == (crc32(FIVE_MB + b"b"), "FULL_OBJECT")


@case("a checksum of what was sent with none", INTEGRITY, lacks="it has none: AWS works out a CRC-64/NVME by itself")
def _(world):
    plain = world.client("s3", config=Config(request_checksum_calculation="when_required"))
    plain.put_object(Bucket=world.bucket, Key="plain", Body=b"abc")
    assert plain.head_object(Bucket=world.bucket, Key="plain", ChecksumMode="ENABLED")["ChecksumCRC64NVME"]


# --- parts ---
refuses("a completion without parts", COMPLETE, "s3.complete_multipart_upload", "MalformedXML", **AT,
        UploadId=lambda w: begun(w, "more"), MultipartUpload={"Parts": []})  # fmt: skip
refuses("a part for another key", f"{API}UploadPart.html", "s3.upload_part", "NoSuchUpload", **AT, PartNumber=1,
        UploadId=lambda w: begun(w, "other"), Body=b"")  # fmt: skip


def begun(world, key: str) -> str:
    return world.s3.create_multipart_upload(Bucket=world.bucket, Key=key)["UploadId"]


@case("a part by its number, and how many there are", GET)
def _(world):
    begin = {"Tagging": "a=b", "Metadata": {"m": "1"}}
    complete(world, "numbered", [FIVE_MB, b"bb"], begin)
    at = {"Bucket": world.bucket, "Key": "numbered"}
    found = world.s3.get_object(**at, PartNumber=2)
    assert (found["Body"].read(), found["PartsCount"]) == (b"bb", 2)
    head = world.s3.head_object(**at, PartNumber=1)
    assert (head["ContentLength"], head["PartsCount"]) == (5 << 20, 2)
    assert world.s3.get_object_tagging(**at)["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert world.s3.head_object(**at)["ContentType"] == "binary/octet-stream"


@case("a size that is not that of the parts", COMPLETE)
def _(world):
    assert error_of(complete, world=world, key="sized", parts=[b"x"], end={"MpuObjectSize": 5}) == "InvalidRequest"


@case("a completion that comes twice", COMPLETE)
def _(world):
    at = {"Bucket": world.bucket, "Key": "twice", "UploadId": begun(world, "twice")}
    part = {"PartNumber": 1, "ETag": world.s3.upload_part(**at, PartNumber=1, Body=b"x")["ETag"]}
    answers = [world.s3.complete_multipart_upload(**at, MultipartUpload={"Parts": [part]}) for _ in range(2)]
    assert answers[0]["ETag"] == answers[1]["ETag"]


@case("uploads under way, by pages and by prefix", f"{API}ListMultipartUploads.html")
def _(world):
    bucket = world.new_bucket()
    begin = [(key, world.s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in ("a/1", "a/2", "b")]
    found = world.s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [one["Key"] for one in found["Uploads"]] == ["b"] and found["CommonPrefixes"] == [{"Prefix": "a/"}]
    page = world.s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1)
    assert (page["IsTruncated"], page["NextKeyMarker"]) == (True, "a/1")
    rest = world.s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a/1")
    assert [one["Key"] for one in rest["Uploads"]] == ["a/2", "b"]
    for key, number in begin:
        world.s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=number)


@case("parts by pages", f"{API}ListParts.html")
def _(world):
    at = {"Bucket": world.bucket, "Key": "paged", "UploadId": begun(world, "paged")}
    for number in (1, 3, 7):
        world.s3.upload_part(**at, PartNumber=number, Body=b"x")
    page = world.s3.list_parts(**at, MaxParts=2)
    assert ([part["PartNumber"] for part in page["Parts"]], page["NextPartNumberMarker"]) == ([1, 3], 3)
    assert [part["PartNumber"] for part in world.s3.list_parts(**at, PartNumberMarker=3)["Parts"]] == [7]
    world.s3.abort_multipart_upload(**at)
    assert error_of(world.s3.abort_multipart_upload, **at) == "NoSuchUpload"


@case("a part that is a range of an object", f"{API}UploadPartCopy.html")
def _(world):
    at = {"Bucket": world.bucket, "Key": "copied", "UploadId": begun(world, "copied")}
    given = {"CopySource": f"{world.bucket}/key", "CopySourceRange": "bytes=2-4"}
    part = world.s3.upload_part_copy(**at, PartNumber=1, **given)["CopyPartResult"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    world.s3.complete_multipart_upload(**at, MultipartUpload=parts)
    assert read(world, "copied") == b"234"


# --- copies, versions, tags ---
@case("a copy with new metadata keeps nothing of the old", COPY)
def _(world):
    source = {"Bucket": world.bucket, "Key": put(world, "old", ContentType="video/mp4", Metadata={"a": "1"})}
    at = {"Bucket": world.bucket, "Key": "new"}
    world.s3.copy_object(**at, CopySource=source)
    kept = world.s3.head_object(**at)
    world.s3.copy_object(**at, CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"})
    changed = world.s3.head_object(**at)
    assert (kept["Metadata"], kept["ContentType"]) == ({"a": "1"}, "video/mp4")
    assert (changed["Metadata"], changed["ContentType"]) == ({"b": "2"}, "binary/octet-stream")


@case("a copy of a delete marker", COPY)
def _(world):
    at = {"Bucket": world.versioned, "Key": "marked"}
    world.s3.put_object(**at)
    source = at | {"VersionId": world.s3.delete_object(**at)["VersionId"]}
    to = {"Bucket": world.versioned, "Key": "to"}
    assert error_of(world.s3.copy_object, **to, CopySource=f"{world.versioned}/marked") == "NoSuchKey"
    assert error_of(world.s3.copy_object, **to, CopySource=source) == "InvalidRequest"


@case("versions while versioning is suspended", f"{GUIDE}AddingObjectstoVersionSuspendedBuckets.html")
def _(world):
    at = {"Bucket": world.new_bucket(), "Key": "k"}
    set_to = lambda status: world.s3.put_bucket_versioning(  # noqa: E731
        Bucket=at["Bucket"], VersioningConfiguration={"Status": status}
    )
    set_to("Enabled")
    first = world.s3.put_object(**at, Body=b"1")["VersionId"]
    set_to("Suspended")
    for body in (b"2", b"3"):
        world.s3.put_object(**at, Body=body)
    found = world.s3.list_object_versions(Bucket=at["Bucket"])["Versions"]
    assert {one["VersionId"] for one in found} == {first, "null"}
    assert world.s3.delete_object(**at)["VersionId"] == "null"


refuses("a version's marker without a key's", f"{API}ListObjectVersions.html", "s3.list_object_versions",
        "InvalidArgument", Bucket="@bucket", VersionIdMarker="x")  # fmt: skip
gives("more than 1,000 keys at once", f"{API}ListObjectsV2.html", "s3.list_objects_v2", "MaxKeys", 1000,
      Bucket="@bucket", MaxKeys=5000)  # fmt: skip
TAGGING = f"{GUIDE}object-tagging.html"
for name, (key, value) in {
    "a tag's name of more than 128 letters": ("k" * 129, "v"),
    "a tag's value of more than 256 letters": ("k", "v" * 257),
    "a tag that AWS keeps for itself": ("aws:x", "v"),
    "a tag with a letter that is none": ("k", "{v}"),
}.items():
    refuses(name, TAGGING, "s3.put_object_tagging", "InvalidTag", **ONE,
            Tagging={"TagSet": [{"Key": key, "Value": value}]})  # fmt: skip
gives("how many tags it has", GET, "s3.get_object", "TagCount", 2, Bucket="@bucket",
      Key=lambda w: put(w, "tagged", Tagging="a=1&b=2%202"))  # fmt: skip


# --- configurations ---
def rule(**changes) -> dict:
    whole = {"Status": "Enabled", "Filter": {"Prefix": "a"}, "Expiration": {"Days": 1}} | changes
    return {key: value for key, value in whole.items() if value is not None}


both = {"ID": "same"}
tag_only = {"Filter": {"Tag": {"Key": "a", "Value": "b"}}}
for name, (code, *rules) in {
    "a lifecycle of no days": ("InvalidArgument", rule(Expiration={"Days": 0})),
    "a lifecycle that does nothing": ("InvalidRequest", rule(Expiration=None)),
    "a lifecycle of nothing": ("MalformedXML", rule(Filter=None)),
    "a lifecycle that is neither on nor off": ("MalformedXML", rule(Status="On")),
    "two rules of one name": ("InvalidArgument", rule(**both), rule(**both, Filter={"Prefix": "b"})),
    "unfinished uploads by their tag": (
        "InvalidRequest",
        rule(**tag_only, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}),
    ),
    "seldom read after a day": (
        "InvalidArgument",
        rule(Transitions=[{"Days": 1, "StorageClass": "STANDARD_IA"}]),
    ),
}.items():
    refuses(name, LIFECYCLE, "s3.put_bucket_lifecycle_configuration", code, Bucket="@bucket",
            LifecycleConfiguration={"Rules": list(rules)})  # fmt: skip


@case("an object says when it ends", HEAD, lacks="rules are kept as they are; no object ends, and none says when")
def _(world):
    bucket = world.new_bucket()
    world.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule()]})
    world.s3.put_object(Bucket=bucket, Key="a")
    assert "expiry-date" in world.s3.head_object(Bucket=bucket, Key="a")["Expiration"]


for name, changes in {
    "a page's method that is none": {"AllowedMethods": ["PATCH"]},
    "a page's origin with two stars": {"AllowedOrigins": ["http://*.a.*"]},
}.items():
    refuses(name, f"{API}PutBucketCors.html", "s3.put_bucket_cors", "InvalidRequest", Bucket="@bucket",
            CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]} | changes]})  # fmt: skip
for name in ("xn--faceblur", "faceblur-s3alias", "sthree-faceblur", "192.168.5.4"):
    refuses(f"a name such as {name}", f"{GUIDE}bucketnamingrules.html", "s3.create_bucket", "InvalidBucketName",
            Bucket=name)  # fmt: skip


def told(world, *prefixes: str, **changes) -> dict:
    """What puts these notifications on a bucket, into a queue that S3 may write to."""
    statement = allow("sqs:SendMessage", world.queue_arn) | {"Principal": {"Service": "s3.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.sqs.set_queue_attributes(QueueUrl=world.queue, Attributes={"Policy": policy})
    rules = [{"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}} for prefix in prefixes]
    one = {"QueueArn": world.queue_arn, "Events": ["s3:ObjectCreated:*"]}
    return {"QueueConfigurations": [one | {"Filter": each} | changes for each in rules]}


FILTERING = f"{GUIDE}notification-how-to-filtering.html"
refuses("notifications that overlap", FILTERING, "s3.put_bucket_notification_configuration", "InvalidArgument",
        Bucket="@bucket", NotificationConfiguration=lambda w: told(w, "a", "ab"))  # fmt: skip
refuses("a filter by what is in the middle", f"{API}FilterRule.html", "s3.put_bucket_notification_configuration",
        "InvalidArgument", Bucket="@bucket", NotificationConfiguration=lambda w: told(w, "a", Filter={
            "Key": {"FilterRules": [{"Name": "infix", "Value": "a"}]}}))  # fmt: skip
refuses("notifications to a queue in order", FILTERING, "s3.put_bucket_notification_configuration", "InvalidArgument",
        Bucket="@bucket", NotificationConfiguration=lambda w: told(w, "a", QueueArn=w.queue_arn + ".fifo"))  # fmt: skip


@case("tags that change are told, and so is the test at the beginning", f"{GUIDE}EventNotifications.html")
def _(world):
    bucket = world.new_bucket()
    events = {"Events": ["s3:ObjectTagging:*"]}
    world.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told(world, "", **events))
    world.s3.put_object(Bucket=bucket, Key="a")
    world.s3.put_object_tagging(Bucket=bucket, Key="a", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    heard = []

    def listen():
        for message in world.sqs.receive_message(QueueUrl=world.queue, WaitTimeSeconds=1).get("Messages", ()):
            world.sqs.delete_message(QueueUrl=world.queue, ReceiptHandle=message["ReceiptHandle"])
            body = json.loads(message["Body"])
            heard.extend([body.get("Event")] if "Event" in body else [one["eventName"] for one in body["Records"]])
        return "ObjectTagging:Put" in heard

    assert world.eventually(listen) and "s3:TestEvent" in heard


# --- rights ---
@case("an upload with tags needs the right to tag", PUT)
def _(world):
    client = world.as_role(allow("s3:PutObject"))("s3")
    assert error_of(client.put_object, Bucket=world.bucket, Key="t", Tagging="a=b") == "AccessDenied"
    assert error_of(client.put_object, Bucket=world.bucket, Key="t") == ""


@case("of several keys, those that may be deleted are", f"{API}DeleteObjects.html")
def _(world):
    keys = [put(world, "yes/1"), put(world, "no/1")]
    client = world.as_role(allow("s3:DeleteObject"), deny("s3:DeleteObject", f"arn:aws:s3:::{world.bucket}/no/*"))("s3")
    found = client.delete_objects(Bucket=world.bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert [one["Key"] for one in found["Deleted"]] == ["yes/1"]
    assert [(one["Key"], one["Code"]) for one in found["Errors"]] == [("no/1", "AccessDenied")]


# --- links ---
def fetch(url: str, method: str = "GET", body: bytes | None = None, **headers) -> tuple[int, bytes]:
    request = urllib.request.Request(url, method=method, data=body, headers={"Content-Type": ""} | headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read()


def link(world, method: str = "get_object", life: int = 60, **more) -> str:
    client = world.client("s3", config=Config(signature_version="s3v4"))
    return client.generate_presigned_url(method, Params={"Bucket": world.bucket, "Key": "key"} | more, ExpiresIn=life)


LINKS = f"{GUIDE}ShareObjectPreSignedURL.html"


@case("a link gives one object, one way", LINKS)
def _(world):
    assert fetch(link(world)) == (200, b"0123456789")
    for status, body in (fetch(link(world), "PUT", b"x"), fetch(link(world).replace("/key?", "/other?"))):
        assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body


@case("a link of more than seven days", "AmazonS3/latest/API/sigv4-query-string-auth.html")
def _(world):
    status, body = fetch(link(world, life=604_801))
    assert status == 400 and b"<Code>AuthorizationQueryParametersError</Code>" in body


@case("a link to put with the type that was signed", f"{GUIDE}PresignedUrlUploadObject.html")
def _(world):
    url = link(world, "put_object", Key="typed", ContentType="video/mp4")
    assert fetch(url, "PUT", b"v", **{"Content-Type": "text/plain"})[0] == 403
    assert fetch(url, "PUT", b"v", **{"Content-Type": "video/mp4"})[0] == 200
    assert world.s3.head_object(Bucket=world.bucket, Key="typed")["ContentType"] == "video/mp4"


@case("a body that is not the one that was signed", "AmazonS3/latest/API/sig-v4-header-based-auth.html")
def _(world):
    request = AWSRequest("PUT", f"{link(world).partition('/key?')[0]}/changed", data=b"abc")
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(b"abc").hexdigest()
    S3SigV4Auth(world.s3._get_credentials(), "s3", "us-east-1").add_auth(request)
    status, body = fetch(request.url, "PUT", b"abd", **dict(request.headers.items()))
    assert status == 400 and b"<Code>XAmzContentSHA256Mismatch</Code>" in body
