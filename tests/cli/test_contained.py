"""A file that breaks the process it is worked on in: one line, the right exit code, nothing left, the batch goes on."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from video_kit import make

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to be contained in")

# The command, whose search for faces in a file called bad.mp4 does `{harm}` with a half-written output around.
CODE = """
import ctypes, os, signal, sys, time
import faceblur.cli
import faceblur.cli.blur as blur
from faceblur.video.writing.output import Output
search, held = blur.analyse_in_jobs, []
def harm(source, *rest, **options):
    if os.path.basename(source) == "bad.mp4":
        held.append(Output(os.environ["HALF"]))
        {harm}
    return search(source, *rest, **options)
blur.analyse_in_jobs = harm
sys.exit(faceblur.cli.main())
"""
HARM = {
    "abort": ("os.write(2, b'free(): invalid pointer'); os.abort()", 2, "SIGABRT"),
    "segmentation fault": ("ctypes.string_at(0)", 2, "SIGSEGV"),
    "division": ("os.kill(os.getpid(), signal.SIGFPE)", 2, "SIGFPE"),
    "no memory, says the system": ("os.kill(os.getpid(), signal.SIGKILL)", 2, "memory"),
    "no memory, says Python": ("raise MemoryError", 2, "memory"),
    "a damaged disk": ("raise OSError(5, 'Input/output error')", 2, "Input/output error"),
    "a mistake of ours": ("raise ValueError('a\\\\nb')", 1, "unexpected ValueError: a\\nb; please report it"),
}


def run(harm: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"HALF": str(folder / "half.mp4")}
    command = [sys.executable, "-c", CODE.format(harm=harm), "blur", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


@pytest.fixture
def put(tmp_path):
    def put(*names: str) -> list[Path]:
        return [make(tmp_path / name, count=3) for name in names]

    return put


@pytest.mark.parametrize("kind", HARM)
def test_one_line_and_the_right_code(put, tmp_path, kind):
    harm, code, words = HARM[kind]
    (bad,) = put("bad.mp4")
    result = run(harm, tmp_path, bad, tmp_path / "out.mp4")
    assert (result.returncode, result.stdout) == (code, ""), result.stderr
    assert result.stderr.startswith("faceblur: ") and result.stderr.count("\n") == 1, result.stderr
    assert words in result.stderr
    if sys.platform.startswith("linux") or kind.endswith("Python"):
        assert [path.name for path in tmp_path.iterdir()] == ["bad.mp4"]


@pytest.mark.parametrize("kind", ["abort", "no memory, says the system", "a mistake of ours"])
def test_the_batch_goes_on(put, tmp_path, kind):
    harm, _, words = HARM[kind]
    out = tmp_path / "out"
    out.mkdir()
    result = run(harm, out, *put("a.mp4", "bad.mp4", "c.mp4"), out)
    assert result.returncode == 1, result.stderr
    assert result.stderr.startswith(f"faceblur: {tmp_path / 'bad.mp4'}: ") and result.stderr.count("\n") == 1
    assert words in result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 3 and lines[-1].startswith(f"2 blurred, 1 failed: {tmp_path / 'bad.mp4'}: ")
    names = sorted(path.name for path in out.iterdir())
    assert names == ["a.mp4", "a.mp4.report.json", "c.mp4", "c.mp4.report.json"]


def test_a_job_that_crashes_names_the_file(tmp_path):
    from faceblur.errors import InputError
    from faceblur.pipeline.jobs import _check_end

    child = subprocess.Popen([sys.executable, "-c", "import os; os.abort()"])
    with pytest.raises(InputError, match=r"in\.mp4: the codec library crashed on it \(SIGABRT\)"):
        _check_end(child, {"source": "in.mp4"})


def test_who_does_not_hear_that_it_is_to_end_is_ended(put, tmp_path):
    """As when a library hangs. Its parent waits for ten seconds; here for none."""
    code = CODE.format(harm="print('hangs', flush=True); signal.pthread_sigmask(0, [15]); time.sleep(60)")
    code = "import faceblur.cli.guard as guard; guard._PATIENCE_S = 0.1\n" + code
    command = [sys.executable, "-c", code, "blur", str(*put("bad.mp4")), str(tmp_path / "out.mp4")]
    environment = os.environ | {"HALF": str(tmp_path / "half.mp4")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=environment, **pipes) as child:
        assert child.stdout.readline() == "hangs\n"
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=30)
    assert child.returncode == 130 and errors.count("\n") == 1 and "stopped" in errors


@pytest.mark.parametrize(
    ("number", "first"), [(signal.SIGINT, 4), (signal.SIGTERM, 12), (signal.SIGHUP, 20)], ids=["INT", "TERM", "HUP"]
)
def test_stopped_at_any_moment_leaves_nothing(put, tmp_path, number, first):
    """From the interpreter's start to the end of the work: at most one line, no file that is not whole."""
    (source,) = put("in.mp4")
    whole = None
    for moment in (*range(first, 100, 24), None):
        folder = tmp_path / f"{moment}"
        folder.mkdir()
        command = [sys.executable, "-m", "faceblur", "blur", str(source), str(folder / "out.mp4")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            if moment is not None:
                with_patience(child, moment / 100)
                child.send_signal(number)
            _, errors = child.communicate(timeout=60)
        left = [path.name for path in folder.iterdir()]
        written = f"{folder / 'out.mp4'} was" if left else "nothing was"
        if any(name in errors for name in ("runpy", "site.py", "<frozen site>")):  # Python itself had not started yet
            assert left == [] and str(ROOT / "faceblur") not in errors
            continue
        assert errors in ("", f"faceblur: stopped; {written} written\n"), moment
        assert left in ([], ["out.mp4"]) and child.returncode in (0, 130, -number), (moment, left)
        if left:
            whole = whole or (folder / "out.mp4").stat().st_size
            assert (folder / "out.mp4").stat().st_size == whole


def with_patience(child: subprocess.Popen, seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
