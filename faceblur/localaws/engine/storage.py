"""What Amazon S3 refuses and ministack lets through: owners, keys that are too long, who may know what is not there."""

from __future__ import annotations

import base64
import re
from urllib.parse import parse_qsl, unquote

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]
from ministack.core import router
from ministack.core.responses import get_account_id
from ministack.services import s3

from . import permissions
from .buckets import configuration_fault, is_name
from .conditions import stranger_in
from .elements import MALFORMED, texts_of, within

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES, MAX_METADATA_BYTES, MAX_DELETED = 1024, 2048, 1000
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
MAX_TAG_KEY, MAX_TAG_VALUE = 128, 256
TAG = re.compile(r"[\w\s+\-=.:/@]*")
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
ATTRIBUTES = {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}
# Bytes of each checksum: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
CHECKSUMS = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}
# Headers that make a copy onto itself more than nothing.
CHANGES = ("x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-website-redirect-location")


def refusal(method: str, path: str, headers: dict, body: bytes, query: dict):
    """An answer, where S3 would not serve this request, else None."""
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    owner, source_owner = headers.get("x-amz-expected-bucket-owner"), headers.get("x-amz-source-expected-bucket-owner")
    if {owner, source_owner} - {None, get_account_id()} and (bucket in s3._buckets):
        return s3._error("AccessDenied", "Access Denied", 403, path)
    if len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        return s3._error("KeyTooLongError", "Your key is too long", 400, path)
    if method == "PUT" and "tagging" in query and (fault := tags_fault(keys_and_values(body))):
        return s3._error("InvalidTag", fault, 400, path)
    if not key:
        return of_bucket(method, bucket, path, headers, body, query)
    if method in ("PUT", "POST") and headers.get("if-none-match", "*") != "*":
        text = "A header you provided implies functionality that is not implemented"
        return s3._error("NotImplemented", text, 501, path)
    if method == "PUT":
        return of_put(bucket, key, path, headers, query)
    if method in ("GET", "HEAD"):
        return of_get(bucket, key, path, headers, query)
    return None


def of_bucket(method: str, bucket: str, path: str, headers: dict, body: bytes, query: dict):
    if method == "PUT" and bucket and not query and not is_name(bucket):
        return s3._error("InvalidBucketName", "The specified bucket is not valid.", 400, path)
    if method == "POST" and "delete" in query and body.count(b"<Object>") > MAX_DELETED:
        return malformed(path)
    if method == "GET" and bucket and query.get("list-type", [""])[0] == "2":
        return of_list(path, query)
    if "versions" in query and "version-id-marker" in query and not query.get("key-marker", [""])[0]:
        return s3._error("InvalidArgument", "A version-id marker cannot be specified without a key marker.", 400, path)
    if method == "PUT" and "policy" in query and stranger_in(body.decode("utf-8", "replace")):
        return s3._error("MalformedPolicy", "Invalid principal in policy", 400, path)
    fault = configuration_fault(body, query) if method == "PUT" else None
    return s3._error(*fault, 400, path) if fault else None


def of_get(bucket: str, key: str, path: str, headers: dict, query: dict):
    found = s3._buckets[bucket]["objects"].get(key) if bucket in s3._buckets else None
    if bucket in s3._buckets and found is None:
        return of_missing(bucket, path, headers, query)
    if "attributes" in query and (
        strange := {one.strip() for one in headers.get("x-amz-object-attributes", "ETag").split(",")} - ATTRIBUTES
    ):
        return s3._error("InvalidArgument", f"Invalid attribute name specified: {min(strange)}", 400, path)
    if "partNumber" not in query:
        return None
    if "range" in headers:
        return s3._error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter", 400, path)
    parts = [str(part["PartNumber"]) for part in (found or {}).get("parts") or [{"PartNumber": 1}]]
    if "versionId" not in query and query["partNumber"][0] not in parts:
        return s3._error("InvalidPartNumber", "The requested partnumber is not satisfiable", 416, path)
    return None


