"""`python -m faceblur.cli` is the `faceblur` command."""

import sys

from . import main

sys.exit(main())
