from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sandbox import pid_files
from sandbox.child import Child
from sandbox.errors import SandboxError
from sandbox.processes import Supervisor

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(600)"
)


def child(directory: Path, name: str, code: str, **changes: float) -> Child:
    log = directory / "logs" / f"{name}.log"

    async def printed() -> bool:
        return "up" in log.read_text()

    return Child(
        name=name,
        command=(sys.executable, "-c", code),
        env=dict(os.environ),
        cwd=directory,
        ready=printed,
        **changes,  # type: ignore[arg-type]  # only the times are changed
    )


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - nothing tells when a process is gone
        await asyncio.sleep(0.01)


async def test_a_child_that_is_killed_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([child(tmp_path, "one", SLEEPER)], tmp_path, said.append)
    await supervisor.start("one")
    lives = [supervisor.pid("one")]
    for _ in range(6):
        supervisor.kill("one")
        await supervisor.wait_until_ready()
        lives.append(supervisor.pid("one"))
    await supervisor.stop()
    assert len(set(lives)) == 7
    assert not any(psutil.pid_exists(pid) for pid in lives)
    assert said == ["one died (by SIGKILL); starting it again"] * 6


async def test_a_child_that_dies_at_once_five_times_is_given_up_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    code = "import sys; sys.exit('STRIPE_API_KEY: it is missing')"
    supervisor = Supervisor([child(tmp_path, "worker", code)], tmp_path, lambda _: None)
    with pytest.raises(SandboxError) as failure:
        await supervisor.start("worker")
    await supervisor.stop()
    assert "worker died (exit code 1) 5 times in a row" in str(failure.value)
    assert "STRIPE_API_KEY: it is missing" in str(failure.value)
    log = tmp_path / "logs" / "worker.log"
    assert str(log) in str(failure.value)
    assert log.read_text().count("it is missing") == 5


async def test_a_child_that_never_gets_ready_is_an_error_that_says_so(tmp_path: Path) -> None:
    code = "import time; time.sleep(600)"
    slow = child(tmp_path, "slow", code, ready_within=0.3)
    supervisor = Supervisor([slow], tmp_path, lambda _: None)
    with pytest.raises(SandboxError, match="slow did not get ready within"):
        await supervisor.start("slow")
    await supervisor.stop()


async def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    missing = Child("temporal", ("/nowhere/temporal",), env={}, cwd=tmp_path)
    supervisor = Supervisor([missing], tmp_path, lambda _: None)
    with pytest.raises(SandboxError, match="temporal cannot be started: /nowhere/temporal: No su"):
        await supervisor.start("temporal")
    await supervisor.stop()


async def test_children_are_stopped_in_the_reverse_order(tmp_path: Path) -> None:
    code = (
        "import pathlib, signal, sys, time\n"
        "def leave(*_):\n"
        "    pathlib.Path('order').open('a').write(sys.argv[1] + ' ')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "print('up', flush=True)\n"
        "time.sleep(600)\n"
    )
    children = [
        replace(child(tmp_path, name, code), command=(sys.executable, "-c", code, name))
        for name in ("database", "worker", "api")
    ]
    supervisor = Supervisor(children, tmp_path, lambda _: None)
    for each in children:
        await supervisor.start(each.name)
    await supervisor.stop()
    assert (tmp_path / "order").read_text() == "api worker database "


async def test_a_child_that_does_not_listen_is_killed_after_its_grace(tmp_path: Path) -> None:
    said: list[str] = []
    stubborn = child(tmp_path, "stubborn", STUBBORN, stop_within=0.2)
    supervisor = Supervisor([stubborn], tmp_path, said.append)
    await supervisor.start("stubborn")
    pid = supervisor.pid("stubborn")
    await supervisor.stop()
    assert not psutil.pid_exists(pid)
    assert said == ["stubborn did not stop by itself: killed"]


async def test_a_stop_while_a_child_is_down_ends_it_for_good(tmp_path: Path) -> None:
    supervisor = Supervisor([child(tmp_path, "one", SLEEPER)], tmp_path, lambda _: None)
    await supervisor.start("one")
    supervisor.kill("one")
    await asyncio.wait_for(supervisor.stop(), 5)
    with pytest.raises(SandboxError, match="one is not running"):
        supervisor.pid("one")
    assert list((tmp_path / "run").iterdir()) == []


def test_leftovers_are_stopped_and_nothing_else(tmp_path: Path) -> None:
    def started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(["/bin/sleep", "60"])

    with started() as ours, started() as stranger:
        pid_files.record(tmp_path / "worker.json", ours.pid, signal.SIGTERM)
        # The id of a child that is gone, given to another process since.
        (tmp_path / "api.json").write_text(
            f'{{"pid": {stranger.pid}, "created": {time.time() - 3600}, "signal": 15}}'
        )
        (tmp_path / "mail.json").write_text("half a fi")
        assert pid_files.stop_leftovers(tmp_path) == ["worker"]
        assert ours.wait() == -signal.SIGTERM
        assert stranger.poll() is None
        assert list(tmp_path.iterdir()) == []
        stranger.kill()


def test_a_leftover_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pid_files, "_GRACE_SECONDS", 0.2)
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as ours:
        assert ours.stdout is not None
        ours.stdout.readline()
        pid_files.record(tmp_path / "worker.json", ours.pid, signal.SIGTERM)
        pid_files.stop_leftovers(tmp_path)
        assert ours.wait() == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
async def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from sandbox.child import Child\n"
        "from sandbox.processes import Supervisor\n"
        "async def main():\n"
        "    sleeper = Child('one', ('/bin/sleep', '600'), env={}, cwd=Path('/'))\n"
        "    supervisor = Supervisor([sleeper], Path(sys.argv[1]), print)\n"
        "    await supervisor.start('one')\n"
        "    print(supervisor.pid('one'), flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    supervisor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, str(tmp_path)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    orphan = psutil.Process(int(await supervisor.stdout.readline()))
    supervisor.kill()
    await supervisor.wait()
    await until(lambda: not pid_files.is_alive(orphan))
