"""What Amazon S3 does with objects and ministack otherwise: parts, ranges, checksums, copies, what is told of tags."""

from __future__ import annotations

import contextvars
import functools
import json
import re
from urllib.parse import parse_qsl, unquote
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]
from ministack import app
from ministack.core import iam_actions, router
from ministack.services import s3

from . import permissions

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MIN_PART_BYTES, MAX_LISTED = 5 * 1024**2, 1000
# One range; S3 passes over what is none, and over several.
RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-\d+)")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
OF_WHOLE, OF_PARTS = ("CRC64NVME", "CRC32", "CRC32C"), ("CRC32", "CRC32C", "SHA1", "SHA256")
NO_TYPE = "binary/octet-stream"

# The whole object, where its checksum is to be of that and not of its parts' checksums.
_whole: contextvars.ContextVar[bytes | None] = contextvars.ContextVar("whole", default=None)


def install() -> None:
    app._dispatch_service_request = key_by_key(app._dispatch_service_request)
    s3._create_multipart_upload = begun(s3._create_multipart_upload)
    s3._complete_multipart_upload = of_whole(in_order(s3._complete_multipart_upload))
    s3._composite_checksum = checksum_of(s3._composite_checksum)
    s3._list_multipart_uploads = list_uploads
    s3._put_object = with_checksums(s3._put_object)
    for name, event in (("_put_object_tagging", "Put"), ("_delete_object_tagging", "Delete")):
        setattr(s3, name, told(getattr(s3, name), f"s3:ObjectTagging:{event}"))
    iam_actions.s3_additional_checks = with_tags(iam_actions.s3_additional_checks)
    s3.handle_request = encrypted(as_asked(s3.handle_request))


def in_order(complete):
    """Parts in rising order, each with its ETag, none but the last below 5 MB."""

    @functools.wraps(complete)
    def complete_multipart_upload(bucket, key, body, query, headers=None):
        upload = s3._multipart_uploads.get(query.get("uploadId", [""])[0])
        if upload and not body.strip():
            return s3._error("InvalidRequest", "You must specify at least one part", 400, f"/{bucket}/{key}")
        try:
            wanted = [part for part in fromstring(body).iter() if part.tag.rpartition("}")[2] == "Part"]
            parts = [{child.tag.rpartition("}")[2]: child.text or "" for child in part} for part in wanted]
            numbers = [int(part["PartNumber"]) for part in parts]
        except (ValueError, KeyError, SyntaxError):
            return complete(bucket, key, body, query, headers)
        if upload and not numbers:
            return s3._error("MalformedXML", s3._MALFORMED_XML, 400, f"/{bucket}/{key}")
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
        return await handle(method, path, headers, body, query, *more, **named)

    return handle_request


def begun(create):
    """With its tags, and the type of its checksum, FULL_OBJECT or COMPOSITE, as far as the algorithm has it."""

    @functools.wraps(create)
    def create_multipart_upload(bucket, key, headers):
        algorithm = (headers.get("x-amz-checksum-algorithm") or "").upper()
        default = "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"
        kind = (headers.get("x-amz-checksum-type") or default).upper()
        if algorithm and algorithm not in (OF_WHOLE if kind == "FULL_OBJECT" else OF_PARTS):
            text = f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
            return s3._error("InvalidRequest", text, 400, f"/{bucket}/{key}")
        status, fields, body = create(bucket, key, headers)
        if status == 200:
            upload = s3._multipart_uploads[next(one.text for one in fromstring(body) if one.tag.endswith("UploadId"))]
            upload["tags"] = dict(parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True))
            if algorithm:
                upload["checksum_type"] = fields["x-amz-checksum-type"] = kind
        return status, fields, body

    return create_multipart_upload


