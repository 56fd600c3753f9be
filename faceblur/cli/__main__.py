"""`python -m faceblur.cli` is the `faceblur` command."""

import sys

from ..__main__ import main

sys.exit(main())
