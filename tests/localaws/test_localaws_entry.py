"""What an image begins with: ENTRYPOINT, CMD, WORKDIR and ENV, in its own system or with this machine's Python."""

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import boto3
import pytest
from localaws_kit import invoke, log_text, make_function, unique

from faceblur.localaws.entry import EntryError, FolderError, entry_of
from faceblur.localaws.function import UnpackedImage
from faceblur.localaws.images import ImageError

# A function in the shell: it asks for an event, answers what it sees, and asks again.
IN_BASH = r"""#!/bin/bash
call() {
  exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
  printf '%s /2018-06-01/runtime/invocation/%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %s\r\n\r\n%s' \
    "$1" "$2" "$AWS_LAMBDA_RUNTIME_API" "${#3}" "$3" >&3
  while read -r line <&3; line=${line%$'\r'}; [[ -n $line ]]; do
    case $line in *-Request-Id:*) id=${line#*: };; Content-Length:*) length=${line#*: };; esac
  done
  read -r -N "$length" body <&3
}
while call GET next ""; do
  printf 'heard %s\n' "$body"
  things=(/*)
  answer=$(printf '{"arguments":"%s","folder":"%s","mode":"%s","handler":"%s","root":"%s","mine":"%s","event":%s}' \
    "$*" "$PWD" "$MODE" "$_HANDLER" "${things[*]}" "$(</etc/mine)" "$body")
  call POST "$id/response" "$answer"
done
"""


