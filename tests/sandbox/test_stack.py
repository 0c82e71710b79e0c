from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from sandbox.errors import SandboxError
from sandbox.pid_files import is_alive
from sandbox.ports import plan_ports
from sandbox.probes import http_get
from sandbox.stack import EmbeddedStack
from sandbox.temporal_server import DYNAMIC_CONFIG, SEARCH_ATTRIBUTES
from tests.sandbox.standin import stand_in_project

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("postgres", "temporal", "simulator", "mail", "worker", "api")

UP = """
import asyncio, functools, sys
from pathlib import Path
from sandbox import up
up.EmbeddedStack = functools.partial(up.EmbeddedStack, project=Path(sys.argv[1]), durable=False)
data, base, as_json = Path(sys.argv[2]), int(sys.argv[3]), "--json" in sys.argv
sys.exit(asyncio.run(up.run_up(data, base, json_line=as_json)))
"""


def command_of(stack: EmbeddedStack, name: str) -> list[str]:
    return psutil.Process(stack.process(name)).cmdline()


async def start_up(project: Path, data: Path, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", UP, str(project), str(data), *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def first_line(process: asyncio.subprocess.Process) -> dict[str, str]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    endpoints: dict[str, str] = json.loads(line)
    return endpoints


async def test_the_whole_stack_comes_up_is_as_specified_heals_and_stops(tmp_path: Path) -> None:
    project = stand_in_project(tmp_path / "project")
    async with EmbeddedStack(tmp_path / "data", 0, durable=False, project=project) as stack:
        at, environment = stack.endpoints, stack.environment
        processes = [psutil.Process(stack.process(name)) for name in PARTS]

        assert (project / "commands").read_text().splitlines() == [
            f"migrate {at.database}",
            f"seed {at.database}",
        ]
        assert command_of(stack, "worker")[1:] == ["worker.py"]
        assert command_of(stack, "api")[1:] == ["-m", "api"]
        assert command_of(stack, "simulator")[1:] == ["-m", "sandbox.simulator"]
        temporal = command_of(stack, "temporal")
        assert temporal[1:3] == ["server", "start-dev"]
        assert {f"{name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()} <= set(temporal)
        assert {f"{name}={value}" for name, value in DYNAMIC_CONFIG.items()} <= set(temporal)
        codec = temporal[temporal.index("--ui-codec-endpoint") + 1]
        assert codec == f"{at.api}/codec/{environment['CODEC_TOKEN']}"
        assert environment["TEMPORAL_ADDRESS"] == at.temporal
        assert environment["STRIPE_BASE_URL"] == at.simulator
        assert environment["API_KEYS"] == at.api_key
        assert {(await http_get(url))[0] for url in (at.ui, at.mail, at.simulator, at.api)} == {200}
        connection = await asyncpg.connect(at.database.replace("+asyncpg", ""))
        await connection.close()

        for name in PARTS:
            stack.kill(name)
        await stack.wait_until_ready()
        assert not {each.pid for each in processes} & {stack.process(name) for name in PARTS}
        processes += [psutil.Process(stack.process(name)) for name in PARTS]
    assert not any(is_alive(each) for each in processes)
    assert not list((tmp_path / "data" / "run").iterdir())


async def test_a_migration_that_fails_stops_the_start_with_what_it_said(tmp_path: Path) -> None:
    project = stand_in_project(tmp_path / "project", starter="raise SystemExit('no such column')")
    stack = EmbeddedStack(tmp_path / "data", 0, durable=False, project=project)
    with pytest.raises(SandboxError) as failure:
        async with stack:
            pass
    assert "`starter.py migrate` failed (exit code 1)" in str(failure.value)
    assert "no such column" in str(failure.value)
    assert not list((tmp_path / "data" / "run").iterdir())


async def test_a_worker_that_cannot_start_stops_the_start_with_its_complaint(
    tmp_path: Path,
) -> None:
    complaint = "raise SystemExit('WAREHOUSE_API_KEY: it is missing')"
    project = stand_in_project(tmp_path / "project", worker=complaint)
    stack = EmbeddedStack(tmp_path / "data", 0, durable=False, project=project)
    with pytest.raises(SandboxError, match="worker died") as failure:
        async with stack:
            pass
    assert "WAREHOUSE_API_KEY: it is missing" in str(failure.value)


async def test_a_second_stack_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    project = stand_in_project(tmp_path / "project")
    data = tmp_path / "data"
    async with EmbeddedStack(data, 0, durable=False, project=project):
        with pytest.raises(SandboxError, match=f"another stack .process {os.getpid()}. runs on"):
            async with EmbeddedStack(data, 0, durable=False, project=project):
                pass


async def test_up_prints_the_endpoints_first_and_stops_cleanly(tmp_path: Path) -> None:
    project = stand_in_project(tmp_path / "project")
    base = plan_ports(0).api
    process = await start_up(project, tmp_path / "data", str(base), "--json")
    at = await first_line(process)
    assert list(at) == ["api", "apiKey", "temporal", "ui", "database", "simulator", "mail"]
    assert at["api"] == f"http://127.0.0.1:{base}"
    assert at["temporal"] == f"127.0.0.1:{base + 1}"
    process.send_signal(signal.SIGTERM)
    out, err = await process.communicate()
    assert (process.returncode, out) == (0, b"")
    assert b"Traceback" not in err


async def test_after_a_kill_the_next_up_clears_what_is_left_and_keeps_the_data(
    tmp_path: Path,
) -> None:
    project = stand_in_project(tmp_path / "project")
    base, data = plan_ports(0).api, tmp_path / "data"
    first = await start_up(project, data, str(base), "--json")
    at = await first_line(first)
    connection = await asyncpg.connect(at["database"].replace("+asyncpg", ""))
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    await connection.close()
    first.kill()
    await first.communicate()

    second = await start_up(project, data, str(base), "--json")
    assert await first_line(second) == at
    connection = await asyncpg.connect(at["database"].replace("+asyncpg", ""))
    assert await connection.fetchval("SELECT answer FROM kept") == 42
    await connection.close()
    second.send_signal(signal.SIGINT)
    await second.communicate()
    assert second.returncode == 0


async def test_up_says_what_is_wrong_in_words_with_exit_code_2(tmp_path: Path) -> None:
    project = stand_in_project(tmp_path / "project")
    (tmp_path / "file").touch()
    plan = plan_ports(0)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", plan.mail)
    async with server:
        for data, base, expected in (
            (tmp_path / "file", 0, "cannot write to the data directory"),
            (tmp_path / "data", plan.api, f"port {plan.mail} (the mail page) is used by process"),
        ):
            process = await start_up(project, data, str(base))
            out, err = await asyncio.wait_for(process.communicate(), 30)
            assert process.returncode == 2
            assert expected in err.decode()
            assert b"Traceback" not in out + err
