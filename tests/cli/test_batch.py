"""`faceblur blur` of folders, patterns and several videos; going on after a bad one; --resume."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from video_kit import make, shown

from faceblur import video
from faceblur.cli import _parser, main
from faceblur.cli.batch import _remarks
from faceblur.cli.blur import _asked
from faceblur.cli.common import Progress
from faceblur.cli.inputs import VIDEOS, is_done, pair_up, record_of
from faceblur.errors import DetectorError
from faceblur.files import sha256_of


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> bytes:
    return make(tmp_path_factory.mktemp("clip") / "clip.mp4", count=3).read_bytes()


@pytest.fixture(scope="module")
def other_clip(tmp_path_factory) -> bytes:
    return make(tmp_path_factory.mktemp("other") / "clip.mp4", count=4).read_bytes()


@pytest.fixture
def put(tmp_path, monkeypatch, clip):
    """Work in an empty folder; put(names) writes the clip, or the bytes given, under these names."""
    monkeypatch.chdir(tmp_path)

    def put(*names: str, content: bytes = clip) -> None:
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(content)

    return put


@pytest.fixture
def blur(capsys):
    """blur(arguments): (exit code, lines on stdout, lines on stderr)."""

    def blur(*arguments: str):
        try:
            code = main(["blur", *arguments, "--preset", "ultrafast"])
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err.splitlines()

    return blur


def files_in(folder: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def videos_in(folder: str) -> list[str]:
    return [name for name in files_in(folder) if not name.endswith(".report.json")]


def test_a_folder_keeps_its_paths_and_leaves_out_what_is_no_video(put, blur):
    put("in/b.MOV", "in/deep/er/a.mp4", "in/old.avi")
    put("in/notes.txt", "in/._b.mov", content=b"no video")
    Path("in/link").symlink_to("deep")
    code, lines, errors = blur("in", "out/new")
    assert (code, errors) == (0, [])
    assert videos_in("out/new") == ["b.MOV", "deep/er/a.mp4", "old.mp4"]
    assert len(shown(Path("out/new/deep/er/a.mp4"))) == 3
    assert len(lines) == 4 and lines[-1] == "3 blurred, 3 left out (no video)"
    assert all("no faces were found; 3 frames were written" in line for line in lines[:-1])
    report = json.loads(Path("out/new/old.mp4.report.json").read_text())
    assert report["input"]["name"] == "old.avi" and report["asked"]["style"]["name"] == "mosaic"


@pytest.mark.parametrize(
    ("pattern", "found"),
    {
        "in/*.mp4": ["a.mp4", "b.mp4"],
        "in/**/*.mp4": ["a.mp4", "b.mp4", "deep/a.mp4"],
        "in/*/a.*": ["deep/a.mp4"],
        "in/[b-z]*": ["b.mp4"],
        "*/b.*": ["in/b.mp4", "in2/b.mkv"],
    }.items(),
)
def test_a_pattern(put, pattern, found):
    put("in/a.mp4", "in/b.mp4", "in/c.txt", "in/deep/a.mp4", "in2/b.mkv")
    pairs, _ = pair_up([pattern], "out")
    assert [str(pair.output) for pair in pairs] == [f"out/{name}" for name in found]


def test_a_file_whose_name_looks_like_a_pattern_is_one_video(put, blur):
    put("clip[1].mp4")
    assert blur("clip[1].mp4", "out.mp4")[0] == 0
    assert files_in(".") == ["clip[1].mp4", "out.mp4"]


def test_a_bad_file_does_not_stop_the_others(put, blur):
    put("a.mp4", "in/c.mp4", "in/z.webm")
    put("in/b.mp4", content=b"no video")
    code, lines, errors = blur("a.mp4", "in", "missing.mov", "out")
    assert code == 1 and videos_in("out") == ["a.mp4", "c.mp4", "z.mp4"]
    assert len(errors) == 2 and errors[0].startswith("faceblur: in/b.mp4: not a video")
    assert lines[3].startswith("3 blurred, 2 failed: in/b.mp4: not a video")
    assert lines[4:] == ["  missing.mov: no such file"]
    code, lines, _ = blur("in", "out", "--resume")
    assert code == 1 and lines[-1].startswith("0 blurred, 2 skipped (done before), 1 failed: in/b.mp4: not a video")


def test_a_file_that_is_named_twice_is_done_once(put, blur):
    put("in/a.mp4", "b.mp4")
    _, lines, _ = blur("in", "b.mp4", "./in/a.mp4", "in/../b.mp4", "out")
    assert lines[-1] == "2 blurred" and videos_in("out") == ["a.mp4", "b.mp4"]


REFUSED = {
    "same name": ("in x/a.mp4 out", 3, "both in/a.mp4 and x/a.mp4 would become this file"),
    "same name after the change": ("in in/a.avi out", 3, "both in/a.avi and in/a.mp4"),
    "out is the folder": ("x x", 3, "written over an input"),
    "out in the folder": ("x x/out", 3, "blurred again the next time"),
    "out in the folder, by a link": ("x link/out", 3, "blurred again the next time"),
    "out would match": ("**/a.mp4 out", 3, "blurred again the next time"),
    "below the folder again": ("y .", 3, "blurred again the next time"),
    "over a named one": ("y/y/a.mp4 x/b.mp4 x", 3, "x/b.mp4: would be written over an input"),
    "out is a file": ("x/a.mp4 y x/b.mp4", 3, "x/b.mp4: is no folder"),
    "out looks like a file": ("x out.mp4", 3, "out.mp4: is no folder"),
    "nothing in the folder": ("none out", 2, "none: no video in this folder"),
    "nothing matches": ("x/*.mkv out", 2, "x/*.mkv: no video"),
    "a plan": ("x out --plan plan.json", 2, "--plan belongs to one video"),
    "a report": ("x out --report report.json", 2, "--report belongs to one video"),
    "one to show": ("x out --show 0", 2, "--show belongs to one video"),
    "no such codec": ("x out --codec vp9", 3, "vp9"),
    "weak style": ("x out --strength 16", 2, "can be recognised"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_is_refused_in_one_line_before_any_work(put, blur, monkeypatch, kind):
    command, code, words = REFUSED[kind]
    put("in/a.mp4", "in/a.avi", "x/a.mp4", "x/b.mp4", "y/y/a.mp4", content=b"")
    if kind == "same name":
        Path("in/a.avi").unlink()
    Path("none").mkdir()
    Path("link").symlink_to("x")
    monkeypatch.setattr("faceblur.cli.batch.probe", lambda *_: pytest.fail("it began to work"))
    before = sorted(Path().rglob("*"))
    result, lines, errors = blur(*command.split())
    assert (result, lines, len(errors)) == (code, [], 1), errors
    assert errors[0].startswith("faceblur: ") and words in errors[0]
    assert sorted(Path().rglob("*")) == before


def test_results_beside_what_a_pattern_finds_are_fine(put):
    put("a.mp4", "out/a.mp4", content=b"")
    pairs, _ = pair_up(["*.mp4"], "out")
    assert [(str(pair.source), str(pair.output)) for pair in pairs] == [("a.mp4", "out/a.mp4")]


def test_resume_does_again_what_changed_and_nothing_else(put, blur, other_clip):
    put("in/a.mp4", "in/b.mp4", "in/c.mp4", "in/d.mp4", "in/e.mp4")
    assert blur("in", "out")[1][-1] == "5 blurred"
    before = {name: Path("out", name).stat().st_ino for name in files_in("out")}
    put("in/a.mp4", content=other_clip)  # another content
    Path("out/b.mp4").write_bytes(Path("out/b.mp4").read_bytes()[:-9])  # cut off
    Path("out/c.mp4").unlink()
    Path("out/d.mp4.report.json").write_text('{"asked": ')  # nobody knows
    os.utime("in/e.mp4")  # the same content
    assert blur("in", "out", "--resume")[1][-1] == "4 blurred, 1 skipped (done before)"
    after = {name: Path("out", name).stat().st_ino for name in files_in("out")}
    assert [name for name in after if after[name] == before[name]] == ["e.mp4", "e.mp4.report.json"]
    assert [len(shown(Path("out", name))) for name in videos_in("out")] == [4, 3, 3, 3, 3]
    assert blur("in", "out", "--resume")[1][-1] == "0 blurred, 5 skipped (done before)"
    assert blur("in", "out")[1][-1] == "5 blurred"


@pytest.mark.parametrize(
    "change", ["--style solid", "--strength 4", "--margin 0.5", "--crf 30", "--codec hevc", "--area 0,0,1,1", "--smart"]
)
def test_resume_does_again_with_other_settings(put, change):
    """The record holds every setting that changes the picture; --jobs does not."""

    def asked(words: str) -> dict:
        options = _parser().parse_args(["blur", "a.mp4", "b.mp4", *words.split()])
        return _asked(options, None, video.EncoderSettings(options.crf, options.preset, options.codec))

    put("a.mp4", "b.mp4")
    sums = {"sha256": sha256_of("a.mp4")}
    record = record_of("b.mp4")
    record.write_text(json.dumps({"asked": asked(""), "input": sums, "output": sums}))
    assert is_done("a.mp4", "b.mp4", record, asked("--jobs 2"))
    assert not is_done("a.mp4", "b.mp4", record, asked(change))


def test_resume_understands_reports_that_call_show_keep(put):
    put("a.mp4", "b.mp4")
    sums = {"sha256": sha256_of("a.mp4")}
    options = _parser().parse_args(["blur", "a.mp4", "b.mp4", "--show", "3"])
    asked = _asked(options, None, video.EncoderSettings(options.crf, options.preset, options.codec))
    old = {"keep" if key == "show" else key: value for key, value in asked.items()}
    for number, said in enumerate((old, old | {"keep": [4]}, list(old))):
        Path("record.json").write_text(json.dumps({"asked": said, "input": sums, "output": sums}))
        assert is_done("a.mp4", "b.mp4", "record.json", asked) == (number == 0)


def test_resume_of_one_video(put, blur):
    put("in.mp4")
    assert blur("in.mp4", "out.mp4", "--resume")[0] == 0
    assert files_in(".") == ["in.mp4", "out.mp4", "out.mp4.report.json"]
    assert blur("in.mp4", "out.mp4", "--resume") == (0, ["out.mp4: done before; skipped"], [])
    code, lines, _ = blur("in.mp4", "out.mp4", "--resume", "--style", "solid")
    assert code == 0 and "no faces were found" in lines[0]


def test_resume_of_one_video_with_a_plan_and_a_report_of_ones_own(put, blur):
    put("in.mp4")
    main(["plan", "in.mp4", "-o", "plan.json"])
    arguments = ("in.mp4", "out.mp4", "--plan", "plan.json", "--report", "said.json", "--resume")
    assert "written" in blur(*arguments)[1][-1]
    assert blur(*arguments)[1] == ["out.mp4: done before; skipped"]
    plan = json.loads(Path("plan.json").read_text())
    plan["areas"] = [{"left": 0, "top": 0, "width": 1, "height": 1}]
    Path("plan.json").write_text(json.dumps(plan))
    assert "areas blurred" in blur(*arguments)[1][0]
    assert files_in(".") == ["in.mp4", "out.mp4", "plan.json", "said.json"]


def test_stopped_in_the_middle(put, blur, monkeypatch):
    """Ctrl-C while the second of three is written."""
    put("in/a.mp4", "in/b.mp4", "in/c.mp4")
    write = video.Writer.write

    def stop_at_b(self, event):
        if self.output.path.name == "b.mp4" and Path("out/a.mp4.report.json").exists():
            raise KeyboardInterrupt
        write(self, event)

    monkeypatch.setattr(video.Writer, "write", stop_at_b)
    code, lines, errors = blur("in", "out")
    assert code == 130 and len(lines) == 1
    assert errors == ["faceblur: stopped; 1 blurred, 2 not done; --resume goes on"]
    assert files_in("out") == ["a.mp4", "a.mp4.report.json"]
    monkeypatch.setattr(video.Writer, "write", write)
    assert blur("in", "out", "--resume")[1][-1] == "2 blurred, 1 skipped (done before)"


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
@pytest.mark.parametrize("moment", ["video.Writer.write", "cli.blur.write_json"])
def test_killed_in_the_middle(put, blur, moment):
    """While b is written, and between b and its report: no name stands for half a file, and b is done again."""
    put("in/a.mp4", "in/b.mp4")
    module, _, name = moment.rpartition(".")
    holder = f"faceblur.{module}"
    code = (
        "import os, signal, sys, faceblur.cli.blur\n"
        f"do = {holder}.{name}\n"
        "def kill(*args):\n"
        "    if os.path.exists('out/a.mp4.report.json'): os.killpg(0, signal.SIGKILL)\n"
        "    return do(*args)\n"
        f"{holder}.{name} = kill\n"
        "sys.exit(faceblur.cli.main())"
    )
    command = [sys.executable, "-c", code, "blur", "in", "out", "--preset", "ultrafast"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, start_new_session=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    there = [name for name in files_in("out") if not name.startswith(".")]
    assert there[:2] == ["a.mp4", "a.mp4.report.json"] and "b.mp4.report.json" not in there
    assert blur("in", "out", "--resume")[1][-1] == "1 blurred, 1 skipped (done before)"
    assert files_in("out") == ["a.mp4", "a.mp4.report.json", "b.mp4", "b.mp4.report.json"]  # nothing is left over
    assert len(shown(Path("out/b.mp4"))) == 3


def test_a_video_that_changes_meanwhile_counts_as_failed(put, blur, monkeypatch, other_clip):
    """It may still be on its way from a camera; the record would vouch for what was not looked at."""
    keep = video.Writer.finish

    def change_a(self):
        put("in/a.mp4", content=other_clip)
        keep(self)

    put("in/a.mp4")
    monkeypatch.setattr(video.Writer, "finish", change_a)
    code, lines, _ = blur("in", "out")
    assert code == 1 and "in/a.mp4: changed while it was blurred" in lines[-1]
    assert files_in("out") == ["a.mp4"]
    monkeypatch.setattr(video.Writer, "finish", keep)
    assert blur("in", "out", "--resume")[1][-1] == "1 blurred"


def test_a_line_says_where_to_read_on():
    assert _remarks({"needs_review": [], "notes": []}, "a.json") == ""
    assert _remarks({"needs_review": [{}], "notes": ["b", "c"]}, "a.json") == "; 1 part to review, 2 notes: see a.json"


def test_what_is_wrong_with_all_ends_the_batch(put, blur, monkeypatch):
    def broken(*_, **__):
        raise DetectorError("no detector")

    put("in/a.mp4", "in/b.mp4")
    monkeypatch.setattr("faceblur.cli.blur.analyse_in_jobs", broken)
    assert blur("in", "out") == (4, [], ["faceblur: no detector"])


def test_a_terminal_shows_the_file_its_share_and_the_count_in_one_line(put, blur, monkeypatch):
    seen = []

    class Watched(Progress):
        def __init__(self, what):
            super().__init__(what)
            seen.append(what)

    put("in/a.mp4", f"in/{'long' * 20}.mp4")
    monkeypatch.setattr("faceblur.cli.batch.Progress", Watched)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    _, _, errors = blur("in", "out")
    passes = ("looking for faces", "blurring", "looking again")
    assert seen[:3] == [f"1 of 2 files, a.mp4: {name}" for name in passes]
    assert seen[4].startswith("2 of 2 files, ...") and seen[4].endswith("longlong.mp4: blurring")
    drawn = [line for line in errors if line.strip("\033[K")]  # split where it goes back to the line's start
    assert drawn and all(len(line) < 80 and line.endswith("%") for line in drawn)


def test_every_kind_that_can_be_written_is_collected():
    assert set(video.CONTAINERS) <= set(VIDEOS)


KINDS = {
    ".vob": "mpeg2video",
    ".mts": "libx264",
    ".m2ts": "libx264",
    ".asf": "wmv2",
    ".wmv": "wmv2",
    ".3g2": "libx264",
    ".mjpeg": "mjpeg",
    ".mxf": "mpeg2video",
    ".m2v": "mpeg2video",
    ".mpeg": "mpeg2video",
    ".f4v": "libx264",
    ".y4m": "wrapped_avframe",
    ".nut": "libx264",
    ".ivf": "libvpx",
    ".h264": "libx264",
    ".h265": "libx265",
}


@pytest.mark.parametrize("suffix", KINDS)
def test_what_blurs_when_it_is_named_is_found_in_a_folder(tmp_path, suffix):
    source = tmp_path / f"in/clip{suffix.upper()}"
    source.parent.mkdir()
    pixels = {"pixel_format": "yuvj420p"} if suffix == ".mjpeg" else {}
    options = {"x265-params": "log-level=none"} if suffix == ".h265" else {}
    made = make(tmp_path / f"clip{suffix}", codec=KINDS[suffix], options=options, count=3, **pixels)
    made.rename(source)
    assert video.probe(source).width
    pairs, others = pair_up([str(source.parent)], tmp_path / "out")
    assert ([pair.source for pair in pairs], others) == ([source], 0)
    assert pairs[0].output == tmp_path / "out/clip.mp4"


def test_collecting_knows_the_names_of_videos_and_no_others():
    wanted = (
        ".vob .mts .m2ts .asf .wmv .3g2 .3gp .mjpeg .dv .mxf .ts .m2v .mpeg .mpg .m4v .qt .f4v .flv .rm .rmvb .ogv "
        ".wtv .y4m .nut .ivf .h264 .h265 .265 .264 .webm .avi .mod .tod .dav"
    )
    assert set(wanted.split()) <= set(VIDEOS)
    others = ".mp3 .m4a .wav .ogg .mka .jpg .png .gif .heic .avif .webp .tif .m3u8 .m3u .mpd .txt .srt .sdp .idx .json"
    assert not set(others.split()) & set(VIDEOS)
