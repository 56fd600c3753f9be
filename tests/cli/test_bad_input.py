"""What goes wrong ends in one clear line and an exit code, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from video_kit import make, no_faces

from faceblur import EncoderSettings, render
from faceblur.errors import InputError, OutputError


def run(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "faceblur", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def assert_one_line(result, code: int, *words: str) -> None:
    assert result.returncode == code, result.stderr
    assert result.stderr.startswith("faceblur: ") and result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("good") / "good.mp4", count=5)


def sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as box:
        stream = box.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48000, 0
        box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return path


def bad_inputs(folder: Path) -> dict[str, tuple[Path, str]]:
    """Kind -> (path, what the message says of it)."""
    paths = {name: folder / f"{name}.mp4" for name in ("missing", "text", "empty", "noise", "headless")}
    paths["text"].write_text("Dear diary, this is no video.\n" * 50)
    paths["empty"].write_bytes(b"")
    paths["noise"].write_bytes(bytes(range(256)) * 400)
    whole = make(folder / "whole.mp4")
    paths["headless"].write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])  # its index was at the end
    whole.unlink()
    (folder / "folder.mp4").mkdir()
    return {
        "missing": (paths["missing"], "no such file"),
        "text": (paths["text"], "not a video"),
        "empty": (paths["empty"], "empty"),
        "noise": (paths["noise"], "not a video"),
        "headless": (paths["headless"], "not a video"),
        "folder": (folder / "folder.mp4", "folder"),
        "sound only": (sound_only(folder / "sound.m4a"), "no video stream"),
    }


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "noise", "headless", "folder", "sound only"])
def test_a_bad_input_is_named_with_what_is_wrong(tmp_path, kind):
    path, words = bad_inputs(tmp_path)[kind]
    before = sorted(tmp_path.iterdir())
    result = run("blur", path, tmp_path / "out.mp4")
    assert_one_line(result, 2, path.name, words)
    assert sorted(tmp_path.iterdir()) == before


def test_a_video_of_which_nothing_can_be_decoded(tmp_path, good):
    source = tmp_path / "in.mp4"
    data = bytearray(good.read_bytes())
    with av.open(str(good)) as box:
        spots = [(packet.pos, packet.size) for packet in box.demux(video=0) if packet.size]
    for offset, size in spots:
        data[offset : offset + size] = bytes(size)
    source.write_bytes(data)
    with pytest.raises(InputError, match="not one frame"):
        render(source, tmp_path / "out.mp4", no_faces())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mp4"]


def test_an_output_that_cannot_be_is_refused_before_any_work(tmp_path, good):
    (tmp_path / "folder.mp4").mkdir()
    cases = {
        tmp_path / "out.avi": "must end in",
        tmp_path / "out": "must end in",
        tmp_path / "nowhere" / "out.mp4": "does not exist",
        tmp_path / "folder.mp4": "is a folder",
    }
    for path, words in cases.items():
        seen = []
        with pytest.raises(OutputError, match=words):
            render(good, path, no_faces(), progress=lambda *done, seen=seen: seen.append(done))
        assert not seen
    assert [p.name for p in tmp_path.iterdir()] == ["folder.mp4"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path, good):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        render(good, locked / "out.mp4", no_faces())


@pytest.mark.parametrize("way", ["itself", "symbolic link", "hard link"])
def test_the_input_is_never_overwritten(tmp_path, good, way):
    source = tmp_path / "in.mp4"
    source.write_bytes(good.read_bytes())
    target = source if way == "itself" else tmp_path / "link.mp4"
    if way == "symbolic link":
        target.symlink_to(source)
    elif way == "hard link":
        os.link(source, target)
    result = run("blur", source, target)
    assert_one_line(result, 3, "is the input itself")
    assert source.read_bytes() == good.read_bytes()


def test_an_earlier_output_survives_a_failure(tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"earlier")
    (tmp_path / "in.mp4").write_bytes(b"no video")
    assert run("blur", tmp_path / "in.mp4", tmp_path / "out.mp4").returncode == 2
    assert (tmp_path / "out.mp4").read_bytes() == b"earlier"


@pytest.mark.skipif(os.name == "nt", reason="no RLIMIT_FSIZE")
@pytest.mark.parametrize("limit", [0, 20_000, 60_000])
def test_a_full_disk_leaves_nothing_behind(tmp_path, limit):
    """The system refuses to let any file grow past the limit, as a full disk does."""
    source = make(tmp_path / "in.mp4", size=(320, 240), count=60)
    code = (
        "import resource, sys; from faceblur.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "blur", str(source), str(tmp_path / "out.mp4"), "--crf", "1"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert_one_line(result, 3, "out.mp4", "could not be written")
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def has_begun(folder: Path) -> bool:
    """Whether there is a half-written output with something in it."""
    try:
        return any(path.stat().st_size for path in folder.glob(".out-*.mp4"))
    except FileNotFoundError:  # the probe of whether the folder can be written to
        return False


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing_behind(tmp_path, number):
    source = make(tmp_path / "in.mp4", size=(160, 120), count=250)
    command = [
        sys.executable,
        "-m",
        "faceblur",
        "blur",
        str(source),
        str(tmp_path / "out.mp4"),
        "--preset",
        "veryslow",
    ]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while child.poll() is None and not has_begun(tmp_path):
        pass
    child.send_signal(number)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert errors == "faceblur: stopped; nothing was written\n"
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(
    "settings", [{"crf": 99}, {"crf": -1}, {"preset": "warp"}, {"codec": "vp9"}, {"codec": "av1", "crf": 64}]
)
def test_encoder_settings_are_checked(settings):
    with pytest.raises(OutputError, match=r"crf goes|is not known"):
        EncoderSettings(**settings)


def test_a_wrong_setting_on_the_command_line(tmp_path, good):
    assert_one_line(run("blur", good, tmp_path / "out.mp4", "--preset", "warp"), 3, "warp", "ultrafast")
