"""Amazon ECR: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/"""

import gzip
import hashlib
import io
import json
import tarfile

from world import Table, error_of

ECR = Table("ECR")
API = "AmazonECR/latest/APIReference/API_"
refuses, gives, case = ECR.refuses, ECR.gives, ECR.case
NONE = "faceblur-conformance-none"
OCI = "application/vnd.oci.image."


def digest_of(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def layer_of(files: dict) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(content.getvalue(), mtime=0)


def send_layer(world, blob: bytes, digests=None) -> str:
    """Upload one blob to the repository: its digest."""
    place = {"repositoryName": world.repository}
    place["uploadId"] = world.ecr.initiate_layer_upload(**place)["uploadId"]
    world.ecr.upload_layer_part(**place, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob)
    return world.ecr.complete_layer_upload(**place, layerDigests=digests or [digest_of(blob)])["layerDigest"]


def manifest_of(config: bytes, *layers: bytes) -> str:
    def part(kind, blob):
        return {"mediaType": OCI + kind, "digest": digest_of(blob), "size": len(blob)}

    parts = [part("layer.v1.tar+gzip", blob) for blob in layers]
    head = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": part("config.v1+json", config)}
    return json.dumps(head | {"layers": parts})


def pushed(world, files: dict, **config) -> str:
    """The address of an image with these files, in the repository."""
    head = json.dumps({"architecture": "amd64", "os": "linux", "config": config}).encode()
    layer = layer_of(files)
    for blob in (head, layer):
        if error_of(send_layer, world=world, blob=blob) not in ("", "LayerAlreadyExistsException"):
            raise AssertionError("a layer was refused")
    tag = world.unique()
    world.ecr.put_image(repositoryName=world.repository, imageTag=tag, imageManifest=manifest_of(head, layer))
    where = world.ecr.describe_repositories(repositoryNames=[world.repository])["repositories"][0]["repositoryUri"]
    return f"{where}:{tag}"


refuses("the same repository again", f"{API}CreateRepository.html", "ecr.create_repository",
        "RepositoryAlreadyExistsException", repositoryName="@repository")  # fmt: skip
refuses("a name with capitals", f"{API}CreateRepository.html", "ecr.create_repository", "InvalidParameterException",
        repositoryName="Faceblur")  # fmt: skip
for call, more in {
    "delete_repository": {}, "list_images": {}, "describe_images": {}, "initiate_layer_upload": {},
    "batch_get_image": {"imageIds": [{"imageTag": "x"}]}, "get_lifecycle_policy": {},
    "put_image": {"imageManifest": manifest_of(b"c")},
}.items():  # fmt: skip
    page = f"{API}{''.join(word.capitalize() for word in call.split('_'))}.html"
    refuses(f"{call} in a repository that is not there", page, f"ecr.{call}", "RepositoryNotFoundException",
            repositoryName=NONE, **more)  # fmt: skip
refuses("an image that is not there", f"{API}DescribeImages.html", "ecr.describe_images", "ImageNotFoundException",
        repositoryName="@repository", imageIds=[{"imageTag": "none"}])  # fmt: skip
refuses("an upload that is none", f"{API}CompleteLayerUpload.html", "ecr.complete_layer_upload", "UploadNotFoundException",
        repositoryName="@repository", uploadId="00000000-0000-0000-0000-000000000000", layerDigests=[digest_of(b"")])  # fmt: skip
refuses("an image whose layers were never sent", f"{API}PutImage.html", "ecr.put_image", "LayersNotFoundException",
        repositoryName="@repository", imageTag="x", imageManifest=manifest_of(b"none", b"none, either"))  # fmt: skip
for name, changes in {
    "a rule that keeps no image": {"countNumber": 0},
    "a rule of another kind": {"countType": "imagesOlderThan"},
    "a rule for tags that are none": {"tagStatus": "all"},
}.items():
    chosen = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3} | changes
    rule = {"rulePriority": 1, "selection": chosen, "action": {"type": "expire"}}
    refuses(name, f"{API}PutLifecyclePolicy.html", "ecr.put_lifecycle_policy", "InvalidParameterException",
            repositoryName="@repository", lifecyclePolicyText=json.dumps({"rules": [rule]}))  # fmt: skip
refuses("a lifecycle policy that is no JSON", f"{API}PutLifecyclePolicy.html", "ecr.put_lifecycle_policy",
        "InvalidParameterException", repositoryName="@repository", lifecyclePolicyText="{rules}" * 20)  # fmt: skip
gives("a missing image is a failure in the answer", f"{API}BatchGetImage.html", "ecr.batch_get_image",
      "[images, failures[].failureCode]", [[], ["ImageNotFound"]], repositoryName="@repository",
      imageIds=[{"imageTag": "none"}])  # fmt: skip
gives("a token of twelve hours", f"{API}GetAuthorizationToken.html", "ecr.get_authorization_token",
      "length(authorizationData)", 1)  # fmt: skip
gives("its address", f"{API}DescribeRepositories.html", "ecr.describe_repositories",
      "repositories[0].[repositoryUri != null, imageTagMutability]", [True, "MUTABLE"],
      repositoryNames=lambda w: [w.repository])  # fmt: skip


@case("a layer with another digest", f"{API}CompleteLayerUpload.html")
def _(world):
    assert error_of(send_layer, world=world, blob=b"something", digests=[digest_of(b"else")]) == "InvalidLayerException"


@case("a layer that is there already", f"{API}CompleteLayerUpload.html")
def _(world):
    blob = layer_of({"again": world.run})
    send_layer(world, blob)
    assert error_of(send_layer, world=world, blob=blob) == "LayerAlreadyExistsException"


