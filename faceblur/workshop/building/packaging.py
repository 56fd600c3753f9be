"""A folder of lambda_src as the ZIP package of a Lambda function. Standard library only."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from ...errors import WorkshopError

# The earliest time a ZIP can hold: equal sources give equal bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


def zip_folder(folder: str | Path) -> bytes:
    """All *.py files below `folder`, in name order. Raises WorkshopError when there is no app.py."""
    folder = Path(folder)
    if not (folder / "app.py").is_file():
        raise WorkshopError(f"{folder} holds no app.py, so it cannot become a Lambda function")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for path in sorted(folder.rglob("*.py")):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = 0o100644 << 16  # readable for Lambda's user
            package.writestr(entry, path.read_bytes())
    return buffer.getvalue()
