"""The sample video: what is in the file, that its boxes are true, that it tells its little story."""

import json
from hashlib import sha256
from itertools import islice, pairwise

import cv2
import numpy as np
import pytest

from faceblur import video
from faceblur.errors import OutputError, WorkshopError
from faceblur.finding import FaceDetector
from faceblur.sample import film, make_sample, motion, pictures, sound, turning
from faceblur.sample.doubtful import doubtful_faces
from faceblur.sample.script import FRAME_RATE, HEIGHT, SCENES

CUT = SCENES[0].frames


@pytest.fixture(scope="module")
def truth(sample):
    return json.loads(sample[1].read_text())


@pytest.fixture(scope="module")
def small_frames(sample):
    """Every decoded frame as a 64x36 picture."""
    with video.Reader(sample[0]) as reader:
        return [frame.bgr(width=64) for frame in reader if hasattr(frame, "bgr")]


def overlap(one, other):
    """Intersection over union of two [left, top, width, height]."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def frames_of(truth, track):
    return [i for i, frame in enumerate(truth["frames"]) for face in frame["faces"] if face[0] == track]


def test_a_detector_doubts_some_of_the_doubtful_faces_and_misses_one():
    """The scene of chapter 8's threshold: from sure to hardly, so that each step of the slider takes some."""
    scores = sorted(face.score for face in FaceDetector(0.4).find(doubtful_faces()))
    assert len(scores) == 11
    assert scores[0] < 0.6 and scores[-1] > 0.9
    assert sum(score < 0.8 for score in scores) >= 4


def test_file_is_h264_with_aac_at_720p(sample):
    info = video.probe(sample[0])
    assert (info.width, info.height, info.codec, info.pixel_format) == (1280, 720, "h264", "yuv420p")
    assert info.audio == ("aac",)
    assert info.frame_rate == pytest.approx(30)
    assert info.duration_ms == pytest.approx(12_000, abs=100)


def test_faces_file_has_the_reference_clips_format(sample, truth):
    assert list(truth) == ["clip", "sha256", "width", "height", "face_fields", "frames"]
    assert truth["clip"] == "sample.mp4"
    assert truth["sha256"] == sha256(sample[0].read_bytes()).hexdigest()
    assert (truth["width"], truth["height"]) == (1280, 720)
    assert truth["face_fields"] == ["track", "left", "top", "width", "height"]
    for frame in truth["frames"]:
        assert list(frame) == ["time_ms", "faces"]
        for track, left, top, width, height in frame["faces"]:
            assert isinstance(track, int)
            assert left >= 0
            assert top >= 0
            assert width > 0
            assert height > 0
            assert left + width <= 1.00001
            assert top + height <= 1.00001


def test_every_decoded_frame_has_its_boxes_at_its_time(sample, truth):
    with video.Reader(sample[0]) as reader:
        times = [frame.time_ms for frame in reader if hasattr(frame, "bgr")]
    assert times == pytest.approx([frame["time_ms"] for frame in truth["frames"]], abs=0.5)


def test_true_boxes_agree_with_the_detector(sample, truth):
    """Where a face is wholly in the frame YuNet finds it at the true place, and it finds nothing else."""
    detector, compared = FaceDetector(score_threshold=0.7), 0
    with video.Reader(sample[0]) as reader:
        for index, frame in enumerate(item for item in reader if hasattr(item, "bgr")):
            if index % 15:
                continue
            found = [(f.left, f.top, f.width, f.height) for f in detector.find(np.ascontiguousarray(frame.bgr()))]
            true = [box for _, *box in truth["frames"][index]["faces"]]
            inside = [box for box in true if box[0] > 0 and box[0] + box[2] < 0.999]
            assert all(max(overlap(box, other) for other in found) > 0.75 for box in inside)
            assert all(max(overlap(box, other) for other in true) > 0.3 for box in found)
            compared += len(inside)
    assert compared > 30


def test_there_is_one_hard_cut_between_different_places(small_frames):
    luma = np.array([cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in small_frames], np.float32)
    change = np.abs(np.diff(luma, axis=0)).mean(axis=(1, 2))
    assert change.argmax() == CUT - 1
    assert change[CUT - 1] > 4 * np.delete(change, CUT - 1).max()


