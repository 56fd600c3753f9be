"""Makes dist/: the wheel and the sdist of the last commit, with links and pictures that work on a package index.

    python .ci/release.py https://HOST/OWNER/REPOSITORY

The sources name no address, because an address that is not yet ours could become somebody else's: it is given here,
when there is one. It has to serve the tag of the version as GitHub does, at ADDRESS/blob/TAG and ADDRESS/raw/TAG.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = "from flit_core import buildapi as b; b.build_sdist({0!r}); b.build_wheel({0!r})"
_URLS = """
[project.urls]
Source = "{address}"
Changelog = "{address}/blob/{tag}/CHANGELOG.md"
Documentation = "{address}/tree/{tag}/docs"
Issues = "{address}/issues"
"""


def version_of(folder: Path) -> str:
    text = (folder / "faceblur" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)[1]


def with_addresses(text: str, address: str, tag: str) -> str:
    """A page at the top of the repository whose relative links and pictures lead to the repository's address."""

    def absolute(found: re.Match) -> str:
        before, target, behind = found.groups()
        if re.match(r"[a-z]+:|#", target):
            return found[0]
        is_picture = before.startswith(("![", "<img"))
        return f"{before}{address}/{'raw' if is_picture else 'blob'}/{tag}/{target}{behind}"

    text = re.sub(r"(!?\[[^\]]*\]\()([^)\s]+)(\))", absolute, text)
    return re.sub(r'(<img [^>]*?src=")([^"]+)(")', absolute, text)


def add_addresses(folder: Path, address: str) -> None:
    """Change README.md and pyproject.toml of a copy of the sources."""
    tag = f"v{version_of(folder)}"
    readme, project = folder / "README.md", folder / "pyproject.toml"
    readme.write_text(with_addresses(readme.read_text(encoding="utf-8"), address, tag), encoding="utf-8")
    urls = _URLS.format(address=address, tag=tag)
    project.write_text(project.read_text(encoding="utf-8") + urls, encoding="utf-8")


def what_is_wrong(folder: Path, address: str) -> str:
    """Why these sources cannot be released at this address; "" when they can."""
    if not re.fullmatch(r"https://[\w.-]+(/[\w.~-]+)+", address):
        return f"{address!r} is no address of a repository, such as https://HOST/OWNER/REPOSITORY"
    heading = rf"^## \[{re.escape(version_of(folder))}\] - \d{{4}}-\d\d-\d\d$"
    if not re.search(heading, (folder / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE):
        return f"CHANGELOG.md has no heading with a date for {version_of(folder)}, the version in faceblur/__init__.py"
    return ""


def main(arguments: list[str]) -> str | None:
    """None, or why nothing was made."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        return __doc__
    with tempfile.TemporaryDirectory() as name:
        folder, archive = Path(name, "sources"), Path(name, "sources.tar")
        subprocess.run(["git", "-C", ROOT, "archive", "-o", archive, "HEAD"], check=True)
        with tarfile.open(archive) as packed:
            packed.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.2 has none
            packed.extractall(folder)
        problem = what_is_wrong(folder, arguments[0])
        if problem:
            return f"release: {problem}"
        add_addresses(folder, arguments[0])
        (ROOT / "dist").mkdir(exist_ok=True)
        subprocess.run([sys.executable, "-c", BUILD.format(os.fspath(ROOT / "dist"))], cwd=folder, check=True)
    print("\n".join(sorted(path.name for path in (ROOT / "dist").iterdir())))
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
