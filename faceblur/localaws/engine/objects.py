"""What Amazon S3 does with objects and ministack otherwise: ranges, checksums, deletes, what is told of tags."""

from __future__ import annotations

import functools
import re
from urllib.parse import unquote
from xml.etree.ElementTree import SubElement, tostring

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]
from ministack import app
from ministack.core import iam_actions, router
from ministack.services import s3

from . import permissions
from .elements import children, texts_of

MAX_LISTED = 1000
# One range; S3 passes over what is none, and over several.
RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-\d+)")
NO_TYPE = "binary/octet-stream"


def install() -> None:
    app._dispatch_service_request = key_by_key(app._dispatch_service_request)
    s3._put_object = with_checksums(s3._put_object)
    for name, event in (("_put_object_tagging", "Put"), ("_delete_object_tagging", "Delete")):
        setattr(s3, name, told(getattr(s3, name), f"s3:ObjectTagging:{event}"))
    iam_actions.s3_additional_checks = with_tags(iam_actions.s3_additional_checks)
    s3.handle_request = encrypted(as_asked(s3.handle_request))


def encrypted(handle):
    """Every object is encrypted by S3, and says so: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html"""

    @functools.wraps(handle)
    async def handle_request(method, path, headers, body, query, *more, **named):
        status, fields, content = await handle(method, path, headers, body, query, *more, **named)
        is_object = "/" in unquote(path).lstrip("/").rstrip("/") and not {"tagging", "acl", "uploads"} & set(query)
        known = {name.lower() for name in fields}
        says = any(name.startswith("x-amz-server-side-encryption") for name in known)
        if method in ("GET", "HEAD", "PUT") and is_object and status in (200, 206) and "etag" in known and not says:
            fields["x-amz-server-side-encryption"] = "AES256"
        return status, fields, content

    return handle_request


def as_asked(handle):
    """Ranges as S3 reads them, of HEAD, too; 1,000 keys at most; the type of what has none."""

    @functools.wraps(handle)
    async def handle_request(method, path, headers, body, query, *more, **named):
        headers, query = dict(headers), dict(query)
        found = RANGE.fullmatch(headers.get("range", ""))
        if "range" in headers and (not found or (found[2] and int(found[1]) > int(found[2]))):
            del headers["range"]
        for name in ("max-keys", "max-parts", "max-uploads"):
            if query.get(name, [""])[0].isdecimal() and int(query[name][0]) > MAX_LISTED:
                query[name] = [str(MAX_LISTED)]
        replaces = headers.get("x-amz-metadata-directive") == "REPLACE"
        if (method, replaces) == ("PUT", True) or (method == "POST" and "uploads" in query):
            headers = {"content-type": NO_TYPE} | headers
        if method == "HEAD" and ("range" in headers or "partNumber" in query):
            status, fields, _ = await handle("GET", path, headers, body, query, *more, **named)
            if status in (206, 416):
                return status, fields, b""
        status, fields, content = await handle(method, path, headers, body, query, *more, **named)
        if query.get("max-keys") == ["0"] and status == 200:
            content = content.replace(b"<IsTruncated>true</IsTruncated>", b"<IsTruncated>false</IsTruncated>")
        return status, fields, content

    return handle_request


def with_checksums(put):
    """What was uploaded is answered with the checksum that is kept of it."""

    @functools.wraps(put)
    def put_object(bucket, key, *more, **named):
        status, fields, body = put(bucket, key, *more, **named)
        if status == 200:
            for name, value in (s3._buckets[bucket]["objects"][key].get("checksums") or {}).items():
                fields |= {f"x-amz-checksum-{name.lower()}": value, "x-amz-checksum-type": "FULL_OBJECT"}
        return status, fields, body

    return put_object


def with_tags(checks):
    """Who uploads with tags must be let to tag: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""

    @functools.wraps(checks)
    def s3_additional_checks(method, path, headers, body, query):
        found = checks(method, path, headers, body, query)
        bucket, _, key = path.lstrip("/").partition("/")
        if headers.get("x-amz-tagging") and key and method in ("PUT", "POST") and "tagging" not in query:
            found = [*found, ("s3:PutObjectTagging", f"arn:aws:s3:::{bucket}/{key}")]
        return found

    return s3_additional_checks


def told(change, event: str):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html"""

    @functools.wraps(change)
    def change_tags(bucket, key, *more, **named):
        answer = change(bucket, key, *more, **named)
        if answer[0] < 300:
            found = s3._buckets[bucket]["objects"].get(key) or {}
            version = answer[1].get("x-amz-version-id")
            s3._fire_s3_event_async(
                bucket, key, event, size=found.get("size", 0), etag=found.get("etag", ""), version_id=version
            )
        return answer

    return change_tags


def key_by_key(dispatch):
    """Of several keys, those that the caller may not delete are errors in the answer; the others are deleted.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    """

    @functools.wraps(dispatch)
    async def dispatch_service_request(method, path, headers, body, query, request_id):
        if method != "POST" or "delete" not in query or router.detect_service(method, path, headers, query) != "s3":
            return await dispatch(method, path, headers, body, query, request_id)
        bucket, caller = unquote(path).strip("/"), router.extract_access_key_id(headers, query)
        denied = [
            (arn.partition("/")[2], version)
            for arn, version in iam_actions._s3_batch_delete_targets(bucket, body)
            if permissions.check(caller, "s3:DeleteObjectVersion" if version else "s3:DeleteObject", arn)
        ]
        rest = without(body, set(denied)) if denied else body
        if not denied or rest is None:
            return await dispatch(method, path, headers, body, query, request_id)
        headers = {name: value for name, value in headers.items() if not is_of_body(name)}
        status, fields, answer = await dispatch(method, path, headers, rest, query, request_id)
        return status, fields, with_errors(answer, denied) if status == 200 else answer

    return dispatch_service_request


def is_of_body(name: str) -> bool:
    return name in ("content-md5", "content-length") or name.startswith(("x-amz-checksum-", "x-amz-sdk-checksum"))


def without(body: bytes, denied: set) -> bytes | None:
    """The document without these (key, version); None where nothing would be left."""
    root = fromstring(body)
    for one in children(root, "Object"):
        found = texts_of(one)
        if (found.get("Key", ""), found.get("VersionId", "")) in denied:
            root.remove(one)
    return tostring(root) if children(root, "Object") else None


def with_errors(answer: bytes, denied: list) -> bytes:
    root = fromstring(answer)
    for key, version in denied:
        error = SubElement(root, "Error")
        told = {"Key": key, "VersionId": version, "Code": "AccessDenied", "Message": "Access Denied"}
        for name, text in told.items():
            if text:
                SubElement(error, name).text = text
    return s3._xml_body(root)
