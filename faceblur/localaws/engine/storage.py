"""What Amazon S3 refuses and ministack lets through: owners, keys that are too long, who may know what is not there."""

from __future__ import annotations

import functools
import re
from urllib.parse import unquote

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]
from ministack.core import router
from ministack.core.responses import get_account_id
from ministack.services import s3

from . import permissions

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES, MAX_METADATA_BYTES, MAX_DELETED = 1024, 2048, 1000
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MIN_PART_BYTES = 5 * 1024**2
# Headers that make a copy onto itself more than nothing.
CHANGES = ("x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-website-redirect-location")


def install() -> None:
    s3._complete_multipart_upload = in_order(s3._complete_multipart_upload)
    s3.handle_request = encrypted(s3.handle_request)


def refusal(method: str, path: str, headers: dict, body: bytes, query: dict):
    """An answer, where S3 would not serve this request, else None."""
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    owner, source_owner = headers.get("x-amz-expected-bucket-owner"), headers.get("x-amz-source-expected-bucket-owner")
    if {owner, source_owner} - {None, get_account_id()} and (bucket in s3._buckets):
        return s3._error("AccessDenied", "Access Denied", 403, path)
    if len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        return s3._error("KeyTooLongError", "Your key is too long", 400, path)
    if method == "PUT" and "tagging" in query and (fault := tags_fault(body)):
        return s3._error("InvalidTag", fault, 400, path)
    if method == "PUT" and key:
        return of_put(bucket, key, path, headers, query)
    if method == "POST" and "delete" in query and body.count(b"<Object>") > MAX_DELETED:
        return malformed(path)
    if method == "GET" and bucket and not key and query.get("list-type", [""])[0] == "2":
        return of_list(path, query)
    if method in ("GET", "HEAD") and key and bucket in s3._buckets and key not in s3._buckets[bucket]["objects"]:
        return of_missing(bucket, path, headers, query)
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
    return None


def tags_fault(body: bytes) -> str:
    try:
        keys = [one.text for one in fromstring(body).iter() if one.tag.rpartition("}")[2] == "Key"]
    except SyntaxError:
        return ""
    return "Cannot provide multiple Tags with the same key" if len(set(keys)) < len(keys) else ""


def of_list(path: str, query: dict):
    size, token = query.get("max-keys", ["1"])[0], query.get("continuation-token")
    if not re.fullmatch(r"\d{1,10}", size):
        return s3._error("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647", 400, path)
    if token is not None and not is_token(token[0]):
        return s3._error("InvalidArgument", "The continuation token provided is incorrect", 400, path)
    return None


def is_token(token: str) -> bool:
    """Whether it could be one of ministack's: a key in base64."""
    import base64

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
    text = "The XML you provided was not well-formed or did not validate against our published schema"
    return s3._error("MalformedXML", text, 400, path)


def in_order(complete):
    """Parts in rising order, each with its ETag, none but the last below 5 MB."""

    @functools.wraps(complete)
    def complete_multipart_upload(bucket, key, body, query, headers=None):
        upload = s3._multipart_uploads.get(query.get("uploadId", [""])[0])
        try:
            wanted = [part for part in fromstring(body).iter() if part.tag.rpartition("}")[2] == "Part"]
            parts = [{child.tag.rpartition("}")[2]: child.text or "" for child in part} for part in wanted]
            numbers = [int(part["PartNumber"]) for part in parts]
        except (ValueError, KeyError, SyntaxError):
            return complete(bucket, key, body, query, headers)
        if upload and numbers != sorted(set(numbers)):
            text = "The list of parts was not in ascending order. Parts must be ordered by part number."
            return s3._error("InvalidPartOrder", text, 400, f"/{bucket}/{key}")
        if upload and any(is_wrong(upload["parts"].get(n), part) for n, part in zip(numbers, parts, strict=True)):
            text = "One or more of the specified parts could not be found."
            return s3._error("InvalidPart", text, 400, f"/{bucket}/{key}")
        if upload and any(size_of(upload["parts"][n]) < MIN_PART_BYTES for n in numbers[:-1]):
            text = "Your proposed upload is smaller than the minimum allowed size"
            return s3._error("EntityTooSmall", text, 400, f"/{bucket}/{key}")
        return complete(bucket, key, body, query, headers)

    return complete_multipart_upload


def is_wrong(part: dict | None, wanted: dict) -> bool:
    return part is None or part["etag"].strip('"') != wanted.get("ETag", "").strip('"')


def size_of(part: dict) -> int:
    return part["size"] if "size" in part else len(part["body"])


def encrypted(handle):
    """Every object is encrypted by S3, and says so: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html"""

    @functools.wraps(handle)
    async def handle_request(method, path, headers, body, query, *more, **named):
        status, fields, content = await handle(method, path, headers, body, query, *more, **named)
        is_object = "/" in unquote(path).lstrip("/").rstrip("/") and not {"tagging", "acl", "uploads"} & set(query)
        known = {name.lower() for name in fields}
        if query.get("max-keys") == ["0"] and status == 200:
            content = content.replace(b"<IsTruncated>true</IsTruncated>", b"<IsTruncated>false</IsTruncated>")
        says = any(name.startswith("x-amz-server-side-encryption") for name in known)
        if method in ("GET", "HEAD", "PUT") and is_object and status in (200, 206) and "etag" in known and not says:
            fields["x-amz-server-side-encryption"] = "AES256"
        return status, fields, content

    return handle_request
