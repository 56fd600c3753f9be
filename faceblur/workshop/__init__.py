"""What the notebooks call: `from faceblur import workshop`. Nothing here goes into a Lambda function.

What a notebook teaches stands in the notebook in plain boto3; what it does not teach (state, waiting,
packaging, image build, drawing, inventory) is one call into this package.
"""

from .chapters import CHAPTERS, Chapter
from .diagram import pipeline_svg, show_pipeline
from .names import FUNCTIONS, IMAGE_FUNCTIONS, STATE_MACHINE_ROLE, ZIP_FUNCTIONS, Names
from .session import Workshop, begin, project_root, state_path
from .state import State

__all__ = [
    "CHAPTERS",
    "FUNCTIONS",
    "IMAGE_FUNCTIONS",
    "STATE_MACHINE_ROLE",
    "ZIP_FUNCTIONS",
    "Chapter",
    "Names",
    "State",
    "Workshop",
    "begin",
    "pipeline_svg",
    "project_root",
    "show_pipeline",
    "state_path",
]
