"""The ten chapters of the workshop: their files, titles and what each one saves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """One notebook. `makes`: the state keys it writes; `needs`: the chapters that must have run before.

    `stands`: what of AWS is there from then on; `usd_an_hour`: what an hour of it costs when nobody uploads.
    """

    number: int
    slug: str
    title: str
    makes: tuple[str, ...] = ()
    needs: tuple[int, ...] = ()
    stands: str = ""
    usd_an_hour: float = 0.0

    @property
    def file(self) -> str:
        return f"{self.number:02d}_{self.slug}.ipynb"


CHAPTERS: dict[int, Chapter] = {
    chapter.number: chapter
    for chapter in (
        Chapter(1, "introduction", "Introduction"),
        Chapter(2, "s3_buckets", "S3 buckets", ("input_bucket", "work_bucket", "output_bucket"), stands="3 buckets"),
        Chapter(3, "iam_roles", "IAM roles", ("roles",), (2,), "9 roles"),
        Chapter(
            4,
            "ecr_image",
            "Container image",
            ("repository_uri", "image_uri", "image_architecture"),
            (2, 3),
            "an image in a repository",
            0.00004,
        ),
        Chapter(
            5, "lambda_functions", "Lambda functions", ("topic_arn", "functions"), (2, 3, 4), "8 functions, a topic"
        ),
        Chapter(6, "step_functions", "State machine", ("state_machine_arn",), (2, 3, 4, 5), "a state machine"),
        Chapter(7, "s3_event_trigger", "S3 event trigger", ("trigger",), (2, 3, 4, 5, 6), "the trigger"),
        Chapter(
            8,
            "test_workflow",
            "Test the workflow",
            ("video", "input_key", "execution_arn", "execution", "output_key", "detections"),
            (2, 3, 4, 5, 6, 7),
            "a video and its result",
        ),
        Chapter(9, "final_result", "The result", (), (2, 3, 4, 5, 6, 7, 8)),
        Chapter(10, "clean_resources", "Clean up"),
    )
}


MEASURED_S = {1: 2, 2: 2, 3: 2, 4: 2, 5: 7, 6: 2, 7: 1, 8: 22, 9: 14, 10: 2}
"""Seconds that each chapter's cells run: `kit.py demo`, packages in the cache, two cores that did nothing else."""


def maker(key: str) -> Chapter | None:
    """The chapter that writes this state key, or None when no chapter does."""
    return next((chapter for chapter in CHAPTERS.values() if key in chapter.makes), None)
