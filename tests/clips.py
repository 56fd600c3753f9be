"""Real clips, when they are at hand: a folder beside the repository that is no part of it."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "clips"
needs_clips = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real clips (../shared/clips) are not here")
