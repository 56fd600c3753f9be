"""What the notebooks call: `from faceblur import workshop`. Nothing here goes into a Lambda function.

What a notebook teaches stands in the notebook in plain boto3; what it does not teach (state, waiting,
packaging, image build, drawing, inventory) is one call into this package.
"""

from . import extra  # noqa: F401 - before the others, which need what it looks for
from .account.cleanup import clean_up, remaining
from .account.costs import PRICES, run_costs, standing_costs, with_prices
from .account.inventory import inventory
from .account.kinds import bucket_tags, is_missing
from .account.limits import within_memory_limit
from .account.logs import keep_log_group
from .account.mail import tell_by_mail
from .account.waiting import settle, wait_for
from .building.definition import render_definition
from .building.image import build_and_push
from .building.packaging import zip_folder
from .chapters import CHAPTERS, Chapter
from .names import FUNCTIONS, IMAGE_FUNCTIONS, STATE_MACHINE_ROLE, ZIP_FUNCTIONS, Names
from .places import project_root, state_path
from .session import Workshop, begin
from .state import State
from .watching.diagram import pipeline_svg, show_pipeline

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
    "keep_log_group",
    "pipeline_svg",
    "project_root",
    "remaining",
    "render_definition",
    "run_costs",
    "settle",
    "show_pipeline",
    "standing_costs",
    "state_path",
    "tell_by_mail",
    "wait_for",
    "with_prices",
    "within_memory_limit",
    "zip_folder",
]
