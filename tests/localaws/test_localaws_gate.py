"""The embedded AWS as an attacker meets it: other programs and web pages on this machine, without the secret key."""

import base64
import datetime
import functools
import hashlib
import hmac
import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from localaws_kit import LOGS, allow, eventually, invoke, make_bucket, make_function, make_role, read_object, unique

WRONG = {"aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
NOW = functools.partial(datetime.datetime.now, datetime.UTC)
V4, V2 = Config(signature_version="s3v4"), Config(signature_version="s3")


class Line:
    """Raw HTTP to the embedded AWS."""

    def __init__(self, aws):
        self.aws, self.host = aws, urlsplit(aws.endpoint_url).netloc

    def send(self, method, path, headers=(), body=b"", host=None):
        """(status, headers, body) of a request with exactly these headers, given as pairs or a dict."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        pairs = [("Host", host or self.host), *(headers.items() if isinstance(headers, dict) else headers)]
        for name, value in [*pairs, ("Content-Length", str(len(body)))]:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        result = answer.status, answer.headers, answer.read()
        connection.close()
        return result

    def sign(self, method, path, service="s3", body=b"", ago_s=0, **headers):
        """The headers of an honest caller, signed by botocore."""
        request = AWSRequest(method, self.aws.endpoint_url + path, headers, body)
        own = self.aws.environment
        keys = Credentials(own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"])
        signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(keys, service, "us-east-1")
        clock = NOW() - datetime.timedelta(seconds=ago_s)
        with mock.patch("botocore.auth.get_current_datetime", return_value=clock.replace(tzinfo=None)):
            signer.add_auth(request)
        return {name: value for name, value in request.headers.items() if name.lower() != "content-length"}


def stamp(ago_s):
    return (NOW() - datetime.timedelta(seconds=ago_s)).strftime("%Y%m%dT%H%M%SZ")


@pytest.fixture
def line(local_aws):
    return Line(local_aws)


def path_of(url):
    return url.partition(urlsplit(url).netloc)[2]


UNSIGNED = {
    "buckets": ("GET", "/", {}, b""),
    "an object": ("PUT", "/bucket/key", {}, b"x"),
    "a role": ("POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, b"Action=CreateRole&RoleName=x"),
    "a role by a page's plain text": ("POST", "/", {"Content-Type": "text/plain"}, b"Action=ListRoles"),
    "a function": ("POST", "/2015-03-31/functions", {"Content-Type": "text/plain"}, b"{}"),
    "an invocation": ("POST", "/2015-03-31/functions/f/invocations", {}, b"{}"),
    "a state machine": ("POST", "/", {"X-Amz-Target": "AWSStepFunctions.ListStateMachines"}, b"{}"),
    "logs": ("POST", "/", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, b"{}"),
    "faces": ("POST", "/", {"X-Amz-Target": "RekognitionService.StartFaceDetection"}, b"{}"),
    "registry": ("GET", "/v2/", {}, b""),
    "registry's catalogue": ("GET", "/v2/_catalog", {}, b""),
    "a blob": ("POST", "/v2/repository/blobs/uploads/", {}, b""),
    "a form": ("POST", "/bucket", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n"),
    "a login": ("GET", "/oauth2/authorize?client_id=x", {}, b""),
    "a graph": ("POST", "/v1/apis/x/graphql", {}, b"{}"),
    "data of a database": ("POST", "/Execute", {}, b"{}"),
    "mail": ("GET", "/v2/email/identities", {}, b""),
    "an account's number as key": ("GET", "/", {"Authorization": "AWS4-HMAC-SHA256 Credential=123456789012/"}, b""),
    "another scheme": ("GET", "/", {"Authorization": "Bearer x"}, b""),
    "an old scheme": ("GET", "/", {"Authorization": "AWS test:x"}, b""),
}


@pytest.mark.parametrize("what", UNSIGNED)
def test_nothing_is_given_without_a_signature(line, what):
    status, headers, _ = line.send(*UNSIGNED[what])
    assert 400 <= status < 404 and "Access-Control-Allow-Origin" not in headers


SHUT = (
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("POST", "//_ministack/reset"),
    ("POST", "/%5fministack/reset"),
    ("POST", "/%5Fministack%2Freset"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_ministack/lambda-code/f"),
    ("POST", "/_ministack/health"),
    ("GET", "/_localstack/health"),
    ("GET", "/_aws/lambda-url/x/"),
    ("POST", "/_ministack/rds/iam-auth"),
    ("PUT", "/_ministack/cfn-response/x"),
)


@pytest.mark.parametrize(("method", "path"), SHUT)
def test_the_engines_own_paths_are_shut_for_whoever_signs_too(line, method, path):
    bucket = make_bucket()
    assert line.send(method, path)[0] == 404
    assert line.send(method, path, line.sign(method, path))[0] == 404
    assert bucket in [one["Name"] for one in boto3.client("s3").list_buckets()["Buckets"]]


def test_health_is_open(line):
    assert line.send("GET", "/_ministack/health")[0] == 200


HOSTS = ("attacker.example", "attacker.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.attacker.example:{port}")


@pytest.mark.parametrize("host", [*HOSTS, "bucket.s3.amazonaws.com", "localhost.:{port}", ""])
def test_another_name_for_this_machine_is_refused(line, host):
    host = host.format(port=line.host.partition(":")[2]) or " "
    assert line.send("GET", "/_ministack/health", host=host)[0] in (400, 403)
    assert line.send("GET", "/", line.sign("GET", "/"), host=host)[0] in (400, 403)


def test_two_hosts_and_two_authorizations_are_refused(line):
    signed = line.sign("GET", "/")
    assert line.send("GET", "/", [*signed.items(), ("Host", "attacker.example")])[0] in (400, 403)
    assert line.send("GET", "/", [*signed.items(), ("Authorization", signed["Authorization"])])[0] == 403


PAGES = (
    {"Origin": "https://attacker.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8888"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "Cross-Site"},
    {"Sec-Fetch-Site": ""},
)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_web_page_is_refused_even_with_a_signature(line, page):
    for method in ("GET", "POST", "OPTIONS"):
        status, headers, _ = line.send(method, "/", line.sign(method, "/") | page)
        assert status == 403 and not [name for name in headers if name.lower().startswith("access-control")]


def test_answers_do_not_let_pages_read_them(line):
    for service, path in (("s3", "/"), ("lambda", "/2015-03-31/functions/")):
        status, headers, _ = line.send("GET", path, line.sign("GET", path, service))
        assert status == 200 and not [name for name in headers if name.lower().startswith("access-control")]


def test_a_buckets_own_cors_lets_its_pages_in_and_no_others(line):
    bucket, s3 = make_bucket(), boto3.client("s3", config=V4)
    s3.put_object(Bucket=bucket, Key="k", Body=b"seen")
    rule = {"AllowedOrigins": ["https://friend.example"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    path = path_of(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}))
    asks = {"Access-Control-Request-Method": "GET"}
    friend, other = {"Origin": "https://friend.example"}, {"Origin": "https://attacker.example"}
    assert line.send("OPTIONS", path, friend | asks)[0] == 200
    status, headers, body = line.send("GET", path, friend)
    assert (status, body) == (200, b"seen")
    assert headers.get_all("Access-Control-Allow-Origin") == ["https://friend.example"]
    assert line.send("GET", f"/{bucket}/k", friend)[0] == 403  # unsigned
    for method in ("OPTIONS", "GET"):
        assert line.send(method, path, other | asks)[0] == 403


@pytest.mark.parametrize("service", ["s3", "iam", "sts", "lambda", "stepfunctions", "logs", "sns", "sqs", "ecr"])
def test_the_right_key_with_a_wrong_secret_is_refused(local_aws, service):
    calls = {
        "s3": "list_buckets",
        "iam": "list_roles",
        "sts": "get_caller_identity",
        "lambda": "list_functions",
        "stepfunctions": "list_state_machines",
        "logs": "describe_log_groups",
        "sns": "list_topics",
        "sqs": "list_queues",
        "ecr": "get_authorization_token",
    }
    wrong = boto3.client(service, aws_access_key_id=local_aws.environment["AWS_ACCESS_KEY_ID"], **WRONG)
    with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignature"):
        getattr(wrong, calls[service])()


@pytest.mark.parametrize("length", [10**9, 10**12])
def test_nobody_reads_what_an_unknown_key_sends(line, length):
    """The answer comes before the first byte of the body."""
    headers = line.sign("PUT", "/a/b", body=b"x")
    key = line.aws.environment["AWS_ACCESS_KEY_ID"]
    headers["Authorization"] = headers["Authorization"].replace(key, "AKIAIOSFODNN7EXAMPLE")
    connection = http.client.HTTPConnection(line.host, timeout=20)
    connection.putrequest("PUT", "/a/b", skip_accept_encoding=True)
    for name, value in (headers | {"Content-Length": str(length)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()


def test_a_call_with_a_body_beyond_all_limits_is_refused(line):
    body = bytes(70_167_212)
    status, _, words = line.send("POST", "/", line.sign("POST", "/", service="sns", body=body), body)
    assert status in (403, 413) and b"more than" in words


@pytest.mark.parametrize("key", ["test", "123456789012", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"])
@pytest.mark.parametrize("secret", ["test", WRONG["aws_secret_access_key"]])
def test_well_known_keys_are_refused(local_aws, key, secret):
    with pytest.raises(ClientError):
        boto3.client("iam", aws_access_key_id=key, aws_secret_access_key=secret).list_roles()


def test_the_keys_of_a_function_cannot_be_worked_out_from_its_names(local_aws):
    role = make_role("lambda.amazonaws.com", LOGS)
    function = make_function("def handler(event, context): pass", role=role)
    boto3.client("lambda").invoke(FunctionName=function)
    digest = hashlib.sha256(f"{function}:{role}".encode()).hexdigest()
    guess = {
        "aws_access_key_id": f"ASIA{digest[:16].upper()}",
        "aws_secret_access_key": hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        "aws_session_token": hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    }
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        boto3.client("sts", **guess).get_caller_identity()


def test_temporary_credentials_need_their_token(local_aws):
    account = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
    role = make_role("lambda.amazonaws.com", trusted=[account])
    given = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
    identity = boto3.client("sts", **keys, aws_session_token=given["SessionToken"]).get_caller_identity()
    assert ":assumed-role/" in identity["Arn"]
    for token in ("wrong", given["SessionToken"] + "x", None):
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            boto3.client("sts", **keys, aws_session_token=token).get_caller_identity()


@pytest.mark.parametrize("ago_s", [16 * 60, 24 * 3600, -16 * 60])
@pytest.mark.parametrize("service", ["s3", "iam"])
def test_a_request_of_another_time_is_refused(line, service, ago_s):
    assert line.send("GET", "/", line.sign("GET", "/", service, ago_s=ago_s))[0] == 403


def test_a_request_signed_just_now_by_the_same_means_is_served(line):
    assert line.send("GET", "/", line.sign("GET", "/", ago_s=1))[0] == 200


def test_what_was_signed_cannot_be_changed(line):
    bucket = make_bucket()
    path, signed = f"/{bucket}/k", line.sign("PUT", f"/{bucket}/k", body=b"mine")
    changes = {
        "body": ("PUT", path, signed, b"evil"),
        "path": ("PUT", path + "2", signed, b"mine"),
        "method": ("DELETE", path, signed, b"mine"),
        "query": ("PUT", path + "?acl", signed, b"mine"),
        "date": ("PUT", path, signed | {"X-Amz-Date": stamp(1)}, b"mine"),
        "hash": ("PUT", path, signed | {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}, b"mine"),
        "added": ("PUT", path, signed | {"x-amz-acl": "public-read"}, b"mine"),
        "target": ("POST", "/", signed | {"X-Amz-Target": "AmazonSQS.ListQueues"}, b"mine"),
        "both": ("PUT", path + "?X-Amz-Credential=x", signed, b"mine"),
    }
    for what, request in changes.items():
        assert 400 <= line.send(*request)[0] < 404, what
    assert read_object(bucket, "k") is None
    assert line.send("PUT", path, signed, b"mine")[0] == 200


def test_a_hash_of_another_body_or_none_opens_no_other_service(line):
    form, kind = b"Action=ListRoles&Version=2010-05-08", {"Content-Type": "application/x-www-form-urlencoded"}
    for claimed in ("UNSIGNED-PAYLOAD", hashlib.sha256(form).hexdigest()):
        signed = line.sign("POST", "/", "iam", form, **kind, **{"X-Amz-Content-SHA256": claimed})
        assert line.send("POST", "/", signed, form.replace(b"List", b"Kill"))[0] == 403
    assert line.send("POST", "/", line.sign("POST", "/", "iam", form, **kind), form)[0] == 200


@pytest.mark.parametrize("config", [V4, V2], ids=["version 4", "version 2"])
def test_a_presigned_link_is_shown_by_a_page_until_it_expires(line, config):
    bucket, s3 = make_bucket(), boto3.client("s3", config=config)
    boto3.client("s3").put_object(Bucket=bucket, Key="a b/ü.mp4", Body=b"video")
    what = {"Params": {"Bucket": bucket, "Key": "a b/ü.mp4"}}
    url = s3.generate_presigned_url("get_object", **what)
    assert urllib.request.urlopen(url).read() == b"video"
    page = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "video", "Range": "bytes=0-1"}
    assert line.send("GET", path_of(url), page)[2] == b"vi"
    refused = {
        "expired": path_of(s3.generate_presigned_url("get_object", **what, ExpiresIn=-5)),
        "another object": path_of(url).replace("mp4", "mov"),
        "another version": path_of(url) + "&versionId=1",
        "no signature": path_of(url).replace("Signature=", "Signatur="),
        "another signature": path_of(url).replace("Signature=", "Signature=0"),
        "longer": path_of(url).replace("Expires=", "Expires=1"),
        "twice": path_of(url) + "&X-Amz-Signature=0&Signature=0",
    }
    for why, path in refused.items():
        assert 400 <= line.send("GET", path)[0] < 404, why
    for method in ("PUT", "DELETE", "POST"):
        assert line.send(method, path_of(url), body=b"evil")[0] == 403
    assert line.send("GET", path_of(url), {"Origin": "https://attacker.example"})[0] == 403
    assert line.send("GET", path_of(url), {"X-Amz-Target": "AmazonSQS.ListQueues"})[0] == 403
    key = line.aws.environment["AWS_ACCESS_KEY_ID"]
    wrong = boto3.client("s3", config=config, aws_access_key_id=key, **WRONG)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(wrong.generate_presigned_url("get_object", **what))


def test_a_link_lives_a_week_at_most(line):
    url = boto3.client("s3", config=V4).generate_presigned_url("list_buckets", ExpiresIn=7 * 24 * 3600 + 1)
    assert line.send("GET", path_of(url))[0] == 400


def test_a_link_to_another_service_works_for_that_one(line):
    url = boto3.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    assert b"user/faceblur" in line.send("GET", path_of(url))[2]
    assert line.send("GET", path_of(url).replace("GetCallerIdentity", "GetSessionToken"))[0] == 403


def test_a_form_needs_the_policy_that_was_signed(line):
    bucket = make_bucket()

    def post(**changed):
        form = boto3.client("s3", config=V4).generate_presigned_post(bucket, "k")["fields"] | changed
        parts = [
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in form.items()
        ]
        file = '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhello\r\n--x--\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        return line.send("POST", f"/{bucket}", kind, ("".join(parts) + file).encode())[0]

    assert post(key="other") == 403 and post(**{"x-amz-signature": "0" * 64}) == 403
    policy = {"expiration": "2099-01-01T00:00:00Z", "conditions": [{"bucket": bucket}, ["starts-with", "$key", ""]]}
    assert post(policy=base64.b64encode(json.dumps(policy).encode()).decode()) == 403
    assert read_object(bucket, "k") is None
    assert post() == 204
    assert read_object(bucket, "k") == b"hello"


def in_chunks(line, path, payload, parts, trailer=b""):
    """(headers, body) of an upload whose chunks are signed one after the other."""
    scope = {"X-Amz-Content-SHA256": payload, "X-Amz-Decoded-Content-Length": str(sum(map(len, parts)))}
    scope |= {"Content-Encoding": "aws-chunked"} | ({"X-Amz-Trailer": "x-amz-checksum-crc32"} if trailer else {})
    request = AWSRequest("PUT", line.aws.endpoint_url + path, scope, b"")
    keys = line.aws.environment

    class Streaming(SigV4Auth):
        def payload(self, request):
            return payload

        def _normalize_url_path(self, path):
            return path

    Streaming(Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]), "s3", "us-east-1").add_auth(
        request
    )
    date, before = request.headers["X-Amz-Date"], request.headers["Authorization"].rpartition("=")[2]
    key = b"AWS4" + keys["AWS_SECRET_ACCESS_KEY"].encode()
    for step in (date[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()

    def sign(kind, *hashes):
        text = [f"AWS4-HMAC-SHA256-{kind}", date, f"{date[:8]}/us-east-1/s3/aws4_request", before, *hashes]
        return hmac.new(key, "\n".join(text).encode(), hashlib.sha256).hexdigest()

    body = b""
    for part in [*parts, b""]:
        before = sign("PAYLOAD", hashlib.sha256(b"").hexdigest(), hashlib.sha256(part).hexdigest())
        body += b"%x;chunk-signature=%s\r\n%s" % (len(part), before.encode(), part + b"\r\n" if part else b"")
    if trailer:
        end = sign("TRAILER", hashlib.sha256(trailer + b"\n").hexdigest())
        body += trailer + b"\r\nx-amz-trailer-signature:" + end.encode() + b"\r\n"
    return dict(request.headers.items()), body + b"\r\n"


SUM = b"x-amz-checksum-crc32:" + base64.b64encode((0x3610A686).to_bytes(4, "big"))  # of "hello"


@pytest.mark.parametrize("trailer", [b"", SUM], ids=["chunks", "chunks and a trailer"])
def test_an_upload_in_chunks_is_verified_chunk_by_chunk(line, trailer):
    bucket = make_bucket()
    path, payload = f"/{bucket}/k", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
    headers, body = in_chunks(line, path, payload, [b"hel", b"lo"], trailer)
    changed = {
        "a chunk": body.replace(b"hel", b"HEL"),
        "its length": body.replace(b"2;", b"1;"),
        "a signature": body.replace(b"chunk-signature=", b"chunk-signature=0", 1),
        "the end is cut off": body[: body.index(b"\r\n2;") + 2],
        "one more": body + b"1;chunk-signature=0\r\nx\r\n",
        "the trailer": body.replace(SUM, SUM.replace(b"N", b"M")) if trailer else b"",
        "the trailer's signature": body[: body.rindex(b"x-amz-trailer")] + b"\r\n" if trailer else b"",
        "all": b"hello",
    }
    for what, content in changed.items():
        assert line.send("PUT", path, headers, content)[0] in (400, 403), what
    assert read_object(bucket, "k") is None
    assert line.send("PUT", path, headers, body)[0] == 200
    assert read_object(bucket, "k") == b"hello"


def test_an_upload_with_an_unsigned_body_and_a_trailer_is_taken(line):
    bucket = make_bucket()
    path, kind = f"/{bucket}/k", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    headers, _ = in_chunks(line, path, kind, [b"hello"], SUM)
    body = b"5\r\nhello\r\n0\r\n" + SUM + b"\r\n\r\n"
    assert line.send("PUT", path, headers, body)[0] == 200
    assert read_object(bucket, "k") == b"hello"
    assert line.send("PUT", path + "2", headers, body)[0] == 403


TOKENS = ("Basic x", "Bearer x", "Basic " + base64.b64encode(b"AWS:ministack-auth-token").decode(), "Basic ")


@pytest.mark.parametrize("token", TOKENS)
def test_the_registry_wants_the_token_that_was_given_out(line, token):
    for method, path in (("GET", "/v2/"), ("POST", "/v2/r/blobs/uploads/"), ("GET", "/v2/r/manifests/latest")):
        status, headers, _ = line.send(method, path, {"Authorization": token})
        assert status == 401 and headers["WWW-Authenticate"].startswith("Basic ")
    given = boto3.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    assert line.send("GET", "/v2/", {"Authorization": f"Basic {given}"})[0] == 200
    assert line.send("GET", "/v2/", {"Authorization": f"Basic {given}", "Origin": "https://attacker.example"})[0] == 403


def test_a_registry_token_is_no_key_to_anything_else(line):
    given = boto3.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    for path in ("/", "/v2/apis", "/v2/email/identities"):
        assert 400 <= line.send("GET", path, {"Authorization": f"Basic {given}"})[0] < 404


def test_connections_that_were_closed_are_no_open_files(line):
    engine = psutil.Process(line.aws.pid)
    for _ in range(30):
        assert line.send("GET", "/_ministack/health")[0] == 200
    eventually(lambda: not [one for one in engine.net_connections() if one.status == psutil.CONN_CLOSE_WAIT], 10)


def test_a_websocket_is_refused(line):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade["Sec-WebSocket-Key"] = base64.b64encode(bytes(16)).decode()
    assert line.send("GET", "/_aws/execute-api/x/y", upgrade)[0] == 403


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_the_engines_environment_holds_no_key(local_aws):
    environment = Path(f"/proc/{local_aws.pid}/environ").read_bytes()
    assert local_aws.environment["AWS_SECRET_ACCESS_KEY"].encode() not in environment
    assert b"SECRET" not in environment


def test_the_key_handed_out_is_a_users(local_aws):
    assert boto3.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/faceblur"
    key = boto3.client("iam").list_access_keys(UserName="faceblur")["AccessKeyMetadata"][0]["AccessKeyId"]
    assert key == local_aws.environment["AWS_ACCESS_KEY_ID"]


def test_a_key_that_was_deleted_opens_nothing(local_aws):
    iam, name = boto3.client("iam"), unique("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert boto3.client("sts", **keys).get_caller_identity()["Arn"].endswith(name)
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError):
        boto3.client("sts", **keys).get_caller_identity()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Action": "s3;GetObject", "Resource": "*"}, "prefaced by a vendor"),
        ({"Action": ["s3:GetObject", "GetObject"], "Resource": "*"}, "prefaced by a vendor"),
        ({"Action": "s3:GetObject", "Resource": ["arn:aws:s3:::b/*", "b/*"]}, 'b/\\* must be in ARN format or "\\*"'),
    ],
)
def test_a_slip_in_an_action_or_a_resource_is_no_policy(local_aws, statement, words):
    iam, name = boto3.client("iam"), make_role("lambda.amazonaws.com").rpartition("/")[2]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    with pytest.raises(ClientError, match=f"MalformedPolicyDocument.*{words}"):
        iam.put_role_policy(RoleName=name, PolicyName="slip", PolicyDocument=json.dumps(document))
    for right in (
        {"Action": "*", "Resource": "*"},
        {"Action": ["s3:Get*", "s3:?et*"], "NotResource": "arn:aws:s3:::*"},
    ):
        document["Statement"] = [{"Effect": "Allow", **right}]
        iam.put_role_policy(RoleName=name, PolicyName="right", PolicyDocument=json.dumps(document))


def test_a_wildcard_stands_for_line_breaks_too(local_aws):
    """They may stand in a key."""
    bucket = make_bucket()
    boto3.client("s3").put_object(Bucket=bucket, Key="two\nlines\n", Body=b"x")
    source = "import boto3\ndef handler(event, context):\n"
    source += "    return boto3.client('s3').get_object(Bucket=event, Key='two\\nlines\\n')['ContentLength']"
    objects = f"arn:aws:s3:::{bucket}/"
    assert invoke(make_function(source, allow("s3:GetObject", f"{objects}*")), bucket) == (1, None)
    assert invoke(make_function(source, allow("s3:GetObject", f"{objects}*lines")), bucket)[1] == "AccessDenied"
