"""Where a running stack answers, written down for the commands of `starter.py`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sandbox.layout import Endpoints

NAME = "endpoints.json"


def write_endpoints(data_dir: Path, at: Endpoints) -> None:
    """Write the file anew, for its owner alone: it holds the API's key."""
    path = data_dir.expanduser() / NAME
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(at.as_json(), file)
    draft.replace(path)
