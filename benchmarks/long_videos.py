"""What the functions of the image need for long and large videos: seconds, memory, disk, bytes fetched.

    python benchmarks/long_videos.py minutes [30]
    python benchmarks/long_videos.py gigabytes [1.5]
    python benchmarks/long_videos.py join [10]

A video is made, uploaded to the embedded AWS and taken through the steps of the state machine, two segments at the same
time, each step in a process of its own that gets MEMORY_MB of memory for its data and DISK_MB for its temporary files.
Prints a line of JSON for every step and one for all. `join` joins so many gigabytes of one piece, again and again, into
an upload that goes nowhere, and prints what memory that took. Linux only.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import boto3
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "container")]

from delivery import Upload  # noqa: E402

from benchmarks.peak import peak_mb  # noqa: E402
from faceblur import EncoderSettings, Plan, documents, render  # noqa: E402
from faceblur.localaws import LocalAws  # noqa: E402
from faceblur.sample import make_sample  # noqa: E402
from faceblur.video import RangedFile, Reader, join, split  # noqa: E402

MEMORY_MB, DISK_MB, AT_ONCE = 1024, 512, 2
BUCKET, RATE, CLIP_S = "long-videos", 5, 10
STEP = """
import json, resource, sys, time
sys.path[:0] = sys.argv[1:3]
import handlers, storage
began, event = time.perf_counter(), json.load(sys.stdin)
class Context: memory_limit_in_mb = int(sys.argv[4])
limit = Context.memory_limit_in_mb << 20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
answer = getattr(handlers, sys.argv[3])(event, Context())
peak = next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"answer": answer, "peak_mb": peak, "seconds": round(time.perf_counter() - began, 1)}))
"""


def clip_of_faces(path: Path, folder: Path) -> None:
    """Ten seconds of the sample, small and slow, a keyframe every two seconds."""
    make_sample(folder / "sample.mp4")
    with Reader(folder / "sample.mp4") as reader:
        pictures = [frame.bgr(width=320) for frame in reader if frame.index % 5 == 0][: CLIP_S * RATE]
    encode(path, pictures * (1 + CLIP_S * RATE // len(pictures)), "18")


def clip_of_noise(path: Path) -> None:
    """Ten seconds that nothing can be saved of: over a megabyte a picture."""
    shades = np.random.default_rng(1)
    pictures = (shades.integers(0, 255, (720, 1280, 3), np.uint8) for _ in range(CLIP_S * RATE))
    encode(path, pictures, "6")


def encode(path: Path, pictures, crf: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"g": "10", "crf": crf, "preset": "ultrafast"})
        sound = container.add_stream("aac", rate=48000, layout="mono")
        for number, picture in zip(range(CLIP_S * RATE), pictures):  # noqa: B905 - there may be more pictures
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            tone = np.sin(np.arange(number, number + 48000 // RATE) / 20).astype(np.float32)[None] / 4
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48000, number * 48000 // RATE
            container.mux(sound.encode(frame))
        container.mux(stream.encode())
        container.mux(sound.encode())


def looped(clip: Path, path: Path, is_enough) -> None:
    """The clip again and again, its packets as they are, until `is_enough(seconds, bytes)`."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as container:
        streams = {stream.index: container.add_stream_from_template(stream) for stream in source.streams}
        packets = [packet for packet in source.demux() if packet.size and 0 <= packet.dts * packet.time_base < CLIP_S]
        round_, last = 0, 0
        while not is_enough(round_ * CLIP_S, last):
            for packet in packets:
                shift = round(Fraction(round_ * CLIP_S) / packet.time_base)
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts, copy.time_base = packet.pts + shift, packet.dts + shift, packet.time_base
                copy.is_keyframe, copy.stream = packet.is_keyframe, streams[packet.stream.index]
                container.mux(copy)
            round_, last = round_ + 1, path.stat().st_size


def make(kind: str, amount: float, folder: Path) -> Path:
    """A video of so many minutes, or gigabytes."""
    clip, video = folder / "clip.mp4", folder / "video.mp4"
    if kind == "minutes":
        clip_of_faces(clip, folder)
        looped(clip, video, lambda seconds, _: seconds >= 60 * amount)
    else:
        clip_of_noise(clip)
        looped(clip, video, lambda _, size: size >= 1e9 * amount)
    return video


