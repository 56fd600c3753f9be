"""What six hours of video make of an execution: segments, states, events of its history, bytes of its payload.

    python -m benchmarks.scaling [--write]

Prints the table of docs/scaling.md, or writes it there. It is computed from statemachine.asl.json and from the
functions' own arithmetic; a test holds the page against it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from faceblur.video import VideoInfo
from faceblur.workshop.account.costs import PRICES

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from lambda_kit import load  # noqa: E402

PAGE = ROOT / "docs" / "scaling.md"
HOURS, MOST_BYTES = 6, 10e9
MEMORY_MB = (7076, 3008)
# Name: width, height, frames a second, megabits a second as cameras write it.
VIDEOS = {
    "720p30": (1280, 720, 30, 2.5),
    "1080p30": (1920, 1080, 30, 17),
    "1080p60": (1920, 1080, 60, 28),
    "4K30": (3840, 2160, 30, 50),
    "4K60": (3840, 2160, 60, 100),
}
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_EVENTS, MOST_PAYLOAD = 25_000, 262_144
# Events of one visit to a state that succeeds at once; a Map has these and those of what runs in it.
EVENTS = {"Task": 5, "Choice": 2, "Pass": 2, "Wait": 2, "Map": 4}
EVENTS_OF_AN_ITEM, EVENTS_OF_AN_EXECUTION = 2, 2
SPAN = {"index": 9999, "start_pts": 10**10, "end_pts": 10**10}


def machine() -> dict:
    return json.loads((ROOT / "statemachine.asl.json").read_text(encoding="utf-8"))


def polls() -> int:
    """How often Rekognition is asked before it is given up: the most that can be."""
    polling = load(ROOT / "lambda_src" / "wait_for_completion", "polling")
    waited = count = 0
    while waited < polling.GIVE_UP_AFTER_S:
        waited, count = waited + polling.wait_seconds(HOURS * 3600, waited), count + 1
    return count


def visits(states: Mapping[str, dict], asked: int) -> dict[str, int]:
    """How often each state is visited on the longest way that ends well: Rekognition was busy at first."""
    never = {"Refused", "NoDetections", "RecordFailure", "Failed"}
    often = {"WaitForCompletion": asked, "IsJobDone": asked, "Wait": asked - 1}
    return {name: often.get(name, 1) for name in states if name not in never}


def events_and_transitions(segments: int) -> tuple[int, int]:
    """Of the whole execution."""
    states = machine()["States"]
    events, transitions = EVENTS_OF_AN_EXECUTION, 0
    for name, count in visits(states, polls()).items():
        events, transitions = events + count * EVENTS[states[name]["Type"]], transitions + count
        inner = states[name].get("ItemProcessor", {}).get("States", {})
        each = sum(EVENTS[state["Type"]] for state in inner.values()) + EVENTS_OF_AN_ITEM if inner else 0
        events, transitions = events + segments * each, transitions + segments * len(inner)
    return events, transitions


def payload_bytes(segments: int) -> int:
    """Of the largest input of a state: the longest key, and every segment's span."""
    uploads, header = load(ROOT / "lambda_src" / "start_face_detection", "uploads", "header")
    upload = uploads.Upload("b" * 63, "k" * 1024, "v" * 1024, "s" * 32, 10**10, "e" * 40)
    work = {
        "input": vars(upload),
        "video": vars(header.Video("matroska", "h264", 9999, 9999, 270, 21_599_999.9, 59.999, 10**10)),
        "work": uploads.work_names(upload, "w" * 63),
        "output": uploads.output_names(upload, "o" * 63),
        "notes": ["n" * 200] * 5,
        "job": {"id": "j" * 64, "started": "2026-11-27T10:00:00+00:00"},
        "plan": {"segments": [SPAN] * segments, "notes": ["n" * 200] * 10},
    }
    return len(json.dumps(work))


def row(name: str, memory_mb: int) -> dict:
    """The figures of one kind of video, for a function of this memory."""
    budget = load(ROOT / "lambda_src" / "shared", "budget")
    width, height, rate, megabits = VIDEOS[name]
    shape = {"width": width, "height": height, "coded_width": width, "coded_height": height, "rotation": 0}
    times = {"frame_rate": rate, "duration_ms": HOURS * 3_600_000, "frames": 0}
    info = VideoInfo(**shape, **times, codec="h264", format="mov", pixel_format="yuv420p", audio=())
    length_s = budget.segment_seconds(info, memory_mb)
    segments = -(-HOURS * 3600 // int(length_s))
    events, transitions = events_and_transitions(segments)
    return {
        "segment_s": round(length_s),
        "segments": segments,
        "transitions": transitions,
        "events": events,
        "payload": payload_bytes(segments),
        "blurring_s": (blurring_s := budget.blurring_seconds(info, 3_600_000, memory_mb)),
        "proving_s": (proving_s := budget.proving_seconds(info, 3_600_000, memory_mb)),
        "usd_an_hour": (blurring_s * memory_mb + proving_s * min(budget.PROVING_MEMORY_MB, memory_mb))
        / 1024
        * PRICES["lambda_gb_second"].usd,
        "hours_in_bytes": min(HOURS, MOST_BYTES * 8 / (megabits * 1e6) / 3600),
        "hours_in_events": HOURS * MOST_EVENTS / events,
    }


def table() -> str:
    """Markdown."""
    lines = [
        "| video | memory | a segment | segments | transitions | events | payload "
        "| hour's blur | proof | Lambda | ends at |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in VIDEOS:
        for memory_mb in MEMORY_MB:
            each = row(name, memory_mb)
            first = "6 hours" if each["hours_in_bytes"] >= HOURS else f"10 GB, {each['hours_in_bytes'] * 60:.0f} min"
            lines.append(
                f"| {name} | {memory_mb:,} MB | {each['segment_s']} s | {each['segments']:,} | {each['transitions']:,} "
                f"| {each['events']:,} | {each['payload'] / 1024:.0f} KiB | {each['blurring_s'] / 60:.0f} min "
                f"| {each['proving_s'] / 60:.0f} min | USD {each['usd_an_hour']:.2f} | {first} |"
            )
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with this table in place of its own."""
    lines = page.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| video "))
    last = next(number for number, line in enumerate(lines) if number > first and not line.startswith("|"))
    return "\n".join([*lines[:first], table(), *lines[last:]]) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(table())
