"""Functions from container images: pushed to the embedded registry by hand, run from what the image holds."""

import base64
import contextlib
import gzip
import hashlib
import io
import json
import sys
import tarfile
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from localaws_kit import eventually, invoke, make_function, unique

from faceblur.localaws import layers
from faceblur.localaws.images import ImageStore
from faceblur.localaws.layers import ImageError, apply_layer

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CONFIG = "application/vnd.docker.container.image.v1+json"


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def layer(**files):
    """A gzipped layer; names use '/' as in the image, None stands for a whiteout's empty file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            data = (text or "").encode()
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(content.getvalue(), mtime=0)


def image(layers, command=("app.handler",), variables=()):
    """(manifest, blobs by digest)"""
    settings = {"Cmd": list(command), "Env": list(variables)}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": settings}).encode()
    parts = [{"mediaType": LAYER, "size": len(blob), "digest": digest_of(blob)} for blob in layers]
    head = {"mediaType": CONFIG, "size": len(config), "digest": digest_of(config)}
    manifest = {"schemaVersion": 2, "mediaType": DOCKER, "config": head, "layers": parts}
    return json.dumps(manifest).encode(), {digest_of(blob): blob for blob in (config, *layers)}


def send(method, url, body=b"", kind="application/octet-stream"):
    token = boto3.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    headers = {"Authorization": f"Basic {token}", "Content-Type": kind}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
        return answer.headers


def push(aws, repository, tag, manifest, blobs):
    """As `docker push` does it, over /v2."""
    for digest, blob in blobs.items():
        place = send("POST", f"{aws.endpoint_url}/v2/{repository}/blobs/uploads/")["Location"]
        place = place if place.startswith("http") else aws.endpoint_url + place
        send("PUT", f"{place}?digest={digest}", blob)
    kind = json.loads(manifest)["mediaType"]
    send("PUT", f"{aws.endpoint_url}/v2/{repository}/manifests/{tag}", manifest, kind)


@pytest.fixture
def repository(local_aws):
    name = unique("repository")
    uri = boto3.client("ecr").create_repository(repositoryName=name)["repository"]["repositoryUri"]
    return local_aws, name, uri


def from_image(uri, **options):
    options = {"Runtime": None, "Handler": None, "PackageType": "Image", "Code": {"ImageUri": uri}, **options}
    return make_function("", **options)


WHO = (
    "import helper\ndef handler(event, context): return [helper.name, event]\ndef other(event, context): return 'other'"
)


def test_a_function_runs_from_what_the_image_holds(repository):
    aws, name, uri = repository
    push(
        aws,
        name,
        "one",
        *image([layer(**{"var/task/helper.py": "name = 'base'"}), layer(**{"var/task/app.py": WHO})]),
    )
    function = from_image(f"{uri}:one")
    assert invoke(function, {"n": 1}) == (["base", {"n": 1}], None)
    code = boto3.client("lambda").get_function(FunctionName=function)["Code"]
    assert code["ImageUri"] == f"{uri}:one"


def test_one_image_gives_several_functions_by_command(repository):
    aws, name, uri = repository
    push(aws, name, "one", *image([layer(**{"var/task/helper.py": "name = 1", "var/task/app.py": WHO})]))
    assert invoke(from_image(f"{uri}:one", ImageConfig={"Command": ["app.other"]}))[0] == "other"
    assert invoke(from_image(f"{uri}:one"), 5)[0] == [1, 5]


@pytest.mark.parametrize("module", ["boto3", "numpy", "cv2", "faceblur"])
def test_the_image_sees_nothing_of_this_environment(repository, module):
    aws, name, uri = repository
    source = f"def handler(event, context):\n    import {module}"
    push(aws, name, "one", *image([layer(**{"var/task/app.py": source})]))
    assert invoke(from_image(f"{uri}:one"))[1] == "ModuleNotFoundError"


def test_packages_and_variables_of_the_image_are_seen(repository):
    aws, name, uri = repository
    packages = f"usr/local/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    source = (
        "import os, library, extra\ndef handler(event, context): return [library.name, extra.name, os.environ['MODE']]"
    )
    files = {f"{packages}/library.py": "name = 'l'", "srv/extra.py": "name = 'e'", "var/task/app.py": source}
    push(aws, name, "one", *image([layer(**files)], variables=["MODE=image", "PYTHONPATH=/srv"]))
    assert invoke(from_image(f"{uri}:one"))[0] == ["l", "e", "image"]


def test_whiteouts_remove_what_lower_layers_held(repository):
    aws, name, uri = repository
    source = "import os\ndef handler(event, context): return sorted(os.listdir(os.environ['LAMBDA_TASK_ROOT'] + '/d'))"
    lower = layer(
        **{
            "var/task/app.py": source,
            "var/task/d/gone": "x",
            "var/task/d/stays": "x",
            "var/task/d/sub/a": "x",
        }
    )
    upper = layer(**{"var/task/d/.wh.gone": None, "var/task/d/sub/.wh..wh..opq": None, "var/task/d/sub/b": "x"})
    push(aws, name, "one", *image([lower, upper]))
    assert invoke(from_image(f"{uri}:one"))[0] == ["stays", "sub"]


def test_a_layer_cannot_write_outside_its_folder(repository, tmp_path):
    aws, name, uri = repository
    escape = f"../../../../../../../../../..{tmp_path}/escaped"
    files = {"var/task/app.py": "def handler(event, context): return 1", escape: "x"}
    push(aws, name, "one", *image([layer(**files)]))
    assert invoke(from_image(f"{uri}:one"))[1] == "Runtime.InvalidImage"
    assert not (tmp_path / "escaped").exists()


# A link at a place that is deep by its name and shallow on the disk: its target climbs further than it should.
CLIMBING = (("s", "dir", ""), ("a/b", "dir", ""), ("a/b/c", "link", "/s"), ("a/b/c/l", "link", "/"))
BESIDE = "victim/secret"
REACHES = {
    "a whiteout of '..' at the root": ((".wh...", "file", ""),),
    "a whiteout of '..' in a folder": (("x", "dir", ""), ("x/kept", "file", ""), ("x/.wh...", "file", "")),
    "a whiteout of nothing": (("x", "dir", ""), ("x/.wh.", "file", "")),
    "a file through a climbing link": (*CLIMBING, (f"a/b/c/l/{BESIDE}", "file", "")),
    "a whiteout through a climbing link": (*CLIMBING, ("a/b/c/l/victim/.wh.secret", "file", "")),
    "an opaque folder through a climbing link": (*CLIMBING, ("a/b/c/l/victim/.wh..wh..opq", "file", "")),
    "a link through a climbing link": (*CLIMBING, ("a/b/c/l/victim/planted", "link", "/x")),
    "a hard link to outside": (*CLIMBING, ("h", "hard", f"a/b/c/l/{BESIDE}")),
    "a hard link that climbs": (("h", "hard", f"../../{BESIDE}"),),
    "a hard link to itself": (("h", "hard", "h"),),
    "a hard link to a link that leads nowhere": (("l", "link", "/x"), ("h", "hard", "l"), ("l", "hard", "h")),
    "links in a circle": (("l", "link", "m"), ("m", "link", "l"), ("l/f", "file", "")),
}
KINDS = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE}


@pytest.mark.parametrize("kind", REACHES)
def test_a_layer_touches_nothing_outside_its_folder(tmp_path, kind):
    root = tmp_path / "images" / "one"
    for path in (tmp_path / BESIDE, tmp_path / "images" / "two" / "file", root / "x" / "own"):
        path.parent.mkdir(parents=True)
        path.write_text("secret")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, member_kind, target in REACHES[kind]:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = KINDS[member_kind], target, 0o755
            archive.addfile(member, io.BytesIO())
    with contextlib.suppress(ImageError, OSError):
        apply_layer(content.getvalue(), root)
    outside = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if root not in path.parents}
    assert outside == {"images", "images/one", "images/two", "images/two/file", "victim", BESIDE}
    assert (tmp_path / BESIDE).read_text() == "secret" and (root / "x" / "own").exists()
    copies = [path for path in root.rglob("*") if path.is_file() and path != root / "x" / "own"]
    assert all(path.read_text() != "secret" for path in copies)


def member(name, kind=tarfile.REGTYPE, **pax):
    one = tarfile.TarInfo(name)
    one.type, one.mode, one.pax_headers = kind, 0o6777, pax
    return one


def archive_of(*members):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for one in members:
            archive.addfile(one, io.BytesIO())
    return content.getvalue()


SPARSE = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,0"}
SHAPES = {
    "a path in a header of its own": archive_of(member("x", path="../../victim/secret")),
    "a path that ends in the middle": archive_of(member("x", path="a\0b")),
    "a name of 300 letters": archive_of(member("n" * 300)),
    "folders a thousand deep": archive_of(member("a/" * 1000 + "f")),
    "a sparse file of a terabyte": archive_of(member("x", **SPARSE, **{"GNU.sparse.size": str(10**12)})),
    "a sparse file with a name elsewhere": archive_of(
        member("x", **SPARSE, **{"GNU.sparse.name": "../../victim/secret"})
    ),
    "a size that is a lie": archive_of(member("x", size=str(10**6))),
    "a size below zero": archive_of(member("x", size="-5000")),
    "a root that is a file": archive_of(member(".")),
    "a root that is a link": archive_of(member("./", tarfile.SYMTYPE)),
    "half of it": gzip.compress(archive_of(member("x")))[:40],
    "no archive": b"hello" * 1000,
    "nothing": b"",
    "zstandard": b"\x28\xb5\x2f\xfd" + bytes(100),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_a_layer_of_any_shape_is_refused_and_touches_nothing(tmp_path, kind):
    root = tmp_path / "images" / "one"
    root.mkdir(parents=True)
    (tmp_path / "victim").mkdir()
    (tmp_path / BESIDE).write_text("secret")
    manifest = json.dumps({"config": {}, "layers": [{"digest": digest_of(SHAPES[kind])}]}).encode()
    blobs = {"latest": manifest, digest_of(SHAPES[kind]): SHAPES[kind]}
    with pytest.raises(ImageError):
        ImageStore(root).get("host/name:latest", lambda repository, kind, reference: blobs.get(reference))
    assert not list(root.iterdir())
    assert len(list(tmp_path.rglob("*"))) == 4
    assert (tmp_path / BESIDE).read_text() == "secret"


def test_a_header_takes_no_memory(tmp_path):
    """What says how long a name is, is read at once: 1 GB of zeros is 1 MB in the layer."""
    content = io.BytesIO()
    with gzip.GzipFile(fileobj=content, mode="wb", compresslevel=1) as packed:
        head = tarfile.TarInfo("././@PaxHeader")
        head.type, head.size = tarfile.XHDTYPE, 1 << 30
        packed.write(head.tobuf(format=tarfile.USTAR_FORMAT))
        packed.write(bytes(1 << 21))
    with pytest.raises(ImageError, match="larger than 1 MB"):
        apply_layer(content.getvalue(), tmp_path)


def test_a_layer_of_too_many_entries_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(layers, "MAX_ENTRIES", 3)
    blob = archive_of(*(member(str(number)) for number in range(4)))
    with pytest.raises(ImageError, match="entries"):
        apply_layer(blob, tmp_path)


def test_a_file_takes_the_place_of_a_folder_and_nobody_becomes_somebody_else(tmp_path):
    apply_layer(archive_of(member("d/x")), tmp_path)
    apply_layer(archive_of(member("d")), tmp_path)
    assert (tmp_path / "d").is_file() and not (tmp_path / "d").stat().st_mode & 0o6022
    apply_layer(archive_of(member("d", tarfile.DIRTYPE), member("D"), member("d/x")), tmp_path)
    assert (tmp_path / "d" / "x").is_file()


def test_an_image_that_is_too_large_when_unpacked_is_refused(tmp_path):
    blob = layer(big="x" * 3_000_000, more="x" * 3_000_000)
    with pytest.raises(ImageError, match="larger than"):
        apply_layer(blob, tmp_path, 5_000_000)
    assert apply_layer(blob, tmp_path, 6_000_000) == 6_000_000


def test_device_nodes_and_pipes_are_left_out(tmp_path):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"dev/{kind.decode()}")
            member.type, member.devmajor, member.devminor = kind, 1, 3
            archive.addfile(member)
    apply_layer(content.getvalue(), tmp_path)
    assert not [path for path in tmp_path.rglob("*") if not path.is_dir()]


def test_links_of_a_layer_stay_links(tmp_path):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        members = (("usr/bin/tool", "file", ""), ("bin", "link", "usr/bin"), ("bin/other", "hard", "bin/tool"))
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = KINDS[kind], target
            archive.addfile(member, io.BytesIO())
    apply_layer(content.getvalue(), tmp_path)
    assert (tmp_path / "bin").readlink() == Path("usr/bin")
    assert (tmp_path / "usr" / "bin" / "other").samefile(tmp_path / "usr" / "bin" / "tool")


def test_absolute_links_lead_to_places_of_the_image(repository):
    aws, name, uri = repository
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        link = tarfile.TarInfo("var/task/app.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/srv/real.py"
        archive.addfile(link)
    real = layer(**{"srv/real.py": "def handler(event, context): return 'linked'"})
    push(aws, name, "one", *image([gzip.compress(content.getvalue(), mtime=0), real]))
    assert invoke(from_image(f"{uri}:one"))[0] == "linked"


def test_packages_for_another_python_are_refused_with_advice(repository):
    aws, name, uri = repository
    files = {"var/task/app.py": "", "var/task/fast.cpython-38-x86_64-linux-gnu.so": "x"}
    push(aws, name, "one", *image([layer(**files)]))
    result, error = invoke(from_image(f"{uri}:one"))
    assert error == "Runtime.InvalidImage"
    assert (
        "built for Python 3.8; the embedded AWS runs it with the Python of this machine: build it for 3."
        in (result["errorMessage"])
    )


def test_a_tag_that_moves_changes_nothing_until_the_function_is_updated(repository):
    aws, name, uri = repository
    for number in (1, 2):
        source = f"def handler(event, context): return {number}"
        push(aws, name, "latest", *image([layer(**{"var/task/app.py": source})]))
        if number == 1:
            function = from_image(f"{uri}:latest")
    assert invoke(function)[0] == 1
    client = boto3.client("lambda")
    client.update_function_code(FunctionName=function, ImageUri=f"{uri}:latest")
    eventually(lambda: client.get_function_configuration(FunctionName=function)["LastUpdateStatus"] == "Successful")
    assert invoke(function)[0] == 2


def test_an_image_that_is_not_there_is_refused(repository):
    with pytest.raises(ClientError, match=r"Source image .* does not exist"):
        from_image(f"{repository[2]}:nothing")


def test_an_index_is_refused_and_the_message_says_how_to_build(repository):
    aws, name, uri = repository
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    push(aws, name, "index", json.dumps(index).encode(), {})
    with pytest.raises(ClientError, match="--provenance=false"):
        from_image(f"{uri}:index")


def test_the_layer_api_keeps_layers(repository):
    _, name, uri = repository
    ecr = boto3.client("ecr")
    manifest, blobs = image([layer(**{"var/task/app.py": "def handler(event, context): return 'by API'"})])
    for digest, blob in blobs.items():
        upload = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
        half = len(blob) // 2
        for first, part in ((0, blob[:half]), (half, blob[half:])):
            ecr.upload_layer_part(
                repositoryName=name,
                uploadId=upload,
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
        ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[digest])
    checked = ecr.batch_check_layer_availability(repositoryName=name, layerDigests=[*blobs, "sha256:" + "0" * 64])
    assert [entry["layerAvailability"] for entry in checked["layers"]] == [
        "AVAILABLE",
        "AVAILABLE",
        "UNAVAILABLE",
    ]
    ecr.put_image(repositoryName=name, imageManifest=manifest.decode(), imageTag="api")
    assert invoke(from_image(f"{uri}:api"))[0] == "by API"
    upload = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
    with pytest.raises(ecr.exceptions.InvalidLayerPartException):
        ecr.upload_layer_part(repositoryName=name, uploadId=upload, partFirstByte=5, partLastByte=5, layerPartBlob=b"x")


def test_the_authorization_token_is_one_for_docker(local_aws):
    token = boto3.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    assert base64.b64decode(token).startswith(b"AWS:")