def of_put(bucket: str, key: str, path: str, headers: dict, query: dict):
    metadata = [
        (name[len("x-amz-meta-") :], value) for name, value in headers.items() if name.startswith("x-amz-meta-")
    ]
    if sum(len(name) + len(value.encode()) for name, value in metadata) > MAX_METADATA_BYTES:
        text = "Your metadata headers exceed the maximum allowed metadata size"
        return s3._error("MetadataTooLarge", text, 400, path)
    source = unquote(headers.get("x-amz-copy-source", "")).lstrip("/")
    changes = headers.get("x-amz-metadata-directive") == "REPLACE" or any(name in headers for name in CHANGES)
    if source == f"{bucket}/{key}" and "uploadId" not in query and not changes:
        text = (
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )
        return s3._error("InvalidRequest", text, 400, path)
    if source and (refused := of_copy(bucket, key, source, headers)):
        return refused
    if fault := tags_fault(parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True)):
        return s3._error("InvalidTag", fault, 400, path)
    if fault := checksum_fault(headers):
        return s3._error("InvalidRequest", fault, 400, path)
    return None


def of_copy(bucket: str, key: str, source: str, headers: dict):
    """What is written to under conditions, and a marker as a source."""
    name, _, version = source.partition("?versionId=")
    versions = s3._object_versions.get(tuple(name.partition("/")[::2]), [])
    if any(one["version_id"] == version and one.get("is_delete_marker") for one in versions):
        text = "The source of a copy request may not specifically refer to a delete marker by version id."
        return s3._error("InvalidRequest", text, 400)
    where, _, what = name.partition("/")
    found = s3._buckets[where]["objects"].get(what) if where in s3._buckets and not version else None
    archived = found and found.get("storage_class") in s3._ARCHIVE_STORAGE_CLASSES
    if archived and s3._sync_restore(where, what, found) != "restored":
        text = "The source object of the COPY action is not in the active tier."
        return s3._error("ObjectNotInActiveTierError", text, 403)
    known = s3._buckets[bucket]["objects"].get(key) if bucket in s3._buckets else None
    return s3._check_put_preconditions(headers, known)


def checksum_fault(headers: dict) -> str:
    """At most one checksum, of as many bytes as it has."""
    given = {name: headers[f"x-amz-checksum-{name}"] for name in CHECKSUMS if headers.get(f"x-amz-checksum-{name}")}
    if len(given) > 1:
        return "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
    for name, value in given.items():
        try:
            size = len(base64.b64decode(value.partition("-")[0], validate=True))
        except ValueError:
            size = -1
        if size != CHECKSUMS[name]:
            return f"Value for x-amz-checksum-{name} header is invalid."
    return ""


def keys_and_values(body: bytes) -> list[tuple[str, str]]:
    """The tags of a document; none where it is no XML, which ministack says."""
    try:
        tags = within(fromstring(body), "Tag")
    except SyntaxError:
        return []
    pairs = [texts_of(tag) for tag in tags]
    return [(pair.get("Key", ""), pair.get("Value", "")) for pair in pairs]


def tags_fault(tags: list[tuple[str, str]]) -> str:
    keys = [key for key, _ in tags]
    if len(set(keys)) < len(keys):
        return "Cannot provide multiple Tags with the same key"
    for key, value in tags:
        if not 0 < len(key) <= MAX_TAG_KEY or not TAG.fullmatch(key):
            return "The TagKey you have provided is invalid"
        if len(value) > MAX_TAG_VALUE or not TAG.fullmatch(value):
            return "The TagValue you have provided is invalid"
        if key.startswith("aws:"):
            return "System tags cannot be added/updated by requester"
    return ""


def of_list(path: str, query: dict):
    size, token = query.get("max-keys", ["1"])[0], query.get("continuation-token")
    if not re.fullmatch(r"\d{1,10}", size):
        return s3._error("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647", 400, path)
    if token is not None and not is_token(token[0]):
        return s3._error("InvalidArgument", "The continuation token provided is incorrect", 400, path)
    return None


def is_token(token: str) -> bool:
    """Whether it could be one of ministack's: a key in base64."""
    try:
        base64.b64decode(token, validate=True).decode()
    except ValueError:
        return False
    return bool(token)


def of_missing(bucket: str, path: str, headers: dict, query: dict):
    """Who may not list is not told that there is nothing, but what is missing: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    caller = router.extract_access_key_id(headers, query)
    denied = permissions.check(caller, "s3:ListBucket", f"arn:aws:s3:::{bucket}") if caller else None
    return s3._error("AccessDenied", denied.message, 403, path) if denied else None


def malformed(path: str):
    return s3._error("MalformedXML", MALFORMED, 400, path)