def test_faces_enter_leave_grow_and_differ_in_size(truth):
    spans = {track: frames_of(truth, track) for track in range(4)}
    last = len(truth["frames"]) - 1
    assert spans[0][0] == 0
    assert spans[0][-1] < CUT - 15, "leaves before the cut"
    assert spans[1][0] > 30, "enters"
    assert spans[1][-1] == CUT - 1
    assert spans[2][0] == CUT
    assert spans[2][-1] < last - 30, "leaves"
    assert spans[3][0] > CUT + 30, "enters"
    assert spans[3][-1] == last
    heights = [face[4] for frame in truth["frames"] for face in frame["faces"] if 0 < face[1] < 1 - face[3]]
    assert min(heights) < 0.16
    assert 0.30 < max(heights) < 0.36
    assert max(len(frame["faces"]) for frame in truth["frames"]) == 2


def test_a_face_is_listed_from_a_fifth_of_it_on(truth):
    first, part = SCENES[0].frames, SCENES[1].parts[-1]
    listed, left_out = [], []
    for index in range(SCENES[1].frames):
        left, _, right, _ = turning.face_box(part.portrait, part.motion.at(index / FRAME_RATE))
        inside = min(max(right, 0) / (right - left), 1)
        tracks = [face[0] for face in truth["frames"][first + index]["faces"]]
        (listed if part.track in tracks else left_out).append(inside)
    assert 0.2 <= min(listed) < 0.6
    assert 0 < sorted(left_out)[-1] < 0.2


def test_nobody_floats():
    """The lower edge of every bust stays below the frame, however it leans."""
    for scene in SCENES:
        for part in scene.parts:
            for index in range(scene.frames):
                corners = turning.bust_corners(part.portrait, part.motion.at(index / FRAME_RATE))
                assert corners[2:, 1].min() > HEIGHT


def test_pixels_and_boxes_share_one_geometry():
    for scene in SCENES:
        for part in scene.parts:
            points = np.array(part.portrait.outline, np.float64)
            for index in range(0, scene.frames, 12):
                pose = part.motion.at(index / FRAME_RATE)
                there = turning.to_frame(part.portrait, pose, points)
                back = turning.to_picture(part.portrait, pose, there)
                assert np.abs(back - points).max() < 1.0


def test_motion_reaches_its_keys_and_never_overshoots():
    keys = ((0.0, 1.0), (1.0, 4.0), (1.5, 4.0), (3.0, -2.0), (4.0, -1.0))
    assert [motion.ease(keys, time) for time, _ in keys] == pytest.approx([value for _, value in keys])
    for (start, low), (end, high) in pairwise(keys):
        inside = [motion.ease(keys, start + (end - start) * part / 20) for part in range(21)]
        assert min(low, high) - 1e-9 <= min(inside)
        assert max(inside) <= max(low, high) + 1e-9
    assert motion.ease(keys, -1.0) == 1.0
    assert motion.ease(keys, 9.0) == -1.0


def test_the_same_frames_and_music_each_time():
    def digest():
        return sha256(b"".join(frame.tobytes() for frame in islice(film.frames(), 3))).hexdigest()

    assert digest() == digest()
    assert sound.music(1.0)[0].tobytes() == sound.music(1.0)[0].tobytes()


def test_music_is_stereo_and_never_clips():
    samples, rate = sound.music(3.0)
    assert samples.shape == (3 * rate, 2)
    assert samples.dtype == np.float32
    assert 0.4 < np.abs(samples).max() <= 0.51
    assert np.abs(samples[[0, -1]]).max() < 1e-3, "it fades in and out"
    assert not np.array_equal(samples[:, 0], samples[:, 1])


@pytest.mark.parametrize(("package", "wheel"), pictures.WHEELS.items())
def test_missing_wheel_is_one_clear_line(package, wheel, tmp_path, monkeypatch):
    known = pictures.find_spec
    monkeypatch.setattr(pictures, "find_spec", lambda name: None if name == package else known(name))
    with pytest.raises(WorkshopError, match=rf"{wheel}.*pip install 'faceblur\[workshop\]'"):
        make_sample(tmp_path / "sample.mp4", tmp_path / "faces.json")
    assert not list(tmp_path.iterdir())


def test_unreadable_picture_is_one_clear_line(tmp_path, monkeypatch):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    monkeypatch.setattr(pictures, "locate", lambda picture: broken)
    with pytest.raises(WorkshopError, match="cannot be read"):
        pictures.load(pictures.GRACE_HOPPER)


def test_unwritable_faces_file_is_an_output_error_before_anything_is_made(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        make_sample(tmp_path / "sample.mp4", tmp_path / "missing" / "faces.json")
    assert not list(tmp_path.iterdir())
