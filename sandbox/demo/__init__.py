"""A tour: orders down every path, on a stack of its own; `python -m sandbox.demo`."""
