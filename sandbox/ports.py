"""Which part of the embedded stack listens where."""

from __future__ import annotations

import itertools
import os
import socket
from dataclasses import astuple, dataclass, fields

import psutil

from sandbox.errors import SandboxError

HOST = "127.0.0.1"

# Below every system's range for outgoing connections, which could take a port between our look
# and the server's bind.
_FREE_FROM, _FREE_BELOW = 20_000, 32_000
_BLOCK = 10
_blocks = itertools.count(os.getpid() * 7)


@dataclass(frozen=True, slots=True)
class PortPlan:
    """One port for each listener, in the order of their distance from the port base."""

    api: int
    temporal: int
    ui: int
    postgres: int
    simulator: int
    mail: int
    smtp: int
    temporal_metrics: int
    worker_metrics: int


_COUNT = len(fields(PortPlan))
_LABELS = (
    "the API",
    "Temporal",
    "Temporal's Web UI",
    "PostgreSQL",
    "the simulator",
    "the mail page",
    "SMTP",
    "Temporal's metrics",
    "the worker's metrics",
)


def plan_ports(port_base: int) -> PortPlan:
    """Lay the stack's ports from `port_base` on; 0 takes a free stretch.

    Raises:
        SandboxError: the base is out of range, or ports are taken; the message names each one.
    """
    if port_base == 0:
        return _lay(_free_base())
    highest = 65_536 - _COUNT
    if not 1 <= port_base <= highest:
        raise SandboxError(f"--port-base must be 0 (any free ports) or 1 to {highest}")
    plan = _lay(port_base)
    taken = [
        f"  port {port} ({label}) is used by {_user_of(port)}"
        for port, label in zip(astuple(plan), _LABELS, strict=True)
        if not _is_free(port)
    ]
    if taken:
        raise SandboxError(
            "\n".join(["the stack's ports are not free:", *taken])
            + f"\nStop it, or choose other ports: --port-base {_free_base()}"
            + " (0 takes any free ones)"
        )
    return plan


def _lay(base: int) -> PortPlan:
    return PortPlan(*range(base, base + _COUNT))


def _free_base() -> int:
    # Processes that start at the same moment begin their search at different places, since none
    # of them listens yet.
    stretch = (_FREE_BELOW - _FREE_FROM) // _BLOCK
    for block in itertools.islice(_blocks, stretch):
        base = _FREE_FROM + block % stretch * _BLOCK
        if all(_is_free(port) for port in astuple(_lay(base))):
            return base
    raise SandboxError(f"no {_COUNT} free ports in a row between {_FREE_FROM} and {_FREE_BELOW}")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers bind: connections that linger from the last run do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _user_of(port: int) -> str:
    try:
        listeners = {
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr[1] == port
            and connection.pid
        }
        for pid in sorted(listeners):
            command = " ".join(psutil.Process(pid).cmdline())
            return f"process {pid} ({command[:100]})"
    except psutil.Error:
        pass
    return "a process of another user, or by the system"
