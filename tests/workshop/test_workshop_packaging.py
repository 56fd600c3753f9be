"""ZIP packages: equal sources give equal bytes; only code goes in."""

import io
import zipfile

import pytest
from lambda_kit import ROOT

from faceblur.errors import WorkshopError
from faceblur.workshop import ZIP_FUNCTIONS, zip_folder


@pytest.mark.parametrize("function", ZIP_FUNCTIONS)
def test_every_zip_function_packs_into_the_same_bytes_twice(function):
    package = zip_folder(ROOT / "lambda_src" / function, ROOT / "lambda_src" / "shared")
    assert package == zip_folder(ROOT / "lambda_src" / function, ROOT / "lambda_src" / "shared")
    archive = zipfile.ZipFile(io.BytesIO(package))
    assert {"app.py", "aws.py"} <= set(archive.namelist()) and archive.namelist() == sorted(archive.namelist())
    assert all(entry.external_attr >> 16 == 0o100644 for entry in archive.infolist())


def test_time_and_rubbish_do_not_count(tmp_path):
    (tmp_path / "app.py").write_text("def handler(event, context): return 1\n")
    before = zip_folder(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "app.py").touch()
    assert zip_folder(tmp_path) == before


def test_what_is_shared_hides_nothing(tmp_path):
    for folder in ("one", "shared"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.py").touch()
    with pytest.raises(WorkshopError, match="a file of the same name"):
        zip_folder(tmp_path / "one", tmp_path / "shared")


def test_a_folder_without_app_is_refused(tmp_path):
    with pytest.raises(WorkshopError, match=r"app\.py"):
        zip_folder(tmp_path)


def test_the_folders_are_exactly_the_zip_functions():
    assert {path.name for path in (ROOT / "lambda_src").iterdir() if path.is_dir()} == {*ZIP_FUNCTIONS, "shared"}
