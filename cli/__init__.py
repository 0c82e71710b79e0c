"""The commands of `starter.py`, one idea a file."""
