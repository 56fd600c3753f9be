"""Images and their tags in a repository as ECR keeps them: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/"""

from __future__ import annotations

import base64
import functools
import json

from ministack.core.responses import error_response_json, json_response
from ministack.services import ecr

from .registry import known_repository

MAX_PAGE = 1000


def install() -> None:
    ecr._batch_delete_image = known_repository(batch_delete_image)
    ecr._list_images = known_repository(list_images)
    ecr._put_image = as_described(ecr._put_image)
    ecr._describe_repositories = by_pages(ecr._describe_repositories)
    ecr._set_repository_policy = of_json(ecr._set_repository_policy)
    ecr._get_download_url_for_layer = of_what_is_there(ecr._get_download_url_for_layer)


def ids_of(image: dict) -> list[dict]:
    """One for each tag."""
    digest = {"imageDigest": image["imageDigest"]}
    return [digest | {"imageTag": tag} for tag in image.get("imageTags", ())] or [digest]


def batch_delete_image(request: dict):
    """By its digest an image goes with all of its tags, by a tag the tag, and the image with its last one."""
    name, deleted, failures = request["repositoryName"], [], []
    for one in request.get("imageIds", ()):
        image = ecr._find_image(name, one)
        if image is None:
            why = {"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
            failures.append({"imageId": one} | why)
            continue
        gone = [one["imageTag"]] if "imageDigest" not in one else list(image.get("imageTags", ()))
        deleted += [each for each in ids_of(image) if each.get("imageTag") in (*gone, None)]
        image["imageTags"] = [tag for tag in image.get("imageTags", ()) if tag not in gone]
        if not image["imageTags"]:
            ecr._images[name].remove(image)
    return json_response({"imageIds": deleted, "failures": failures})


def list_images(request: dict):
    wanted = request.get("filter", {}).get("tagStatus", "ANY")
    found = [
        one
        for image in ecr._images.get(request["repositoryName"], ())
        if wanted == "ANY" or (wanted == "TAGGED") == bool(image.get("imageTags"))
        for one in ids_of(image)
    ]
    return page("imageIds", found, request)


def page(name: str, found: list, request: dict):
    """As many as were asked for, from the token on."""
    try:
        start = int(base64.b64decode(request.get("nextToken") or "MA==", validate=True))
    except ValueError:
        return error_response_json("InvalidParameterException", "The nextToken provided is not valid", 400)
    end = start + request.get("maxResults", MAX_PAGE)
    more = {"nextToken": base64.b64encode(b"%d" % end).decode()} if end < len(found) else {}
    return json_response({name: found[start:end]} | more)


def by_pages(describe):
    @functools.wraps(describe)
    def describe_repositories(request: dict):
        status, fields, body = describe({name: value for name, value in request.items() if name != "maxResults"})
        if status != 200 or request.get("repositoryNames"):
            return status, fields, body
        return page("repositories", json.loads(body)["repositories"], request)

    return describe_repositories


def as_described(put):
    """With the digest that was said, and of several platforms only images that are there."""

    @functools.wraps(put)
    def put_image(request: dict):
        name, text = request.get("repositoryName", ""), request.get("imageManifest", "")
        if request.get("imageDigest") and request["imageDigest"] != ecr._image_digest(text):
            reason = "The specified image digest does not match the digest that Amazon ECR calculated for the image."
            return error_response_json("ImageDigestDoesNotMatchException", reason, 400)
        try:
            parts = [part["digest"] for part in json.loads(text).get("manifests", ())]
        except (ValueError, TypeError, KeyError, AttributeError):
            parts = []  # said by `registry`
        missing = [part for part in parts if ecr._find_image(name, {"imageDigest": part}) is None]
        if name in ecr._repositories and missing:
            reason = (
                f"Images with digests '{', '.join(missing)}' required for pushing image into repository do not exist"
            )
            return error_response_json("ReferencedImagesNotFoundException", reason, 400)
        return put(request)

    return put_image


def of_json(put):
    @functools.wraps(put)
    def set_repository_policy(request: dict):
        try:
            json.loads(request.get("policyText", ""))
        except ValueError:
            text = (
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
            )
            return error_response_json("InvalidParameterException", text, 400)
        return put(request)

    return set_repository_policy


def of_what_is_there(answer):
    @functools.wraps(answer)
    def get_download_url_for_layer(request: dict):
        name, digest = request.get("repositoryName", ""), request.get("layerDigest", "")
        if name in ecr._repositories and digest not in ecr._layer_blobs.get(name, {}):
            text = f"Layers with digests '{digest}' not found in repository '{name}'"
            return error_response_json("LayersNotFoundException", text, 400)
        return answer(request)

    return get_download_url_for_layer
