from __future__ import annotations

import re

from rich.console import Console

from bench.picking import command


def test_the_routes_are_measured_beside_the_s_shape() -> None:
    console = Console(record=True, width=160)
    assert command.run(["--lists", "2"], console) == 0
    rows = re.findall(r"\d+ × \d, \d+ .*?(\d\.\d\d)", console.export_text())
    assert len(rows) == 14
    assert all(0 < float(share) <= 1 for share in rows)
