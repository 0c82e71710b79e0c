"""Why the simulator's control API cannot do what it is asked to."""

from __future__ import annotations


class NotKnown(Exception):
    """No party knows the thing that is named."""


class Conflict(Exception):
    """The thing is in a state that does not allow it."""


class Unprocessable(Exception):
    """The request makes no sense; the message says what would."""
