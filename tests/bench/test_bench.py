from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from bench.results import Report

ROOT = Path(__file__).resolve().parents[2]


async def run_bench(output: Path, *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench", "--output", str(output), *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


async def test_one_run_measures_orders_beside_the_floor_and_breaks_no_law(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    code, printed = await run_bench(
        output, "--orders", "2", "--in-flight", "2", "--rounds", "1", "--sequential", "1"
    )
    assert code == 0, printed

    report = Report.model_validate_json(output.read_text())
    assert report.broken_laws == ()
    assert report.latency.n == 1
    for side in (report.orders, report.floor):
        assert side.throughput.n == 2
        assert len(side.throughput.rates) == 1
        assert side.history.by_type["workflow_execution_signaled"] == 3
        assert side.actions.by_type["grpc_ExecuteMultiOperation"] == 1
        assert {"worker", "floor worker", "api", "temporal", "postgres"} <= side.cpu.keys()
    assert report.database.by_verb["commit"] > 0
    assert {"ratio", "cpuRatio"} <= json.loads(output.read_text()).keys()
    for title in ("Speed", "Temporal, per order", "CPU seconds per 1,000 orders", "PostgreSQL"):
        assert title in printed


async def test_an_option_that_is_no_number_is_refused_with_its_name(tmp_path: Path) -> None:
    code, printed = await run_bench(tmp_path / "x.json", "--orders", "none")
    assert code == 2
    assert "--orders" in printed
