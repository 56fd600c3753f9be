"""The part of a GetFaceDetection page that the blur needs: pure, no AWS."""


def slim(page: dict) -> dict:
    """The same page with times, boxes and confidences only: a tenth of its size."""
    return {
        "JobStatus": page["JobStatus"],
        "VideoMetadata": page.get("VideoMetadata", {}),
        "Faces": [
            {
                "Timestamp": found["Timestamp"],
                "Face": {key: found["Face"][key] for key in ("BoundingBox", "Confidence") if key in found["Face"]},
            }
            for found in page.get("Faces", ())
        ],
    }


def page_key(beginning: str, number: int) -> str:
    """Where page `number` lies in the work bucket; names sort in page order."""
    return f"{beginning}{number:05d}.json"
