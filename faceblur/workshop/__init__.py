"""What the notebooks call: `from faceblur import workshop`. Nothing here goes into a Lambda function.

What a notebook teaches stands in the notebook in plain boto3; what it does not teach (state, waiting,
packaging, image build, drawing, inventory) is one call into this package.
"""

from . import extra  # noqa: F401 - before the others, which need what it looks for
from .chapters import CHAPTERS, Chapter
from .cleanup import clean_up, remaining
from .costs import PRICES, run_costs, standing_costs, with_prices
from .definition import render_definition
from .diagram import pipeline_svg, show_pipeline
from .image import build_and_push
from .inventory import inventory
from .kinds import bucket_tags, is_missing
from .limits import within_memory_limit
from .names import FUNCTIONS, IMAGE_FUNCTIONS, STATE_MACHINE_ROLE, ZIP_FUNCTIONS, Names
from .packaging import zip_folder
from .session import Workshop, begin, project_root, state_path
from .state import State
from .waiting import settle, wait_for

__all__ = [
    "CHAPTERS",
    "FUNCTIONS",
    "IMAGE_FUNCTIONS",
    "PRICES",
    "STATE_MACHINE_ROLE",
    "ZIP_FUNCTIONS",
    "Chapter",
    "Names",
    "State",
    "Workshop",
    "begin",
    "bucket_tags",
    "build_and_push",
    "clean_up",
    "inventory",
    "is_missing",
    "pipeline_svg",
    "project_root",
    "remaining",
    "render_definition",
    "run_costs",
    "settle",
    "show_pipeline",
    "standing_costs",
    "state_path",
    "wait_for",
    "with_prices",
    "within_memory_limit",
    "zip_folder",
]