class Pipeline:
    """The state machine's steps for one upload, each in a process with limits."""

    def __init__(self, video: Path):
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.upload_file(str(video), BUCKET, "in.mp4")
        upload = {"bucket": BUCKET, "key": "in.mp4", "version_id": "", "etag": ""}
        kinds = ("detections", "pieces", "plans", "reports", "proofs")
        work = {"bucket": BUCKET, "prefix": "work/", **{kind: f"work/{kind}/" for kind in kinds}}
        names = {"plan": "out.mp4.plan.json", "report": "out.mp4.report.json", "parts": "out.mp4.parts/"}
        output = {"bucket": BUCKET, "key": "out.mp4", **names}
        self.event = {"input": upload, "work": work, "output": output, "detections": {"pages": 0}}
        self.figures: dict[str, list[dict]] = {}

    def run(self) -> dict:
        self.event |= self.step("plan_segments", self.event)
        segments = self.event["segments"]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(self._segment, segments))
        return self.step("join_segments", self.event)

    def _segment(self, span: dict) -> None:
        for name in ("blur_segment", "prove_segment"):
            self.step(name, self.event | {"span": span})

    def step(self, name: str, event: dict) -> dict:
        with tempfile.TemporaryDirectory() as folder:
            arguments = [sys.executable, "-c", STEP, str(ROOT), str(ROOT / "container"), name, str(MEMORY_MB)]
            disk = DISK_MB << 20
            child = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {"TMPDIR": folder},
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk)),
            )
            child.stdin.write(json.dumps(event))
            child.stdin.close()
            most = 0
            while child.poll() is None:
                most = max(most, sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()))
                time.sleep(0.2)
            lines = [json.loads(line) for line in child.stdout.read().splitlines()]
        if child.returncode:
            raise SystemExit(f"{name} ended with {child.returncode}")
        *logs, done = lines
        figures = {"step": name, "seconds": done["seconds"], "peak_mb": done["peak_mb"], "disk_mb": most >> 20}
        figures["fetched_mb"] = round(sum(log.get("fetched", 0) for log in logs) / 1e6, 1)
        self.figures.setdefault(name, []).append(figures)
        print(json.dumps(figures), flush=True)
        return done["answer"]

    def check(self) -> int:
        """How many frames the delivered report tells of, and that nothing is left behind."""
        report = documents.assemble(json.loads(self._read("out.mp4.report.json")), "out.mp4.report.json", self._read)
        assert report["audit"]["passed"] and len(report["frames"]) == report["counts"]["frames"]
        assert not self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
        assert not self.s3.list_objects_v2(Bucket=BUCKET, Prefix="work/").get("Contents")
        return len(report["frames"])

    def _read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


class Nowhere:
    """S3, as far as an upload asks it; what is sent is gone."""

    def create_multipart_upload(self, **_) -> dict:
        return {"UploadId": "0"}

    def upload_part(self, **_) -> dict:
        return {"ETag": "0"}


def shifted(piece: Path, rounds: int) -> RangedFile:
    """A piece as if it were shown so many clips later: the empty edit at its start is as much longer."""
    data = piece.read_bytes()
    place = data.index(b"elst") + 12  # after type, version and count; the first duration, in the movie's clock
    assert int.from_bytes(data[place + 4 : place + 8], signed=True) == -1, "the piece begins with no empty edit"
    first, size = int.from_bytes(data[place : place + 4]), len(data)
    longer = (first + rounds * first).to_bytes(4)  # the piece that was made begins a clip after the start
    del data

    def fetch(start: int, end: int) -> bytes:
        with piece.open("rb") as file:
            file.seek(start)
            part = bytearray(file.read(end - start))
        if start < place + 4 and place < end:
            part[place - start : place - start + 4] = longer
        return bytes(part)

    return RangedFile(f"piece{rounds}.mp4", size, fetch)


def join_alone(gigabytes: float) -> None:
    """Join one piece of ten seconds many times over; of the original there is the sound."""
    with tempfile.TemporaryDirectory() as place:
        folder, sound = Path(place), Path(place, "sound.mp4")
        clip_of_noise(folder / "clip.mp4")
        looped(folder / "clip.mp4", folder / "twice.mp4", lambda seconds, _: seconds >= 2 * CLIP_S)
        piece, span = folder / "piece.mp4", split(folder / "twice.mp4", CLIP_S)[1]
        render(folder / "twice.mp4", piece, Plan(()), span=span, encoder=EncoderSettings(crf=12, preset="ultrafast"))
        count = round(gigabytes * 1e9 / piece.stat().st_size)
        clip_of_faces(folder / "small.mp4", folder)
        looped(folder / "small.mp4", sound, lambda seconds, _: seconds >= (count + 1) * CLIP_S)
        child = multiprocessing.get_context("spawn").Process(target=join_pieces, args=(piece, sound, count))
        child.start()  # of its own, because making the piece took memory
        child.join()


def join_pieces(piece: Path, sound: Path, count: int) -> None:
    before, began = peak_mb(), time.perf_counter()
    uploads: list[Upload] = []

    def begin(head_bytes: int) -> Upload:
        uploads.append(Upload(Nowhere(), {"Bucket": "b", "Key": "out.mp4"}, {}, head_bytes))
        return uploads[0]

    join(sound, [shifted(piece, rounds) for rounds in range(count)], begin)
    uploads[0].finish()
    figures = {"pieces": count, "output_mb": round(uploads[0].described()["bytes"] / 1e6)}
    figures |= {
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mb": round(peak_mb()),
        "peak_before_mb": round(before),
    }
    print(json.dumps(figures))


def main(kind: str, amount: float) -> None:
    with tempfile.TemporaryDirectory() as place, LocalAws() as aws:
        os.environ.update(aws.environment)
        video = make(kind, amount, Path(place))
        size, began = video.stat().st_size, time.perf_counter()
        pipeline = Pipeline(video)
        video.unlink()
        pipeline.run()
        totals = {"input_mb": round(size / 1e6, 1), "frames": pipeline.check()}
        totals |= {"segments": len(pipeline.event["segments"]), "seconds": round(time.perf_counter() - began, 1)}
        for name, steps in pipeline.figures.items():
            most = {key: max(step.get(key, 0) for step in steps) for key in ("peak_mb", "disk_mb", "seconds")}
            totals[name] = most | {"fetched_mb": round(sum(step.get("fetched_mb", 0) for step in steps), 1)}
        print(json.dumps(totals))


if __name__ == "__main__":
    kind = sys.argv[1]
    amount = float(sys.argv[2]) if len(sys.argv) > 2 else {"minutes": 30.0, "gigabytes": 1.5, "join": 10.0}[kind]
    join_alone(amount) if kind == "join" else main(kind, amount)
