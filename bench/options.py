"""What the benchmarks' commands take."""

from __future__ import annotations

import argparse


def positive(value: str) -> int:
    """A whole number from 1 on.

    Raises:
        argparse.ArgumentTypeError: if it is less.
    """
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number
