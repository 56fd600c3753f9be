"""Amazon S3: https://docs.aws.amazon.com/AmazonS3/latest/API/"""

import base64
import hashlib
import json
import time

from world import Table, allow, deny, error_of

S3 = Table("S3")
API = "AmazonS3/latest/API/API_"
ERRORS = "AmazonS3/latest/API/ErrorResponses.html"
KEYS = "AmazonS3/latest/userguide/object-keys.html"
LONG = "k" * 1025

refuses, gives, case = S3.refuses, S3.gives, S3.case
GET, PUT, HEAD = f"{API}GetObject.html", f"{API}PutObject.html", f"{API}HeadObject.html"
ONE = {"Bucket": "@bucket", "Key": "key"}

# --- objects ---
refuses("a key that is not there", GET, "s3.get_object", "NoSuchKey", Bucket="@bucket", Key="none")
refuses("a bucket that is not there", GET, "s3.get_object", "NoSuchBucket", Bucket="faceblur-conformance-none", Key="k")
refuses("the head of a key that is not there", HEAD, "s3.head_object", "404", Bucket="@bucket", Key="none")
refuses(
    "a key of more than 1,024 bytes", KEYS, "s3.put_object", "KeyTooLongError", Bucket="@bucket", Key=LONG, Body=b""
)
refuses("bytes of UTF-8 count, not letters", KEYS, "s3.put_object", "KeyTooLongError", Bucket="@bucket", Key="é" * 513)
refuses("a range that begins after the end", GET, "s3.get_object", "InvalidRange", **ONE, Range="bytes=10-")
refuses("IfMatch of another ETag", GET, "s3.get_object", "PreconditionFailed", **ONE, IfMatch='"x"')
refuses("IfNoneMatch of its ETag", GET, "s3.get_object", "304", **ONE,
        IfNoneMatch=lambda w: w.s3.head_object(Bucket=w.bucket, Key="key")["ETag"])  # fmt: skip
refuses("IfNoneMatch * where there is one", PUT, "s3.put_object", "PreconditionFailed", **ONE, IfNoneMatch="*")
refuses("IfMatch in a put of what changed", PUT, "s3.put_object", "PreconditionFailed", **ONE, IfMatch='"x"')
refuses("a wrong Content-MD5", PUT, "s3.put_object", "BadDigest", **ONE, Body=b"x",
        ContentMD5=base64.b64encode(hashlib.md5(b"y").digest()).decode())  # fmt: skip
refuses("a Content-MD5 that is none", PUT, "s3.put_object", "InvalidDigest", **ONE, Body=b"x", ContentMD5="zz")
refuses("a storage class that is none", PUT, "s3.put_object", "InvalidStorageClass", **ONE, StorageClass="COLD")
refuses("metadata of more than 2 KB", "AmazonS3/latest/userguide/UsingMetadata.html", "s3.put_object",
        "MetadataTooLarge", Bucket="@bucket", Key="m", Metadata={"a": "x" * 2100})  # fmt: skip