@case("an image that has a tag, and that cannot be put twice", f"{API}PutImage.html")
def _(world):
    pushed(world, {"a": "b"}, Cmd=["x"])
    found = world.ecr.describe_images(repositoryName=world.repository)["imageDetails"][0]
    assert found["imageDigest"].startswith("sha256:") and found["imageSizeInBytes"] > 0
    manifest = world.ecr.batch_get_image(
        repositoryName=world.repository, imageIds=[{"imageDigest": found["imageDigest"]}]
    )["images"][0]["imageManifest"]
    tag = found["imageTags"][0]
    again = error_of(world.ecr.put_image, repositoryName=world.repository, imageTag=tag, imageManifest=manifest)
    assert again == "ImageAlreadyExistsException"


@case("a repository that holds images", f"{API}DeleteRepository.html")
def _(world):
    pushed(world, {"a": "c"}, Cmd=["x"])
    assert error_of(world.ecr.delete_repository, repositoryName=world.repository) == "RepositoryNotEmptyException"


@case("tags that may not move", f"{API}PutImageTagMutability.html")
def _(world):
    name = world.unique()
    world.ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    world.afterwards(world.ecr.delete_repository, repositoryName=name, force=True)
    found = world.ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    assert found["imageTagMutability"] == "IMMUTABLE"


# --- tags, parts, pages ---
for name, changes in {
    "a rule for tags without their beginning": {"tagStatus": "tagged"},
    "a rule for days without the days": {"countType": "sinceImagePushed"},
}.items():
    chosen = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 3} | changes
    rule = {"rulePriority": 1, "selection": chosen, "action": {"type": "expire"}}
    refuses(name, "AmazonECR/latest/userguide/lifecycle_policy_parameters.html", "ecr.put_lifecycle_policy",
            "InvalidParameterException", repositoryName="@repository",
            lifecyclePolicyText=json.dumps({"rules": [rule]}))  # fmt: skip
refuses("a policy that is no JSON", f"{API}SetRepositoryPolicy.html", "ecr.set_repository_policy",
        "InvalidParameterException", repositoryName="@repository", policyText="{")  # fmt: skip
refuses("the address of a layer that is not there", f"{API}GetDownloadUrlForLayer.html",
        "ecr.get_download_url_for_layer", "LayersNotFoundException", repositoryName="@repository",
        layerDigest="sha256:" + "0" * 64)  # fmt: skip
refuses("an index of images that are not there", f"{API}PutImage.html", "ecr.put_image",
        "ReferencedImagesNotFoundException", repositoryName="@repository", imageTag="index",
        imageManifest=json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [
            {"mediaType": OCI + "manifest.v1+json", "digest": "sha256:" + "0" * 64, "size": 1}]}))  # fmt: skip


def manifest(world, tag: str) -> str:
    wanted = [{"imageTag": tag}]
    return world.ecr.batch_get_image(repositoryName=world.repository, imageIds=wanted)["images"][0]["imageManifest"]


@case("a tag is deleted, and the image with its last one", f"{API}BatchDeleteImage.html")
def _(world):
    tag, at = pushed(world, {"two": "tags"}, Cmd=["x"]).rpartition(":")[2], {"repositoryName": world.repository}
    world.ecr.put_image(**at, imageTag=f"{tag}-2", imageManifest=manifest(world, tag))
    found = world.ecr.batch_delete_image(**at, imageIds=[{"imageTag": tag}, {"imageTag": "none"}])
    assert [one["failureCode"] for one in found["failures"]] == ["ImageNotFound"]
    look = lambda: world.ecr.describe_images(**at, imageIds=[{"imageTag": f"{tag}-2"}])  # noqa: E731
    assert look()["imageDetails"][0]["imageTags"] == [f"{tag}-2"]
    world.ecr.batch_delete_image(**at, imageIds=[{"imageTag": f"{tag}-2"}])
    assert error_of(look) == "ImageNotFoundException"


@case("a digest that is not the manifest's", f"{API}PutImage.html")
def _(world):
    tag, wrong = pushed(world, {"a": "digest"}, Cmd=["x"]).rpartition(":")[2], "sha256:" + "0" * 64
    given = {"imageManifest": manifest(world, tag), "imageDigest": wrong, "imageTag": f"{tag}-2"}
    assert error_of(world.ecr.put_image, repositoryName=world.repository, **given) == "ImageDigestDoesNotMatchException"


@case("parts of a layer in their order", f"{API}UploadLayerPart.html")
def _(world):
    at = {"repositoryName": world.repository}
    at["uploadId"] = world.ecr.initiate_layer_upload(**at)["uploadId"]
    part = {"partFirstByte": 5, "partLastByte": 9, "layerPartBlob": b"hello"}
    assert error_of(world.ecr.upload_layer_part, **at, **part) == "InvalidLayerPartException"
    empty = error_of(world.ecr.complete_layer_upload, **at, layerDigests=[digest_of(b"")])
    assert empty == "EmptyUploadException"


@case("images by pages, one for each tag", f"{API}ListImages.html")
def _(world):
    tag, at = pushed(world, {"by": "pages"}, Cmd=["x"]).rpartition(":")[2], {"repositoryName": world.repository}
    world.ecr.put_image(**at, imageTag=f"{tag}-2", imageManifest=manifest(world, tag))
    page = world.ecr.list_images(**at, maxResults=1)
    found, pages = page["imageIds"], 1
    while "nextToken" in page:
        page = world.ecr.list_images(**at, maxResults=1, nextToken=page["nextToken"])
        found, pages = found + page["imageIds"], pages + 1
    assert pages == len(found) and {tag, f"{tag}-2"} <= {one.get("imageTag") for one in found}
