"""Short runs of the fuzzer (python -m benchmarks.fuzz), and every input it once found, tried again.

Videos are tried by a process of its own: it forks for each of them, which a process with threads must not.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks import fuzz, fuzz_runs, fuzz_seeds, fuzz_values

ROOT = Path(__file__).parents[1]
CORPUS = sorted(path for path in (ROOT / "tests" / "corpus").iterdir() if path.is_file() and path.name != "README.md")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def fuzzer(tmp_path, *arguments) -> str:
    """Its last line; the whole of what it said in the failure."""
    command = [sys.executable, "-m", "benchmarks.fuzz", "--keep", str(tmp_path / "found"), *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@forks
def test_spoiled_videos_are_blurred_or_refused_in_one_line(tmp_path):
    seeds = "264.mp4,264.ts,vp8.webm,mpeg4.avi,264.mkv,mpeg2.vob"
    said = fuzzer(tmp_path, "--kinds", "video", "--seeds", seeds, "--count", 16, "--seed", 3, "--jobs", 2)
    assert said.startswith("fuzz: 16 video: ") and said.endswith(" 0 defects")


@forks
def test_what_was_once_found_stays_mended(tmp_path):
    said = fuzzer(tmp_path, "--jobs", 2, *CORPUS)
    assert said.startswith(f"fuzz: {len(CORPUS)} video: ") and said.endswith(" 0 defects")


def test_the_corpus_is_small():
    assert CORPUS and max(path.stat().st_size for path in CORPUS) <= 20 * 1024


@pytest.mark.parametrize(("kind", "count"), [("json", 500), ("events", 500), ("layers", 60)])
def test_spoiled_values_give_a_value_or_their_own_error(tmp_path, kind, count):
    """Some are accepted and some refused: inputs that are all refused at the door try nothing behind it."""
    tried = list(fuzz.values(kind, 1, range(count), tmp_path))
    found = [f"{number} {name}: {outcome.said[-300:]}" for number, name, _, outcome in tried if outcome.is_defect]
    assert not found, "\n".join(found)
    verdicts = Counter(outcome.verdict for *_, outcome in tried)
    assert min(verdicts["ok"], verdicts["refused"]) > count / 10


def run_that_left(folder: Path, **files: bytes) -> fuzz_runs.Run:
    (folder / "in").mkdir()
    (folder / "in" / "clip.mp4").write_bytes(b"x")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return fuzz_runs.Run(0, folder, 0.0)


@pytest.mark.parametrize(
    ("code", "said", "verdict"),
    [
        (2, "faceblur: in.mp4: not a video\n", "refused"),
        (2, "", "refused with 0 lines"),
        (2, "faceblur: a\nfaceblur: b\n", "refused with 2 lines"),
        (1, "faceblur: x\n", "exit 1"),
        (1, "Traceback (most recent call last):\n", "traceback"),
        (-11, "", "crash SIGSEGV"),
        (0, "done\n", "done, but with nothing"),
    ],
)
def test_the_judge_knows_how_a_run_may_end(tmp_path, code, said, verdict):
    assert fuzz_runs.judge(run_that_left(tmp_path), code, said) == verdict


def test_the_judge_sees_what_is_left_and_what_cannot_be_read(tmp_path):
    refused = "faceblur: in.mp4: not a video\n"
    (tmp_path / "a").mkdir()
    assert fuzz_runs.judge(run_that_left(tmp_path / "a", out_part=b"1"), 2, refused) == "left out.part"
    (tmp_path / "b").mkdir()
    run = run_that_left(tmp_path / "b", out_mp4=b"1", report_json=b'{"frames": []}')
    assert fuzz_runs.judge(run, 0, "done\n").startswith("done, but unreadable")


def test_a_number_gives_the_same_video_again(tmp_path):
    seeds = {"a.mp4": bytes(range(256)) * 20}
    made = [fuzz_seeds.mutate(seeds, Random(f"1 video {number}")) for number in range(40)]
    assert made == [fuzz_seeds.mutate(seeds, Random(f"1 video {number}")) for number in range(40)]
    assert len({data for _, data in made}) > 35


def test_json_is_spoiled_at_every_depth():
    spoiled = [fuzz_values.spoil({"a": {"b": [1, 2]}}, Random(n)) for n in range(300)]
    assert any(value.get("a") == {"b": [1, None]} for value in spoiled if isinstance(value, dict))
