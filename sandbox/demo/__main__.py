"""Run the demo: `python -m sandbox.demo`, or `make demo`."""

from __future__ import annotations

import argparse
import asyncio
import atexit
import sys
import time

from cli import output
from sandbox.demo.tour import run
from sandbox.errors import SandboxError

# The Temporal SDK's threads may crash a shutting-down interpreter (temporalio/sdk-python#300).
atexit.register(time.sleep, 0.1)

_FAILED = 2


def main() -> int:
    """Tell the stories; 1 if one went wrong, 2 if the stack cannot run."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.demo",
        description="Take orders down every path on a stack of its own, and check the books.",
    )
    parser.add_argument(
        "--stay", action="store_true", help="keep the stack running afterwards, until Ctrl-C"
    )
    try:
        return asyncio.run(run(stay=parser.parse_args().stay))
    except SandboxError as error:
        output.fail(str(error))
        return _FAILED
    except KeyboardInterrupt:
        return _FAILED


if __name__ == "__main__":
    sys.exit(main())
