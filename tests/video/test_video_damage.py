"""Damage in the middle of a file: everything that can still be read comes out, and the report says what was
lost.
"""

from fractions import Fraction

import av
import numpy as np
import pytest
from video_kit import make, no_faces, packets, shown

from faceblur import analyse, render
from faceblur.audit import verdict as audit

KINDS = {
    ".mp4": {},
    ".mkv": {},
    ".ts": {},
    ".avi": {"codec": "mpeg4", "options": {"qscale": "3", "g": "10"}},
    ".webm": {
        "codec": "libvpx-vp9",
        "options": {"deadline": "realtime", "cpu-used": "8", "b": "800k", "g": "10"},
    },
}


def positions(path) -> list[tuple[int, int]]:
    """(offset in the file, size) of the video's packets, in file order."""
    with av.open(str(path)) as box:
        return [(packet.pos, packet.size) for packet in box.demux(video=0) if packet.size]


def damage(path, first: int, count: int, seed: int = 1) -> None:
    """Overwrite most of these packets with noise."""
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(seed)
    for offset, size in positions(path)[first : first + count]:
        start = offset + min(40, size // 3)
        data[start : offset + size] = noise.integers(0, 256, offset + size - start, np.uint8).tobytes()
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("first", [14, 30])
def test_the_rest_of_a_damaged_file_comes_out_in_time(tmp_path, suffix, first):
    sound = [] if suffix == ".webm" else [{"seconds": 2.4}]
    source = make(tmp_path / f"in{suffix}", count=60, audio=sound, **KINDS[suffix])
    whole = {number: time for time, number in shown(source)}
    damage(source, first, 3)
    heard = packets(source, 1) if sound else None
    report = render(source, tmp_path / "out.mp4", no_faces())
    after = shown(tmp_path / "out.mp4")
    assert len(after) >= 45
    with av.open(str(source)) as box:
        shift = Fraction(box.start_time, 1_000_000) if suffix == ".ts" else 0  # its clock starts anywhere
    right = [(time, n) for time, n in after if n in whole and abs(whole[n] - shift - time) < 0.0021]
    assert len(right) >= 40  # those of the damaged group may show anything
    assert {n for _, n in right} >= set(range(45, 60))
    if heard:
        head = 7 if suffix == ".ts" else 0  # of ADTS, which MP4 keeps in its index
        assert [data for data, _, _ in packets(tmp_path / "out.mp4", 1)] == [data[head:] for data, _, _ in heard]
    if suffix != ".webm":  # VP9 may make a picture out of noise without noticing
        assert any("damaged" in note or "declares" in note for note in report["notes"])


def test_noise_at_the_very_end_hides_no_frame_before_it(tmp_path):
    source = make(tmp_path / "in.mp4", count=60)
    damage(source, 57, 3)
    render(source, tmp_path / "out.mp4", no_faces())
    assert shown(tmp_path / "out.mp4")[:56] == shown(source)[:56]


def test_a_damaged_sound_track_is_copied_as_it_is(tmp_path):
    source = make(tmp_path / "in.mp4", audio=[{}])
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as box:
        offset, size = next((p.pos, p.size) for i, p in enumerate(box.demux(audio=0)) if i == 10)
    data[offset : offset + size] = bytes(size)
    source.write_bytes(data)
    render(source, tmp_path / "out.mp4", no_faces())
    assert packets(tmp_path / "out.mp4", 1) == packets(source, 1)


def test_analysis_and_audit_see_the_same_frames(tmp_path):
    source = make(tmp_path / "in.mp4", count=60)
    damage(source, 30, 3)
    plan = analyse(source)
    render(source, tmp_path / "out.mp4", plan)
    assert audit.verify(source, tmp_path / "out.mp4", plan).passed
