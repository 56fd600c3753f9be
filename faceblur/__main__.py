"""`python -m faceblur` is the `faceblur` command."""

import sys

from .cli import main

sys.exit(main())