refuses("more than ten tags", f"{API}PutObjectTagging.html", "s3.put_object_tagging", "BadRequest", **ONE,
        Tagging={"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]})  # fmt: skip
refuses("a tag twice", f"{API}PutObjectTagging.html", "s3.put_object_tagging", "InvalidTag", **ONE,
        Tagging={"TagSet": [{"Key": "a", "Value": ""}] * 2})  # fmt: skip
refuses("a copy of what is not there", f"{API}CopyObject.html", "s3.copy_object", "NoSuchKey", Bucket="@bucket",
        Key="c", CopySource=lambda w: f"{w.bucket}/none")  # fmt: skip
refuses("a copy onto itself that changes nothing", f"{API}CopyObject.html", "s3.copy_object", "InvalidRequest", **ONE,
        CopySource=lambda w: f"{w.bucket}/key")  # fmt: skip
refuses("a delete of more than 1,000 keys", f"{API}DeleteObjects.html", "s3.delete_objects", "MalformedXML",
        Bucket="@bucket", Delete={"Objects": [{"Key": str(n)} for n in range(1001)]})  # fmt: skip
gives(
    "a part of it", GET, "s3.get_object", "[ContentLength, ContentRange]", [3, "bytes 2-4/10"], **ONE, Range="bytes=2-4"
)
gives("the last bytes", GET, "s3.get_object", "ContentRange", "bytes 7-9/10", **ONE, Range="bytes=-3")
gives("a range beyond its end is cut", GET, "s3.get_object", "ContentRange", "bytes 8-9/10", **ONE, Range="bytes=8-99")
gives("a range answers 206", GET, "s3.get_object", "ResponseMetadata.HTTPStatusCode", 206, **ONE, Range="bytes=0-0")
gives("the ETag is the MD5", PUT, "s3.put_object", "ETag", f'"{hashlib.md5(b"abc").hexdigest()}"', Bucket="@bucket",
      Key="etag", Body=b"abc")  # fmt: skip
gives("its type and metadata", HEAD, "s3.head_object", "[ContentType, Metadata.a, ContentLength]",
      ["text/plain", "b", 10], **ONE)  # fmt: skip
gives(
    "the type of what has none",
    HEAD,
    "s3.put_object",
    "ResponseMetadata.HTTPStatusCode",
    200,
    Bucket="@bucket",
    Key="t",
)
gives("a delete of what is not there", f"{API}DeleteObject.html", "s3.delete_object", "ResponseMetadata.HTTPStatusCode",
      204, Bucket="@bucket", Key="none")  # fmt: skip
gives("its attributes", f"{API}GetObjectAttributes.html", "s3.get_object_attributes", "ObjectSize", 10, **ONE,
      ObjectAttributes=["ObjectSize"])  # fmt: skip
gives("a response header that is asked for", GET, "s3.get_object", "ContentDisposition", "attachment", **ONE,
      ResponseContentDisposition="attachment")  # fmt: skip
gives("encryption by default", HEAD, "s3.head_object", "ServerSideEncryption", "AES256", **ONE)
gives("every answer has its request id", ERRORS, "s3.head_object", "ResponseMetadata.RequestId", bool, **ONE)

# --- whose bucket, who may ---
OWNER = "AmazonS3/latest/userguide/bucket-owner-condition.html"
for call, more in {
    "get_object": ONE, "put_object": {**ONE, "Key": "own"}, "head_bucket": {"Bucket": "@bucket"},
    "list_objects_v2": {"Bucket": "@bucket"}, "delete_object": {**ONE, "Key": "own"},
}.items():  # fmt: skip
    code = "403" if call.startswith("head") else "AccessDenied"
    refuses(
        f"{call} with another ExpectedBucketOwner",
        OWNER,
        f"s3.{call}",
        code,
        **more,
        ExpectedBucketOwner="111122223333",
    )
gives(
    "the ExpectedBucketOwner that it has",
    OWNER,
    "s3.get_object",
    "ContentLength",
    10,
    **ONE,
    ExpectedBucketOwner="@account",
)
refuses("the owner of a copy's source", OWNER, "s3.copy_object", "AccessDenied", Bucket="@bucket", Key="copy",
        CopySource=lambda w: f"{w.bucket}/key", ExpectedSourceBucketOwner="111122223333")  # fmt: skip


@case("404 for who may list, 403 for who may not", GET)
def _(world):
    bucket = f"arn:aws:s3:::{world.bucket}"
    both = world.as_role(allow("s3:GetObject", bucket + "/*"), allow("s3:ListBucket", bucket))("s3")
    one = world.as_role(allow("s3:GetObject", bucket + "/*"))("s3")
    assert error_of(both.get_object, Bucket=world.bucket, Key="none") == "NoSuchKey"
    assert error_of(one.get_object, Bucket=world.bucket, Key="none") == "AccessDenied"
    assert error_of(both.head_object, Bucket=world.bucket, Key="none") == "404"
    assert error_of(one.head_object, Bucket=world.bucket, Key="none") == "403"
    assert error_of(one.get_object, Bucket=world.bucket, Key="key") == ""


@case("a bucket's policy denies what a role may", "AmazonS3/latest/userguide/example-bucket-policies.html")
def _(world):
    bucket = world.new_bucket()
    world.s3.put_object(Bucket=bucket, Key="secret", Body=b"")
    statement = deny("s3:GetObject", f"arn:aws:s3:::{bucket}/secret") | {"Principal": "*"}
    world.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    reader = world.as_role(allow("s3:*"))("s3")
    world.eventually(lambda: error_of(reader.get_object, Bucket=bucket, Key="secret") == "AccessDenied")


@case("a policy for another bucket is malformed", f"{API}PutBucketPolicy.html")
def _(world):
    statement = allow("s3:GetObject", "arn:aws:s3:::another-one/*") | {"Principal": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert error_of(world.s3.put_bucket_policy, Bucket=world.bucket, Policy=policy) in (
        "MalformedPolicy",
        "AccessDenied",
    )


@case("a role's prefix counts in a list", "AmazonS3/latest/userguide/amazon-s3-policy-keys.html")
def _(world):
    condition = {"StringLike": {"s3:prefix": "mine/*"}}
    mine = world.as_role(allow("s3:ListBucket", f"arn:aws:s3:::{world.bucket}", Condition=condition))("s3")
    assert error_of(mine.list_objects_v2, Bucket=world.bucket, Prefix="mine/") == ""
    assert error_of(mine.list_objects_v2, Bucket=world.bucket, Prefix="other/") == "AccessDenied"


# --- buckets ---
refuses("a name with capitals", "AmazonS3/latest/userguide/bucketnamingrules.html", "s3.create_bucket",
        "InvalidBucketName", Bucket="Faceblur-Conformance")  # fmt: skip
refuses("a name of two letters", "AmazonS3/latest/userguide/bucketnamingrules.html", "s3.create_bucket",
        "InvalidBucketName", Bucket="ab")  # fmt: skip
refuses("a bucket that is not empty", f"{API}DeleteBucket.html", "s3.delete_bucket", "BucketNotEmpty", Bucket="@bucket")
refuses("no CORS", f"{API}GetBucketCors.html", "s3.get_bucket_cors", "NoSuchCORSConfiguration", Bucket="@bucket")
refuses("no policy", f"{API}GetBucketPolicy.html", "s3.get_bucket_policy", "NoSuchBucketPolicy", Bucket="@bucket")
refuses("no tags", f"{API}GetBucketTagging.html", "s3.get_bucket_tagging", "NoSuchTagSet", Bucket="@bucket")
refuses("no lifecycle", f"{API}GetBucketLifecycleConfiguration.html", "s3.get_bucket_lifecycle_configuration",
        "NoSuchLifecycleConfiguration", Bucket="@bucket")  # fmt: skip
refuses("a website that is none", f"{API}GetBucketWebsite.html", "s3.get_bucket_website",
        "NoSuchWebsiteConfiguration", Bucket="@bucket")  # fmt: skip
refuses("notifications to what is not there", f"{API}PutBucketNotificationConfiguration.html",
        "s3.put_bucket_notification_configuration", "InvalidArgument", Bucket="@bucket",
        NotificationConfiguration=lambda w: {"LambdaFunctionConfigurations": [{
            "LambdaFunctionArn": f"arn:aws:lambda:us-east-1:{w.account}:function:none", "Events": ["s3:ObjectCreated:*"],
        }]})  # fmt: skip
refuses("notifications of an event that is none", f"{API}PutBucketNotificationConfiguration.html",
        "s3.put_bucket_notification_configuration", "InvalidArgument", Bucket="@bucket",
        NotificationConfiguration={"LambdaFunctionConfigurations": [{
            "LambdaFunctionArn": "@echo_arn", "Events": ["s3:ObjectCreate:*"],
        }]})  # fmt: skip
refuses("notifications to a function that does not let S3 in", f"{API}PutBucketNotificationConfiguration.html",
        "s3.put_bucket_notification_configuration", "InvalidArgument", Bucket="@bucket",
        NotificationConfiguration={"LambdaFunctionConfigurations": [{
            "LambdaFunctionArn": "@echo_arn", "Events": ["s3:ObjectCreated:*"],
        }]})  # fmt: skip
gives("public access is blocked from the start", "AmazonS3/latest/userguide/access-control-block-public-access.html",
      "s3.get_public_access_block", "PublicAccessBlockConfiguration.BlockPublicPolicy", True, Bucket="@bucket")  # fmt: skip
gives("encryption from the start", f"{API}GetBucketEncryption.html", "s3.get_bucket_encryption",
      "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm", "AES256",
      Bucket="@bucket")  # fmt: skip
gives("the region of us-east-1 is null", f"{API}GetBucketLocation.html", "s3.get_bucket_location", "LocationConstraint",
      None, Bucket="@bucket")  # fmt: skip
gives("the head of a bucket names its region", f"{API}HeadBucket.html", "s3.head_bucket", "BucketRegion", "us-east-1",
      Bucket="@bucket")  # fmt: skip

# --- lists ---
LIST = f"{API}ListObjectsV2.html"


def listing(world) -> str:
    if not hasattr(world, "_listing"):
        world._listing = world.new_bucket()
        for key in ("a", "b/1", "b/2", "c d", "e+f"):
            world.s3.put_object(Bucket=world._listing, Key=key, Body=b"")
    return world._listing


gives("keys in the order of their bytes", LIST, "s3.list_objects_v2", "Contents[].Key", ["a", "b/1", "b/2", "c d", "e+f"],
      Bucket=listing)  # fmt: skip
gives("common prefixes", LIST, "s3.list_objects_v2", "[KeyCount, CommonPrefixes[].Prefix]", [4, ["b/"]], Bucket=listing,
      Delimiter="/")  # fmt: skip
gives("a page and its token", LIST, "s3.list_objects_v2", "[length(Contents), IsTruncated, NextContinuationToken != null]",
      [2, True, True], Bucket=listing, MaxKeys=2)  # fmt: skip
gives("a start after", LIST, "s3.list_objects_v2", "Contents[].Key", ["c d", "e+f"], Bucket=listing, StartAfter="b/2")
gives("no keys at all", LIST, "s3.list_objects_v2", "[KeyCount, IsTruncated]", [0, False], Bucket=listing, MaxKeys=0)
refuses("a token that is none", LIST, "s3.list_objects_v2", "InvalidArgument", Bucket=listing, ContinuationToken="zzz")
refuses("a negative number of keys", LIST, "s3.list_objects_v2", "InvalidArgument", Bucket=listing, MaxKeys=-1)


# --- versions ---
@case("a delete leaves a marker, its removal brings the object back", "AmazonS3/latest/userguide/DeleteMarker.html")
def _(world):
    world.s3.put_object(Bucket=world.versioned, Key="v", Body=b"1")
    marker = world.s3.delete_object(Bucket=world.versioned, Key="v")
    assert marker["DeleteMarker"] and error_of(world.s3.get_object, Bucket=world.versioned, Key="v") == "NoSuchKey"
    world.s3.delete_object(Bucket=world.versioned, Key="v", VersionId=marker["VersionId"])
    assert world.s3.get_object(Bucket=world.versioned, Key="v")["Body"].read() == b"1"


@case("an older version can be read", f"{API}GetObject.html")
def _(world):
    old = world.s3.put_object(Bucket=world.versioned, Key="w", Body=b"old")["VersionId"]
    world.s3.put_object(Bucket=world.versioned, Key="w", Body=b"new")
    assert world.s3.get_object(Bucket=world.versioned, Key="w", VersionId=old)["Body"].read() == b"old"


@case("a marker cannot be read by its version", "AmazonS3/latest/userguide/DeleteMarker.html")
def _(world):
    marker = world.s3.delete_object(Bucket=world.versioned, Key="x")["VersionId"]
    assert error_of(world.s3.get_object, Bucket=world.versioned, Key="x", VersionId=marker) == "MethodNotAllowed"


refuses("a version that is none", GET, "s3.get_object", "NoSuchVersion", Bucket="@versioned", Key="w",
        VersionId="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")  # fmt: skip

# --- uploads in parts ---
PARTS = f"{API}CompleteMultipartUpload.html"


def upload(world, *sizes):
    """(upload's id, parts) of an upload to `parts` in the bucket"""
    name = world.s3.create_multipart_upload(Bucket=world.bucket, Key="parts")["UploadId"]
    parts = []
    for number, size in enumerate(sizes, 1):
        at = {"Bucket": world.bucket, "Key": "parts", "UploadId": name, "PartNumber": number}
        parts.append({"PartNumber": number, "ETag": world.s3.upload_part(**at, Body=bytes(size))["ETag"]})
    return name, parts


@case("parts in order make the object", PARTS)
def _(world):
    name, parts = upload(world, 5 << 20, 3)
    at = {"Bucket": world.bucket, "Key": "parts", "UploadId": name}
    answer = world.s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})
    assert answer["ETag"].endswith('-2"')
    assert world.s3.head_object(Bucket=world.bucket, Key="parts")["ContentLength"] == (5 << 20) + 3


@case("a part below 5 MB that is not the last", PARTS)
def _(world):
    name, parts = upload(world, 3, 3)
    at = {"Bucket": world.bucket, "Key": "parts", "UploadId": name}
    assert error_of(world.s3.complete_multipart_upload, **at, MultipartUpload={"Parts": parts}) == "EntityTooSmall"


@case("parts out of order, and one with another ETag", PARTS)
def _(world):
    name, parts = upload(world, 5 << 20, 3)
    at = {"Bucket": world.bucket, "Key": "parts", "UploadId": name}
    turned, wrong = parts[::-1], [parts[0], parts[1] | {"ETag": '"0"'}]
    assert error_of(world.s3.complete_multipart_upload, **at, MultipartUpload={"Parts": turned}) == "InvalidPartOrder"
    assert error_of(world.s3.complete_multipart_upload, **at, MultipartUpload={"Parts": wrong}) == "InvalidPart"


refuses("an upload that is none", PARTS, "s3.complete_multipart_upload", "NoSuchUpload", **ONE, UploadId="none",
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"x"'}]})  # fmt: skip
refuses("a part's number beyond 10,000", f"{API}UploadPart.html", "s3.upload_part", "InvalidArgument", Bucket="@bucket",
        Key="parts", UploadId=lambda w: upload(w)[0], PartNumber=10001, Body=b"")  # fmt: skip


# --- events ---
@case(
    "an upload is told to a queue, with the key as in a URL",
    "AmazonS3/latest/userguide/notification-content-structure.html",
)
def _(world):
    bucket = world.new_bucket()
    statement = allow("sqs:SendMessage", world.queue_arn) | {"Principal": {"Service": "s3.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.sqs.set_queue_attributes(QueueUrl=world.queue, Attributes={"Policy": policy})
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".mp4"}]
    told = {"QueueArn": world.queue_arn, "Events": ["s3:ObjectCreated:Put"], "Filter": {"Key": {"FilterRules": rules}}}
    world.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [told]}
    )
    time.sleep(0.05)
    for key in ("out/a.mp4", "in/a.txt", "in/ä b+c.mp4"):
        world.s3.put_object(Bucket=bucket, Key=key, Body=b"123")
    records = []

    def heard():
        for message in world.sqs.receive_message(QueueUrl=world.queue, WaitTimeSeconds=1).get("Messages", ()):
            records.extend(json.loads(message["Body"]).get("Records", ()))
            world.sqs.delete_message(QueueUrl=world.queue, ReceiptHandle=message["ReceiptHandle"])
        return records

    (record,) = world.eventually(heard)
    assert (record["eventName"], record["eventSource"]) == ("ObjectCreated:Put", "aws:s3")
    assert record["s3"]["object"]["key"] == "in/%C3%A4+b%2Bc.mp4" and record["s3"]["object"]["size"] == 3
    assert record["s3"]["object"]["eTag"] == hashlib.md5(b"123").hexdigest() and record["s3"]["object"]["sequencer"]
