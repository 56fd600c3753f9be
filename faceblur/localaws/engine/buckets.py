"""Names and configurations of buckets that Amazon S3 refuses and ministack keeps as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from .elements import MALFORMED, children, name_of, within

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
NAME_END = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
NAME_BEGIN = ("xn--", "sthree-", "amzn-s3-demo-")
METHODS = {"GET", "PUT", "POST", "DELETE", "HEAD"}
ACTIONS = {"Expiration", "Transition", "NoncurrentVersionExpiration", "NoncurrentVersionTransition",
           "AbortIncompleteMultipartUpload"}  # fmt: skip
INFREQUENT, MIN_INFREQUENT_DAYS = ("STANDARD_IA", "ONEZONE_IA"), 30


def is_name(bucket: str) -> bool:
    """What ministack does not look at: beginnings and ends that S3 keeps for itself."""
    return not bucket.startswith(NAME_BEGIN) and not bucket.endswith(NAME_END)


def configuration_fault(body: bytes, query: dict) -> tuple[str, str] | None:
    """(code, message) of a document that S3 does not take, or None."""
    for name, fault in FAULTS.items():
        if name in query:
            try:
                return next(fault(fromstring(body)), None)
            except SyntaxError:
                return "MalformedXML", MALFORMED
    return None


def texts(element, name: str) -> list[str]:
    return [child.text or "" for child in children(element, name)]


def of_cors(root) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html"""
    rules = children(root, "CORSRule")
    if not 0 < len(rules) <= 100:
        yield "MalformedXML", MALFORMED
    for rule in rules:
        if not texts(rule, "AllowedMethod") or not texts(rule, "AllowedOrigin"):
            yield "MalformedXML", MALFORMED
        for method in set(texts(rule, "AllowedMethod")) - METHODS:
            yield "InvalidRequest", f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
        for name in ("AllowedOrigin", "AllowedHeader"):
            for text in texts(rule, name):
                if text.count("*") > 1:
                    yield "InvalidRequest", f'{name} "{text}" can not have more than one wildcard.'


def of_lifecycle(root) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html"""
    names: set[str] = set()
    for rule in children(root, "Rule"):
        given = {name_of(child) for child in rule}
        if not given & {"Filter", "Prefix"}:
            yield "MalformedXML", MALFORMED
        if not given & ACTIONS:
            yield "InvalidRequest", "At least one action needs to be specified in a rule"
        for name in texts(rule, "ID"):
            if name in names:
                yield "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule"
            if len(name) > 255:
                yield "InvalidArgument", "ID length should not exceed allowed limit of 255"
            names.add(name)
        if within(rule, "Tag") and "AbortIncompleteMultipartUpload" in given:
            yield "InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags"
        for change in children(rule, "Transition"):
            days = texts(change, "Days") or ["30"]
            if texts(change, "StorageClass")[0] in INFREQUENT and int(days[0]) < MIN_INFREQUENT_DAYS:
                text = "'Days' in Transition action must be greater than or equal to 30 for storageClass"
                yield "InvalidArgument", f"{text} '{texts(change, 'StorageClass')[0]}'"


def of_notification(root) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_FilterRule.html"""
    for filtered in within(root, "S3Key"):
        names = [text.lower() for rule in children(filtered, "FilterRule") for text in texts(rule, "Name")]
        if set(names) - {"prefix", "suffix"}:
            yield "InvalidArgument", "filter rule name must be either prefix or suffix"
        if len(set(names)) < len(names):
            yield "InvalidArgument", "Cannot specify more than one prefix rule or suffix rule in a filter."


FAULTS: dict[str, Callable[..., Iterator[tuple[str, str]]]] = {
    "cors": of_cors,
    "lifecycle": of_lifecycle,
    "notification": of_notification,
}
