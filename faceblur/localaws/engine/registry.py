"""ECR's layer API keeps the layers it is given; ministack accepts and drops them.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CompleteLayerUpload.html
"""

from __future__ import annotations

import base64
import hashlib
import json

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import ecr

PART_BYTES = 10 * 1024**2
# Names under which ECR answers for layers it does or does not have.
AVAILABLE, UNAVAILABLE = "AVAILABLE", "UNAVAILABLE"


class LayerUploads:
    """Uploads that are under way, by their id."""

    def __init__(self):
        self._parts: dict[str, bytearray] = {}

    def install(self) -> None:
        ecr._initiate_layer_upload = known_repository(self.initiate)
        ecr._upload_layer_part = known_repository(self.upload)
        ecr._complete_layer_upload = known_repository(self.complete)
        ecr._batch_check_layer_availability = known_repository(self.check)
        ecr._put_image = known_repository(with_its_layers(ecr._put_image))
        ecr._put_lifecycle_policy = known_repository(with_rules(ecr._put_lifecycle_policy))
        ecr._describe_images = known_repository(of_what_is_there(ecr._describe_images))

    def initiate(self, request: dict):
        upload = new_uuid()
        self._parts[upload] = bytearray()
        return json_response({"uploadId": upload, "partSize": PART_BYTES})

    def upload(self, request: dict):
        content = self._parts.get(request["uploadId"])
        if content is None:
            return error_response_json("UploadNotFoundException", "The upload could not be found", 400)
        if len(content) != request["partFirstByte"]:
            return error_response_json("InvalidLayerPartException", f"The next byte is {len(content)}", 400)
        content += base64.b64decode(request["layerPartBlob"])
        return json_response(common(request) | {"lastByteReceived": len(content) - 1})

    def complete(self, request: dict):
        content = self._parts.pop(request["uploadId"], None)
        if content is None:
            return error_response_json("UploadNotFoundException", "The upload could not be found", 400)
        if not content:
            return error_response_json("EmptyUploadException", "The upload holds no layer parts", 400)
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        if digest not in request["layerDigests"]:
            return error_response_json("InvalidLayerException", f"The layer's digest is {digest}", 400)
        if digest in ecr._layer_blobs.get(request["repositoryName"], {}):
            text = f"Layer with digest '{digest}' already exists in the repository"
            return error_response_json("LayerAlreadyExistsException", text, 400)
        ecr._layer_blobs.setdefault(request["repositoryName"], {})[digest] = bytes(content)
        return json_response(common(request) | {"layerDigest": digest})

    def check(self, request: dict):
        blobs = ecr._layer_blobs.get(request["repositoryName"], {})
        layers = [
            {"layerDigest": d, "layerAvailability": AVAILABLE, "layerSize": len(blobs[d])}
            if d in blobs
            else {"layerDigest": d, "layerAvailability": UNAVAILABLE}
            for d in request.get("layerDigests", [])
        ]
        return json_response({"layers": layers, "failures": []})


def common(request: dict) -> dict:
    return {
        "registryId": ecr._registry_id(),
        "repositoryName": request["repositoryName"],
        "uploadId": request["uploadId"],
    }


def known_repository(answer):
    def checked(request: dict):
        name = request.get("repositoryName", "")
        if name not in ecr._repositories:
            text = f"The repository with name '{name}' does not exist in the registry"
            return error_response_json("RepositoryNotFoundException", text, 400)
        return answer(request)

    return checked


def with_rules(put):
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html"""

    def put_lifecycle_policy(request: dict):
        if fault := rules_fault(request.get("lifecyclePolicyText", "")):
            text = (
                "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
                f"'Lifecycle policy validation failure: {fault}'"
            )
            return error_response_json("InvalidParameterException", text, 400)
        return put(request)

    return put_lifecycle_policy


def rules_fault(text: str) -> str:
    """What is wrong with a lifecycle policy; the empty string for nothing."""
    try:
        rules = json.loads(text)["rules"]
        priorities = [rule["rulePriority"] for rule in rules]
        for rule in rules:
            chosen, action = rule["selection"], rule["action"]["type"]
            if chosen["tagStatus"] not in ("tagged", "untagged", "any"):
                return f"tagStatus {chosen['tagStatus']!r} is none of tagged, untagged, any"
            if chosen["countType"] not in ("imageCountMoreThan", "sinceImagePushed"):
                return f"countType {chosen['countType']!r} is unknown"
            if chosen["tagStatus"] == "tagged" and not (chosen.get("tagPrefixList") or chosen.get("tagPatternList")):
                return "tagPrefixList or tagPatternList must be given with tagStatus 'tagged'"
            if chosen["countType"] == "sinceImagePushed" and chosen.get("countUnit") != "days":
                return "countUnit must be 'days' with countType 'sinceImagePushed'"
            if chosen["tagStatus"] == "any" and rule["rulePriority"] < max(priorities):
                return "a rule for any image must have the highest rulePriority"
            if action != "expire":
                return f"the action {action!r} is unknown"
            for number in (chosen["countNumber"], rule["rulePriority"]):
                if type(number) is not int or number < 1:
                    return f"numeric instance is lower than the required minimum (minimum: 1, found: {number})"
    except (ValueError, KeyError, TypeError):
        return "could not map policyString into LifecyclePolicy"
    return "" if rules and len(set(priorities)) == len(priorities) else "each rule has a priority of its own"


def with_its_layers(put):
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html"""

    def put_image(request: dict):
        name, text, tag = request["repositoryName"], request.get("imageManifest", ""), request.get("imageTag")
        try:
            manifest = json.loads(text)
            parts = [part["digest"] for part in (manifest.get("config"), *manifest.get("layers", ())) if part]
        except (ValueError, TypeError, KeyError, AttributeError):
            return error_response_json("InvalidParameterException", "Invalid image manifest provided", 400)
        missing = [part for part in parts if part not in ecr._layer_blobs.get(name, {})]
        if missing:
            text = f"Layers with digests '{', '.join(missing)}' required for pushing image into repository do not exist"
            return error_response_json("LayersNotFoundException", text, 400)
        known = ecr._find_image(name, {"imageDigest": ecr._image_digest(text)})
        if known and (tag is None or tag in known.get("imageTags", ())):
            return error_response_json("ImageAlreadyExistsException", "Image with this digest and tag is there", 400)
        return put(request)

    return put_image


def of_what_is_there(describe):
    def describe_images(request: dict):
        name = request["repositoryName"]
        missing = next((one for one in request.get("imageIds") or () if ecr._find_image(name, one) is None), None)
        if missing is not None:
            text = f"The image with imageId {missing} does not exist within the repository with name '{name}'"
            return error_response_json("ImageNotFoundException", text, 400)
        return describe(request)

    return describe_images


def install() -> None:
    LayerUploads().install()
