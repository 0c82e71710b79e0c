"""The endpoints file is for the owner's eyes, and says what `up --json` says."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from sandbox.endpoints_file import NAME, write_endpoints
from sandbox.layout import Endpoints

AT = Endpoints(
    api="http://127.0.0.1:8000",
    api_key="ofk_1",
    temporal="127.0.0.1:8001",
    ui="http://127.0.0.1:8002",
    database="postgresql+asyncpg://postgres@127.0.0.1:8003/orderflow",
    simulator="http://127.0.0.1:8004",
    mail="http://127.0.0.1:8005",
)


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    write_endpoints(tmp_path, AT)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_it_is_written_anew_by_each_run(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("from another run")
    write_endpoints(tmp_path, AT)
    assert json.loads((tmp_path / NAME).read_text()) == AT.as_json()
