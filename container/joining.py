"""From proven segments to what is delivered: the video streams to its bucket, then the documents, and it is there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from botocore.exceptions import BotoCoreError, ClientError
from delivery import Upload
from storage import GONE, Work, put_json, s3, uploaded

from faceblur import audit, video
from faceblur.errors import OutputError, VerificationError
from faceblur.pipeline.merge import SegmentMerge
from faceblur.plan import Plan
from faceblur.video import RangedFile, Span


class Joining:
    """One execution's last step. event: see `join_segments`."""

    def __init__(self, event: dict):
        self.input, self.output = event["input"], event["output"]
        self.spans = [Span.from_json(span) for span in event["segments"]]
        self.said = list(event.get("notes", ()))
        self.work = Work(**event["work"])
        self.fetched = 0  # bytes of the upload
        self.place = {"Bucket": self.output["bucket"], "Key": self.output["key"]}

    def delivered(self) -> dict | None:
        """What an earlier call of this execution has delivered."""
        try:
            found = s3.get_object(**self.place, Range="bytes=0-0")  # HEAD does not say what is not allowed
        except ClientError as problem:
            if problem.response["Error"]["Code"] in GONE:
                return None
            raise
        if found["Metadata"].get("execution") != self.work.execution:
            return None
        answer = s3.get_object(Bucket=self.place["Bucket"], Key=self.output["report"])
        report = json.load(answer["Body"])
        versions = {"video": found.get("VersionId", ""), "report": answer.get("VersionId", "")}
        return self._summary(report, versions | {"plan": report["plan"]["version_id"]})

    def deliver(self) -> dict:
        """Nothing that comes after the video can fail it, and before it nothing of the video is to be seen."""
        source, proofs = uploaded(self.input), self._proofs()
        self.work.give_up_earlier_upload(self.place)
        uploads: list[Upload] = []
        sound = video.CopiedSound()

        def begin(head_bytes: int) -> Upload:
            metadata = {"execution": self.work.execution}
            uploads.append(Upload(s3, self.place, metadata, head_bytes, sound.wrote))
            self.work.remember_upload(uploads[0].id)
            return uploads[0]

        try:
            pieces = [self.work.piece(n, proof["piece"])[0] for n, proof in enumerate(proofs)]
            notes = video.join(source, pieces, begin, read=sound.read)
            uploads[0].finish()
            verdict = self._verdict(source, uploads[0].index(), proofs, sound, notes)
            self.fetched = source.fetched
            report, versions = self._put_documents(source, uploads[0], proofs, notes, verdict)
            versions["video"] = uploads[0].complete()
        except BaseException as problem:
            for upload in uploads:
                self._give_up(upload)
            if isinstance(problem, OutputError) and isinstance(problem.__cause__, BotoCoreError):
                raise problem.__cause__ from None  # a connection's, which the muxer took for the disk's
            raise
        return self._summary(report, versions)

    def _give_up(self, upload: Upload) -> None:
        """What cannot be given up must not hide why; record_failure tries it again."""
        with contextlib.suppress(BotoCoreError, ClientError):
            with contextlib.suppress(s3.exceptions.NoSuchUpload):  # somebody has ended the execution
                upload.abort()
            self.work.forget_upload()

    def clear_up(self) -> None:
        """Remove the temporaries, if it can be done: else the lifetime of their bucket takes them."""
        with contextlib.suppress(BotoCoreError, ClientError):
            self.work.remove()

    def _proofs(self) -> list[dict]:
        proofs = [self.work.read("proofs", number)[0] for number in range(len(self.spans))]
        for span, proof in zip(self.spans, proofs, strict=True):
            if Span.from_json(proof["span"]) != span or proof["audit"]["passed"] is not True:
                raise VerificationError(f"segment {span.index} was not proven")
        return proofs

    def _verdict(
        self,
        source: RangedFile,
        index: RangedFile,
        proofs: Sequence[dict],
        sound: video.CopiedSound,
        notes: Sequence[str],
    ) -> dict:
        problems, heard = audit.verify_joined(source, index, [proof["piece"] for proof in proofs], sound, said=notes)
        if problems:
            raise VerificationError("; ".join(problems))
        return audit.add_up([proof["audit"] for proof in proofs], heard)

    def _put_documents(
        self, source: RangedFile, upload: Upload, proofs: Sequence[dict], notes: Sequence[str], verdict: dict
    ) -> tuple[dict, dict]:
        """(the report but for its lists, versions of the documents): by segment first, then the two that name them."""
        merge, listed = SegmentMerge(), {"plan": [], "report": []}
        for number, proof in enumerate(proofs):
            plan = Plan.from_json(self.work.read("plans", number, proof["plan"])[0])
            parts = merge.add(plan, self.work.read("reports", number, proof["report"])[0])
            for kind, part in zip(("plan", "report"), parts, strict=True):
                listed[kind].append(self._put_part(kind, number, part) | {"frames": proof["audit"]["frames"]})
        plan, report = merge.heads()
        names = {"execution": self.work.execution, "output": {"name": self.output["key"], "sha256": None}}
        names["output"] |= upload.described()
        original = {"name": self.input["key"], "bytes": source.size, "sha256": None}
        original |= {key: self.input[key] for key in ("etag", "version_id")}
        plan |= {"execution": self.work.execution, "source": original, "segments": listed["plan"]}
        plan_is = put_json(self.place["Bucket"], self.output["plan"], plan)
        size = video.size_notes(source, upload.index(), report["settings"]["encoder"])
        report |= names | {"input": original, "plan": {"name": self.output["plan"]} | plan_is, "audit": verdict}
        report["notes"] = list(dict.fromkeys([*self.said, *report["notes"], *notes, *size]))
        report_is = put_json(self.place["Bucket"], self.output["report"], report | {"segments": listed["report"]})
        return report, {"plan": plan_is["version_id"], "report": report_is["version_id"]}

    def _put_part(self, kind: str, number: int, part: dict) -> dict:
        key = f"{self.output['parts']}{number:05d}.{kind}.json"
        written = put_json(self.place["Bucket"], key, part)
        return {"name": "/".join(PurePosixPath(key).parts[-2:]), **written}

    def _summary(self, report: dict, versions: dict) -> dict:
        """The execution's output: small, and in words that a person reads."""
        output = {key: self.output[key] for key in ("bucket", "key")}
        documents = {name: self.output[name] for name in ("report", "plan")}
        return {
            "output": output,
            **documents,
            "versions": versions,
            "counts": report["counts"],
            "message": words(report),
        }


def words(report: dict) -> str:
    counts = report["counts"]
    if counts["frames_with_regions"]:
        return f"faces are blurred in {counts['frames_with_regions']} of {counts['frames']} frames"
    return f"no face was found in {counts['frames']} frames: delivered without any blur"
