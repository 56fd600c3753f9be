"""What is no regular file is written into, a link is followed, permissions stay, and nobody's name is taken."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from video_kit import make, no_faces

from faceblur import OutputError, Plan, files, partials, render
from faceblur.cli import main

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no pipes with names, no modes")


@pytest.fixture
def clip(tmp_path) -> Path:
    return make(tmp_path / "in.mp4", count=3)


def test_a_pipe_is_written_into(clip, tmp_path):
    pipe, read = tmp_path / "plan.json", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    assert main(["plan", str(clip), "-o", str(pipe)]) == 0
    reader.join()
    assert Plan.from_json(json.loads(read[0])).tracks == ()
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_a_pipe_that_nobody_reads_is_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_READER_S", 0.0)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="nobody reads"):
        files.write_text(tmp_path / "pipe", "{}")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_written_into_also_by_a_link(clip, tmp_path):
    try:
        os.mknod(tmp_path / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        (tmp_path / "null").write_bytes(b"")
    except OSError:
        pytest.skip("no devices here")
    (tmp_path / "link").symlink_to("null")
    for name in ("null", "link"):
        assert main(["plan", str(clip), "-o", str(tmp_path / name)]) == 0
    assert stat.S_ISCHR((tmp_path / "null").lstat().st_mode) and (tmp_path / "link").is_symlink()


def test_the_null_device_takes_reports_and_plans(clip, tmp_path):
    assert main(["blur", str(clip), str(tmp_path / "out.mp4"), "--report", os.devnull]) == 0
    assert main(["plan", str(clip), "-o", os.devnull]) == 0
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_standard_output_holds_what_is_written_there(clip, tmp_path):
    (tmp_path / "link").symlink_to("/dev/stdout")
    for name in ("/dev/stdout", tmp_path / "link"):
        with (tmp_path / "said").open("w") as said:
            command = [sys.executable, "-m", "faceblur", "plan", str(clip), "-o", str(name)]
            assert subprocess.run(command, stdout=said).returncode == 0
        content, end = json.JSONDecoder().raw_decode((tmp_path / "said").read_text())
        assert content["plan"] == 1 and "no face was found" in (tmp_path / "said").read_text()[end:]


def test_a_socket_and_a_video_into_a_pipe_are_refused_in_words(clip, tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
    os.mkfifo(tmp_path / "out.mp4")
    with pytest.raises(OutputError, match="is a socket"):
        files.write_text(tmp_path / "s", "{}")
    with pytest.raises(OutputError, match="is a pipe or a device"):
        render(clip, tmp_path / "out.mp4", no_faces())
    assert stat.S_ISFIFO((tmp_path / "out.mp4").lstat().st_mode)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_is_followed_and_stays(clip, tmp_path, is_there):
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "out.mp4"
    if is_there:
        target.write_bytes(b"earlier")
    (tmp_path / "link.mp4").symlink_to("elsewhere/out.mp4")
    render(clip, tmp_path / "link.mp4", no_faces())
    assert (tmp_path / "link.mp4").is_symlink() and target.stat().st_size > 1000
    assert [path.name for path in target.parent.iterdir()] == ["out.mp4"]


def test_a_link_to_itself_and_a_folder_by_a_link_are_refused(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").symlink_to(tmp_path)
    for name in ("loop", "folder"):
        with pytest.raises(OutputError, match="cannot be written"):
            files.write_text(tmp_path / name, "")


def test_permissions_are_those_of_the_file_before_or_of_the_umask(tmp_path):
    path = tmp_path / "plan.json"
    before = os.umask(0o027)
    try:
        files.write_text(path, "1")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        files.write_text(path, "2")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604 and path.read_text() == "2"


def test_a_file_that_is_prepared_under_the_temporary_name_is_neither_followed_nor_replaced(tmp_path, monkeypatch):
    """As if somebody had guessed the name."""
    (tmp_path / "victim").write_text("precious")
    marks = iter(["faceblur-a", "faceblur-b"])
    monkeypatch.setattr(partials, "_new_mark", lambda: next(marks))
    (tmp_path / ".plan-faceblur-a.json").symlink_to("victim")
    with pytest.raises(OutputError, match="cannot be written"):
        files.write_text(tmp_path / "plan.json", "{}")
    assert (tmp_path / "victim").read_text() == "precious" and (tmp_path / ".plan-faceblur-a.json").is_symlink()
    files.write_text(tmp_path / "plan.json", "{}")
    assert (tmp_path / "plan.json").read_text() == "{}"


@pytest.mark.parametrize(
    "name", ["x" * 250, "\u6620" * 83, os.fsdecode(b"caf\xe9 \xff")], ids=["long", "Chinese", "no text"]
)
def test_long_names_and_names_that_are_no_text(clip, tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    source = folder / (os.fsdecode(os.fsencode(name)[: 250 - 4]) + ".mp4")
    try:
        source.write_bytes(clip.read_bytes())
    except OSError:
        pytest.skip("this file system takes no such name")
    for expected in ("1 blurred", "0 blurred, 1 skipped (done before)"):
        command = [sys.executable, "-m", "faceblur", "blur", str(folder) + "/", str(tmp_path / "out"), "--resume"]
        environment = os.environ | {"PYTHONIOENCODING": "cp1252" if "\u6620" in name else "utf-8:strict"}
        done = subprocess.run(command, capture_output=True, env=environment)
        assert (done.returncode, done.stderr) == (0, b"") and done.stdout.decode().splitlines()[-1] == expected
    for path in (tmp_path / "out").glob("*.json"):
        assert len(json.loads(path.read_bytes().decode("utf-8"))["frames"]) == 3
    assert len(list((tmp_path / "out").iterdir())) == 2


def left_by_a_killed_run(folder: Path) -> Path:
    """A half-written output of a process that does not live any more."""
    code = (
        "import os, sys; from faceblur.video.writing.output import Output\n"
        "from faceblur.partials import working_folder\n"
        "held = working_folder(sys.argv[1]); (held.__enter__() / 'plan.json').write_text('{}')\n"
        "one = Output(sys.argv[1] + '/out.mp4'); one.write(b'half'); print(one.partial, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.strip())


needs_boot = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system does not say when it started")


@needs_boot
def test_what_a_killed_run_left_is_removed_by_the_next_and_nothing_else(tmp_path):
    left = left_by_a_killed_run(tmp_path)
    assert left.exists() and len(list(tmp_path.iterdir())) == 2  # with the working folder
    killed = {path.name for path in tmp_path.iterdir()}
    machine = partials._here()[0]
    for name in (left.name.replace(machine, "0" * 8), ".out-abc12345.mp4", ".out-faceblur-holiday.mp4"):
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / "precious").write_bytes(b"mine")
    os.link(tmp_path / "precious", tmp_path / (left.name[:-20] + "0" * 16 + ".mp4"))  # of our pattern, and somebody's
    folder = tmp_path / f".faceblur-{machine}-{partials._here()[1]}-{'0' * 16}"
    folder.mkdir(mode=0o700)
    (folder / "lock").touch()
    (folder / "letter.txt").write_text("mine")
    before = {path.name for path in tmp_path.iterdir()}
    running = files.Replacement(tmp_path / "other.mp4")  # of a run that lives: this one; it looks for what is left
    partials.sweep(tmp_path, again=True)
    after = {path.name for path in tmp_path.iterdir()}
    assert after == before - killed | {running.partial.name} and (folder / "letter.txt").exists()
    running.discard()


@needs_boot
def test_what_another_user_or_an_earlier_start_left(tmp_path, monkeypatch):
    left = left_by_a_killed_run(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    partials.sweep(tmp_path, again=True)
    assert left.exists()
    monkeypatch.undo()
    machine = partials._here()[0]
    monkeypatch.setattr(partials, "_here", lambda: (machine, "f" * 12))
    partials.sweep(tmp_path, again=True)  # of another start, but younger than ours: it may be another machine's
    assert left.exists()
    os.utime(left, (0, 0))
    partials.sweep(tmp_path, again=True)
    assert not left.exists()


def test_a_name_for_an_unchecked_file_takes_nobodys(tmp_path):
    (tmp_path / "out_unchecked.mp4").write_bytes(b"mine")
    name = files.free_name(tmp_path / "out.mp4", "_unchecked")
    assert name.name == "out_unchecked_2.mp4" and (tmp_path / "out_unchecked.mp4").read_bytes() == b"mine"
    long = files.free_name(tmp_path / f"{'x' * 250}.mp4", "_unchecked")
    assert long.exists() and len(long.name) <= 255
