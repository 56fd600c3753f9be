"""An argument parser that says in one line what is wrong with the options."""

import argparse
import sys

from .failures import on_one_line


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        self.exit(2, f"faceblur: {on_one_line(message)} (see {self.prog} --help)\n")

    def _print_message(self, message: str, file=None):
        """As argparse does it, but for its silence where that cannot be written."""
        if message:
            (file or sys.stderr).write(message)
