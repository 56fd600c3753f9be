"""An argument parser that says in one line what is wrong with the options."""

import argparse
import sys
from typing import Any, NoReturn

from .failures import on_one_line


class Parser(argparse.ArgumentParser):
    """argparse's, with an error of one line and no usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"faceblur: {on_one_line(message)} (see {self.prog} --help)\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """As argparse does it, but for its silence where that cannot be written."""
        if message:
            (file or sys.stderr).write(message)
