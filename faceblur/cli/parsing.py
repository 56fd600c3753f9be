"""An argument parser that says in one line what is wrong with the options."""

import argparse

from .failures import on_one_line


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        self.exit(2, f"faceblur: {on_one_line(message)} (see {self.prog} --help)\n")
