"""Pictures and files: lettering stays on its picture, and a picture is written whole or not at all."""

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceblur.errors import OutputError
from faceblur.partials import Partial
from faceblur.showing.canvas import PICTURES, Canvas, bgr, encode, paper, save_picture
from faceblur.showing.colours import PALETTE, PAPER

PICTURE = np.full((4, 4, 3), 7, np.uint8)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("ending", [*PICTURES, ".PNG", ".JPG"])
def test_a_picture_is_written_as_its_name_says(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    save_picture(path, PICTURE)
    assert np.abs(cv2.imread(str(path)).astype(int) - PICTURE).max() <= 3
    kind = {".png": b"\x89PNG", ".jpg": b"\xff\xd8", ".jpeg": b"\xff\xd8", ".webp": b"RIFF"}[ending.lower()]
    assert path.read_bytes().startswith(kind) and names(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["a", "a.mp4", "a.png.txt", ".png", "a.", "a.pgm"])
def test_another_ending_is_refused(tmp_path, name):
    with pytest.raises(OutputError, match=r"the name of a picture ends in \.png, \.jpg"):
        save_picture(tmp_path / name, PICTURE)
    assert names(tmp_path) == []


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 4, 3), (4, 0, 3)])
@pytest.mark.parametrize("ending", PICTURES)
def test_a_picture_without_a_pixel_is_refused_and_the_earlier_file_stays(tmp_path, shape, ending):
    path = tmp_path / f"a{ending}"
    path.write_text("earlier")
    with pytest.raises(OutputError, match=rf"a\{ending}: a picture of {shape[1]} x {shape[0]} pixels cannot be"):
        save_picture(path, np.zeros(shape, np.uint8))
    assert path.read_text() == "earlier" and names(tmp_path) == [path.name]


def test_what_its_kind_cannot_hold_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"a picture of 2 x 70000 pixels cannot be written as \.webp"):
        save_picture(tmp_path / "a.webp", np.zeros((70_000, 2, 3), np.uint8))
    with pytest.raises(OutputError, match=r"cannot be written as \.jpg"):
        encode(np.zeros((4, 4, 5), np.uint8), ".jpg")
    assert names(tmp_path) == []


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("no folder")
    for name in ("missing/a.png", "folder.png", "file/a.png"):
        with pytest.raises(OutputError, match="cannot be written"):
            save_picture(tmp_path / name, PICTURE)
    assert names(tmp_path) == ["file", "folder.png"] and not list((tmp_path / "folder.png").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_device_is_told(tmp_path):
    (tmp_path / "full.png").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left"):
        save_picture(tmp_path / "full.png", PICTURE)


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a.png").write_text("earlier")
    for step in ("write", "keep"):
        with monkeypatch.context() as patch:
            patch.setattr(Partial, step, full)
            with pytest.raises(OutputError, match=r"a\.png: cannot be written \(No space left on device\)"):
                save_picture(tmp_path / "a.png", PICTURE)
        assert names(tmp_path) == ["a.png"] and (tmp_path / "a.png").read_text() == "earlier"


@pytest.mark.parametrize("place", [(0, 0), (190, 0), (0, 30), (-50, 200), (500, 10)])
def test_letters_are_drawn_on_a_copy_and_past_the_edge_do_no_harm(place):
    ground = paper(60, 200)
    canvas = Canvas(ground)
    canvas.label(*place, "face 90%", PALETTE[0], 15)
    canvas.text(*place, "words", "#ff0000", 15)
    assert canvas.picture.shape == (60, 200, 3) and (ground == bgr(PAPER)).all()


def test_a_label_has_the_colour_of_its_box_and_stands_above_it_where_there_is_room():
    for bottom, rows in ((40, slice(0, 41)), (5, slice(5, 60))):
        canvas = Canvas(paper(60, 200))
        canvas.label(20, bottom, "face", PALETTE[1], 15)
        painted = (canvas.picture == bgr(PALETTE[1])).all(-1)
        assert painted.sum() > 100 and painted.sum() == painted[rows].sum()
