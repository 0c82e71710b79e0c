"""The shape of one question to the database."""

from __future__ import annotations

from dataclasses import dataclass

# Between two steps of one order the books may say, for a moment, that something is still to be
# done. What is younger than this is left to its workflow, which takes milliseconds or a retry.
SETTLING = "interval '10 minutes'"


@dataclass(frozen=True, slots=True)
class Check:
    """One question: `violations` selects one text for each row that breaks the law.

    `subjects` counts what was looked at. A `warning` is something that a person should know of
    and that breaks no law.
    """

    law: int
    subjects: str
    violations: str
    warning: bool = False
