"""Multipart uploads as Amazon S3 has them: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html"""

from __future__ import annotations

import contextvars
import functools
import json
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]
from ministack.services import s3

from .elements import MALFORMED, texts_of, within

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MIN_PART_BYTES, MAX_LISTED = 5 * 1024**2, 1000
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
OF_WHOLE, OF_PARTS = ("CRC64NVME", "CRC32", "CRC32C"), ("CRC32", "CRC32C", "SHA1", "SHA256")

# The whole object, where its checksum is to be of that and not of its parts' checksums.
_whole: contextvars.ContextVar[bytes | None] = contextvars.ContextVar("whole", default=None)


def install() -> None:
    s3._create_multipart_upload = begun(s3._create_multipart_upload)
    s3._complete_multipart_upload = of_whole(in_order(s3._complete_multipart_upload))
    s3._composite_checksum = checksum_of(s3._composite_checksum)
    s3._list_multipart_uploads = list_uploads


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


def in_order(complete):
    """Parts in rising order, each with its ETag, none but the last below 5 MB."""

    @functools.wraps(complete)
    def complete_multipart_upload(bucket, key, body, query, headers=None):
        upload = s3._multipart_uploads.get(query.get("uploadId", [""])[0])
        if upload and not body.strip():
            return s3._error("InvalidRequest", "You must specify at least one part", 400, f"/{bucket}/{key}")
        try:
            parts = [texts_of(part) for part in within(fromstring(body), "Part")]
            numbers = [int(part["PartNumber"]) for part in parts]
        except (ValueError, KeyError, SyntaxError):
            return complete(bucket, key, body, query, headers)
        if upload and not numbers:
            return s3._error("MalformedXML", MALFORMED, 400, f"/{bucket}/{key}")
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