def of_whole(complete):
    """Its tags, and the checksum of the whole object where that was asked for."""

    @functools.wraps(complete)
    def complete_multipart_upload(bucket, key, body, query, headers=None):
        upload = s3._multipart_uploads.get(query.get("uploadId", [""])[0]) or {}
        is_whole = upload.get("checksum_type") == "FULL_OBJECT"
        parts = sorted(upload["parts"].items()) if is_whole else []
        token = _whole.set(b"".join(part["body"] for _, part in parts) if is_whole else None)
        try:
            status, fields, answer = complete(bucket, key, body, query, headers)
        finally:
            _whole.reset(token)
        if status == 200 and upload.get("tags"):
            s3._object_tags[bucket, key, fields.get("x-amz-version-id")] = upload["tags"]
        if status == 200 and is_whole:
            s3._buckets[bucket]["objects"][key]["checksum_type"] = "FULL_OBJECT"
            answer = answer.replace(b">COMPOSITE<", b">FULL_OBJECT<")
        return status, fields, answer

    return complete_multipart_upload


def checksum_of(composite):
    @functools.wraps(composite)
    def composite_checksum(algorithm, parts):
        whole = _whole.get()
        return composite(algorithm, parts) if whole is None else s3._compute_s3_checksum(algorithm, whole)

    return composite_checksum


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


def list_uploads(bucket: str, query: dict):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html"""
    if bucket not in s3._buckets:
        return s3._no_such_bucket(bucket)
    asked = {name: query.get(name, [""])[0] for name in ("prefix", "delimiter", "key-marker", "upload-id-marker")}
    most = int(query.get("max-uploads", [str(MAX_LISTED)])[0])
    prefix, delimiter, after = asked["prefix"], asked["delimiter"], (asked["key-marker"], asked["upload-id-marker"])
    rows: dict[tuple[str, str], dict | None] = {}
    for number, one in sorted(s3._multipart_uploads.items(), key=lambda item: (item[1]["key"], item[0])):
        key = one["key"]
        is_next = (key, number) > after if after[1] else key > after[0]
        if one["bucket"] != bucket or not key.startswith(prefix) or not is_next:
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        group = key[: at + len(delimiter)]
        if at < 0:
            rows[key, number] = one
        elif group != after[0]:
            rows[group, ""] = None
    root = Element("ListMultipartUploadsResult", xmlns=s3.S3_NS)
    shown = list(rows.items())[:most]
    told = {"Bucket": bucket, "KeyMarker": after[0], "UploadIdMarker": after[1], "Prefix": prefix,
            "Delimiter": delimiter, "MaxUploads": str(most), "IsTruncated": json.dumps(len(rows) > most)}  # fmt: skip
    if len(rows) > most and shown:
        told |= dict(zip(("NextKeyMarker", "NextUploadIdMarker"), shown[-1][0], strict=True))
    for name, text in told.items():
        SubElement(root, name).text = text
    for (key, number), one in shown:
        element = SubElement(root, "Upload" if one else "CommonPrefixes")
        about = {"Key": key, "UploadId": number, "Initiated": one["created"],
                 "StorageClass": one.get("storage_class") or "STANDARD"} if one else {"Prefix": key}  # fmt: skip
        for name, text in about.items():
            SubElement(element, name).text = text
    return 200, {"Content-Type": "application/xml"}, s3._xml_body(root)


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
    for one in [one for one in root if one.tag.rpartition("}")[2] == "Object"]:
        found = {child.tag.rpartition("}")[2]: child.text or "" for child in one}
        if (found.get("Key", ""), found.get("VersionId", "")) in denied:
            root.remove(one)
    return tostring(root) if any(one.tag.rpartition("}")[2] == "Object" for one in root) else None


def with_errors(answer: bytes, denied: list) -> bytes:
    root = fromstring(answer)
    for key, version in denied:
        error = SubElement(root, "Error")
        told = {"Key": key, "VersionId": version, "Code": "AccessDenied", "Message": "Access Denied"}
        for name, text in told.items():
            if text:
                SubElement(error, name).text = text
    return s3._xml_body(root)