def libraries(program):
    said = subprocess.check_output(["ldd", program], text=True)
    return [word for line in said.splitlines() for word in line.split() if word.startswith("/")]


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def push(files, **config):
    """The address of an image with these files: bytes, or a file of this machine."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, source in files.items():
            data = source if isinstance(source, bytes) else Path(source).read_bytes()
            member = tarfile.TarInfo(name.lstrip("/"))
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    layer = gzip.compress(content.getvalue(), mtime=0)
    head = json.dumps({"architecture": "amd64", "os": "linux", "config": config}).encode()
    ecr, name = boto3.client("ecr"), unique("repository")
    uri = ecr.create_repository(repositoryName=name)["repository"]["repositoryUri"]
    for blob in (head, layer):
        upload = {"repositoryName": name, "uploadId": ecr.initiate_layer_upload(repositoryName=name)["uploadId"]}
        ecr.upload_layer_part(**upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob)
        ecr.complete_layer_upload(**upload, layerDigests=[digest_of(blob)])
    kind = "application/vnd.oci.image."
    parts = [
        {"mediaType": kind + what, "size": len(blob), "digest": digest_of(blob)}
        for what, blob in (("config.v1+json", head), ("layer.v1.tar+gzip", layer))
    ]
    manifest = {"schemaVersion": 2, "mediaType": kind + "manifest.v1+json", "config": parts[0], "layers": parts[1:]}
    ecr.put_image(repositoryName=name, imageTag="one", imageManifest=json.dumps(manifest))
    return f"{uri}:one"


def from_image(uri, **options):
    options = {"Runtime": None, "Handler": None, "PackageType": "Image", "Code": {"ImageUri": uri}, **options}
    return make_function("", **options)


@pytest.fixture(scope="module")
def with_a_system(local_aws):
    """An image with a shell of its own and nothing else."""
    if local_aws.lacks or not shutil.which("bash") or not shutil.which("ldd"):
        pytest.skip(local_aws.lacks or "needs bash and ldd")
    bash = str(Path(shutil.which("bash")).resolve())
    files = {"bin/bash": bash, **{place: place for place in libraries(bash)}}
    files |= {"srv/run": IN_BASH.encode(), "etc/mine": b"of the image", "work/here": b"", "root/own": b""}
    return push(files, Entrypoint=["/srv/run", "first"], Cmd=["second"], WorkingDir="/work", Env=["MODE=image"])


def test_an_image_runs_its_own_program_in_its_own_system(with_a_system):
    function = from_image(with_a_system)
    seen, error = invoke(function, {"n": 1})
    assert error is None, seen
    assert (seen["arguments"], seen["folder"], seen["mode"]) == ("first second", "/work", "image")
    assert (seen["handler"], seen["mine"], seen["event"]) == ("second", "of the image", {"n": 1})
    names = {"/bin", "/dev", "/etc", "/proc", "/root", "/srv", "/sys", "/tmp", "/work"}
    assert names <= set(seen["root"].split()) <= names | {"/lib", "/lib64", "/usr", "/var"}
    assert invoke(function, 2)[0]["event"] == 2
    assert 'heard {"n": 1}' in log_text(function)


def test_what_the_function_says_stands_before_what_the_image_says(with_a_system):
    override = {"EntryPoint": ["/bin/bash", "/srv/run"], "Command": ["a", "b"], "WorkingDirectory": "/srv"}
    seen = invoke(from_image(with_a_system, ImageConfig=override, Environment={"Variables": {"MODE": "own"}}))[0]
    assert (seen["arguments"], seen["folder"], seen["mode"]) == ("a b", "/srv", "own")


REFUSED = {
    "a program that is not there": ({"EntryPoint": ["/srv/none"]}, "Runtime.InvalidEntrypoint", "no such program"),
    "one that leads outside": ({"EntryPoint": ["../../bin/sh"]}, "Runtime.InvalidEntrypoint", "no such program"),
    "a folder that is not there": ({"WorkingDirectory": "/none"}, "Runtime.InvalidWorkingDir", "no folder /none"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_run_is_refused_by_name(local_aws, what):
    override, name, words = REFUSED[what]
    uri = push({"var/task/app.py": b"def handler(event, context): return 1"}, Cmd=["app.handler"])
    result, error = invoke(from_image(uri, ImageConfig=override))
    assert error == name and words in result["errorMessage"]


PROGRAM = b"#!/bin/sh\n"


def image(root, files, **settings):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        (root / name).chmod(0o755)
    (root / "var/task").mkdir(parents=True, exist_ok=True)
    return UnpackedImage(root, "sha256:0", **settings)


OWN, PYTHON = ("/run", "x"), ("-m", "awslambdaric", "app.handler")
BEGINS = {
    "nothing": ({}, {}, PYTHON),
    "AWS's base image that has no system": ({}, {"entrypoint": ("/lambda-entrypoint.sh",)}, PYTHON),
    "AWS's client": ({}, {"entrypoint": ("/usr/bin/python3", *PYTHON[:2])}, PYTHON),
    "a module": ({}, {"entrypoint": ("python3.12", "entry.py")}, ("entry.py", "app.handler")),
    "a program": ({"run": b"\x7fELF", "x": b""}, {"entrypoint": OWN}, (*OWN, "app.handler")),
    "a program on the path": (
        {"opt/run": b""},
        {"entrypoint": ("run",), "environment": {"PATH": "/bin:/opt"}},
        ("/opt/run", "app.handler"),
    ),
    "a script and its shell": ({"run": PROGRAM, "bin/sh": b""}, {"entrypoint": OWN}, (*OWN, "app.handler")),
    "a script without its shell": ({"run": PROGRAM}, {"entrypoint": OWN}, None),
    "another language": ({}, {"entrypoint": ("node", "app.js")}, None),
}


@pytest.mark.parametrize("what", BEGINS)
def test_how_an_image_begins(tmp_path, what):
    files, settings, words = BEGINS[what]
    made = image(tmp_path, files, command=("app.handler",), **settings)
    if words is None:
        with pytest.raises(EntryError, match="cannot be run: the image has no such program"):
            entry_of(made, {}, True)
        return
    entry, handler = entry_of(made, {}, True)
    assert (entry.command, entry.own, handler) == (words, bool(files), "app.handler")
    if files:
        with pytest.raises(EntryError, match="this system gives no namespace"):
            entry_of(made, {}, False)


def test_where_nothing_is_confined_awss_base_image_runs_with_this_python(tmp_path):
    made = image(tmp_path, {"lambda-entrypoint.sh": PROGRAM, "bin/sh": b""}, command=("app.handler",),
                 entrypoint=("/lambda-entrypoint.sh",))  # fmt: skip
    assert entry_of(made, {}, False)[0].command == PYTHON
    assert entry_of(made, {}, True)[0].own
    with pytest.raises(FolderError):
        entry_of(made, {"WorkingDirectory": "/none"}, True)


def test_packages_for_another_python_matter_where_this_one_runs_them(tmp_path):
    made = image(tmp_path, {"run": b""}, command=("app.handler",), pythons=frozenset({"3.8"}))
    with pytest.raises(ImageError, match=f"build it for {sys.version_info[0]}.{sys.version_info[1]}"):
        entry_of(made, {}, True)
    assert entry_of(made, {"EntryPoint": ["/run"]}, True)[0].own
