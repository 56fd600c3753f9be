"""A folder of lambda_src as the ZIP package of a Lambda function. Standard library only."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from ...errors import WorkshopError

# The earliest time a ZIP can hold: equal sources give equal bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


def zip_folder(folder: str | Path, shared: str | Path | None = None) -> bytes:
    """All *.py files below `folder` and below `shared`, in name order. Raises WorkshopError when there is no app.py, or
    when both hold a file of one name.
    """
    folder = Path(folder)
    if not (folder / "app.py").is_file():
        raise WorkshopError(f"{folder} holds no app.py, so it cannot become a Lambda function")
    places = [folder, Path(shared)] if shared else [folder]
    files = sorted((path.relative_to(place).as_posix(), path) for place in places for path in place.rglob("*.py"))
    if len(dict(files)) < len(files):
        raise WorkshopError(f"{folder} and {shared} hold a file of the same name")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name, path in files:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = 0o100644 << 16  # readable for Lambda's user
            package.writestr(entry, path.read_bytes())
    return buffer.getvalue()
